/* Logs and recordings: what processes wrote, kept on disk or given to the journal, without the loop
 * ever waiting for either. It knows no containers and no sessions.
 *
 *	log_write -> socket (bounded) -> writer process -> files, recordings
 *	                              -> writer process -> journal (a process of its own: when
 *	                                 journald is stuck, files are not)
 *
 * A writer that cannot keep up fills its socket. log_write takes no more then, and `ready` tells
 * when it does again; the caller may wait, or drop bytes and say how many (log_lost). A disk that
 * is full makes the writer drop bytes. Either way `dropped` is called once. Every message says how
 * many bytes of output came before it, and the writer remembers how many of them it has written:
 * what is missing, for whatever reason, is told by a line in the log as soon as that can be
 * written. Both numbers outlive the daemon and the writer (ledger.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include <event2/event.h>

#include "common/error.h"
#include "common/output_count.h"
#include "daemon/loop/reaper.h"
#include "daemon/logs/record.h"
#include "daemon/store/keep.h"

struct logs;
struct log;

/* Starts the writer of files; that of the journal when it is first needed. keep may be NULL. */
int logs_new(struct event_base *base, struct reaper *reaper, struct keep *keep, struct logs **ret,
	     struct error *err);

/* All logs that the next daemon is to go on with have been made: what else that of before was sure to go
 * on with is forgotten.
 */
void logs_settle(struct logs *logs);

/* Another daemon is to go on. */
void logs_leave(const struct logs *logs, struct keep *keep);

/* Ends readers, and waits until everything that was taken is written. All logs are closed before.
 * NULL-safe.
 */
struct logs *logs_free(struct logs *logs);

/* --- One log --------------------------------------------------------------------------------- */

enum log_kind {
	LOG_FILES,     /* files in a directory, rotated: max_bytes each, max_files of them */
	LOG_JOURNAL,   /* text: fields of each message, KEY=VALUE, a newline behind each */
	LOG_RECORDING, /* an asciicast, version 2, of max_bytes; text: its first line */
};

enum {
	LOG_TEXT_MAX = 4096,
	LOG_NAME_MAX = 4095, /* PATH_MAX, its NUL not counted */
	LOG_FILES_MAX = 100,
	LOG_BYTES_MIN = 4096,
};

struct log_params {
	enum log_kind kind;
	/* A directory or file below what `open` gives, made if missing; a recording's may be
	 * absolute. Copied.
	 */
	const char *name;
	int64_t max_bytes, max_files;
	int64_t start_us; /* of a recording: its time 0 */
	const char *text; /* at most LOG_TEXT_MAX bytes; copied */
	/* By which a daemon after this one goes on with it, if this one is killed; its first
	 * LEDGER_NAME_SIZE - 1 letters count. NULL: none does.
	 */
	const char *owner;
};

enum { LOG_DROPPED_AGAIN_US = 10 * 1000 * 1000 };

struct log_callbacks {
	/* The directory that the name is in: a descriptor, which is taken; -1 when there is none.
	 * Called by log_begin or the first log_write, and when the writer had to be started again
	 * (not for a recording, which ends then).
	 */
	int (*open)(void *userdata, struct error *err);
	/* log_write takes something again. From the loop. */
	void (*ready)(void *userdata);
	/* Bytes are being dropped; once until it has been well for LOG_DROPPED_AGAIN_US. */
	void (*dropped)(void *userdata, const struct error *why);
	/* A recording has ended by itself: err says why. From the loop. May be NULL for others. */
	void (*ended)(void *userdata, const struct error *why);
};

struct log *log_new(struct logs *logs, const struct log_params *params,
		    const struct log_callbacks *callbacks, void *userdata);

/* Where what is read of the output is counted. A log that a daemon before has not finished goes on from
 * there, and says what of it was lost.
 */
struct output_count *log_count(const struct log *log);

/* Opens it now, and not when something is written first: for what is to be there even if it stays
 * empty.
 */
void log_begin(struct log *log);

/* What was written to it before is still written. No callback comes any more. NULL-safe. */
struct log *log_close(struct log *log);

struct log_piece {
	enum log_type type;
	int64_t time_us; /* of the day */
	size_t size;	 /* 1..LOG_RECORD_MAX */
	struct iovec data[2];
	int n_data;
};

enum { LOG_PIECES_MAX = 8 };

/* Takes the first of n (at most LOG_PIECES_MAX) pieces, and returns how many; less than all only if
 * the others are to wait for `ready`. With `last` it takes them all.
 */
size_t log_write(struct log *log, const struct log_piece *pieces, size_t n, bool last);

/* The caller has dropped so many bytes. */
void log_lost(struct log *log, uint64_t bytes);

/* --- Waiting --------------------------------------------------------------------------------- */

/* Embedded in the caller's own object; zero: not waiting. */
struct logs_sync {
	TAILQ_ENTRY(logs_sync) entry;
	struct logs *logs; /* NULL: not waiting */
	void (*done)(struct logs_sync *sync);
	uint32_t number;
	struct event *deadline;
};

/* Calls back, from the loop, when what was taken until now is in the files, or LOGS_SYNC_MS have
 * passed.
 */
enum { LOGS_SYNC_MS = 1000 };
void logs_sync(struct logs *logs, struct logs_sync *sync, void (*done)(struct logs_sync *sync));
void logs_sync_cancel(struct logs_sync *sync);

/* Whether journald is there: ERROR_INVALID_VALUE if not. */
int logs_check_journal(struct error *err);
