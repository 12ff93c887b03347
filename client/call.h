/* A connection to the daemon, and calls on it (docs/protocol.md). All of these wait. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json_object.h>

#include "client/host.h"
#include "client/signals.h"
#include "client/ssh.h"
#include "common/error.h"
#include "common/varlink.h"

#define CONTAINER_METHOD(name) "io.dokrust.Container." name
#define VOLUME_METHOD(name) "io.dokrust.Volume." name
#define NETWORK_METHOD(name) "io.dokrust.Network." name
#define DAEMON_METHOD(name) "io.dokrust.Daemon." name

struct channel {
	int fd;			 /* a Unix socket; -1: none */
	const struct host *host; /* borrowed */
	struct ssh ssh;		 /* at the other end of the socket, if that is no daemon's */
	struct varlink_reader reader;
	bool ended; /* the other side has closed it */
};

#define CHANNEL_NULL ((struct channel){ .fd = -1, .ssh = SSH_NULL })

/* Errors say what can be done: how a daemon is started, which group has the socket. */
int channel_open(struct channel *channel, const struct host *host, struct error *err);

/* Closes it, and waits a moment for ssh to end. Safe for CHANNEL_NULL, and twice. */
void channel_done(struct channel *channel);

/* The connection has ended although something should have come: always returns -1. */
int channel_explain_end(struct channel *channel, struct error *err);

/* Sends a call; parameters are taken. */
int call_send(struct channel *channel, const char *method, struct json_object *parameters,
	      bool more, bool upgrade, struct error *err);

/* The next reply. *ret (may be NULL) is its parameters, NULL if it has none, the caller's;
 * *ret_continues (may be NULL): more replies follow. An error of the API is returned as one, by
 * its name, with the message that the daemon gave it.
 */
int call_receive(struct channel *channel, struct json_object **ret, bool *ret_continues,
		 struct error *err);

/* Both: one call, one reply. */
int call_method(struct channel *channel, const char *method, struct json_object *parameters,
		struct json_object **ret, struct error *err);

/* The same on a channel that is opened for it. */
int call_once(const struct host *host, const char *method, struct json_object *parameters,
	      struct json_object **ret, struct error *err);

/* One call with `more` on a channel that is opened for it: what each reply has under that key, for as
 * long as the callback runs. parameters are taken.
 */
int call_list(const struct host *host, const char *method, struct json_object *parameters,
	      const char *key, void (*found)(struct json_object *item, void *userdata),
	      void *userdata, struct error *err);

/* A call with `upgrade`. Afterwards what the reader has left (varlink_reader_rest) are frames. A
 * signal that comes while the daemon has not answered is kept in signals for later; a second one
 * (over ssh, which may be asking for a password, the first) gives the call up: *ret_signal is its
 * number, and 0 in all other cases.
 */
int call_upgrade(struct channel *channel, const char *method, struct json_object *parameters,
		 struct signals *signals, struct json_object **ret, int *ret_signal,
		 struct error *err);

/* {"container": name}: what most calls have as parameters. The caller's. */
struct json_object *call_container(const char *name);

/* Adds a string, unless it is NULL. */
void call_add_string(struct json_object *parameters, const char *key, const char *value);

/* The string of that key; "" where there is none. Borrowed. */
const char *call_string(struct json_object *object, const char *key);
