#include "client/frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/alloc.h"
#include "common/cleanup.h"

enum { SIZE = 256 * 1024 };

int frames_open(struct frames *frames, struct channel *channel, const char *method,
		struct json_object *parameters, struct error *err)
{
	struct json_object *reply = NULL;
	const char *rest;
	size_t n;

	*frames = (struct frames){ .channel = channel };
	if (call_send(channel, method, parameters, false, true, err) < 0 ||
	    call_receive(channel, &reply, NULL, err) < 0)
		return -1;
	json_object_put(reply);
	frames->data = alloc_zero(1, SIZE);
	rest = varlink_reader_rest(&channel->reader, &n);
	n = n < SIZE ? n : SIZE;
	if (n)
		(void)memcpy(frames->data, rest, n);
	frames->end = n;
	return 0;
}

void frames_done(struct frames *frames)
{
	free(TAKE_PTR(frames->data));
}

static int receive(struct frames *frames, struct error *err)
{
	size_t rest = frames->end - frames->start;
	ssize_t n;

	if (rest)
		(void)memmove(frames->data, frames->data + frames->start, rest);
	frames->start = 0;
	frames->end = rest;
	do
		n = recv(frames->channel->fd, frames->data + rest, SIZE - rest, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != ECONNRESET)
		return error_set_errno(err, errno, "receive");
	if (n <= 0)
		return channel_explain_end(frames->channel, err);
	frames->end += (size_t)n;
	return 0;
}

bool frames_ready(const struct frames *frames)
{
	struct frame frame;
	struct error ignored;

	return frame_next(frames->data + frames->start, frames->end - frames->start, &frame,
			  &ignored) != 0;
}

int frames_next(struct frames *frames, struct frame *ret, struct error *err)
{
	int r;

	while ((r = frame_next(frames->data + frames->start, frames->end - frames->start, ret,
			       err)) == 0)
		if (receive(frames, err) < 0)
			return -1;
	if (r < 0)
		return error_prefix(err, "the daemon sends");
	frames->start += FRAME_HEADER_SIZE + ret->length;
	return ret->type == FRAME_EOF ? 0 : 1;
}
