/* Ending containers: stop, kill, and all of them when the daemon leaves. */
#include <signal.h>

#include "common/cleanup.h"
#include "common/parse.h"
#include "daemon/container/object.h"
#include "daemon/launch/deaf.h"
#include "daemon/loop/fault.h"

void container_stop_timer_clear(struct container *container)
{
	if (container->stop_timer)
		event_free(TAKE_PTR(container->stop_timer));
}

static void send_signal(struct container *container, int number)
{
	struct error ignored;

	/* It fails only for a process that has ended; its end is on the way then. */
	(void)process_signal(&container->process, number, &ignored);
}

static void on_stop_timeout(evutil_socket_t fd, short what, void *userdata)
{
	struct container *container = userdata;

	(void)fd;
	(void)what;
	send_signal(container, SIGKILL);
}

/* As process 1 a command does not get the signals that it has no handler for. It shall not matter to
 * it: what would have ended it does.
 */
static void send_stop_signal(struct container *container, int number)
{
	bool lost = !container->spec.init && container->process.launch &&
		    deaf_to(launch_pid(container->process.launch), number);

	send_signal(container, lost ? SIGKILL : number);
}

/* An interactive shell ignores SIGTERM. What tells it that its terminal is gone is SIGHUP, and
 * SIGCONT lets a stopped one notice (as systemd.kill(5), SendSIGHUP=).
 */
static void send_stop_signals(struct container *container)
{
	const char *name = container->spec.stop_signal;
	int number = SIGTERM;
	struct error ignored;

	if (name)
		(void)parse_signal(name, &number, &ignored);
	send_stop_signal(container, number);
	if (!name && container->spec.terminal) {
		send_stop_signal(container, SIGHUP);
		send_signal(container, SIGCONT);
	}
}

void container_stop_begin(struct container *container)
{
	int64_t ms = container->stop_timeout_ms;
	struct timeval timeout = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };

	container->stop_waits = false;
	group_thaw(container);
	if (container->state == CONTAINER_RUNNING)
		container_transition(container, CONTAINER_STOPPING);
	container_stop_timer_clear(container);
	if (ms == 0) {
		send_signal(container, SIGKILL);
		return;
	}
	send_stop_signals(container);
	fault_point("told to stop");
	if (ms < 0)
		return;
	container->stop_timer =
		event_new(container->set->params.base, -1, 0, on_stop_timeout, container);
	if (!container->stop_timer || event_add(container->stop_timer, &timeout) < 0)
		abort();
}

/* What is about to be started again is not, and what is about to start is stopped as soon as it runs. */
static void stop(struct container *container, int64_t timeout_ms)
{
	if (container->state == CONTAINER_RESTARTING) {
		restart_give_up(container);
		return;
	}
	if (container->start_waits) {
		container_start_cancel(container, "it was stopped before it started");
		return;
	}
	container->stop_timeout_ms = timeout_ms == CONTAINER_STOP_TIMEOUT_OWN ?
					     container->spec.stop_timeout_ms :
					     timeout_ms;
	if (container->state == CONTAINER_STARTING)
		container->stop_waits = true;
	else
		container_stop_begin(container);
}

int container_stop(struct container *container, int64_t timeout_ms, struct error *err)
{
	if (timeout_ms < CONTAINER_STOP_TIMEOUT_OWN || timeout_ms > 24 * 3600 * 1000)
		return error_set_subject(err, ERROR_INVALID_VALUE, "timeout_ms",
					 "a timeout is between 0 and a day, or -1 for none");
	if (!container_is_active(container))
		return 0;
	container->wanted = false;
	stop(container, timeout_ms);
	return 0;
}

void container_stop_unhealthy(struct container *container)
{
	if (container->state != CONTAINER_RUNNING)
		return;
	container->unhealthy = true;
	stop(container, CONTAINER_STOP_TIMEOUT_OWN);
}

/* Whether a signal is meant to end it. */
static bool ends(const struct container *container, int number)
{
	int stop_signal = SIGTERM;
	struct error ignored;

	if (container->spec.stop_signal)
		(void)parse_signal(container->spec.stop_signal, &stop_signal, &ignored);
	return number == SIGKILL || number == stop_signal;
}

int container_kill(struct container *container, int number, struct error *err)
{
	char name[16];

	if (container->state != CONTAINER_RUNNING && container->state != CONTAINER_PAUSED &&
	    container->state != CONTAINER_STOPPING)
		return error_set_subject(err, ERROR_WRONG_STATE,
					 container_state_name(container->state),
					 "container \"%s\" is %s, not running", container->name,
					 container_state_name(container->state));
	/* A frozen process dies only when it is thawed (v1). */
	if (number == SIGKILL)
		group_thaw(container);
	if (process_signal(&container->process, number, err) < 0)
		return -1;
	if (ends(container, number))
		container->wanted = false;
	container_event(container, "kill", "signal", signal_name(number, name, sizeof(name)), NULL);
	return 0;
}

/* --- All of them ----------------------------------------------------------------------------- */

static bool all_stopped(const struct containers *set)
{
	const struct container *container;

	if (set->sweeping || !TAILQ_EMPTY(&set->unlisted))
		return false;
	TAILQ_FOREACH (container, &set->list, entry)
		if (container->process.launch || container_is_active(container))
			return false;
	return true;
}

static void on_stopped(evutil_socket_t fd, short what, void *userdata)
{
	struct containers *set = userdata;

	(void)fd;
	(void)what;
	set->stopped(set->stopped_userdata);
}

void containers_check_stopped(struct containers *set)
{
	static const struct timeval now = { 0 };

	if (set->stopped && all_stopped(set) &&
	    event_base_once(set->params.base, -1, EV_TIMEOUT, on_stopped, set, &now) < 0)
		abort();
}

void containers_stop_all(struct containers *set, void (*stopped)(void *userdata), void *userdata)
{
	struct container *container, *next;
	bool again = set->stopped != NULL;

	set->stopped = stopped;
	set->stopped_userdata = userdata;
	for (container = TAILQ_FIRST(&set->list); container; container = next) {
		next = TAILQ_NEXT(container, entry);
		process_begin(&container->process);
		if (again && container->process.launch)
			send_signal(container, SIGKILL);
		else if (container_is_active(container))
			stop(container, CONTAINER_STOP_TIMEOUT_OWN);
	}
	containers_check_stopped(set);
}
