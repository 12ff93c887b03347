/* Reading logs and recordings: a process for each client that asks, which reads from the disk and
 * writes to the client's socket, so that neither keeps anybody waiting. It sends frames
 * (common/frame.h): LOG for each record of a log, DATA for a recording, and EOF at the end; without
 * that, something went wrong.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/error.h"
#include "daemon/logs/logs.h"

struct log_reader;
LIST_HEAD(log_reader_list, log_reader);

struct log_selection {
	bool follow;		    /* goes on until log_reader_finish */
	int64_t tail;		    /* lines, counted from the end; -1: all */
	int64_t since_us, until_us; /* of the day; 0 and INT64_MAX: all */
	unsigned int types;	    /* bits 1 << enum log_type; notes are always sent */
};

struct log_reader_params {
	int dir_fd;
	const char *name; /* below it: a log's directory, or a recording, which is sent as it is */
	bool recording;
	int socket;	   /* non-blocking, connected */
	const void *first; /* bytes that go out before the frames */
	size_t first_bytes;
	struct log_selection selection;
};

enum { LOG_READERS_MAX = 256 };

/* The descriptors stay the caller's, who closes the socket. Readers that follow are put into *list.
 * They take themselves out when their client is gone. ERROR_LIMIT_REACHED.
 */
int log_reader_start(struct logs *logs, const struct log_reader_params *params,
		     struct log_reader_list *list, struct error *err);

/* Nothing more will be written: they send what there is, and end. Empties the list. */
void log_readers_finish(struct log_reader_list *list);

/* The process's program; never returns. Private to daemon/logs. */
_Noreturn void log_reader_run(const struct log_reader_params *params, int socket, int control,
			      int dir);

/* For logs_free: kills those that are left. Private to daemon/logs. */
struct log_readers {
	struct reaper *reaper;
	LIST_HEAD(, log_reader) all;
	unsigned int n;
};
void log_readers_done(struct log_readers *readers);
struct log_readers *logs_readers(struct logs *logs);
