/* io.dokrust.Container: the methods that make, run and end containers. */
#include <string.h>

#include "common/cleanup.h"
#include "common/parse.h"
#include "daemon/api/connection.h"
#include "daemon/api/container_methods.h"
#include "daemon/api/interface.h"

static bool bool_parameter(const struct request *request, const char *key)
{
	return json_object_get_boolean(json_object_object_get(request->call.parameters, key));
}

/* --- Answering when it is done --------------------------------------------------------------- */

struct request *request_of(struct container_waiter *waiter)
{
	return (struct request *)((char *)waiter - offsetof(struct request, waiter));
}

static void wait_for(struct request *request, struct container *container,
		     enum container_event event,
		     void (*done)(struct container_waiter *, struct container *,
				  const struct error *))
{
	request->waiter.done = done;
	container_wait(container, &request->waiter, event);
}

static void done_with_name(struct container_waiter *waiter, struct container *container,
			   const struct error *err)
{
	struct request *request = request_of(waiter);

	if (err)
		request_error(request, err);
	else
		request_reply(request, name_reply(container, false));
}

static void done_with_id(struct container_waiter *waiter, struct container *container,
			 const struct error *err)
{
	struct request *request = request_of(waiter);

	if (err)
		request_error(request, err);
	else
		request_reply(request, name_reply(container, true));
}

static void done_with_start(struct container_waiter *waiter, struct container *container,
			    const struct error *err)
{
	struct request *request = request_of(waiter);

	if (err)
		request_error(request, err);
	else
		request_reply(request, start_reply(container));
}

static void done_with_nothing(struct container_waiter *waiter, struct container *container,
			      const struct error *err)
{
	struct request *request = request_of(waiter);

	(void)container;
	if (err)
		request_error(request, err);
	else
		request_reply(request, NULL);
}

/* --- Changes --------------------------------------------------------------------------------- */

static void on_changed(struct container_waiter *waiter, struct container *container,
		       const struct error *err)
{
	reply_when_changed(request_of(waiter), container, err ? -1 : 0, err);
}

struct container_waiter *request_change_waiter(struct request *request)
{
	request->waiter.done = on_changed;
	return &request->waiter;
}

void reply_when_changed(struct request *request, struct container *container, int r,
			const struct error *err)
{
	if (r < 0)
		request_error(request, err);
	else if (r == 0 && container_is_saved(container))
		request_reply(request, NULL);
	else if (r == 0)
		wait_for(request, container, CONTAINER_EVENT_SAVED, done_with_nothing);
}

/* --- Create, Start, Run ---------------------------------------------------------------------- */

static int create(struct request *request, bool discard_on_failure, struct container **ret,
		  struct error *err)
{
	const struct server_params *server = &request->connection->server->params;
	struct launch_userns ids;
	bool own_ids;
	struct container_create_params params = {
		.name = string_parameter(request, "name"),
		.owner = request->connection->peer.uid,
		.discard_on_failure = discard_on_failure,
	};

	if (spec_from_json(json_object_object_get(request->call.parameters, "spec"), &params.spec,
			   err) < 0)
		return -1;
	if (take_sources(request, params.spec.mounts.items, params.spec.mounts.n, err) == 0 &&
	    spec_validate(&params.spec, err) == 0 &&
	    access_spec(&request->connection->peer, server, &params.spec, &ids, &own_ids, err) ==
		    0) {
		params.ids = own_ids ? &ids : NULL;
		if (containers_create(server->containers, &params, ret, err) == 0)
			return 0;
	}
	spec_done(&params.spec);
	return -1;
}

void container_create_method(struct request *request)
{
	struct container *container;
	struct error err;

	if (create(request, false, &container, &err) < 0)
		request_error(request, &err);
	else if (container_is_saved(container))
		request_reply(request, name_reply(container, true));
	else
		wait_for(request, container, CONTAINER_EVENT_SAVED, done_with_id);
}

static void done_with_session(struct container_waiter *waiter, struct container *container,
			      const struct error *err)
{
	struct request *request = request_of(waiter);
	struct attach_options attach;

	if (err) {
		request_error(request, err);
		return;
	}
	attach_again(request, &attach);
	request_upgrade(request, container_process(container), &attach,
			start_session_reply(container));
}

static void start(struct request *request, struct container *container, bool attached,
		  const struct attach_options *attach)
{
	struct container_start_params params = { .hold_output = attached };
	struct error err;

	if (attached) {
		params.rows = (uint16_t)attach->rows;
		params.columns = (uint16_t)attach->columns;
	}
	if (container_start(container, &params, &err) < 0) {
		request_error(request, &err);
		return;
	}
	request->held = attached ? container_process(container) : NULL;
	wait_for(request, container, CONTAINER_EVENT_STARTED,
		 attached ? done_with_session : done_with_start);
}

void container_start_method(struct request *request)
{
	struct attach_options attach = { 0 };
	struct container *container = find_container(request);
	int attached = container ? attach_wanted(request, &attach) : -1;

	if (attached >= 0)
		start(request, container, attached, &attach);
}

void container_run_method(struct request *request)
{
	struct attach_options attach = { 0 };
	struct container *container;
	int attached = attach_wanted(request, &attach);
	struct error err;

	if (attached < 0)
		return;
	if (create(request, true, &container, &err) < 0)
		request_error(request, &err);
	else
		start(request, container, attached, &attach);
}

/* --- Stop, Kill, Restart, Remove, Rename, Wait ----------------------------------------------- */

