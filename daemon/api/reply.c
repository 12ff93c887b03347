/* Answers, and the one table from error codes to errors of the API. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "common/log.h"
#include "daemon/api/connection.h"
#include "daemon/api/interface.h"

#define CONTAINER_ERROR "io.dokrust.Container."
#define NETWORK_ERROR "io.dokrust.Network."
#define VOLUME_ERROR "io.dokrust.Volume."

static const struct {
	const char *name;
	const char *subject; /* the parameter that carries the error's subject */
} errors[ERROR_CODE_COUNT] = {
	[ERROR_NONE] = { CONTAINER_ERROR "Failed", NULL },
	[ERROR_FAILED] = { CONTAINER_ERROR "Failed", NULL },
	[ERROR_INVALID_VALUE] = { CONTAINER_ERROR "InvalidValue", "field" },
	[ERROR_PERMISSION_DENIED] = { "org.varlink.service.PermissionDenied", NULL },
	[ERROR_CONTAINER_NOT_FOUND] = { CONTAINER_ERROR "ContainerNotFound", "container" },
	[ERROR_AMBIGUOUS_NAME] = { CONTAINER_ERROR "AmbiguousName", "container" },
	[ERROR_NAME_IN_USE] = { CONTAINER_ERROR "NameInUse", "name" },
	[ERROR_WRONG_STATE] = { CONTAINER_ERROR "WrongState", "state" },
	[ERROR_IMAGE_NOT_FOUND] = { CONTAINER_ERROR "ImageNotFound", "image" },
	[ERROR_COMMAND_NOT_FOUND] = { CONTAINER_ERROR "CommandNotFound", NULL },
	[ERROR_NOT_EXECUTABLE] = { CONTAINER_ERROR "NotExecutable", NULL },
	[ERROR_LIMIT_REACHED] = { CONTAINER_ERROR "LimitReached", NULL },
	[ERROR_PROTOCOL] = { CONTAINER_ERROR "Failed", NULL },
	[ERROR_VOLUME_NOT_FOUND] = { VOLUME_ERROR "VolumeNotFound", "volume" },
	[ERROR_NOT_ALLOWED] = { CONTAINER_ERROR "NotAllowed", NULL },
	[ERROR_VOLUME_IN_USE] = { VOLUME_ERROR "VolumeInUse", "volume" },
	[ERROR_NETWORK_NOT_FOUND] = { NETWORK_ERROR "NetworkNotFound", "network" },
	[ERROR_NETWORK_IN_USE] = { NETWORK_ERROR "NetworkInUse", "network" },
};

