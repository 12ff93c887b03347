/* io.dokrust.Container: Stats and Top. */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "daemon/api/connection.h"
#include "daemon/api/container_methods.h"
#include "daemon/api/interface.h"

enum {
	OUTPUT_CHUNK = 64 * 1024, /* bytes of replies before a slow peer must read some */
	/* A reading takes up to 0.2 ms: only so many before others have their turn. */
	STATS_CHUNK = 8 * 1024,
	MEASURED_AT_ONCE = 16,
};

static struct containers *containers_of(const struct request *request)
{
	return request->connection->server->params.containers;
}

static bool flag(const struct request *request, const char *key)
{
	return json_object_get_boolean(json_object_object_get(request->call.parameters, key));
}

/* --- Stats: which ---------------------------------------------------------------------------- */

/* The references of a call, once it was looked at the ids; NULL: it names none. */
static struct json_object *names(const struct request *request)
{
	struct json_object *array = json_object_object_get(request->call.parameters, "containers");

	return array && json_object_array_length(array) ? array : NULL;
}

/* The container that is named there, if it is still there. */
static struct container *named(const struct request *request, size_t i)
{
	struct container *container;
	struct error ignored;

	if (containers_find(containers_of(request),
			    json_object_get_string(json_object_array_get_idx(names(request), i)),
			    &container, &ignored) < 0)
		return NULL;
	return container;
}

/* The next of this round, and NULL at its end. The cursor is the place among the names, or the serial
 * number of the last one.
 */
static struct container *next_shown(struct request *request)
{
	struct json_object *array = names(request);
	struct container *container = NULL;

	if (array) {
		while (!container && request->cursor < json_object_array_length(array))
			container = named(request, request->cursor++);
		return container;
	}
	container = containers_next(containers_of(request), request->cursor);
	while (container && !((flag(request, "all") || container_is_active(container)) &&
			      access_sees(&request->connection->peer, container)))
		container = container_following(container);
	if (container)
		request->cursor = container_serial(container);
	return container;
}

/* All that are named are there, and may be looked at: their ids take the names' place, which could be
 * another's a moment later.
 */
static int check_names(struct request *request, struct error *err)
{
	struct json_object *array = names(request);
	struct container *container;

	for (size_t i = 0; array && i < json_object_array_length(array); i++) {
		const char *name = json_object_get_string(json_object_array_get_idx(array, i));

		if (containers_find(containers_of(request), name, &container, err) < 0 ||
		    access_container(&request->connection->peer, container, name, err) < 0)
			return -1;
		(void)json_object_array_put_idx(array, i,
						json_object_new_string(container_id(container)));
	}
	return 0;
}

static bool is_over(const struct request *request)
{
	struct json_object *array = names(request);

	if (flag(request, "once"))
		return true;
	for (size_t i = 0; array && i < json_object_array_length(array); i++)
		if (named(request, i))
			return false;
	return array != NULL;
}

/* --- Stats: telling -------------------------------------------------------------------------- */

/* What the first round compares with. */
static void measure_some(struct request *request)
{
	static const struct timeval now = { 0 };
	struct container *container;

	for (int i = 0; i < MEASURED_AT_ONCE; i++) {
		container = next_shown(request);
		if (!container) {
			request->measured = true;
			request->cursor = 0;
			return;
		}
		container_measure(container);
	}
	(void)event_add(&request->connection->again, &now);
}

void container_stats_some(struct request *request)
{
	uint64_t round = containers_round(containers_of(request));
	struct container *container;
	struct json_object *reply;

	if (!request->measured)
		measure_some(request);
	if (!request->measured || request->round == round)
		return;
	while (evbuffer_get_length(request->connection->out) < STATS_CHUNK) {
		container = next_shown(request);
		if (!container) {
			request->round = round;
			request->cursor = 0;
			if (is_over(request))
				request_reply(request, NULL);
			else
				request_reply_more(request, NULL);
			return;
		}
		reply = json_object_new_object();
		json_object_object_add(reply, "stats", container_stats(container));
		request_reply_more(request, reply);
	}
}

static void on_wake(struct container_watcher *watcher)
{
	struct request *request =
		(struct request *)((uintptr_t)watcher - offsetof(struct request, watcher));

	connection_process(request->connection);
}

void container_stats_method(struct request *request)
{
	struct error err;

	if (check_names(request, &err) < 0) {
		request_error(request, &err);
		return;
	}
	request->watcher.wake = on_wake;
	containers_watch(containers_of(request), &request->watcher);
	request->round = containers_round(containers_of(request));
	request->cursor = 0;
	request->measured = false;
	measure_some(request);
}

/* --- Top ------------------------------------------------------------------------------------- */

/* What comes are replies already. */
void container_top_some(struct request *request)
{
	struct evbuffer *out = request->connection->out;
	char buffer[OUTPUT_CHUNK];
	ssize_t n;

	if (evbuffer_get_length(out) >= OUTPUT_CHUNK)
		return;
	n = read(event_get_fd(request->incoming), buffer, sizeof(buffer));
	if (n > 0) {
		request->cut = buffer[n - 1] != '\0';
		if (evbuffer_add(out, buffer, (size_t)n) < 0)
			request->connection->broken = true;
	} else if (n == 0 && !request->cut) {
		request_reply(request, NULL);
	} else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		(void)event_add(request->incoming, NULL);
	} else {
		request->connection->broken = true;
	}
}

static void on_incoming(evutil_socket_t fd, short what, void *userdata)
{
	struct request *request = userdata;

	(void)fd;
	(void)what;
	connection_process(request->connection);
}

void container_top_method(struct request *request)
{
	struct container *container = find_container(request);
	struct error err;
	int fd;

	if (!container)
		return;
	if (container_read_processes(container, &fd, &err) < 0) {
		request_error(request, &err);
		return;
	}
	request->cut = false;
	request->incoming = event_new(request->connection->server->params.base, fd, EV_READ,
				      on_incoming, request);
	if (!request->incoming || event_add(request->incoming, NULL) < 0)
		abort();
}