/* 0, or -1 if answered already. */
static int stop(struct request *request, struct container *container)
{
	struct json_object *timeout =
		json_object_object_get(request->call.parameters, "timeout_ms");
	int64_t timeout_ms = timeout ? json_object_get_int64(timeout) : CONTAINER_STOP_TIMEOUT_OWN;
	struct error err;

	if (timeout && timeout_ms < -1)
		timeout_ms = INT64_MIN; /* not the constant that means another thing */
	if (container_stop(container, timeout_ms, &err) == 0)
		return 0;
	request_error(request, &err);
	return -1;
}

void container_stop_method(struct request *request)
{
	struct container *container = find_container(request);

	if (!container || stop(request, container) < 0)
		return;
	if (container_is_active(container))
		wait_for(request, container, CONTAINER_EVENT_EXITED, done_with_name);
	else
		request_reply(request, name_reply(container, false));
}

static void restart_stopped(struct container_waiter *waiter, struct container *container,
			    const struct error *err)
{
	static const struct container_start_params params = { 0 };
	struct request *request = request_of(waiter);
	struct error start_err;

	if (err)
		request_error(request, err);
	else if (container_start(container, &params, &start_err) < 0)
		request_error(request, &start_err);
	else
		wait_for(request, container, CONTAINER_EVENT_STARTED, done_with_name);
}

void container_restart_method(struct request *request)
{
	struct container *container = find_container(request);
	struct error err;

	if (!container)
		return;
	if (container_check_readable(container, &err) < 0) {
		request_error(request, &err);
		return;
	}
	if (container_is_active(container) && container_spec(container)->auto_remove) {
		(void)error_set_subject(&err, ERROR_WRONG_STATE, "running",
					"container \"%s\" is removed when it stops (--rm): it "
					"cannot be restarted",
					container_name(container));
		request_error(request, &err);
		return;
	}
	if (stop(request, container) < 0)
		return;
	if (container_is_active(container))
		wait_for(request, container, CONTAINER_EVENT_EXITED, restart_stopped);
	else
		restart_stopped(&request->waiter, container, NULL);
}

void container_kill_method(struct request *request)
{
	struct exec *exec = NULL;
	struct container *container = find_process(request, &exec);
	const char *name = string_parameter(request, "signal");
	int number;
	struct error err;

	if (!container)
		return;
	if (parse_signal(name ? name : "SIGKILL", &number, &err) < 0) {
		(void)error_set_subject(&err, ERROR_INVALID_VALUE, "signal",
					"\"%.32s\" is no signal", name);
		request_error(request, &err);
		return;
	}
	if (exec ? exec_kill(exec, number, &err) < 0 : container_kill(container, number, &err) < 0)
		request_error(request, &err);
	else
		request_reply(request, name_reply(container, false));
}

void container_remove_method(struct request *request)
{
	struct container *container = find_container(request);
	struct error err;

	if (!container)
		return;
	if (container_remove(container, bool_parameter(request, "force"),
			     bool_parameter(request, "volumes"), &err) < 0)
		request_error(request, &err);
	else
		wait_for(request, container, CONTAINER_EVENT_REMOVED, done_with_name);
}

void container_rename_method(struct request *request)
{
	struct container *container = find_container(request);
	struct error err;

	if (!container)
		return;
	reply_when_changed(request, container,
			   container_rename(container, string_parameter(request, "name"), &err),
			   &err);
}

/* --- Update, Pause, Unpause ------------------------------------------------------------------ */

/* Answers when the record is durable. */
static void reply_when_saved(struct request *request, struct container *container)
{
	if (container_is_saved(container))
		request_reply(request, name_reply(container, false));
	else
		wait_for(request, container, CONTAINER_EVENT_SAVED, done_with_name);
}

void container_update_method(struct request *request)
{
	struct container *container = find_container(request);
	struct json_object *changes;
	struct error err;

	if (!container)
		return;
	changes = json_object_object_get(request->call.parameters, "resources");
	if (access_update(&request->connection->peer, &request->connection->server->params,
			  container, changes, &err) < 0 ||
	    container_update(container, changes, string_parameter(request, "restart"), &err) < 0)
		request_error(request, &err);
	else
		reply_when_saved(request, container);
}

static void pause_or_not(struct request *request,
			 int (*operation)(struct container *, struct error *))
{
	struct container *container = find_container(request);
	struct error err;

	if (!container)
		return;
	if (operation(container, &err) < 0)
		request_error(request, &err);
	else
		request_reply(request, name_reply(container, false));
}

void container_pause_method(struct request *request)
{
	pause_or_not(request, container_pause);
}

void container_unpause_method(struct request *request)
{
	pause_or_not(request, container_unpause);
}

/* --- Wait ------------------------------------------------------------------------------------ */

static void reply_status(struct request *request, int status)
{
	struct json_object *reply = json_object_new_object();

	json_object_object_add(reply, "exit_status", json_object_new_int(status < 0 ? 0 : status));
	request_reply(request, reply);
}

static void done_with_status(struct container_waiter *waiter, struct container *container,
			     const struct error *err)
{
	struct request *request = request_of(waiter);

	if (err)
		request_error(request, err);
	else
		reply_status(request, request->exec ? exec_exit_status(request->exec) :
						      container_exit_status(container));
}

void container_wait_method(struct request *request)
{
	struct container *container = find_process(request, &request->exec);

	if (!container)
		return;
	request->waiter.done = done_with_status;
	if (request->exec && exec_is_active(request->exec))
		exec_wait(request->exec, &request->waiter, CONTAINER_EVENT_EXITED);
	else if (request->exec)
		reply_status(request, exec_exit_status(request->exec));
	else if (container_is_active(container))
		container_wait(container, &request->waiter, CONTAINER_EVENT_EXITED);
	else
		reply_status(request, container_exit_status(container));
}
