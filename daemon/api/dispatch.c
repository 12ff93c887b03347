#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/api/connection.h"
#include "daemon/api/interface.h"
#include "daemon/loop/memory.h"

static void answer_interface_not_found(struct request *request)
{
	const char *method = request->call.method;
	const char *dot = strrchr(method, '.');
	_cleanup_(freep) char *name = strndup(method, dot ? (size_t)(dot - method) : 0);

	request_service_error(request, "InterfaceNotFound", "interface", name ? name : "");
}

/* The flags that the method's table entry has nothing to do with; false if answered. */
static bool check_flags(struct request *request)
{
	const struct method *method = request->method;

	if (request->connection->n_fds && !(method->flags & METHOD_DESCRIPTORS)) {
		connection_close_fds(request->connection);
		request_service_error(request, "InvalidParameter", "parameter", "descriptors");
		return false;
	}
	if (method->flags & METHOD_STREAM && !request->call.more) {
		request_service_error(request, "ExpectedMore", NULL, NULL);
		return false;
	}
	if (request->call.upgrade && !(method->flags & METHOD_UPGRADE)) {
		request_service_error(request, "InvalidParameter", "parameter", "upgrade");
		return false;
	}
	return true;
}

void dispatch(struct request *request)
{
	struct connection *connection = request->connection;
	int index = -1;
	struct error err;

	request->method = NULL;
	request->interface =
		interface_find(connection->server->interfaces, request->call.method, &index);
	if (!request->interface) {
		answer_interface_not_found(request);
		return;
	}
	if (index < 0) {
		request_service_error(request, "MethodNotFound", "method", request->call.method);
		return;
	}
	request->method_index = index;
	request->method = request->interface->methods[index];
	if (access_method(&connection->peer, request->method->need, &err) < 0) {
		request_error(request, &err);
		return;
	}
	if (memory_is_short()) {
		(void)error_set_errno(&err, ENOMEM, "the daemon");
		request_error(request, &err);
		return;
	}
	if (idl_check_method(request->interface->idl, index, IDL_IN, request->call.parameters,
			     &err) < 0) {
		request_service_error(request, "InvalidParameter", "parameter", err.subject);
		return;
	}
	if (check_flags(request))
		request->method->call(request);
}
