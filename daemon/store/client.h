/* The loop's side of the writer; private to daemon/store. */
#pragma once

#include <stddef.h>

#include <event2/event.h>

#include "common/error.h"
#include "daemon/loop/reaper.h"
#include "daemon/store/store.h"
#include "daemon/store/writer.h"

struct writer_client;

/* Starts the writer, which keeps copies of state_fd and lock_fd; both stay the caller's. */
int writer_client_new(struct event_base *base, struct reaper *reaper, int state_fd, int lock_fd,
		      struct writer_client **ret, struct error *err);

/* Queues a job; text is copied. Never fails and never blocks: the callback tells. A writer that
 * dies is started again with what it had not answered; when it dies three times without an
 * answer, the callbacks get an error.
 */
void writer_client_queue(struct writer_client *client, enum job_kind kind, enum job_place place,
			 const char *id, const char *text, size_t size, store_callback callback,
			 void *userdata);

/* Waits until all that is queued is done, calling back, and the writer is gone. NULL-safe. */
void writer_client_close(struct writer_client *client);
