/* The processes that write logs. Private to daemon/logs.
 *
 * A writer reads messages from a SOCK_STREAM socket, a `struct log_message` and `size` bytes each,
 * and writes to what it opened for the number that a message names. Descriptors come by a socket of
 * their own (SOCK_SEQPACKET), so that a stream of bytes that has to wait carries none; each is
 * there before the message that it belongs to. The writer sends `struct log_answer`s, never
 * waiting. It ends when the other side is closed and everything is written.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "common/error.h"
#include "daemon/logs/ledger.h"
#include "daemon/logs/logs.h"

enum log_message_kind {
	LOG_MESSAGE_OPEN = 1, /* struct log_open, the name with its NUL, the text */
	LOG_MESSAGE_RECORDS,  /* records, one after the other */
	LOG_MESSAGE_CLOSE,
	LOG_MESSAGE_SYNC, /* answered by LOG_ANSWER_SYNCED with the same number */
};

struct log_message {
	uint32_t kind;
	uint32_t number;
	uint32_t size;
	uint32_t zero;
	uint64_t position; /* bytes of output that came before, those that were lost among them */
};

struct log_open {
	int64_t max_bytes, max_files, start_us;
	uint32_t kind;	/* enum log_kind */
	uint32_t owner; /* of the entry in the ledger */
	uint32_t has_fd;
};

enum { LOG_MESSAGE_MAX = LOG_PIECES_MAX * (LOG_RECORD_MAX + (int)sizeof(struct log_record)) };

enum log_answer_kind {
	LOG_ANSWER_SYNCED = 1,
	LOG_ANSWER_DROPPED, /* errnum says why */
	LOG_ANSWER_ENDED,   /* a recording; errnum, or 0: it has its size */
};

struct log_answer {
	uint32_t kind;
	uint32_t number;
	int32_t errnum;
};

struct log_writer_params {
	int socket, fds_socket;
	int lock_fd; /* for ledger_lock */
	enum ledger_table table;
	struct ledger_entry *entries;
};

/* Never returns. */
_Noreturn void log_writer_run(const struct log_writer_params *params);

/* --- What is written to ---------------------------------------------------------------------- */

struct log_target;

struct log_target_ops {
	/* The target's own part is zeroed, fd (or -1) is in it. 0, or an errno. */
	int (*open)(struct log_target *target, const char *text);
	/* size bytes of whole, well-formed records; tells log_target_logged of all output that is
	 * written. 0, or the errno for which the rest is not.
	 */
	int (*write)(struct log_target *target, const unsigned char *records, size_t size);
	/* A line of our own, NUL-terminated. */
	int (*note)(struct log_target *target, const char *line);
	void (*close)(struct log_target *target);
};

struct log_target {
	const struct log_target_ops *ops;
	int socket; /* for answers */
	uint32_t number;
	int fd;	    /* the directory that was given, then what is in it */
	char *name; /* below fd, or absolute; NULL: fd is what it names */
	int64_t max_bytes, max_files, start_us;
	struct ledger_entry *entry;
	uint64_t held; /* bytes of output that were taken, and are not where they last */
	bool failing;  /* that was answered already */

	int file; /* LOG_FILES: the newest; -1: none */
	int64_t size;
	uint64_t sequence;
	void *private;
};

extern const struct log_target_ops log_files_ops, log_journal_ops, log_recording_ops;

/* Answers once until `failing` is reset. */
void log_target_dropped(struct log_target *target, int errnum);
void log_target_ended(struct log_target *target, int errnum);

/* Takes back what was half written: best effort, since the disk has failed already. */
void log_cut(int file, int64_t size);

/* Bytes of output in records. */
uint64_t log_output_bytes(const unsigned char *records, size_t size);

/* So many bytes of output more are written. */
void log_target_logged(struct log_target *target, uint64_t bytes);
