#include "daemon/container/health.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/container/object.h"

enum { RESULTS_MAX = 5, OUTPUT_MAX = 4096, STREAMS = 2 };

enum status { STARTING, HEALTHY, UNHEALTHY, STATUS_COUNT };

static const char *const status_names[STATUS_COUNT] = {
	[STARTING] = "starting",
	[HEALTHY] = "healthy",
	[UNHEALTHY] = "unhealthy",
};

struct result {
	int64_t started_at_us, finished_at_us;
	int exit_status; /* -1: there is none */
	char *output;
};

struct health {
	struct container *container;
	enum status status;
	int64_t failures;	      /* in a row */
	int64_t began_us;	      /* by the monotonic clock */
	struct event *timer;	      /* the next look, or the end of this one */
	struct launch *launch;	      /* until it is gone */
	struct inner_group group;     /* of this look, or the last one */
	bool looking;		      /* it has no result yet */
	int64_t looking_since_us;     /* of the day */
	struct event *reads[STREAMS]; /* standard output and error; their descriptors are theirs */
	char output[OUTPUT_MAX];
	size_t n_output;
	struct result results[RESULTS_MAX]; /* the oldest first */
	size_t n_results;
};

static const struct health_spec *spec_of(const struct health *health)
{
	return &health->container->spec.health;
}

static void set_timer(struct health *health, int64_t ms)
{
	const struct timeval timeout = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };

	if (event_add(health->timer, &timeout) < 0)
		abort();
}

/* --- Results --------------------------------------------------------------------------------- */

/* What a program has written, as text: what is none is replaced. */
static char *to_text(const char *bytes, size_t n)
{
	char *text = alloc_zero(1, n + 1);

	for (size_t i = 0; i < n;) {
		size_t length = bytes[i] ? text_utf8_length(bytes + i, n - i) : 0;

		if (length == 0)
			text[i++] = '?';
		for (; length > 0; length--, i++)
			text[i] = bytes[i];
	}
	return text;
}

static void remember(struct health *health, int exit_status, const char *output, size_t n)
{
	struct result *last = &health->results[RESULTS_MAX - 1];

	if (health->n_results == RESULTS_MAX) {
		free(health->results[0].output);
		(void)memmove(health->results, health->results + 1,
			      (RESULTS_MAX - 1) * sizeof(*health->results));
	} else {
		last = &health->results[health->n_results++];
	}
	*last = (struct result){
		.started_at_us = health->looking_since_us,
		.finished_at_us = clock_realtime_us(),
		.exit_status = exit_status,
		.output = to_text(output, n),
	};
}

static void change(struct health *health, enum status status)
{
	struct container *container = health->container;

	if (health->status == status)
		return;
	health->status = status;
	container_changed(container);
	container_save_run(container);
	container_event(container, "health_status", "status", status_names[status], NULL);
	if (status == UNHEALTHY)
		restart_unhealthy(container);
}

static bool is_starting(const struct health *health)
{
	return health->status == STARTING &&
	       clock_monotonic_us() - health->began_us < spec_of(health)->start_period_ms * 1000;
}

static void stop_reading(struct health *health)
{
	for (size_t i = 0; i < STREAMS; i++) {
		if (!health->reads[i])
			continue;
		(void)close(event_get_fd(health->reads[i]));
		event_free(TAKE_PTR(health->reads[i]));
	}
}

/* One look is over. */
static void conclude(struct health *health, int exit_status, const char *output, size_t n)
{
	if (!health->looking)
		return;
	health->looking = false;
	stop_reading(health);
	remember(health, exit_status, output, n);
	set_timer(health, spec_of(health)->interval_ms);
	if (exit_status == 0) {
		health->failures = 0;
		change(health, HEALTHY);
	} else if (!is_starting(health) && ++health->failures >= spec_of(health)->retries) {
		change(health, UNHEALTHY);
	}
}

/* --- Looking --------------------------------------------------------------------------------- */

/* What is too much for the place is read as well, so that nobody waits. */
static void read_some(struct health *health, int fd, struct event *event)
{
	char chunk[OUTPUT_MAX];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0) {
		size_t room = OUTPUT_MAX - health->n_output;
		size_t taken = (size_t)n < room ? (size_t)n : room;

		(void)memcpy(health->output + health->n_output, chunk, taken);
		health->n_output += taken;
	}
	if (n == 0 || errno != EAGAIN)
		(void)event_del(event);
}

static void on_readable(evutil_socket_t fd, short what, void *userdata)
{
	struct health *health = userdata;

	(void)what;
	for (size_t i = 0; i < STREAMS; i++)
		if (event_get_fd(health->reads[i]) == fd)
			read_some(health, fd, health->reads[i]);
}

static void on_started(void *userdata)
{
	(void)userdata;
}

static void on_warned(void *userdata, const char *message)
{
	(void)userdata;
	(void)message;
}

static void on_failed(void *userdata, const struct error *err)
{
	conclude(userdata, -1, err->message, strlen(err->message));
}

/* What it has left behind in its container may hold its pipes: nobody waits for their end. */
static void on_exited(void *userdata, int wait_status)
{
	struct health *health = userdata;

	for (size_t i = 0; i < STREAMS; i++)
		if (health->looking && health->reads[i])
			read_some(health, event_get_fd(health->reads[i]), health->reads[i]);
	conclude(health,
		 WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status),
		 health->output, health->n_output);
}

