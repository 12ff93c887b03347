/* A connection and the call that it is in the middle of; private to daemon/api. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "common/fdio.h"
#include "common/varlink.h"
#include "daemon/api/server.h"
#include "daemon/logs/logs.h"

struct interface;
struct method;

/* One call of a peer, from its message to its last reply. A connection has one at a time: replies
 * come in the order of the calls.
 */
struct request {
	struct connection *connection;
	struct varlink_call call;
	const struct interface *interface;
	int method_index;
	const struct method *method;

	/* What a handler that does not answer at once keeps. */
	struct container_waiter waiter;
	struct exec *exec;
	struct process *held;	       /* its output waits for this connection to become a viewer */
	uint64_t cursor;	       /* of a listing: serial number of the last one told */
	struct request_ticket *ticket; /* what the store is to call back with; see ticket.c */
	struct logs_sync sync;
	struct container_listener listener;
	struct container_watcher watcher;
	uint64_t round; /* of figures: the last one told */
	bool measured;	/* for it to compare with */
	struct event
		*incoming; /* what comes from there goes to the peer; its descriptor is owned */
	bool cut;	   /* in the middle of a reply */
	struct event *deadline;
};

struct connection {
	struct server *server;
	LIST_ENTRY(connection) entry;
	int fd; /* -1: given away by an upgrade */
	struct access_peer peer;
	int fds[FD_PASS_MAX]; /* that came with what was read, and that no call has taken yet */
	size_t n_fds;
	struct event readable, writable;
	struct event again; /* more is to be done, after others had their turn */
	struct varlink_reader reader;
	struct evbuffer *out;
	struct request request;
	bool busy;				   /* request is in progress */
	bool processing;			   /* on the stack below */
	bool ended;				   /* the peer sends no more */
	bool broken;				   /* to be freed */
	unsigned int quiet_sweeps, message_sweeps; /* how long without progress; see server.c */
};

/* How many connections a user has. */
struct connection_count {
	uid_t uid;
	unsigned int n;
};

struct server {
	struct server_params params;
	int listen_fd;
	struct event *acceptable, *sweep;
	LIST_HEAD(, connection) connections;
	unsigned int n_connections;
	struct connection_count *counts; /* of those that have some */
	size_t n_counts;
	unsigned int refused; /* since the last time that it was told */
	int64_t refusal_told_us;
	struct interface *interfaces;
};

enum { SWEEP_SECONDS = 5 };

/* One more, or one less, of that user's. */
void server_count(struct server *server, uid_t uid, bool more);

/* fd is taken. */
void connection_new(struct server *server, int fd, const struct access_peer *peer);
void connection_free(struct connection *connection);

/* Called every SWEEP_SECONDS; may free the connection. */
void connection_sweep(struct connection *connection);

/* Closes the descriptors that were sent and not taken. */
void connection_close_fds(struct connection *connection);

/* Goes on with what can be done: further calls, further replies. May free the connection. */
void connection_process(struct connection *connection);

/* --- Answering; each call gets exactly one of the first five ---------------------------------- */

/* parameters are taken; NULL for none. */
void request_reply(struct request *request, struct json_object *parameters);

/* An error of the project's interfaces, by the table in reply.c. */
void request_error(struct request *request, const struct error *err);

/* A reply with others to follow. parameters are taken. */
void request_reply_more(struct request *request, struct json_object *parameters);

/* For a request that is answered when the store calls back: request_ticket_done is the callback, the
 * ticket its userdata. reply is taken; NULL for none. What was not handed to the store is dropped.
 */
struct request_ticket *request_ticket_new(struct request *request, struct json_object *reply);
void request_ticket_set_reply(struct request_ticket *ticket, struct json_object *reply);
void request_ticket_drop(struct request_ticket *ticket);
void request_ticket_done(void *userdata, const struct error *err);

/* Forgets what a request waits for from the store: the answer would find nobody. */
void request_ticket_cancel(struct request *request);

/* One of org.varlink.service's: "ExpectedMore", ... */
void request_service_error(struct request *request, const char *name, const char *key,
			   const char *value);

/* The last step of a stream whose replies were added to the connection's output. */
void request_done(struct request *request);

/* Confirms with parameters (taken), and makes the connection a viewer of the process. */
struct attach_options {
	int64_t framing, rows, columns, history_rows;
	bool input, steal;
};
void request_upgrade(struct request *request, struct process *process,
		     const struct attach_options *attach, struct json_object *parameters);

/* Confirms with parameters (taken), and gives the connection away: give sends the bytes of `first`
 * on the socket, ahead of what is its own. The socket is closed here afterwards. If give fails, the
 * call is answered by its error.
 */
typedef int (*request_give_function)(void *userdata, int socket, const void *first,
				     size_t first_bytes, struct error *err);
void request_give(struct request *request, struct json_object *parameters,
		  request_give_function give, void *userdata);

/* Ends all that the request waits for. */
void request_cancel(struct request *request);

/* The name and parameters of the API's error for err, for request_error. */
const char *reply_error(const struct error *err, struct json_object **ret_parameters);
