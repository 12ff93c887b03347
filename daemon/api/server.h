/* The door: the listening socket, the connections on it, and the calls that they make. */
#pragma once

#include <stdint.h>

#include <event2/event.h>

#include "common/error.h"
#include "daemon/api/access.h"
#include "daemon/container/container.h"

struct server;

struct server_params {
	struct event_base *base;
	struct containers *containers;
	struct volumes *volumes;
	struct networks *networks;
	const char *socket; /* path, for those who ask; the strings outlive the server */
	const char *state_dir, *run_dir, *image_dir;
	struct access_settings access;
	unsigned int connections_max, connections_per_user_max;
	int64_t started_at_us;
};

/* A listening socket at path: mode 0660 and that group (a name, or a number) where there is such a
 * group, 0600 otherwise. A stale one of a daemon that died is replaced; one that answers is an error. The
 * caller owns *ret_fd.
 */
int server_listen(const char *path, const char *group, int *ret_fd, struct error *err);

/* listen_fd is taken, on success only. The socket's file stays when the server is freed. */
int server_new(const struct server_params *params, int listen_fd, struct server **ret,
	       struct error *err);

/* No new connections; those there are go on. */
void server_stop_accepting(struct server *server);

/* NULL-safe. Closes all connections, calls in progress unanswered. */
struct server *server_free(struct server *server);