static void on_gone(void *userdata)
{
	struct health *health = userdata;
	struct error ignored;

	health->launch = launch_free(health->launch);
	/* Else each look could leave something, and they never end. */
	if (!inner_group_remove(&health->group))
		(void)inner_group_kill(&health->group, &ignored);
}

static const struct launch_callbacks callbacks = {
	.started = on_started,
	.failed = on_failed,
	.warned = on_warned,
	.exited = on_exited,
	.gone = on_gone,
};

static void begin_reading(struct health *health, const struct launch_stdio *stdio)
{
	const int fds[STREAMS] = { stdio->stdout_fd, stdio->stderr_fd };

	(void)fd_close(stdio->stdin_fd);
	for (size_t i = 0; i < STREAMS; i++) {
		health->reads[i] = event_new(health->container->set->params.base, fds[i],
					     EV_READ | EV_PERSIST, on_readable, health);
		if (!health->reads[i] || event_add(health->reads[i], NULL) < 0)
			abort();
	}
}

static int look(struct health *health, struct error *err)
{
	struct container *container = health->container;
	const struct exec_spec spec = { .command = spec_of(health)->command };
	_cleanup_(exec_plan_done) struct exec_plan plan = EXEC_PLAN_NULL;
	struct launch_stdio stdio;

	if (exec_plan_make(container, &spec, &health->group, &plan, err) < 0 ||
	    launch_exec(container->set->params.launcher, &plan.params, &callbacks, health,
			&health->launch, &stdio, err) < 0)
		return -1;
	begin_reading(health, &stdio);
	return 0;
}

/* A group of its own for each look: on v2 what enters one that was killed is killed, too. */
static void renew_group(struct health *health)
{
	char id[24];

	inner_group_done(&health->group);
	(void)snprintf(id, sizeof(id), "%llx", (unsigned long long)clock_monotonic_us());
	inner_group_init(&health->group, health->container, "health", id);
}

static void begin(struct health *health)
{
	struct error err;

	health->looking = true;
	health->looking_since_us = clock_realtime_us();
	health->n_output = 0;
	set_timer(health, spec_of(health)->timeout_ms);
	renew_group(health);
	if (look(health, &err) < 0)
		conclude(health, -1, err.message, strlen(err.message));
}

static void give_up(struct health *health)
{
	static const char message[] = "it took too long";
	struct error ignored;

	if (inner_group_kill(&health->group, &ignored) < 0)
		(void)launch_signal(health->launch, SIGKILL, &ignored);
	conclude(health, -1, message, sizeof(message) - 1);
}

/* Of the look before there is still something left. */
static bool is_ending(const struct health *health)
{
	return health->launch || inner_group_is_dying(&health->group);
}

static void on_timer(evutil_socket_t fd, short what, void *userdata)
{
	struct health *health = userdata;

	(void)fd;
	(void)what;
	/* What is paused cannot answer, and is not blamed for it. */
	if (health->container->state != CONTAINER_RUNNING ||
	    (!health->looking && is_ending(health)))
		set_timer(health, health->looking ? spec_of(health)->timeout_ms :
						    spec_of(health)->interval_ms);
	else if (health->looking)
		give_up(health);
	else
		begin(health);
}

/* --- Its life -------------------------------------------------------------------------------- */

struct health *health_new(struct container *container)
{
	struct health *health;

	if (!container->spec.health.command)
		return NULL;
	health = ALLOC(struct health);
	health->container = container;
	health->began_us = clock_monotonic_us();
	health->timer = event_new(container->set->params.base, -1, 0, on_timer, health);
	if (!health->timer)
		abort();
	set_timer(health, spec_of(health)->interval_ms);
	return health;
}

struct health *health_free(struct health *health)
{
	struct error ignored;

	if (!health)
		return NULL;
	event_free(health->timer);
	if (health->looking)
		(void)inner_group_kill(&health->group, &ignored);
	inner_group_done(&health->group);
	stop_reading(health);
	(void)launch_free(health->launch);
	for (size_t i = 0; i < health->n_results; i++)
		free(health->results[i].output);
	free(health);
	return NULL;
}

/* --- Telling --------------------------------------------------------------------------------- */

const char *health_status(const struct health *health)
{
	return health ? status_names[health->status] : NULL;
}

static struct json_object *result_to_json(const struct result *result)
{
	struct json_object *object = json_object_new_object();

	record_add_time(object, "started_at", result->started_at_us);
	record_add_time(object, "finished_at", result->finished_at_us);
	if (result->exit_status >= 0)
		record_add_int(object, "exit_status", result->exit_status);
	record_add_string(object, "output", result->output);
	return object;
}

void health_to_json(const struct health *health, struct json_object *detail)
{
	struct json_object *results;

	if (!health)
		return;
	results = json_object_new_array();
	record_add_int(detail, "health_failures", health->failures);
	for (size_t i = 0; i < health->n_results; i++)
		json_object_array_add(results, result_to_json(&health->results[i]));
	json_object_object_add(detail, "health_results", results);
}

void health_to_record(const struct health *health, struct json_object *record)
{
	record_add_string(record, "health", health_status(health));
}

void health_from_record(struct health *health, struct json_object *record)
{
	const char *name = json_object_get_string(json_object_object_get(record, "health"));

	for (int i = 0; health && name && i < STATUS_COUNT; i++)
		if (strcmp(name, status_names[i]) == 0)
			health->status = (enum status)i;
}
