/* io.dokrust.Container: logs and events. */
#include <stdint.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/frame.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/api/connection.h"
#include "daemon/api/container_methods.h"
#include "daemon/api/interface.h"

static struct json_object *parameter(const struct request *request, const char *key)
{
	return json_object_object_get(request->call.parameters, key);
}

/* A time of the call; *ret stays as it is when it has none. */
static int read_time(const struct request *request, const char *key, int64_t *ret,
		     struct error *err)
{
	const char *text = string_parameter(request, key);

	if (!text || clock_parse(text, ret) == 0)
		return 0;
	return error_set_subject(err, ERROR_INVALID_VALUE, key,
				 "\"%.40s\" is no time as 2026-11-24T08:54:12.012345Z", text);
}

/* --- Logs ------------------------------------------------------------------------------------ */

static int read_selection(const struct request *request, struct container_log_selection *ret,
			  struct error *err)
{
	struct json_object *tail = parameter(request, "tail");
	const char *stream = string_parameter(request, "stream");
	struct container_log_selection selection = {
		.follow = json_object_get_boolean(parameter(request, "follow")),
		.no_stdout = stream && strcmp(stream, "stderr") == 0,
		.no_stderr = stream && strcmp(stream, "stdout") == 0,
		.tail = tail ? json_object_get_int64(tail) : -1,
		.until_us = INT64_MAX,
	};

	if (tail && selection.tail < 0)
		return error_set_subject(err, ERROR_INVALID_VALUE, "tail",
					 "a number of lines is not negative");
	if (read_time(request, "since", &selection.since_us, err) < 0 ||
	    read_time(request, "until", &selection.until_us, err) < 0)
		return -1;
	*ret = selection;
	return 0;
}

struct giving {
	struct container *container;
	struct container_log_selection selection;
};

static int give(void *userdata, int socket, const void *first, size_t first_bytes,
		struct error *err)
{
	const struct giving *giving = userdata;

	return container_read_log(giving->container, socket, &giving->selection, first, first_bytes,
				  err);
}

struct json_object *framing_reply(void)
{
	struct json_object *reply = json_object_new_object();

	json_object_object_add(reply, "framing", json_object_new_int(FRAME_VERSION));
	return reply;
}

static void on_synced(struct logs_sync *sync)
{
	struct request *request =
		(struct request *)((uintptr_t)sync - offsetof(struct request, sync));
	struct giving giving = { .container = find_container(request) };
	struct error ignored; /* it was looked at before */

	if (!giving.container || read_selection(request, &giving.selection, &ignored) < 0)
		return;
	request_give(request, framing_reply(), give, &giving);
}

void container_logs_method(struct request *request)
{
	struct container_log_selection selection;
	struct container *container;
	struct error err;

	if (!request->call.upgrade) {
		request_service_error(request, "ExpectedUpgrade", NULL, NULL);
		return;
	}
	container = find_container(request);
	if (!container)
		return;
	if (read_selection(request, &selection, &err) < 0 ||
	    container_check_log(container, &err) < 0)
		request_error(request, &err);
	else
		container_sync_log(container, &request->sync, on_synced);
}

/* --- Events ---------------------------------------------------------------------------------- */

enum { EVENTS_CHUNK = 64 * 1024 }; /* bytes of replies before a slow peer must read some */

struct events_options {
	char **filters;
	int64_t since_us, until_us;
};

static const struct json_field events_fields[] = {
	JSON_FIELD(struct events_options, filters, JSON_STRINGS),
};

static void events_options_done(struct events_options *options)
{
	json_free_fields(events_fields, ARRAY_SIZE(events_fields), options);
}

static int read_events_options(const struct request *request, struct events_options *ret,
			       struct error *err)
{
	*ret = (struct events_options){ .since_us = INT64_MAX, .until_us = INT64_MAX };
	if (!request->call.parameters)
		return 0;
	if (json_read_fields(request->call.parameters, events_fields, ARRAY_SIZE(events_fields),
			     ret, err) < 0 ||
	    read_time(request, "since", &ret->since_us, err) < 0 ||
	    read_time(request, "until", &ret->until_us, err) < 0)
		return -1;
	return happening_check_filters(ret->filters, err);
}

/* One reply of a stream that goes on; value is taken. */
static void add_reply(struct request *request, const char *key, struct json_object *value)
{
	_cleanup_(json_putp) struct json_object *reply = json_object_new_object();
	_cleanup_(freep) char *text = NULL;
	size_t size;

	if (key)
		json_object_object_add(reply, key, value);
	text = varlink_format_reply(reply, true, &size);
	if (evbuffer_add(request->connection->out, text, size) < 0)
		request->connection->broken = true;
}

/* True if there may be more to tell. */
static bool tell_next(struct request *request, const struct events_options *options)
{
	struct containers *containers = request->connection->server->params.containers;
	const struct happening *happening;
	uint64_t lost = containers_next_event(containers, request->cursor, &happening);

	request->cursor += lost;
	if (lost)
		add_reply(request, "lost", json_object_new_int64((int64_t)lost));
	if (!happening || happening_time_us(happening) > options->until_us)
		return false;
	request->cursor = happening_serial(happening);
	if (access_sees_owner(&request->connection->peer, happening_owner(happening)) &&
	    happening_matches(happening, options->filters))
		add_reply(request, "event", happening_to_json(happening));
	return true;
}

void container_events_some(struct request *request)
{
	_cleanup_(events_options_done) struct events_options options;
	struct evbuffer *out = request->connection->out;
	struct error ignored; /* they were looked at before */
	bool more = true;

	(void)read_events_options(request, &options, &ignored);
	while (more && evbuffer_get_length(out) < EVENTS_CHUNK)
		more = tell_next(request, &options);
	if (!more && clock_realtime_us() >= options.until_us)
		request_reply(request, NULL);
}

static void on_wake(struct container_listener *listener)
{
	struct request *request =
		(struct request *)((uintptr_t)listener - offsetof(struct request, listener));

	connection_process(request->connection);
}

static void on_until(evutil_socket_t fd, short what, void *userdata)
{
	struct request *request = userdata;

	(void)fd;
	(void)what;
	connection_process(request->connection);
}

/* A clock that is set makes the time come early or late: it is looked at again then. */
static void set_deadline(struct request *request, int64_t until_us)
{
	int64_t left = until_us - clock_realtime_us();
	struct timeval timeout = { .tv_sec = 0 };

	if (until_us == INT64_MAX)
		return;
	if (left > 0)
		timeout = (struct timeval){ .tv_sec = left / 1000000, .tv_usec = left % 1000000 };
	request->deadline = event_new(request->connection->server->params.base, -1, EV_PERSIST,
				      on_until, request);
	if (!request->deadline || event_add(request->deadline, &timeout) < 0)
		abort();
}

void container_events_method(struct request *request)
{
	struct containers *containers = request->connection->server->params.containers;
	_cleanup_(events_options_done) struct events_options options;
	struct error err;

	if (read_events_options(request, &options, &err) < 0) {
		request_error(request, &err);
		return;
	}
	request->cursor = options.since_us == INT64_MAX ?
				  containers_last_event(containers) :
				  containers_events_since(containers, options.since_us);
	request->listener.wake = on_wake;
	containers_listen(containers, &request->listener);
	set_deadline(request, options.until_us);
	/* Says that from here on nothing is missed. */
	add_reply(request, NULL, NULL);
	container_events_some(request);
}
