/* The way of a run: start, begin, attach, exit, gone. */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "common/clock.h"
#include "common/text.h"
#include "daemon/container/disk.h"
#include "daemon/container/object.h"

static struct container *container_of(const struct process *process)
{
	return (struct container *)((uintptr_t)process - offsetof(struct container, process));
}

struct process *container_process(struct container *container)
{
	return &container->process;
}

/* --- The end --------------------------------------------------------------------------------- */

/* The output is read to its end: only now has the container exited, for everybody else. */
static void on_ended(struct process *process)
{
	struct container *container = container_of(process);
	struct containers *set = container->set;

	container_stop_timer_clear(container);
	container->health = health_free(container->health);
	container_release_network(container);
	recordings_end(container);
	container_log_end(container);
	container->exit_status = process_exit_status(process);
	(void)kills_tell(container);
	container->finished_at_us = clock_realtime_us();
	if (container->spec.auto_remove || container->remove_at_exit) {
		container_discard(container);
	} else if (restart_is_due(container)) {
		restart_later(container);
		container_notify(container, CONTAINER_EVENT_EXITED, NULL);
	} else {
		/* What ends with the daemon is to run again with the next. */
		container->wanted = container->wanted && set->stopped;
		container_transition(container, CONTAINER_EXITED);
		container_notify(container, CONTAINER_EVENT_EXITED, NULL);
	}
	containers_check_stopped(set);
}

static void not_restarted(struct container *container, const struct error *err)
{
	struct error told = *err;

	(void)error_prefix(&told, "start again");
	container->set->params.complain(container->id, &told);
	if (restart_is_due(container))
		restart_later(container);
	else
		restart_give_up(container);
}

static void start_failed(struct container *container, const struct error *err)
{
	container->stop_waits = false;
	container_release_network(container);
	recordings_end(container);
	container_log_end(container);
	if (container->discard_on_failure || container->remove_at_exit) {
		container_notify(container, CONTAINER_EVENT_STARTED, err);
		container_discard(container);
		return;
	}
	container_set_error(container, err->message);
	if (container->state_before_start == CONTAINER_RESTARTING) {
		not_restarted(container, err);
		return;
	}
	container->wanted = false;
	container_transition(container, container->state_before_start);
	container_notify(container, CONTAINER_EVENT_STARTED, err);
	container_notify(container, CONTAINER_EVENT_EXITED, NULL);
}

static void on_failed(struct process *process, const struct error *err)
{
	start_failed(container_of(process), err);
}

/* --- The beginning --------------------------------------------------------------------------- */

static void on_started(struct process *process)
{
	struct container *container = container_of(process);

	container->started_at_us = clock_realtime_us();
	container->ran_from_us = clock_monotonic_us();
	container->unhealthy = false;
	container->finished_at_us = 0;
	container->exit_status = -1;
	container->oom_kills = 0;
	container_set_error(container, NULL);
	container_transition(container, CONTAINER_RUNNING);
	recordings_begin(container);
	container_drop_files(container);
	execs_forget(&container->execs, true);
	container->last_exec = 0;
	container->discard_on_failure = false;
	container_volumes_used(container);
	container->health = health_new(container);
	kills_watch(container);
	if (container->stop_waits)
		container_stop_begin(container);
	if (container_is_saved(container))
		container_notify(container, CONTAINER_EVENT_STARTED, NULL);
	else
		container->start_untold = true;
}

static void on_warned(struct process *process, const char *message)
{
	strv_append(&container_of(process)->warnings, message);
}

static void on_opened(struct process *process)
{
	container_log_begin(container_of(process));
}

static void on_viewers_changed(struct process *process)
{
	container_changed(container_of(process));
}

static void on_viewer(struct process *process, uid_t uid, bool input, bool came)
{
	container_viewer_event(container_of(process), NULL, uid, input, came);
	recordings_mark_viewer(container_of(process), uid, input, came);
}

static void on_gone(struct process *process)
{
	struct container *container = container_of(process);
	struct containers *set = container->set;
	struct error err;

	group_remove(container);
	if (container->unlisted) {
		container_discard_check(container);
	} else if (container->start_waits) {
		container->start_waits = false;
		if (container_launch(container, &err) < 0)
			start_failed(container, &err);
	}
	containers_check_stopped(set);
}

static int on_network(struct process *process, struct error *err)
{
	return container_wire(container_of(process), err);
}

static int not_running(const struct process *process, struct error *err)
{
	const struct container *container = container_of(process);

	return error_set_subject(err, ERROR_WRONG_STATE, container_state_name(container->state),
				 "container \"%s\" is %s, not running", container->name,
				 container_state_name(container->state));
}

const struct process_events container_process_events = {
	.started = on_started,
	.failed = on_failed,
	.ended = on_ended,
	.gone = on_gone,
	.warned = on_warned,
	.viewers_changed = on_viewers_changed,
	.viewer = on_viewer,
	.opened = on_opened,
	.network = on_network,
	.not_running = not_running,
};

static int start_refused(struct container *container)
{
	if (container->discard_on_failure)
		container_discard(container);
	return -1;
}

static int begin(struct container *container, struct error *err)
{
	if (disk_check_start(container, err) < 0)
		return -1;
	container->process.held = container->start.hold_output;
	/* The process 1 of the run before may still be on its way out, with the layer mounted. */
	if (container->process.launch)
		container->start_waits = true;
	else if (container_launch(container, err) < 0)
		return -1;
	container->state_before_start = container->state;
	container_transition(container, CONTAINER_STARTING);
	return 0;
}

int container_start(struct container *container, const struct container_start_params *params,
		    struct error *err)
{
	if (container->set->stopped)
		return error_set_subject(err, ERROR_WRONG_STATE, "stopping",
					 "the daemon is about to end");
	if (container_check_readable(container, err) < 0)
		return -1;
	if (container->state != CONTAINER_CREATED && container->state != CONTAINER_EXITED &&
	    container->state != CONTAINER_RESTARTING)
		return error_set_subject(err, ERROR_WRONG_STATE,
					 container_state_name(container->state),
					 "container \"%s\" is %s already", container->name,
					 container_state_name(container->state));
	if (container->state == CONTAINER_RESTARTING) {
		restart_cancel(container);
		container_transition(container, CONTAINER_EXITED);
	}
	container->start = *params;
	if (begin(container, err) < 0)
		return start_refused(container);
	container->restart_count = 0;
	container->restart_delay_ms = 0;
	if (!container->wanted) {
		container->wanted = true;
		container_save_wanted(container);
	}
	return 0;
}

void container_start_again(struct container *container)
{
	struct error err;

	container->start.hold_output = false;
	if (begin(container, &err) == 0)
		return;
	container->state_before_start = CONTAINER_RESTARTING;
	start_failed(container, &err);
}

void container_start_cancel(struct container *container, const char *why)
{
	struct error err;

	assert(container->start_waits);
	container->start_waits = false;
	(void)error_set_subject(&err, ERROR_WRONG_STATE, "exited", "%s", why);
	start_failed(container, &err);
}
