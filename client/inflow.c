#include "client/inflow.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/tty.h"
#include "common/alloc.h"
#include "common/cleanup.h"

enum {
	WHOLE_FRAME_MAX = FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX,
	FLOOD_SIZE = 2048, /* where so much came at once, more is most often there already */
};

_Static_assert((int)INFLOW_SIZE >= 2 * (int)WHOLE_FRAME_MAX, "there is always room for a frame");

void inflow_init(struct inflow *inflow, const void *first, size_t n)
{
	assert(n <= INFLOW_SIZE);
	*inflow = (struct inflow){ .end = n, .receive_max = INFLOW_SIZE };
	/* Pages that nothing is received into are never touched. */
	inflow->data = malloc(INFLOW_SIZE);
	if (!inflow->data)
		abort();
	if (n)
		(void)memcpy(inflow->data, first, n);
	sink_init(&inflow->outputs[0], STDOUT_FILENO);
	sink_init(&inflow->outputs[1], STDERR_FILENO);
}

void inflow_done(struct inflow *inflow)
{
	free(inflow->data);
	sink_done(&inflow->outputs[0]);
	sink_done(&inflow->outputs[1]);
	inflow->data = NULL;
}

int inflow_target_fd(const struct inflow *inflow)
{
	return inflow->target->fd;
}

/* --- Receiving ------------------------------------------------------------------------------- */

/* The beginning of a frame that is left over moves only when the room behind it gets short. */
static void make_room(struct inflow *inflow)
{
	size_t rest = inflow->end - inflow->start;

	if (rest && INFLOW_SIZE - inflow->end >= WHOLE_FRAME_MAX)
		return;
	if (rest)
		(void)memmove(inflow->data, inflow->data + inflow->start, rest);
	inflow->start = 0;
	inflow->end = rest;
}

int inflow_receive(struct inflow *inflow, int socket)
{
	size_t room;
	ssize_t n;

	make_room(inflow);
	room = INFLOW_SIZE - inflow->end;
	if (room > inflow->receive_max)
		room = inflow->receive_max;
	n = recv(socket, inflow->data + inflow->end, room, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	if (n == 0) {
		errno = 0;
		return -1;
	}
	inflow->end += (size_t)n;
	return n >= FLOOD_SIZE;
}

/* --- Writing --------------------------------------------------------------------------------- */

/* n bytes of the pieces were written. */
static void advance(struct inflow *inflow, size_t n)
{
	while (n) {
		struct iovec *piece = &inflow->pieces[inflow->next];
		size_t step = n < piece->iov_len ? n : piece->iov_len;

		piece->iov_base = (char *)piece->iov_base + step;
		piece->iov_len -= step;
		n -= step;
		if (!piece->iov_len)
			inflow->next++;
	}
	if (inflow->next == inflow->n_pieces)
		inflow->next = inflow->n_pieces = 0;
}

/* True when all pieces are written. */
static bool write_pieces(struct inflow *inflow, enum inflow_event *ret_event)
{
	while (inflow->next < inflow->n_pieces) {
		ssize_t n = sink_write(inflow->target, inflow->pieces + inflow->next,
				       inflow->n_pieces - inflow->next);

		if (n < 0) {
			inflow->closed[inflow->target - inflow->outputs] = true;
			inflow->next = inflow->n_pieces = 0;
			*ret_event = INFLOW_WRITE_FAILED;
			return false;
		}
		if (n == 0) {
			*ret_event = INFLOW_BLOCKED;
			return false;
		}
		advance(inflow, (size_t)n);
	}
	return true;
}

void inflow_say(struct inflow *inflow, const char *text)
{
	size_t n = strnlen(text, INFLOW_SAY_MAX);

	assert(!inflow->n_pieces);
	if (inflow->closed[1])
		return;
	(void)memcpy(inflow->said, text, n);
	inflow->pieces[0] = (struct iovec){ .iov_base = inflow->said, .iov_len = n };
	inflow->n_pieces = 1;
	inflow->target = &inflow->outputs[1];
}

/* What of a frame is output, and for whom: NULL if it is none. */
static struct sink *output_of(struct inflow *inflow, const struct frame *frame,
			      struct iovec *ret_piece)
{
	size_t skip = frame->type == FRAME_DATA ? 1 : 0;
	size_t which = 0;

	if (frame->type != FRAME_SNAPSHOT && (frame->type != FRAME_DATA || frame->length < 1))
		return NULL;
	if (frame->type == FRAME_DATA) {
		if (frame->payload[0] != FRAME_STDOUT && frame->payload[0] != FRAME_STDERR)
			return NULL;
		which = frame->payload[0] == FRAME_STDERR;
	}
	ret_piece->iov_base = inflow->data + (frame->payload - inflow->data) + skip;
	ret_piece->iov_len = frame->length - skip;
	return inflow->closed[which] || !ret_piece->iov_len ? NULL : &inflow->outputs[which];
}

/* Takes output for one target from the buffer, as much as there are pieces for. 1 when another
 * frame stands in the way, in *ret; it is not yet taken.
 */
static int gather(struct inflow *inflow, struct frame *ret, struct error *err)
{
	int r = 0;

	while (inflow->n_pieces < INFLOW_PIECES_MAX) {
		struct iovec *piece = &inflow->pieces[inflow->n_pieces];
		struct sink *target;

		r = frame_next(inflow->data + inflow->start, inflow->end - inflow->start, ret, err);
		if (r <= 0 || ret->type == FRAME_NOTICE || ret->type == FRAME_STATUS)
			break;
		target = output_of(inflow, ret, piece);
		if (target && inflow->n_pieces && target != inflow->target)
			break;
		inflow->start += FRAME_HEADER_SIZE + ret->length;
		if (!target)
			continue;
		if (inflow->watches_modes && !inflow->changed_modes)
			inflow->changed_modes =
				tty_may_change_modes(piece->iov_base, piece->iov_len);
		inflow->target = target;
		inflow->n_pieces++;
	}
	return r;
}

int inflow_step(struct inflow *inflow, enum inflow_event *ret_event, struct frame *ret,
		struct error *err)
{
	for (;;) {
		int r;

		if (!write_pieces(inflow, ret_event))
			return 0;
		r = gather(inflow, ret, err);
		if (inflow->n_pieces)
			continue; /* what is in the way, or wrong, is found again */
		if (r < 0)
			return -1;
		if (r == 0) {
			*ret_event = INFLOW_NEEDS_MORE;
			return 0;
		}
		inflow->start += FRAME_HEADER_SIZE + ret->length;
		*ret_event = ret->type == FRAME_STATUS ? INFLOW_STATUS : INFLOW_NOTICE;
		return 0;
	}
}
