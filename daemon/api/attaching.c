/* io.dokrust.Container: which process a call means, and the methods that join its session. */
#include <string.h>

#include "common/cleanup.h"
#include "common/exec_spec.h"
#include "common/frame.h"
#include "common/json.h"
#include "daemon/api/connection.h"
#include "daemon/api/container_methods.h"
#include "daemon/api/interface.h"

enum { HISTORY_ROWS_DEFAULT = 200, HISTORY_ROWS_MAX = 2000 };

/* --- Parameters ------------------------------------------------------------------------------ */

const char *string_parameter(const struct request *request, const char *key)
{
	/* The interface was checked: it is a string, or absent. */
	return json_object_get_string(json_object_object_get(request->call.parameters, key));
}

/* reference is a name or an id. NULL when answered already. */
static struct container *find(struct request *request, const char *reference)
{
	struct connection *connection = request->connection;
	struct container *container;
	struct error err;

	if (containers_find(connection->server->params.containers, reference, &container, &err) <
		    0 ||
	    access_container(&connection->peer, container, reference, &err) < 0) {
		request_error(request, &err);
		return NULL;
	}
	return container;
}

struct container *find_container(struct request *request)
{
	return find(request, string_parameter(request, "container"));
}

struct container *find_process(struct request *request, struct exec **ret_exec)
{
	const char *reference = string_parameter(request, "container");
	const char *slash = strchr(reference, '/');
	_cleanup_(freep) char *name = strndup(reference, strcspn(reference, "/"));
	struct container *container = name ? find(request, name) : NULL;
	struct error err;

	*ret_exec = NULL;
	if (!container || !slash)
		return container;
	if (container_find_exec(container, slash + 1, ret_exec, &err) == 0)
		return container;
	request_error(request, &err);
	return NULL;
}

static const struct json_field attach_fields[] = {
	JSON_FIELD(struct attach_options, framing, JSON_INT),
	JSON_FIELD(struct attach_options, input, JSON_BOOL),
	JSON_FIELD(struct attach_options, steal, JSON_BOOL),
	JSON_FIELD(struct attach_options, history_rows, JSON_INT),
};

static const struct json_field size_fields[] = {
	JSON_FIELD(struct attach_options, rows, JSON_INT),
	JSON_FIELD(struct attach_options, columns, JSON_INT),
};

static int read_attach(struct json_object *object, struct attach_options *ret, struct error *err)
{
	struct attach_options attach = { .input = true, .history_rows = HISTORY_ROWS_DEFAULT };
	struct json_object *size = json_object_object_get(object, "size");

	if (json_read_fields(object, attach_fields, ARRAY_SIZE(attach_fields), &attach, err) < 0 ||
	    (size &&
	     json_read_fields(size, size_fields, ARRAY_SIZE(size_fields), &attach, err) < 0))
		return -1;
	if (attach.framing < 1)
		return error_set_subject(err, ERROR_INVALID_VALUE, "attach.framing",
					 "versions of the framing start at 1");
	if (attach.rows < 0 || attach.rows > UINT16_MAX || attach.columns < 0 ||
	    attach.columns > UINT16_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "attach.size",
					 "rows and columns are between 0 and 65535");
	if (attach.history_rows < 0 || attach.history_rows > HISTORY_ROWS_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "attach.history_rows",
					 "rows of history are between 0 and %d", HISTORY_ROWS_MAX);
	*ret = attach;
	return 0;
}

int attach_wanted(struct request *request, struct attach_options *ret)
{
	struct json_object *object = json_object_object_get(request->call.parameters, "attach");
	struct error err;

	if (!object && !request->call.upgrade)
		return 0;
	if (!request->call.upgrade)
		request_service_error(request, "ExpectedUpgrade", NULL, NULL);
	else if (!object)
		request_service_error(request, "InvalidParameter", "parameter", "attach");
	else if (read_attach(object, ret, &err) < 0)
		request_error(request, &err);
	else
		return 1;
	return -1;
}

void attach_again(const struct request *request, struct attach_options *ret)
{
	struct error ignored;

	(void)read_attach(json_object_object_get(request->call.parameters, "attach"), ret,
			  &ignored);
}

