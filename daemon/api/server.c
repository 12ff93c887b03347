#include "daemon/api/server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "daemon/api/connection.h"
#include "daemon/api/interface.h"

static const struct timeval sweep_interval = { .tv_sec = SWEEP_SECONDS };

enum {
	REFUSALS_TOLD_US = 1000 * 1000,
	ROOT_RESERVE = 64, /* connections that only root may have beyond the limit */
};

static struct connection_count *count_of(const struct server *server, uid_t uid)
{
	for (size_t i = 0; i < server->n_counts; i++)
		if (server->counts[i].uid == uid)
			return &server->counts[i];
	return NULL;
}

void server_count(struct server *server, uid_t uid, bool more)
{
	struct connection_count *count = count_of(server, uid);

	if (!count) {
		server->counts = alloc_resize(server->counts,
					      (server->n_counts + 1) * sizeof(*server->counts));
		count = &server->counts[server->n_counts++];
		*count = (struct connection_count){ .uid = uid };
	}
	server->n_connections += more ? 1U : -1U;
	count->n += more ? 1U : -1U;
	if (count->n == 0)
		*count = server->counts[--server->n_counts];
}

static bool has_room_for(const struct server *server, uid_t uid)
{
	const struct connection_count *count = count_of(server, uid);

	if (uid == 0)
		return server->n_connections < server->params.connections_max + ROOT_RESERVE;
	return server->n_connections < server->params.connections_max &&
	       (!count || count->n < server->params.connections_per_user_max);
}

/* Root gets in even where the connections are its own: that which has said nothing for the longest goes.
 */
static bool make_room_for_root(const struct server *server)
{
	struct connection *connection, *longest = NULL;

	LIST_FOREACH (connection, &server->connections, entry)
		if (connection->peer.uid == 0 && !connection->busy &&
		    (!longest || connection->quiet_sweeps >= longest->quiet_sweeps))
			longest = connection;
	if (longest)
		connection_free(longest);
	return longest != NULL;
}

/* Whoever is refused may come back at once, and the log is not to be flooded by it. */
static void tell_refusal(struct server *server, uid_t uid)
{
	int64_t now_us = clock_monotonic_us();

	server->refused++;
	if (server->refusal_told_us && now_us - server->refusal_told_us < REFUSALS_TOLD_US)
		return;
	log_warning("connection of uid %u refused: %u are open (%u were refused since it was last "
		    "told)",
		    uid, server->n_connections, server->refused);
	server->refused = 0;
	server->refusal_told_us = now_us;
}

/* The reply to the call that it has made, or is about to make. fd is taken. */
static void refuse(int fd)
{
	_cleanup_(json_putp) struct json_object *parameters = NULL;
	_cleanup_(freep) char *text = NULL;
	const char *name;
	struct error err;
	size_t size;

	(void)error_set(&err, ERROR_LIMIT_REACHED, "the daemon has too many connections already");
	name = reply_error(&err, &parameters);
	text = varlink_format_error(name, parameters, &size);
	(void)send(fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	fd_close(fd);
}

static void welcome(struct server *server, int fd)
{
	struct access_peer peer;

	if (!access_identify(&server->params.access, fd, &peer)) {
		fd_close(fd);
		return;
	}
	if (!has_room_for(server, peer.uid) && (peer.uid != 0 || !make_room_for_root(server))) {
		tell_refusal(server, peer.uid);
		refuse(fd);
		return;
	}
	/* The sweep runs only while there is something to sweep: an idle daemon never wakes. */
	if (!evtimer_pending(server->sweep, NULL))
		(void)event_add(server->sweep, &sweep_interval);
	connection_new(server, fd, &peer);
}

/* Out of descriptors: what waits in the backlog waits until the next sweep. */
static void pause_accepting(struct server *server)
{
	log_error("accept: out of descriptors or memory; new connections wait");
	(void)event_del(server->acceptable);
	(void)event_add(server->sweep, &sweep_interval);
}

static void on_acceptable(evutil_socket_t fd, short what, void *userdata)
{
	struct server *server = userdata;

	(void)what;
	for (int i = 0; i < 16; i++) {
		int peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (peer >= 0) {
			welcome(server, peer);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			pause_accepting(server);
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

static void on_sweep(evutil_socket_t fd, short what, void *userdata)
{
	struct server *server = userdata;
	struct connection *connection, *next;

	(void)fd;
	(void)what;
	for (connection = LIST_FIRST(&server->connections); connection; connection = next) {
		next = LIST_NEXT(connection, entry);
		connection_sweep(connection);
	}
	if (server->listen_fd >= 0)
		(void)event_add(server->acceptable, NULL);
	if (server->n_connections)
		(void)event_add(server->sweep, &sweep_interval);
}

/* Containers need descriptors, too: half of those that there may be are for connections. */
static void bound_by_descriptors(struct server_params *params)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 >= params->connections_max)
		return;
	params->connections_max = (unsigned int)(limit.rlim_cur / 2);
	if (params->connections_per_user_max > params->connections_max)
		params->connections_per_user_max = params->connections_max;
}

int server_new(const struct server_params *params, int listen_fd, struct server **ret,
	       struct error *err)
{
	struct server *server = ALLOC(struct server);

	server->params = *params;
	server->listen_fd = -1;
	bound_by_descriptors(&server->params);
	LIST_INIT(&server->connections);
	if (interfaces_load(&server->interfaces, err) < 0) {
		server_free(server);
		return -1;
	}
	server->acceptable =
		event_new(params->base, listen_fd, EV_READ | EV_PERSIST, on_acceptable, server);
	server->sweep = evtimer_new(params->base, on_sweep, server);
	if (!server->acceptable || !server->sweep || event_add(server->acceptable, NULL) < 0) {
		server_free(server);
		return error_set(err, ERROR_FAILED, "watch the socket: out of memory");
	}
	server->listen_fd = listen_fd;
	*ret = server;
	return 0;
}

void server_stop_accepting(struct server *server)
{
	(void)event_del(server->acceptable);
	server->listen_fd = fd_close(server->listen_fd);
}

struct server *server_free(struct server *server)
{
	struct connection *connection;

	if (!server)
		return NULL;
	while ((connection = LIST_FIRST(&server->connections)))
		connection_free(connection);
	if (server->acceptable)
		event_free(server->acceptable);
	if (server->sweep)
		event_free(server->sweep);
	free(server->counts);
	interfaces_free(server->interfaces);
	fd_close(server->listen_fd);
	free(server);
	return NULL;
}
