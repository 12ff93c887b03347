/* What a log is made of, on its way to the writer and on disk: records, each a header and what was
 * written, as it was read at once, with the time when that was. A log's file is a file header and
 * records. All numbers are in the host's order: a log stays on its host.
 *
 * A record may hold many lines or a part of one; a line is complete where a newline ends it.
 */
#pragma once

#include <stdint.h>

enum log_type {
	LOG_NOTE = 0,	/* a line of our own: that bytes are missing */
	LOG_STDOUT = 1, /* as enum frame_stream */
	LOG_STDERR = 2,
	/* for recordings alone */
	LOG_INPUT = 3,
	LOG_RESIZE = 4, /* "COLUMNSxROWS" */
	LOG_MARKER = 5, /* who came, went, typed */
	LOG_TYPE_COUNT
};

struct log_record {
	uint32_t length; /* of what follows */
	uint8_t mark;	 /* LOG_RECORD_MARK: what a crash left behind is no record */
	uint8_t type;
	uint16_t zero;
	int64_t time_us; /* of the day */
};

enum { LOG_RECORD_MARK = 0xd5, LOG_RECORD_MAX = 64 * 1024 };

#define LOG_FILE_MAGIC "DOKRLOG1"

struct log_file_header {
	char magic[8];
	uint64_t sequence; /* of the files of one log, from 1 */
};

/* Below a container's directory. */
#define LOG_DIRECTORY "logs"
#define RECORDING_DIRECTORY "recordings"

/* A recording's file is a plain one, at the very place that is named; opening it never waits. */
#define RECORDING_OPEN_FLAGS (O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* The newest file has this name, older ones LOG_FILE_NAME.1 and up. */
#define LOG_FILE_NAME "log"

_Static_assert(sizeof(struct log_record) == 16 && sizeof(struct log_file_header) == 16,
	       "there is no padding");