/* --- Replies --------------------------------------------------------------------------------- */

struct json_object *name_reply(const struct container *container, bool with_id)
{
	struct json_object *reply = json_object_new_object();

	if (with_id)
		json_object_object_add(reply, "id",
				       json_object_new_string(container_id(container)));
	json_object_object_add(reply, "name", json_object_new_string(container_name(container)));
	return reply;
}

struct json_object *session_reply(const struct container *container, const struct exec *exec)
{
	const struct spec *spec = container_spec(container);
	bool terminal = exec ? exec_get_spec(exec)->terminal : spec->terminal;
	bool stdin_open = exec ? exec_get_spec(exec)->stdin_open : spec->stdin_open;
	struct json_object *reply = name_reply(container, true);
	struct json_object *session = json_object_new_object();

	json_object_object_add(session, "framing", json_object_new_int(FRAME_VERSION));
	json_object_object_add(session, "terminal", json_object_new_boolean(terminal));
	json_object_object_add(session, "stdin_open", json_object_new_boolean(stdin_open));
	json_object_object_add(reply, "session", session);
	return reply;
}

static struct json_object *with_warnings(const struct container *container,
					 struct json_object *reply)
{
	char *const *warnings = container_warnings(container);
	struct json_object *array;

	if (!warnings)
		return reply;
	array = json_object_new_array();
	for (; *warnings; warnings++)
		json_object_array_add(array, json_object_new_string(*warnings));
	json_object_object_add(reply, "warnings", array);
	return reply;
}

struct json_object *start_reply(const struct container *container)
{
	return with_warnings(container, name_reply(container, true));
}

struct json_object *start_session_reply(const struct container *container)
{
	return with_warnings(container, session_reply(container, NULL));
}

/* --- Attach, Exec ---------------------------------------------------------------------------- */

void container_attach_method(struct request *request)
{
	struct attach_options attach;
	struct exec *exec;
	struct container *container;

	if (!request->call.upgrade) {
		request_service_error(request, "ExpectedUpgrade", NULL, NULL);
		return;
	}
	container = find_process(request, &exec);
	if (container && attach_wanted(request, &attach) > 0)
		request_upgrade(request, exec ? exec_process(exec) : container_process(container),
				&attach, session_reply(container, exec));
}

static struct json_object *exec_reply(const struct container *container, const struct exec *exec,
				      bool session)
{
	struct json_object *reply = session ? session_reply(container, exec) :
					      name_reply(container, true);

	json_object_object_add(reply, "exec", json_object_new_string(exec_id(exec)));
	return reply;
}

static void exec_started(struct container_waiter *waiter, struct container *container,
			 const struct error *err)
{
	struct request *request = request_of(waiter);
	struct exec *exec = request->exec;
	struct attach_options attach;

	if (err) {
		request_error(request, err);
	} else if (!request->call.upgrade) {
		request_reply(request, exec_reply(container, exec, false));
	} else {
		attach_again(request, &attach);
		request_upgrade(request, exec_process(exec), &attach,
				exec_reply(container, exec, true));
	}
}

void container_exec_method(struct request *request)
{
	struct attach_options attach = { 0 };
	struct container *container = find_container(request);
	int attached = container ? attach_wanted(request, &attach) : -1;
	struct container_start_params start = { .hold_output = attached > 0 };
	struct exec_spec spec;
	struct error err;

	if (attached < 0)
		return;
	start.rows = (uint16_t)attach.rows;
	start.columns = (uint16_t)attach.columns;
	if (exec_spec_from_json(json_object_object_get(request->call.parameters, "exec"), &spec,
				&err) < 0) {
		request_error(request, &err);
		return;
	}
	if (access_exec(&request->connection->peer, &spec, &err) < 0 ||
	    container_exec(container, &spec, &start, &request->exec, &err) < 0) {
		exec_spec_done(&spec);
		request_error(request, &err);
		return;
	}
	request->held = attached ? exec_process(request->exec) : NULL;
	request->waiter.done = exec_started;
	exec_wait(request->exec, &request->waiter, CONTAINER_EVENT_STARTED);
}
