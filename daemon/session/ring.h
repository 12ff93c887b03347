/* The last bytes of a session's output, kept as the very frames that go to viewers, at offsets
 * that count from the session's first byte: a viewer is an offset, and is served from here without
 * a copy of its own. Memory is taken as it is first written to. Private to daemon/session.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/frame.h"

enum {
	RING_SIZE = 256 * 1024,
	RING_DATA_MAX = 16 * 1024, /* bytes of output in one frame */
	RING_FRAME_MAX = FRAME_DATA_OVERHEAD + RING_DATA_MAX,
};

struct ring {
	unsigned char *memory;	/* NULL until the first reservation */
	uint64_t tail, head;	/* of whole frames: those in [tail, head) are there */
	uint64_t bytes;		/* of output, in all frames that ever were */
	uint64_t dropped_bytes; /* of output, in the frames before tail */
};

void ring_done(struct ring *ring);

/* The frames in the ring leave this many bytes of it free. */
static inline size_t ring_room(const struct ring *ring)
{
	return RING_SIZE - (size_t)(ring->head - ring->tail);
}

/* Where the frame ends that begins at offset, and how many bytes of output are in it. */
uint64_t ring_frame_end(const struct ring *ring, uint64_t offset);
static inline size_t ring_frame_bytes(uint64_t begin, uint64_t end)
{
	return (size_t)(end - begin) - FRAME_DATA_OVERHEAD;
}

/* Whose output the frame is that begins at offset. */
enum frame_stream ring_frame_stream(const struct ring *ring, uint64_t offset);

/* Drops the first frame. */
void ring_drop(struct ring *ring);

/* Space for the output of the next frame, past the n bytes of it that were already put there. There
 * must be room for RING_FRAME_MAX bytes. Returns the number of pieces. -1, with errno, when there
 * is no memory.
 */
int ring_reserve(struct ring *ring, size_t n, struct iovec pieces[2]);

/* Completes the next frame: n (at least one) bytes of output were put into the reservation. */
void ring_commit(struct ring *ring, enum frame_stream stream, size_t n);

/* The bytes [from, to), frame headers among them, in up to two pieces; returns their number. */
int ring_pieces(const struct ring *ring, uint64_t from, uint64_t to, struct iovec pieces[2]);
