/* Taps: whoever else takes a session's output, beside the viewers: a log, a recording. A tap is an
 * offset in the ring, as a viewer is, and is served after the viewers. The session waits for it as
 * it waits for them, and no longer: what the ring then drops is lost to the tap, which is told how
 * much that is.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "common/frame.h"

struct session;
struct session_tap;

/* A piece of output, as it was read at once. Where it lies is the session's. */
struct session_chunk {
	enum frame_stream stream;
	size_t size;
	struct iovec pieces[2];
	int n_pieces;
};

enum { TAP_CHUNKS_MAX = 8 };

struct session_tap_ops {
	/* Takes the first of n chunks, and returns how many; the rest is offered again after
	 * session_tap_ready. With `last` there is no other time: it takes them all.
	 */
	size_t (*output)(struct session_tap *tap, const struct session_chunk *chunks, size_t n,
			 bool last);
	/* So many bytes of output are lost to it. */
	void (*lost)(struct session_tap *tap, uint64_t bytes);

	/* The rest may be NULL. Input by way of a viewer, or of session_type. */
	void (*input)(struct session_tap *tap, uid_t by_uid, const void *data, size_t n);
	/* The terminal has another size; what was written before it was given out. */
	void (*resized)(struct session_tap *tap, uint16_t rows, uint16_t columns);
};

/* Embedded in its owner's object. */
struct session_tap {
	const struct session_tap_ops *ops;
	struct session *session; /* NULL: it is on none */
	TAILQ_ENTRY(session_tap) entry;
	bool at_once; /* its owner's: it is not to wait for more while there is a flood */
	uint64_t offset, mark;
	bool blocked; /* did not take all that it was offered */
	bool slow;    /* not waited for until it has caught up */
};

/* It gets all that is read from now on, and, with from_start, what is in the ring already. */
void session_add_tap(struct session *session, struct session_tap *tap, bool from_start);

/* It is given what it has not got yet, as the last, and taken off. No effect on one that is on
 * none. The session does so itself when it is released.
 */
void session_remove_tap(struct session_tap *tap);

/* It is given what it has not got yet, now: while a flood goes on, it may be some milliseconds
 * behind. No effect on one that is on none.
 */
void session_tap_flush(struct session_tap *tap);

/* It takes output again. May not be called from within its own functions. */
void session_tap_ready(struct session_tap *tap);
