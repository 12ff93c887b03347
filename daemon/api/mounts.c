/* io.dokrust.Container: AddMount and RemoveMount. */
#include "common/cleanup.h"
#include "common/mount_spec.h"
#include "daemon/api/connection.h"
#include "daemon/api/container_methods.h"

int take_sources(struct request *request, struct mount_spec *mounts, size_t n, struct error *err)
{
	struct connection *connection = request->connection;
	size_t taken = 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		int64_t which = mounts[i].source_fd;

		if (which < 0)
			continue;
		if ((size_t)which >= connection->n_fds || connection->fds[which] < 0) {
			r = -1;
			break;
		}
		mounts[i].fd = TAKE_FD(connection->fds[which]);
		taken++;
	}
	if (taken != connection->n_fds)
		r = -1;
	connection_close_fds(connection);
	if (r == 0)
		return 0;
	return error_set_subject(err, ERROR_INVALID_VALUE, "source_fd",
				 "there have to be as many descriptors as mounts that name one");
}

void container_add_mount_method(struct request *request)
{
	struct container *container = find_container(request);
	struct mount_spec mount;
	struct error err;
	int r;

	if (!container)
		return;
	if (mount_spec_from_json(json_object_object_get(request->call.parameters, "mount"), &mount,
				 &err) < 0) {
		request_error(request, &err);
		return;
	}
	if (take_sources(request, &mount, 1, &err) < 0 || mount_spec_check(&mount, &err) < 0 ||
	    access_mount(&request->connection->peer, &request->connection->server->params, &mount,
			 &err) < 0) {
		mount_spec_done(&mount);
		request_error(request, &err);
		return;
	}
	r = container_add_mount(container, &mount, request_change_waiter(request), &err);
	mount_spec_done(&mount);
	reply_when_changed(request, container, r, &err);
}

void container_remove_mount_method(struct request *request)
{
	struct json_object *parameters = request->call.parameters;
	struct container *container = find_container(request);
	struct error err;
	bool lazy;
	int r;

	if (!container)
		return;
	lazy = json_object_get_boolean(json_object_object_get(parameters, "lazy"));
	r = container_remove_mount(container, string_parameter(request, "target"), lazy,
				   request_change_waiter(request), &err);
	reply_when_changed(request, container, r, &err);
}
