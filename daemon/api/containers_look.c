/* io.dokrust.Container: the methods that only look, and the table of them all. */
#include <string.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/api/connection.h"
#include "daemon/api/container_methods.h"
#include "daemon/api/interface.h"
#include "daemon/container/filter.h"

enum { LIST_CHUNK = 64 * 1024 }; /* bytes of replies before a slow peer must read some */

struct list_options {
	bool all;
	char **filters;
};

static const struct json_field list_fields[] = {
	JSON_FIELD(struct list_options, all, JSON_BOOL),
	JSON_FIELD(struct list_options, filters, JSON_STRINGS),
};

static void list_options_done(struct list_options *options)
{
	json_free_fields(list_fields, ARRAY_SIZE(list_fields), options);
}

static void read_options(const struct request *request, struct list_options *ret)
{
	struct error ignored; /* the interface was checked */

	*ret = (struct list_options){ 0 };
	if (request->call.parameters)
		(void)json_read_fields(request->call.parameters, list_fields,
				       ARRAY_SIZE(list_fields), ret, &ignored);
}

/* The first from `container` on that is to be shown. */
static struct container *next_shown(const struct request *request,
				    const struct list_options *options, struct container *container)
{
	for (; container; container = container_following(container))
		if ((options->all || container_is_active(container)) &&
		    access_sees(&request->connection->peer, container) &&
		    filter_matches(options->filters, container))
			break;
	return container;
}

/* The reply is put together from the container's cached text: listing builds no JSON. */
static void add_entry(struct request *request, struct container *container, bool continues)
{
	static const char head[] = "{\"parameters\":{\"container\":";
	static const char more[] = "},\"continues\":true}", last[] = "}}";
	struct evbuffer *out = request->connection->out;
	size_t size;
	const char *summary = container_summary(container, &size);

	if (evbuffer_add(out, head, sizeof(head) - 1) < 0 || evbuffer_add(out, summary, size) < 0 ||
	    evbuffer_add(out, continues ? more : last, continues ? sizeof(more) : sizeof(last)) < 0)
		request->connection->broken = true;
	request->cursor = container_serial(container);
}

static void list_some(struct request *request)
{
	struct containers *containers = request->connection->server->params.containers;
	struct evbuffer *out = request->connection->out;
	_cleanup_(list_options_done) struct list_options options;
	struct container *container, *next;

	read_options(request, &options);
	container = next_shown(request, &options, containers_next(containers, request->cursor));
	if (!container) {
		request_reply(request, NULL);
		return;
	}
	while (evbuffer_get_length(out) < LIST_CHUNK) {
		next = next_shown(request, &options, container_following(container));
		add_entry(request, container, next != NULL);
		if (!next) {
			request_done(request);
			return;
		}
		container = next;
	}
}

static void list(struct request *request)
{
	_cleanup_(list_options_done) struct list_options options;
	struct error err;

	read_options(request, &options);
	request->cursor = 0;
	if (filter_check(options.filters, &err) < 0)
		request_error(request, &err);
	else if (request->call.oneway)
		request_done(request);
	else
		list_some(request);
}

static void inspect(struct request *request)
{
	struct container *container = find_container(request);
	struct json_object *reply;

	if (!container)
		return;
	reply = json_object_new_object();
	json_object_object_add(reply, "container", container_detail(container));
	request_reply(request, reply);
}

const struct method container_methods[] = {
	{ "Create", ACCESS_CREATE, METHOD_DESCRIPTORS, container_create_method, NULL },
	{ "Start", ACCESS_CONTAINER, METHOD_UPGRADE, container_start_method, NULL },
	{ "Run", ACCESS_CREATE, METHOD_UPGRADE | METHOD_DESCRIPTORS, container_run_method, NULL },
	{ "Exec", ACCESS_CONTAINER, METHOD_UPGRADE, container_exec_method, NULL },
	{ "Attach", ACCESS_CONTAINER, METHOD_UPGRADE, container_attach_method, NULL },
	{ "Sessions", ACCESS_CONTAINER, 0, container_sessions_method, NULL },
	{ "Detach", ACCESS_CONTAINER, 0, container_detach_method, NULL },
	{ "Screen", ACCESS_CONTAINER, 0, container_screen_method, NULL },
	{ "Send", ACCESS_CONTAINER, 0, container_send_method, NULL },
	{ "Stop", ACCESS_CONTAINER, 0, container_stop_method, NULL },
	{ "Kill", ACCESS_CONTAINER, 0, container_kill_method, NULL },
	{ "Restart", ACCESS_CONTAINER, 0, container_restart_method, NULL },
	{ "Remove", ACCESS_CONTAINER, 0, container_remove_method, NULL },
	{ "Rename", ACCESS_CONTAINER, 0, container_rename_method, NULL },
	{ "Update", ACCESS_CONTAINER, 0, container_update_method, NULL },
	{ "Pause", ACCESS_CONTAINER, 0, container_pause_method, NULL },
	{ "Unpause", ACCESS_CONTAINER, 0, container_unpause_method, NULL },
	{ "Connect", ACCESS_CONTAINER, 0, container_connect_method, NULL },
	{ "Disconnect", ACCESS_CONTAINER, 0, container_disconnect_method, NULL },
	{ "AddMount", ACCESS_CONTAINER, METHOD_DESCRIPTORS, container_add_mount_method, NULL },
	{ "RemoveMount", ACCESS_CONTAINER, 0, container_remove_mount_method, NULL },
	{ "Wait", ACCESS_CONTAINER, 0, container_wait_method, NULL },
	{ "List", ACCESS_ANYONE, METHOD_STREAM, list, list_some },
	{ "Inspect", ACCESS_CONTAINER, 0, inspect, NULL },
	{ "Stats", ACCESS_ANYONE, METHOD_STREAM, container_stats_method, container_stats_some },
	{ "Top", ACCESS_CONTAINER, METHOD_STREAM, container_top_method, container_top_some },
	{ "Logs", ACCESS_CONTAINER, METHOD_UPGRADE, container_logs_method, NULL },
	{ "Events", ACCESS_ANYONE, METHOD_STREAM, container_events_method, container_events_some },
	{ "StartRecording", ACCESS_CONTAINER, 0, container_start_recording_method, NULL },
	{ "StopRecording", ACCESS_CONTAINER, 0, container_stop_recording_method, NULL },
	{ "Recordings", ACCESS_CONTAINER, 0, container_recordings_method, NULL },
	{ "RemoveRecording", ACCESS_CONTAINER, 0, container_remove_recording_method, NULL },
	{ "GetRecording", ACCESS_CONTAINER, METHOD_UPGRADE, container_get_recording_method, NULL },
	{ 0 },
};
