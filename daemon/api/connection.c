#include "daemon/api/connection.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/log.h"
#include "daemon/api/interface.h"

enum {
	CALLS_AT_ONCE = 16,	 /* of one connection, before others get their turn */
	OUTPUT_MAX = 256 * 1024, /* bytes that may wait for a peer before it is served again */
	IDLE_SWEEPS = 60,	 /* five minutes without a call */
	STALL_SWEEPS = 6,	 /* half a minute without taking a byte of what waits for it */
	MESSAGE_SWEEPS = 12,	 /* a minute to send one message */
};

/* Bytes that were read and belong to no message yet handed out. */
static size_t pending_input(const struct connection *connection)
{
	size_t size;

	(void)varlink_reader_rest(&connection->reader, &size);
	return size;
}

static void update_interest(struct connection *connection)
{
	bool output = evbuffer_get_length(connection->out) > 0;
	bool input = !connection->ended && !connection->busy &&
		     evbuffer_get_length(connection->out) < OUTPUT_MAX;

	/* While a call is in progress, reading goes on only as far as the message that follows
	 * it: it is how a peer that goes away is noticed.
	 */
	if (connection->busy && !connection->ended && pending_input(connection) == 0)
		input = true;
	if (input)
		(void)event_add(&connection->readable, NULL);
	else
		(void)event_del(&connection->readable);
	if (output)
		(void)event_add(&connection->writable, NULL);
	else
		(void)event_del(&connection->writable);
}

