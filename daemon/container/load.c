/* Reading the records of an earlier daemon. */
#include <search.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "daemon/container/kept.h"
#include "daemon/container/object.h"
#include "daemon/container/userns.h"

enum { SWEEP_AGAIN_MS = 50, SWEEPS_MAX = 200 };

struct loading {
	struct containers *set;
	struct container **loaded; /* in the order of the directory */
	size_t n, capacity;
};

/* A record that cannot be used is set aside, told, and the rest goes on. */
static void reject(struct loading *loading, enum store_place place, const char *id,
		   struct error *err)
{
	struct error ignored;

	(void)error_prefix(err, "its record is set aside");
	loading->set->params.complain(id, err);
	(void)store_set_aside(loading->set->params.store, place, id, &ignored);
}

static void remember(struct loading *loading, struct container *container)
{
	if (loading->n == loading->capacity) {
		loading->capacity = loading->capacity ? loading->capacity * 2 : 64;
		loading->loaded =
			alloc_resize(loading->loaded, loading->capacity * sizeof(*loading->loaded));
	}
	loading->loaded[loading->n++] = container;
}

/* It stays where it is, for a program that knows it. */
static void tell_salvaged(struct loading *loading, struct container *container)
{
	struct error err;

	(void)error_set(&err, ERROR_FAILED, "%.700s", container->unreadable);
	loading->set->params.complain(container->id, &err);
	remember(loading, container);
}

static void load_record(void *userdata, const char *id, const char *text, size_t size,
			const struct error *read_err)
{
	struct loading *loading = userdata;
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct container *container;
	struct error err;

	if (!text) {
		loading->set->params.complain(id, read_err);
		return;
	}
	if (json_parse(text, size, &object, &err) < 0) {
		reject(loading, STORE_STATE, id, &err);
		return;
	}
	if (record_from_json(loading->set, id, object, &container, &err) < 0) {
		if (salvage_later(loading->set, STORE_STATE, id, object, &container))
			tell_salvaged(loading, container);
		else
			reject(loading, STORE_STATE, id, &err);
		return;
	}
	if (container_resolve_command(container, &err) < 0) {
		/* Its image is gone; it can still be looked at and removed. */
		loading->set->params.complain(id, &err);
	}
	/* In the set at once, so that names are known to be taken; the order comes later. */
	containers_add(loading->set, container);
	remember(loading, container);
}

/* --- What ran -------------------------------------------------------------------------------- */

struct raw_run {
	int64_t pid, last_exec, oom_kills;
	char *state, *started_at, *group;
	bool unhealthy;
};

static const struct json_field run_fields[] = {
	JSON_FIELD(struct raw_run, pid, JSON_INT),
	JSON_FIELD(struct raw_run, last_exec, JSON_INT),
	JSON_FIELD(struct raw_run, oom_kills, JSON_INT),
	JSON_FIELD(struct raw_run, state, JSON_STRING),
	JSON_FIELD(struct raw_run, unhealthy, JSON_BOOL),
	JSON_FIELD(struct raw_run, started_at, JSON_STRING),
	JSON_FIELD(struct raw_run, group, JSON_STRING),
};

static void raw_run_done(struct raw_run *raw)
{
	json_free_fields(run_fields, ARRAY_SIZE(run_fields), raw);
}

/* A container with --rm has no other record than this. */
static int find_or_make(struct containers *set, const char *id, struct json_object *object,
			struct container **ret, bool *ret_made, struct error *err)
{
	struct error ignored;

	if (strlen(id) != ID_LENGTH)
		return error_set(err, ERROR_PROTOCOL, "it is no container's");
	if (containers_find(set, id, ret, &ignored) == 0)
		return 0;
	*ret_made = true;
	if (record_from_json(set, id, object, ret, err) < 0)
		return salvage_later(set, STORE_RUN, id, object, ret) ||
				       salvage_running(set, id, ret) ?
			       0 :
			       -1;
	(void)container_resolve_command(*ret, &ignored);
	containers_add(set, *ret);
	return 0;
}

static int adopt(struct loading *loading, const char *id, const char *text, size_t size,
		 struct container **ret, struct error *err)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	_cleanup_(raw_run_done) struct raw_run raw = { 0 };
	struct container *container;
	bool made = false;

	if (json_parse(text, size, &object, err) < 0 ||
	    json_read_fields(object, run_fields, ARRAY_SIZE(run_fields), &raw, err) < 0 ||
	    find_or_make(loading->set, id, object, &container, &made, err) < 0)
		return -1;
	*ret = container;
	if ((!made || container->unreadable) &&
	    container_userns_from_record(container, object, err) < 0 && !container->unreadable)
		return -1;
	if (raw.started_at)
		(void)clock_parse(raw.started_at, &container->started_at_us);
	if (process_adopt(&container->process, loading->set->params.launcher, (pid_t)raw.pid, err) <
	    0)
		return -1;
	if (made && container->unreadable)
		tell_salvaged(loading, container);
	else if (made)
		remember(loading, container);
	if (container->unreadable)
		container->spec.terminal = process_has_terminal(&container->process);
	container->state = raw.state && strcmp(raw.state, "paused") == 0 ? CONTAINER_PAUSED :
									   CONTAINER_RUNNING;
	container->exit_status = -1;
	container->oom_kills = raw.oom_kills > 0 ? raw.oom_kills : 0;
	container->finished_at_us = 0;
	group_adopt(container, raw.group && cgroup_is_name(raw.group) ? raw.group : container->id);
	container->wanted = true;
	container->ran_from_us = clock_monotonic_us();
	container->health = health_new(container);
	kills_watch(container);
	health_from_record(container->health, object);
	/* Its number is not given again: something that it started may be in its group. */
	if (raw.last_exec > 0 && raw.last_exec < INT32_MAX)
		container->last_exec = (unsigned int)raw.last_exec;
	container_adopt_networks(container, object);
	execs_adopt(container, json_object_object_get(object, "execs"));
	/* It was asked to stop, and that goes on. */
	if (raw.unhealthy)
		container_stop_unhealthy(container);
	else if (raw.state && strcmp(raw.state, "stopping") == 0)
		(void)container_stop(container, CONTAINER_STOP_TIMEOUT_OWN, err);
	return 0;
}

