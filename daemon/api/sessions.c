/* io.dokrust.Container: who is attached, and what can be done to a session from beside it. */
#include <string.h>

#include <json-c/json_object.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/api/connection.h"
#include "daemon/api/container_methods.h"
#include "daemon/api/interface.h"
#include "daemon/api/users.h"

/* The process that the call means; NULL when answered already. */
static struct process *find(struct request *request)
{
	struct exec *exec;
	struct container *container = find_process(request, &exec);

	if (!container)
		return NULL;
	return exec ? exec_process(exec) : container_process(container);
}

static void add_user_names(struct json_object *viewers)
{
	for (size_t i = 0; i < json_object_array_length(viewers); i++) {
		struct json_object *viewer = json_object_array_get_idx(viewers, i);
		int64_t uid = json_object_get_int64(json_object_object_get(viewer, "uid"));
		_cleanup_(freep) char *name = user_name((uid_t)uid);

		if (name)
			json_object_object_add(viewer, "user", json_object_new_string(name));
	}
}

void container_sessions_method(struct request *request)
{
	struct process *process = find(request);
	struct json_object *reply, *viewers, *size;
	uint16_t rows, columns;
	struct error err;

	if (!process)
		return;
	if (process_check_attach(process, &err) < 0) {
		request_error(request, &err);
		return;
	}
	viewers = process_viewers(process);
	add_user_names(viewers);
	process_get_size(process, &rows, &columns);
	reply = json_object_new_object();
	json_object_object_add(reply, "viewers", viewers);
	json_object_object_add(reply, "terminal", json_object_new_boolean(rows > 0));
	if (rows) {
		size = json_object_new_object();
		json_object_object_add(size, "rows", json_object_new_int(rows));
		json_object_object_add(size, "columns", json_object_new_int(columns));
		json_object_object_add(reply, "size", size);
	}
	request_reply(request, reply);
}

void container_detach_method(struct request *request)
{
	struct process *process = find(request);
	struct json_object *viewer, *reply;
	unsigned int detached;
	int64_t number;
	struct error err;

	if (!process)
		return;
	viewer = json_object_object_get(request->call.parameters, "viewer");
	number = viewer ? json_object_get_int64(viewer) : 0;
	if ((viewer && number < 1) || number > UINT32_MAX) {
		(void)error_set_subject(&err, ERROR_INVALID_VALUE, "viewer",
					"viewers are numbered from 1");
		request_error(request, &err);
	} else if (process_detach(process, (unsigned int)number, request->connection->peer.uid,
				  &detached, &err) < 0) {
		request_error(request, &err);
	} else {
		reply = json_object_new_object();
		json_object_object_add(reply, "detached", json_object_new_int64(detached));
		request_reply(request, reply);
	}
}

static const char *enter_key(const struct request *request, const struct process *process)
{
	uint16_t rows, columns;

	if (!json_object_get_boolean(json_object_object_get(request->call.parameters, "enter")))
		return "";
	process_get_size(process, &rows, &columns);
	return rows ? "\r" : "\n";
}

void container_send_method(struct request *request)
{
	struct process *process = find(request);
	_cleanup_(freep) char *text = NULL;
	struct error err;

	if (!process)
		return;
	text = alloc_printf("%s%s", string_parameter(request, "text"), enter_key(request, process));
	if (process_type(process, request->connection->peer.uid, text, strlen(text), &err) < 0)
		request_error(request, &err);
	else
		request_reply(request, NULL);
}

static enum process_view wanted_view(const struct request *request)
{
	struct json_object *parameters = request->call.parameters;

	if (json_object_get_boolean(json_object_object_get(parameters, "painted")))
		return PROCESS_VIEW_PAINTED;
	return json_object_get_boolean(json_object_object_get(parameters, "cells")) ?
		       PROCESS_VIEW_CELLS :
		       PROCESS_VIEW_LINES;
}

void container_screen_method(struct request *request)
{
	struct process *process = find(request);
	struct json_object *reply;
	struct error err;

	if (!process)
		return;
	if (process_look(process, wanted_view(request), &reply, &err) < 0)
		request_error(request, &err);
	else
		request_reply(request, reply);
}