static void add_string(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

const char *reply_error(const struct error *err, struct json_object **ret_parameters)
{
	const char *name = errors[err->code].name;
	struct json_object *parameters;

	if (err->code == ERROR_PERMISSION_DENIED) {
		*ret_parameters = NULL; /* the standard gives it none */
		return name;
	}
	parameters = json_object_new_object();
	if (strcmp(name, CONTAINER_ERROR "Failed") == 0) {
		const char *errno_name = strerrorname_np(err->sys_errno);

		add_string(parameters, "what", errno_name && err->sys_errno ? errno_name : "");
		json_object_object_add(parameters, "errno", json_object_new_int(err->sys_errno));
	}
	if (errors[err->code].subject)
		add_string(parameters, errors[err->code].subject, err->subject);
	add_string(parameters, "message", err->message);
	*ret_parameters = parameters;
	return name;
}

static void send_text(struct request *request, char *text, size_t size)
{
	if (!request->call.oneway && evbuffer_add(request->connection->out, text, size) < 0)
		request->connection->broken = true;
	free(text);
}

/* Test builds hold every answer against its definition, as every call is. */
static void check_reply(const struct request *request, struct json_object *parameters)
{
#ifdef SANITIZED
	struct error err;

	if (idl_check_method(request->interface->idl, request->method_index, IDL_OUT, parameters,
			     &err) < 0) {
		log_error("reply to %s: %s: %s", request->call.method, err.subject, err.message);
		abort();
	}
#else
	(void)request;
	(void)parameters;
#endif
}

void request_cancel(struct request *request)
{
	container_waiter_cancel(&request->waiter);
	container_listener_cancel(&request->listener);
	container_watcher_cancel(&request->watcher);
	logs_sync_cancel(&request->sync);
	request_ticket_cancel(request);
	if (request->deadline)
		event_free(TAKE_PTR(request->deadline));
	if (request->incoming) {
		(void)close(event_get_fd(request->incoming));
		event_free(TAKE_PTR(request->incoming));
	}
}

void request_done(struct request *request)
{
	struct connection *connection = request->connection;

	request_cancel(request);
	varlink_call_done(&request->call);
	request->held = NULL;
	request->exec = NULL;
	connection->busy = false;
	connection->message_sweeps = 0;
	if (!connection->processing)
		connection_process(connection);
}

void request_reply(struct request *request, struct json_object *parameters)
{
	_cleanup_(json_putp) struct json_object *owned = parameters;
	size_t size;
	char *text;

	check_reply(request, parameters);
	text = varlink_format_reply(parameters, false, &size);
	send_text(request, text, size);
	request_done(request);
}

void request_reply_more(struct request *request, struct json_object *parameters)
{
	size_t size;
	char *text;

	check_reply(request, parameters);
	text = varlink_format_reply(parameters, true, &size);
	json_object_put(parameters);
	send_text(request, text, size);
}

void request_error(struct request *request, const struct error *err)
{
	_cleanup_(json_putp) struct json_object *parameters = NULL;
	const char *name = reply_error(err, &parameters);
	size_t size;
	char *text = varlink_format_error(name, parameters, &size);

	send_text(request, text, size);
	request_done(request);
}

void request_service_error(struct request *request, const char *name, const char *key,
			   const char *value)
{
	_cleanup_(json_putp) struct json_object *parameters = NULL;
	char full[64] = "org.varlink.service.";
	size_t size;
	char *text;

	(void)strncat(full, name, sizeof(full) - strlen(full) - 1);
	if (key) {
		parameters = json_object_new_object();
		add_string(parameters, key, value);
	}
	text = varlink_format_error(full, parameters, &size);
	send_text(request, text, size);
	request_done(request);
}

void request_upgrade(struct request *request, struct process *process,
		     const struct attach_options *attach, struct json_object *parameters)
{
	_cleanup_(json_putp) struct json_object *owned = parameters;
	struct connection *connection = request->connection;
	struct process_attach_params params = {
		.input = attach->input,
		.steal = attach->steal,
		.history_rows = (unsigned int)attach->history_rows,
		.uid = connection->peer.uid,
		.rows = (uint16_t)attach->rows,
		.columns = (uint16_t)attach->columns,
	};
	struct error err;
	size_t size;
	char *text;

	/* Asked before the reply is made: after it there are only frames. */
	if (process_check_viewer(process, attach->steal, &err) < 0) {
		process_begin(process);
		request_error(request, &err);
		return;
	}
	check_reply(request, parameters);
	text = varlink_format_reply(parameters, false, &size);
	send_text(request, text, size);
	params.first_bytes = evbuffer_get_length(connection->out);
	params.first = evbuffer_pullup(connection->out, -1);
	params.early = varlink_reader_rest(&connection->reader, &params.early_bytes);
	request->held = NULL;
	(void)event_del(&connection->readable);
	(void)event_del(&connection->writable);
	if (process_attach(process, connection->fd, &params, &err) == 0)
		connection->fd = -1;
	else
		log_warning("attach: %s", err.message);
	/* The connection is the session's, or of no use. */
	connection->broken = true;
	request_done(request);
}

void request_give(struct request *request, struct json_object *parameters,
		  request_give_function give, void *userdata)
{
	_cleanup_(json_putp) struct json_object *owned = parameters;
	struct connection *connection = request->connection;
	struct evbuffer *first = evbuffer_new();
	_cleanup_(freep) char *text = NULL;
	struct error err;
	size_t size;
	int r;

	check_reply(request, parameters);
	text = varlink_format_reply(parameters, false, &size);
	/* Replies to earlier calls may still be on their way. */
	if (!first || evbuffer_add_buffer_reference(first, connection->out) < 0 ||
	    evbuffer_add(first, text, size) < 0)
		abort();
	r = give(userdata, connection->fd, evbuffer_pullup(first, -1), evbuffer_get_length(first),
		 &err);
	evbuffer_free(first);
	if (r < 0) {
		request_error(request, &err);
		return;
	}
	(void)event_del(&connection->readable);
	(void)event_del(&connection->writable);
	connection->broken = true;
	request_done(request);
}
