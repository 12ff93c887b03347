#include "client/outflow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/frame.h"

enum {
	ROOM_MIN = 4096,	/* a terminal's largest line, and PIPE_BUF */
	CONTROL_RESERVE = 1024, /* kept free of input */
	INPUT_MAX = FRAME_PAYLOAD_MAX - 1,
	CONTROL_FRAME_MAX = FRAME_HEADER_SIZE + 4,
};

void outflow_init(struct outflow *outflow)
{
	*outflow = (struct outflow){ .data = malloc(OUTFLOW_SIZE) };
	if (!outflow->data)
		abort();
}

void outflow_done(struct outflow *outflow)
{
	free(outflow->data);
	outflow->data = NULL;
}

unsigned char *outflow_room(struct outflow *outflow, size_t *ret_room)
{
	size_t taken = outflow->end + FRAME_DATA_OVERHEAD + CONTROL_RESERVE;
	size_t room = taken < OUTFLOW_SIZE ? OUTFLOW_SIZE - taken : 0;

	if (room < ROOM_MIN)
		return NULL;
	*ret_room = room < INPUT_MAX ? room : INPUT_MAX;
	return outflow->data + outflow->end + FRAME_DATA_OVERHEAD;
}

void outflow_add_input(struct outflow *outflow, size_t n)
{
	if (outflow->broken || !n)
		return;
	frame_put_data_header(outflow->data + outflow->end, FRAME_STDIN, (uint32_t)n);
	outflow->end += FRAME_DATA_OVERHEAD + n;
}

/* Where a control frame may be put; NULL if it is to be dropped. */
static unsigned char *control_room(struct outflow *outflow)
{
	if (outflow->broken || outflow->end + CONTROL_FRAME_MAX > OUTFLOW_SIZE)
		return NULL;
	return outflow->data + outflow->end;
}

bool outflow_add_eof(struct outflow *outflow)
{
	unsigned char *at = control_room(outflow);

	if (!at)
		return false;
	frame_put_header(at, FRAME_EOF, 0);
	outflow->end += FRAME_HEADER_SIZE;
	return true;
}

bool outflow_add_resize(struct outflow *outflow, uint16_t rows, uint16_t columns)
{
	unsigned char *at = control_room(outflow);

	if (!at)
		return false;
	outflow->end += frame_put_resize(at, rows, columns);
	return true;
}

bool outflow_add_signal(struct outflow *outflow, int number)
{
	unsigned char *at = control_room(outflow);

	if (!at)
		return false;
	outflow->end += frame_put_signal(at, (uint8_t)number);
	return true;
}

void outflow_send(struct outflow *outflow, int socket)
{
	while (outflow->start < outflow->end) {
		ssize_t n = send(socket, outflow->data + outflow->start,
				 outflow->end - outflow->start, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			outflow->broken = true; /* what the daemon still has to say is read */
		if (n < 0)
			break;
		outflow->start += (size_t)n;
	}
	if (outflow->start == outflow->end || outflow->broken) {
		outflow->start = outflow->end = 0;
	} else if (outflow->start >= OUTFLOW_SIZE / 2) {
		outflow->end -= outflow->start;
		(void)memmove(outflow->data, outflow->data + outflow->start, outflow->end);
		outflow->start = 0;
	}
}

bool outflow_waits(const struct outflow *outflow)
{
	return outflow->start < outflow->end;
}
