#include "daemon/session/tap.h"

#include "daemon/session/object.h"

/* Of a flood it is given this much at once: waking another process for each read would cost more
 * than the reading.
 */
enum { TAP_BATCH = 32 * 1024 };

/* The chunks from `at` on, and where each ends; returns their number. */
static size_t collect(const struct ring *ring, uint64_t at, struct session_chunk *chunks,
		      uint64_t *ends)
{
	size_t n = 0;

	while (at < ring->head && n < TAP_CHUNKS_MAX) {
		uint64_t end = ring_frame_end(ring, at);
		struct session_chunk *chunk = &chunks[n];

		chunk->stream = ring_frame_stream(ring, at);
		chunk->size = ring_frame_bytes(at, end);
		chunk->n_pieces = ring_pieces(ring, at + FRAME_DATA_OVERHEAD, end, chunk->pieces);
		ends[n++] = at = end;
	}
	return n;
}

static void serve(struct session_tap *tap, bool last)
{
	const struct ring *ring = &tap->session->ring;
	struct session_chunk chunks[TAP_CHUNKS_MAX];
	uint64_t ends[TAP_CHUNKS_MAX];

	if (last)
		tap->blocked = false;
	while (tap->offset < ring->head && !tap->blocked) {
		size_t n = collect(ring, tap->offset, chunks, ends);
		size_t taken = tap->ops->output(tap, chunks, n, last);

		if (taken)
			tap->offset = ends[taken - 1];
		tap->blocked = taken < n;
	}
	if (tap->offset == ring->head)
		tap->slow = false;
}

bool taps_serve(struct session *session)
{
	struct session_tap *tap;
	bool all = true;

	TAILQ_FOREACH (tap, &session->taps, entry) {
		uint64_t least = session->floods && !tap->at_once ? TAP_BATCH : 1;

		if (session->ring.head - tap->offset >= least)
			serve(tap, false);
		all = all && (tap->offset == session->ring.head || tap->blocked);
	}
	return all;
}

void tap_overtaken(struct session_tap *tap, uint64_t end)
{
	if (tap->offset >= end)
		return;
	tap->ops->lost(tap, ring_frame_bytes(tap->offset, end));
	tap->offset = end;
}

/* --- What they are told beside the output ---------------------------------------------------- */

void taps_input(struct session *session, uid_t by_uid, const void *data, size_t n)
{
	struct session_tap *tap;

	TAILQ_FOREACH (tap, &session->taps, entry) {
		if (!tap->ops->input)
			continue;
		serve(tap, false);
		tap->ops->input(tap, by_uid, data, n);
	}
}

void taps_resized(struct session *session)
{
	struct session_tap *tap;

	TAILQ_FOREACH (tap, &session->taps, entry) {
		if (!tap->ops->resized)
			continue;
		serve(tap, false);
		tap->ops->resized(tap, session->rows, session->columns);
	}
}

/* --- Coming and going ------------------------------------------------------------------------ */

void session_add_tap(struct session *session, struct session_tap *tap, bool from_start)
{
	tap->session = session;
	tap->offset = tap->mark = from_start ? session->ring.tail : session->ring.head;
	tap->blocked = tap->slow = false;
	TAILQ_INSERT_TAIL(&session->taps, tap, entry);
}

void session_remove_tap(struct session_tap *tap)
{
	if (!tap->session)
		return;
	serve(tap, true);
	TAILQ_REMOVE(&tap->session->taps, tap, entry);
	tap->session = NULL;
}

void session_tap_flush(struct session_tap *tap)
{
	if (tap->session)
		serve(tap, false);
}

void session_tap_ready(struct session_tap *tap)
{
	if (!tap->session)
		return;
	tap->blocked = false;
	session_serve(tap->session);
}
