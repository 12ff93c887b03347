/* The binary frames that a connection speaks after an upgrade: type (1 byte), length (4 bytes,
 * network order), payload (length bytes, at most FRAME_PAYLOAD_MAX). An unknown type is skipped,
 * a length that is out of bounds ends the connection. docs/protocol.md has the whole picture.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum {
	FRAME_VERSION = 1, /* agreed on in the upgrading call, "framing" */
	FRAME_HEADER_SIZE = 5,
	FRAME_PAYLOAD_MAX = 64 * 1024,
};

enum frame_type {
	/* both ways */
	FRAME_DATA = 0x01, /* stream (1 byte), then the bytes */
	/* to the daemon */
	FRAME_RESIZE = 0x02, /* rows, columns: 2 bytes each, network order */
	FRAME_SIGNAL = 0x03, /* a signal's number: 1 byte */
	FRAME_EOF = 0x04,    /* no more input; empty. To a client that reads a file: its end */
	FRAME_PING = 0x05,   /* up to 64 bytes, which PONG returns */
	/* to the client */
	FRAME_SNAPSHOT = 0x11, /* bytes that put a terminal in the present state */
	FRAME_STATUS = 0x12,   /* exit status as a shell has it, 4 bytes, network order; the last */
	FRAME_NOTICE = 0x13,   /* one JSON object, "notice" names its kind */
	FRAME_PONG = 0x14,
	FRAME_LOG = 0x15, /* of Logs: time, stream (0: our own words), then the bytes; see below */
};

enum frame_stream { FRAME_STDIN = 0, FRAME_STDOUT = 1, FRAME_STDERR = 2 };

/* A LOG frame's payload begins with microseconds since 1970 in UTC (8 bytes, network order) and the
 * stream (1 byte).
 */
enum { FRAME_LOG_OVERHEAD = 9 };

enum { FRAME_PING_MAX = 64, FRAME_DATA_OVERHEAD = FRAME_HEADER_SIZE + 1 };

struct frame {
	uint8_t type;
	uint32_t length;
	const unsigned char *payload; /* borrowed from the buffer that was read */
};

/* Writes a header. */
void frame_put_header(unsigned char buffer[FRAME_HEADER_SIZE], enum frame_type type,
		      uint32_t length);

/* A DATA frame's header and stream byte for n_bytes of data. */
void frame_put_data_header(unsigned char buffer[FRAME_DATA_OVERHEAD], enum frame_stream stream,
			   uint32_t n_bytes);

/* A LOG frame's header, up to n_bytes of data: FRAME_HEADER_SIZE + FRAME_LOG_OVERHEAD bytes. */
void frame_put_log_header(unsigned char *buffer, int64_t time_us, uint8_t stream, uint32_t n_bytes);

/* The length that a header says, unchecked. */
uint32_t frame_get_length(const unsigned char header[FRAME_HEADER_SIZE]);

/* Whole small frames; return their size. */
size_t frame_put_resize(unsigned char *buffer, uint16_t rows, uint16_t columns);
size_t frame_put_signal(unsigned char *buffer, uint8_t number);
size_t frame_put_status(unsigned char *buffer, int32_t status);

/* The first frame in n bytes. 1 and *ret when it is whole (it takes FRAME_HEADER_SIZE +
 * ret->length bytes), 0 when more bytes are needed, -1 (ERROR_PROTOCOL) when its length is out
 * of bounds, which is told as soon as the header is there.
 */
int frame_next(const unsigned char *data, size_t n, struct frame *ret, struct error *err);

/* Payloads of fixed shape; -1 (ERROR_PROTOCOL) when they have another. */
int frame_get_resize(const struct frame *frame, uint16_t *ret_rows, uint16_t *ret_columns,
		     struct error *err);
int frame_get_signal(const struct frame *frame, uint8_t *ret_number, struct error *err);
int frame_get_log(const struct frame *frame, int64_t *ret_time_us, uint8_t *ret_stream,
		  struct error *err);
int frame_get_status(const struct frame *frame, int32_t *ret_status, struct error *err);
