/* From a viewer to the process: frames, done whole. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/session/object.h"

enum { READ_SIZE = 16 * 1024, SIGNAL_MAX = 64 };

/* --- What each frame does; an error is one of the protocol's, and ends the viewer ------------- */

static int do_data(struct viewer *viewer, const struct frame *frame, struct error *err)
{
	if (frame->length < 1 || frame->payload[0] != FRAME_STDIN)
		return error_set(err, ERROR_PROTOCOL, "input that is not for standard input");
	if (!viewer->options.input)
		return 0;
	/* Who types is who looks. */
	size_update(viewer->session, viewer);
	if (frame->length > 1)
		session_input(viewer->session, viewer->options.uid, frame->payload + 1,
			      frame->length - 1);
	return 0;
}

static int do_resize(struct viewer *viewer, const struct frame *frame, struct error *err)
{
	if (frame_get_resize(frame, &viewer->options.rows, &viewer->options.columns, err) < 0)
		return -1;
	size_update(viewer->session, viewer);
	return 0;
}

static int do_signal(struct viewer *viewer, const struct frame *frame, struct error *err)
{
	struct session *session = viewer->session;
	uint8_t number;

	if (frame_get_signal(frame, &number, err) < 0)
		return -1;
	if (number < 1 || number > SIGNAL_MAX)
		return error_set(err, ERROR_PROTOCOL, "signal %u", number);
	if (viewer->options.input && !session->ending && !session->released)
		session->callbacks.signal(session->userdata, number);
	return 0;
}

static int do_eof(struct viewer *viewer, const struct frame *frame, struct error *err)
{
	(void)frame;
	(void)err;
	if (viewer->options.input)
		input_end(viewer->session);
	return 0;
}

static int do_ping(struct viewer *viewer, const struct frame *frame, struct error *err)
{
	if (frame->length > FRAME_PING_MAX)
		return error_set(err, ERROR_PROTOCOL, "a ping of %u bytes", frame->length);
	viewer_add_frame(viewer, FRAME_PONG, frame->payload, frame->length);
	return 0;
}

static int (*const frame_handlers[])(struct viewer *, const struct frame *, struct error *) = {
	[FRAME_DATA] = do_data, [FRAME_RESIZE] = do_resize, [FRAME_SIGNAL] = do_signal,
	[FRAME_EOF] = do_eof,	[FRAME_PING] = do_ping,
};

static int do_frame(struct viewer *viewer, const struct frame *frame, struct error *err)
{
	if (frame->type >= ARRAY_SIZE(frame_handlers) || !frame_handlers[frame->type])
		return 0; /* of a later version */
	return frame_handlers[frame->type](viewer, frame, err);
}

/* --- Reading ---------------------------------------------------------------------------------- */

/* Does the whole frames at the beginning of n bytes; returns how many bytes they were. */
static size_t do_frames(struct viewer *viewer, const unsigned char *data, size_t n)
{
	struct frame frame;
	struct error err;
	size_t used = 0;
	int r;

	while ((r = frame_next(data + used, n - used, &frame, &err)) > 0) {
		r = do_frame(viewer, &frame, &err);
		if (r < 0)
			break;
		used += FRAME_HEADER_SIZE + frame.length;
	}
	if (r < 0)
		viewer->broken = true;
	return used;
}

static void keep(struct viewer *viewer, const unsigned char *data, size_t n)
{
	size_t wanted = viewer->in_size + n;

	if (wanted > viewer->in_capacity) {
		viewer->in = alloc_resize(viewer->in, wanted);
		viewer->in_capacity = wanted;
	}
	(void)memcpy(viewer->in + viewer->in_size, data, n);
	viewer->in_size = wanted;
}

/* A frame most often comes whole, and is done where it was read to. What is kept is less than a
 * frame and one reading.
 */
void viewer_received(struct viewer *viewer, const void *data, size_t n)
{
	size_t used;

	if (!viewer->in_size) {
		used = do_frames(viewer, data, n);
		if (used < n && !viewer->broken)
			keep(viewer, (const unsigned char *)data + used, n - used);
		return;
	}
	keep(viewer, data, n);
	used = do_frames(viewer, viewer->in, viewer->in_size);
	viewer->in_size -= used;
	if (viewer->in_size) {
		(void)memmove(viewer->in, viewer->in + used, viewer->in_size);
		return;
	}
	free(TAKE_PTR(viewer->in));
	viewer->in_capacity = 0;
}

void viewer_receive(struct viewer *viewer)
{
	unsigned char buffer[READ_SIZE];
	ssize_t n;

	do
		n = read(viewer->fd, buffer, sizeof(buffer));
	while (n < 0 && errno == EINTR);
	if (n > 0)
		viewer_received(viewer, buffer, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		viewer->broken = true;
}
