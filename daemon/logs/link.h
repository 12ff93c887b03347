/* The loop's side of a writer: its process and the socket to it. Private to daemon/logs. */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include "daemon/logs/ledger.h"
#include "daemon/logs/logs.h"
#include "daemon/logs/writer.h"

TAILQ_HEAD(sync_list, logs_sync);

struct link {
	struct event_base *base;
	const char *name; /* of the process */
	const struct ledger *ledger;
	enum ledger_table table;
	pid_t pid;
	int socket; /* -1: there is no writer now */
	int fds_socket;
	int64_t started_us; /* by the monotonic clock */
	struct event *readable, *writable, *restart;
	struct evbuffer *rest; /* goes before anything else */
	struct log **logs;     /* by number; NULL: free */
	uint32_t n_logs;
	uint32_t n_left; /* numbers below this may be of logs that a daemon before has left */
	struct sync_list syncs; /* in the order of their answers */
	uint32_t last_sync;
};

struct log {
	struct link *link;
	uint32_t number; /* among its link's */
	struct log_params params;
	char *name, *text;
	struct log_callbacks callbacks;
	void *userdata;
	bool opened;	    /* the writer knows it */
	bool blocked;	    /* `ready` is due */
	bool ended;	    /* a recording, by itself */
	int64_t dropped_us; /* when bytes were dropped last, by the monotonic clock; 0: never */
	int64_t retry_us;   /* when opening it is tried again */
	struct ledger_entry *entry;
	uint32_t owner;	   /* of the entry */
	uint64_t position; /* bytes of output that were given, or lost, until now */
};

void link_init(struct link *link, struct event_base *base, const char *name,
	       const struct ledger *ledger, enum ledger_table table);

/* Starts the writer. */
int link_start(struct link *link, struct error *err);

/* Waits until all is written. */
void link_done(struct link *link);

/* Whether there is a writer, with nothing waiting for it. */
bool link_is_free(const struct link *link);

/* Sends n pieces behind what waits; what does not go now is copied, and goes later. Nothing happens
 * while there is no writer.
 */
void link_send(struct link *link, struct iovec *pieces, int n);

/* Sends a descriptor ahead of the LOG_MESSAGE_OPEN that it belongs to; it stays the caller's. */
bool link_send_fd(struct link *link, int fd);

/* From entry.c: */

/* Its number, and its entry with that number; true if a daemon that was killed has left it. */
bool log_take_entry(struct log *log);
void log_give_back_entry(struct log *log);

/* Bytes that it was given or has lost, and the writer has neither written nor told of. */
uint64_t log_unlogged(const struct log *log);

/* What is left by now is of nobody. */
void link_settle(struct link *link);

/* From link.c into logs.c: */
void log_answered(struct link *link, const struct log_answer *answer);
void log_writer_died(struct link *link);
void log_writer_is_back(struct link *link);
void log_link_is_free(struct link *link);
