/* What comes from the daemon on an upgraded connection: frames, of which output is written straight
 * from the buffer that it was received into. That buffer is all that waits for a slow reader of
 * standard output; while it does, nothing is received.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "client/sink.h"
#include "common/error.h"
#include "common/frame.h"

enum {
	INFLOW_SAY_MAX = 128,
	INFLOW_SIZE = 256 * 1024,
	INFLOW_TERMINAL_MAX = 64 * 1024, /* see receive_max */
	INFLOW_PIECES_MAX = 256,
};

enum inflow_event {
	INFLOW_NEEDS_MORE, /* bytes from the daemon */
	INFLOW_BLOCKED,	   /* until inflow->target can be written to */
	INFLOW_NOTICE,
	INFLOW_STATUS,
	INFLOW_WRITE_FAILED, /* errno says why; target gets nothing any more */
};

struct inflow {
	unsigned char *data; /* start..end is what was received and not yet taken apart */
	size_t start, end;

	/* Payloads in data that are being written, all to one target; the next is pieces[next]. */
	struct iovec pieces[INFLOW_PIECES_MAX];
	int next, n_pieces;
	struct sink *target;

	/* How much is received at a time: INFLOW_SIZE, unless the owner sets less. What was received
	 * from a flood is still to be written after a Ctrl-C, which takes a terminal its time.
	 */
	size_t receive_max;

	struct sink outputs[2]; /* standard output, standard error */
	bool closed[2];		/* they failed: what is for them is dropped */
	bool watches_modes;	/* set by the owner, for a terminal's output */
	bool changed_modes;	/* then: output that may have changed its modes has passed */
	char said[INFLOW_SAY_MAX];
};

/* first: bytes that were received already, at most INFLOW_SIZE. */
void inflow_init(struct inflow *inflow, const void *first, size_t n);
void inflow_done(struct inflow *inflow);

/* Receives what is there, without waiting. Only after INFLOW_NEEDS_MORE. 1 when more is likely to
 * be there at once, 0 when not, -1 with errno; at the end of the connection errno is 0.
 */
int inflow_receive(struct inflow *inflow, int socket);

/* Writes output, up to the next event. *ret is the frame, valid until the next call, for
 * INFLOW_NOTICE and INFLOW_STATUS. -1: the daemon does not keep to the protocol.
 */
int inflow_step(struct inflow *inflow, enum inflow_event *ret_event, struct frame *ret,
		struct error *err);

/* Words of our own, for standard error, where they must not block either: the next step writes them
 * first. Only after INFLOW_NOTICE. At most INFLOW_SAY_MAX bytes of the text; it is copied.
 */
void inflow_say(struct inflow *inflow, const char *text);

/* The number of the stream's that target is: 1 or 2. */
int inflow_target_fd(const struct inflow *inflow);
