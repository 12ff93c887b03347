/* Removing and renaming. */
#include <signal.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/container/object.h"
#include "daemon/loop/fault.h"

void container_discard_check(struct container *container)
{
	struct containers *set = container->set;

	if (!container->removed || container->process.launch ||
	    !execs_are_gone(&container->execs) || !TAILQ_EMPTY(&container->remounts))
		return;
	if (container->spec.auto_remove)
		store_discard_layer(set->params.store, container->id);
	container_free(container);
	containers_check_stopped(set);
}

static void on_removed(void *userdata, const struct error *err)
{
	struct container *container = userdata;

	if (err)
		container->set->params.complain(container->id, err);
	container->removed = true;
	fault_point("without its record");
	container_notify_removed(container);
	container_discard_check(container);
}

void container_discard(struct container *container)
{
	struct containers *set = container->set;
	struct error err;

	container_transition(container, CONTAINER_REMOVING);
	containers_unlist(container);
	fault_point("taken out");
	container_drop_volumes(container);
	container_stop_timer_clear(container);
	process_release(&container->process);
	recordings_end(container);
	container_log_end(container);
	execs_release(&container->execs);
	if (container->spec.auto_remove)
		on_removed(container, NULL);
	else if (store_remove(set->params.store, STORE_STATE, container->id, on_removed, container,
			      &err) < 0)
		on_removed(container, &err);
}

static void discard_later(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	container_discard(userdata);
}

static void remove_inactive(struct container *container)
{
	static const struct timeval now = { 0 };

	if (container->state == CONTAINER_REMOVING)
		return;
	/* Whoever asked is about to wait for the removal. */
	container_transition(container, CONTAINER_REMOVING);
	if (event_base_once(container->set->params.base, -1, EV_TIMEOUT, discard_later, container,
			    &now) < 0)
		abort();
}

int container_remove(struct container *container, bool force, bool volumes, struct error *err)
{
	if (!container_is_active(container)) {
		container->remove_volumes = volumes;
		remove_inactive(container);
		return 0;
	}
	if (!force)
		return error_set_subject(err, ERROR_WRONG_STATE,
					 container_state_name(container->state),
					 "container \"%s\" is %s; stop it first, or use force",
					 container->name, container_state_name(container->state));
	container->remove_volumes = volumes;
	container->wanted = false;
	if (container->state == CONTAINER_RESTARTING) {
		restart_cancel(container);
		remove_inactive(container);
		return 0;
	}
	if (container->start_waits) {
		container_start_cancel(container, "it was removed before it started");
		remove_inactive(container);
		return 0;
	}
	container->remove_at_exit = true;
	group_thaw(container);
	process_begin(&container->process);
	return process_signal(&container->process, SIGKILL, err);
}

int container_rename(struct container *container, const char *name, struct error *err)
{
	_cleanup_(freep) char *old_name = NULL;

	if (name_check(name, err) < 0 || container_check_readable(container, err) < 0)
		return -1;
	if (containers_has_name(container->set, name))
		return error_set_subject(err, ERROR_NAME_IN_USE, name, "the name \"%s\" is in use",
					 name);
	old_name = alloc_strdup(container->name);
	containers_set_name(container, name);
	fault_point("renamed");
	container_rename_endpoints(container);
	container_changed(container);
	container_save(container);
	container_event(container, "rename", "old_name", old_name, NULL);
	return 0;
}