static void flush(struct connection *connection)
{
	while (evbuffer_get_length(connection->out)) {
		int n = evbuffer_write(connection->out, connection->fd);

		if (n > 0) {
			connection->quiet_sweeps = 0;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			connection->broken = true;
		return;
	}
}

/* One call from what has been read; false if there is none, or none that can be understood. */
static bool next_call(struct connection *connection)
{
	struct request *request = &connection->request;
	const char *text;
	struct error err;
	size_t size;
	int r = varlink_reader_next(&connection->reader, &text, &size, &err);

	if (r == 0)
		return false;
	if (r > 0)
		r = varlink_call_parse(text, size, &request->call, &err);
	if (r < 0) {
		log_debug("pid %d, uid %u: %s; closed", connection->peer.pid, connection->peer.uid,
			  err.message);
		/* The replies to what came before still go out, as far as they can. */
		flush(connection);
		connection->broken = true;
		return false;
	}
	connection->busy = true;
	connection->quiet_sweeps = 0;
	dispatch(request);
	return true;
}

/* Lets a stream add replies; false when it has no room for them, or waits for something else. */
static bool resume(struct connection *connection)
{
	struct request *request = &connection->request;
	size_t before = evbuffer_get_length(connection->out);

	if (!request->method || !request->method->resume)
		return false;
	request->method->resume(request);
	return !connection->busy || evbuffer_get_length(connection->out) > before;
}

void connection_process(struct connection *connection)
{
	static const struct timeval now = { 0 };
	bool more = true;

	connection->processing = true;
	for (int i = 0; i < CALLS_AT_ONCE && more && !connection->broken; i++) {
		size_t waiting;

		if (evbuffer_get_length(connection->out) >= OUTPUT_MAX)
			more = false;
		else if (connection->busy)
			more = resume(connection);
		else
			more = next_call(connection);
		waiting = evbuffer_get_length(connection->out);
		if (!connection->broken)
			flush(connection);
		/* A stream that had no room, and has now, is not told of that by the socket. */
		if (waiting && connection->busy && !evbuffer_get_length(connection->out))
			more = true;
	}
	connection->processing = false;
	if (connection->ended && !connection->busy && !more &&
	    !evbuffer_get_length(connection->out))
		connection->broken = true;
	if (connection->broken) {
		connection_free(connection);
		return;
	}
	update_interest(connection);
	/* The others first: a timer fires after the loop has looked at them again, which an event
	 * that is made active now would not wait for.
	 */
	if (more)
		(void)event_add(&connection->again, &now);
}

/* The peer sends no more. One that closed is gone; one that only shut down its side of the
 * connection still reads.
 */
static void peer_ended(struct connection *connection)
{
	struct pollfd poll_fd = { .fd = connection->fd };

	connection->ended = true;
	if (poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & (POLLHUP | POLLERR))
		connection->broken = true;
}

void connection_close_fds(struct connection *connection)
{
	while (connection->n_fds)
		(void)fd_close(connection->fds[--connection->n_fds]);
}

/* They are for the call that comes with them, whose turn is next: more than that can use are too
 * many. fds are taken.
 */
static void keep_fds(struct connection *connection, const int *fds, size_t n)
{
	if (connection->n_fds + n > FD_PASS_MAX) {
		for (size_t i = 0; i < n; i++)
			(void)fd_close(fds[i]);
		connection->broken = true;
		return;
	}
	(void)memcpy(connection->fds + connection->n_fds, fds, n * sizeof(*fds));
	connection->n_fds += n;
}

static void read_some(struct connection *connection)
{
	size_t room;
	char *buffer = varlink_reader_room(&connection->reader, &room);
	int fds[FD_PASS_MAX];
	size_t n_fds;
	ssize_t n = fd_receive(connection->fd, buffer, room, fds, &n_fds);

	keep_fds(connection, fds, n_fds);
	if (n > 0) {
		connection->quiet_sweeps = 0;
		varlink_reader_added(&connection->reader, (size_t)n);
	} else if (n == 0) {
		peer_ended(connection);
	} else if (errno != EAGAIN && errno != EINTR) {
		connection->broken = true;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *userdata)
{
	struct connection *connection = userdata;

	(void)fd;
	(void)what;
	read_some(connection);
	connection_process(connection);
}

static void on_again(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	connection_process(userdata);
}

static void on_writable(evutil_socket_t fd, short what, void *userdata)
{
	struct connection *connection = userdata;

	(void)fd;
	(void)what;
	flush(connection);
	connection_process(connection);
}

void connection_new(struct server *server, int fd, const struct access_peer *peer)
{
	struct connection *connection = ALLOC(struct connection);

	connection->server = server;
	connection->fd = fd;
	connection->peer = *peer;
	connection->request.connection = connection;
	connection->out = evbuffer_new();
	if (!connection->out)
		abort();
	varlink_reader_init(&connection->reader, VARLINK_MESSAGE_MAX);
	LIST_INSERT_HEAD(&server->connections, connection, entry);
	server_count(server, peer->uid, true);
	(void)event_assign(&connection->readable, server->params.base, fd, EV_READ | EV_PERSIST,
			   on_readable, connection);
	(void)event_assign(&connection->writable, server->params.base, fd, EV_WRITE | EV_PERSIST,
			   on_writable, connection);
	(void)evtimer_assign(&connection->again, server->params.base, on_again, connection);
	update_interest(connection);
	/* A client writes right after connecting: its call is most often there already. */
	on_readable(fd, EV_READ, connection);
}

void connection_free(struct connection *connection)
{
	struct request *request = &connection->request;

	request_cancel(request);
	if (connection->busy)
		varlink_call_done(&request->call);
	(void)event_del(&connection->readable);
	(void)event_del(&connection->writable);
	(void)event_del(&connection->again);
	evbuffer_free(connection->out);
	varlink_reader_done(&connection->reader);
	LIST_REMOVE(connection, entry);
	server_count(connection->server, connection->peer.uid, false);
	fd_close(connection->fd);
	connection_close_fds(connection);
	/* The process that was to be attached to goes on without this viewer. */
	if (request->held)
		process_begin(request->held);
	free(connection);
}

void connection_sweep(struct connection *connection)
{
	bool output = evbuffer_get_length(connection->out) > 0;
	bool message = !connection->busy && pending_input(connection) > 0;

	connection->quiet_sweeps++;
	connection->message_sweeps = message ? connection->message_sweeps + 1 : 0;
	if ((output && connection->quiet_sweeps > STALL_SWEEPS) ||
	    (!connection->busy && connection->quiet_sweeps > IDLE_SWEEPS) ||
	    connection->message_sweeps > MESSAGE_SWEEPS)
		connection_free(connection);
}
