/* What goes to the daemon on an upgraded connection: a bounded queue of frames. Input is read
 * straight into its place in the queue.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OUTFLOW_SIZE = 128 * 1024 };

struct outflow {
	unsigned char *data; /* start..end waits to be sent */
	size_t start, end;
	bool broken; /* the daemon reads no more: what is added is dropped */
};

void outflow_init(struct outflow *outflow);
void outflow_done(struct outflow *outflow);

/* Where the next bytes of input may be put, *ret_room of them; NULL while the queue is too full
 * for a sensible number.
 */
unsigned char *outflow_room(struct outflow *outflow, size_t *ret_room);

/* n bytes, at most what the room was, were put there. */
void outflow_add_input(struct outflow *outflow, size_t n);

/* There is always room for a few of these; true unless there were too many. */
bool outflow_add_eof(struct outflow *outflow);
bool outflow_add_resize(struct outflow *outflow, uint16_t rows, uint16_t columns);
bool outflow_add_signal(struct outflow *outflow, int number);

/* Sends what can be sent without waiting. */
void outflow_send(struct outflow *outflow, int socket);

/* Whether something waits until the socket can be written to. */
bool outflow_waits(const struct outflow *outflow);
