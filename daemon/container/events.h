/* What happened to containers, as it happened: a ring of the last EVENTS_MAX events, which
 * subscribers read by their serial numbers. One that does not read is overtaken, and learns how
 * many it lost; it never costs more memory than its place. Private to daemon/container but for the
 * names in container.h.
 *
 *	create, start, pause, unpause, update, stop (was asked to), kill (signal),
 *	oom (oom_kills: until then), die (exit_status, oom_killed, oom_kills), remove,
 *	rename (old_name), attach, detach (uid, read_only, exec), exec_start (exec, command),
 *	exec_die (exec, exit_status), log_dropped (reason, recording), record_start,
 *	record_stop (recording, reason)
 *
 * Those of states are published by container_transition alone.
 */
#pragma once

#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include <event2/event.h>

#include "daemon/container/container.h"

enum { EVENTS_MAX = 1024, EVENT_ATTRIBUTES_MAX = 6 };

struct happening {
	uint64_t serial;
	int64_t time_us;
	const char *event; /* static */
	uid_t owner;
	int exit_status;	 /* -1: it has none */
	char *id, *name, *image; /* image: or NULL */
	char **attributes;	 /* KEY=VALUE */
};

struct events {
	struct happening *ring; /* EVENTS_MAX of them, once there is one */
	uint64_t last;		/* serial number */
	LIST_HEAD(, container_listener) listeners;
	struct event *wake;
};

void events_init(struct events *events, struct event_base *base);
void events_done(struct events *events);

/* Keys and values, as strings, up to a NULL. */
void container_event(const struct container *container, const char *event, ...)
	__attribute__((sentinel));

/* The same, with an exit status. */
void container_event_exit(const struct container *container, const char *event, int exit_status,
			  ...) __attribute__((sentinel));

/* "attach" or "detach"; exec may be NULL. */
void container_viewer_event(const struct container *container, const char *exec, uid_t uid,
			    bool input, bool came);