static void lose(struct container *container)
{
	container->finished_at_us = clock_realtime_us();
	container->exit_status = 128 + 9;
	container->state = CONTAINER_EXITED;
	container->ran_at_end = false;
	if (container->unreadable)
		return;
	container_set_error(container, "lost: the daemon ended while it ran");
	if (container->spec.auto_remove) {
		container_discard(container);
		return;
	}
	container_log_lost(container);
	container_save(container);
}

/* A record of the run directory that is still there tells of a container that ran when the daemon
 * ended. Where its descriptors were kept, it goes on; otherwise dokrust-init has ended it.
 */
static void load_run_record(void *userdata, const char *id, const char *text, size_t size,
			    const struct error *read_err)
{
	struct loading *loading = userdata;
	struct containers *set = loading->set;
	struct container *container = NULL;
	struct error err, ignored;

	if (text && adopt(loading, id, text, size, &container, &err) == 0)
		return;
	if (!text)
		err = *read_err;
	(void)error_prefix(&err, "lost");
	set->params.complain(id, &err);
	(void)store_remove(set->params.store, STORE_RUN, id, NULL, NULL, &ignored);
	if (!container && strlen(id) == ID_LENGTH)
		(void)containers_find(set, id, &container, &ignored);
	if (container)
		lose(container);
	else
		store_discard_layer(set->params.store, id);
}

/* Those that ran when the host went down have not even a record of the run. */
static void lose_unseen(struct containers *set)
{
	struct container *container, *next;

	for (container = TAILQ_FIRST(&set->list); container; container = next) {
		next = TAILQ_NEXT(container, entry);
		if (container->ran_at_end && !container_is_active(container))
			lose(container);
	}
}

static bool has_group(const char *name, void *userdata)
{
	struct containers *set = userdata;
	const struct container *container;

	TAILQ_FOREACH (container, &set->list, entry)
		if (container->cgroup && strcmp(cgroup_name(container->cgroup), name) == 0)
			return true;
	return false;
}

/* Groups of containers that run no more. What dies in them now is gone a moment later, for which a
 * daemon that is to end waits.
 */
static void sweep_groups(evutil_socket_t fd, short what, void *userdata)
{
	static const struct timeval again = { .tv_usec = SWEEP_AGAIN_MS * 1000 };
	struct containers *set = userdata;

	(void)fd;
	(void)what;
	set->sweeping =
		cgroups_sweep(set->params.cgroups, has_group, set) > 0 &&
		++set->n_sweeps < SWEEPS_MAX &&
		event_base_once(set->params.base, -1, EV_TIMEOUT, sweep_groups, set, &again) == 0;
	containers_check_stopped(set);
}

/* What was kept of containers that there is no record of: they end. */
static void drop_orphans(struct containers *set)
{
	struct keep *keep = set->params.keep;
	const char *name;
	size_t skipped = 0;

	while ((name = keep_left(keep, skipped))) {
		bool is_pidfd = kept_is_pidfd(name);
		_cleanup_(fd_closep) int fd = -1;

		if (strncmp(name, KEPT_PREFIX, strlen(KEPT_PREFIX)) != 0) {
			skipped++;
			continue;
		}
		fd = keep_take(keep, name);
		if (is_pidfd)
			(void)pidfd_send_signal(fd, SIGKILL, NULL, 0);
		keep_forget(keep, name);
	}
}

static int compare_creation(const void *a, const void *b)
{
	const struct container *const *x = a, *const *y = b;

	return ((*x)->created_at_us > (*y)->created_at_us) -
	       ((*x)->created_at_us < (*y)->created_at_us);
}

/* The list and the serial numbers are by time of creation. */
static void sort(struct loading *loading)
{
	struct containers *set = loading->set;

	if (!loading->n)
		return;
	qsort(loading->loaded, loading->n, sizeof(*loading->loaded), compare_creation);
	set->last_serial = 0;
	for (size_t i = 0; i < loading->n; i++) {
		TAILQ_REMOVE(&set->list, loading->loaded[i], entry);
		TAILQ_INSERT_TAIL(&set->list, loading->loaded[i], entry);
		loading->loaded[i]->serial = ++set->last_serial;
	}
}

int containers_load(struct containers *set, struct error *err)
{
	struct loading loading = { .set = set };
	int r;

	r = store_load(set->params.store, STORE_STATE, load_record, &loading, err);
	if (r == 0)
		r = store_load(set->params.store, STORE_RUN, load_run_record, &loading, err);
	if (r == 0) {
		lose_unseen(set);
		sort(&loading);
		restart_lost(set);
		drop_orphans(set);
		logs_settle(set->params.logs);
		sweep_groups(-1, 0, set);
	}
	free(loading.loaded);
	return r;
}

void containers_leave(struct containers *set)
{
	struct container *container;

	TAILQ_FOREACH (container, &set->list, entry) {
		if (container->state < CONTAINER_RUNNING || container->state > CONTAINER_STOPPING)
			continue;
		container_save_run(container);
		container->health = health_free(container->health);
		execs_leave(&container->execs);
		process_leave(&container->process);
	}
}
