/* A session whose process is the test itself: it holds the other ends of the streams. Every test
 * program has its own.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/fdio.h"
#include "common/frame.h"
#include "daemon/session/session.h"

enum { RECEIVED_MAX = 4 * 1024 * 1024 };

struct fixture {
	struct event_base *base;
	struct session *session;
	int process_in, process_out, process_err; /* or all the pty's slave */
	bool finished, input_closed;
	int last_signal;
	unsigned int viewers;
};

/* What a viewer has been sent, taken apart. */
struct received {
	char *bytes; /* of DATA and SNAPSHOT, in their order */
	size_t size, snapshot_bytes, data_bytes, stderr_bytes;
	unsigned long long lost_bytes;
	unsigned int notices, pongs;
	int status; /* -1: none came */
	bool closed;
	unsigned char rest[FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX];
	size_t rest_size;
};

static void on_signal(void *userdata, int number)
{
	((struct fixture *)userdata)->last_signal = number;
}

static void on_viewers_changed(void *userdata, unsigned int n_viewers)
{
	((struct fixture *)userdata)->viewers = n_viewers;
}

static void on_input_closed(void *userdata)
{
	((struct fixture *)userdata)->input_closed = true;
}

static void on_finished(void *userdata)
{
	((struct fixture *)userdata)->finished = true;
}

static const struct session_callbacks callbacks = {
	.signal = on_signal,
	.viewers_changed = on_viewers_changed,
	.input_closed = on_input_closed,
	.finished = on_finished,
};

static inline void make_session(struct fixture *fixture, const struct session_params *params)
{
	struct error err;

	fixture->base = event_base_new();
	assert_non_null(fixture->base);
	assert_int_equal(session_new(fixture->base, params, &callbacks, fixture, &fixture->session,
				     &err),
			 0);
}

static inline void open_pipes(struct fixture *fixture)
{
	struct session_params params = { .pty_master = -1 };
	int fds[2];

	*fixture = (struct fixture){ 0 };
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	fixture->process_in = fds[0];
	params.stdin_fd = fds[1];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	fixture->process_out = fds[1];
	params.stdout_fd = fds[0];
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	fixture->process_err = fds[1];
	params.stderr_fd = fds[0];
	assert_int_equal(fd_set_nonblocking(params.stdin_fd, true), 0);
	assert_int_equal(fd_set_nonblocking(params.stdout_fd, true), 0);
	assert_int_equal(fd_set_nonblocking(params.stderr_fd, true), 0);
	make_session(fixture, &params);
}

static inline void open_terminal(struct fixture *fixture, uint16_t rows, uint16_t columns)
{
	struct session_params params = {
		.stdin_fd = -1,
		.stdout_fd = -1,
		.stderr_fd = -1,
		.rows = rows,
		.columns = columns,
	};
	const struct winsize size = { .ws_row = rows, .ws_col = columns };
	struct termios raw;
	int slave;

	*fixture = (struct fixture){ 0 };
	assert_int_equal(openpty(&params.pty_master, &slave, NULL, NULL, &size), 0);
	assert_int_equal(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
	assert_int_equal(fd_set_nonblocking(params.pty_master, true), 0);
	fixture->process_in = fixture->process_out = slave;
	fixture->process_err = -1;
	make_session(fixture, &params);
}

static inline void close_process(struct fixture *fixture)
{
	if (fixture->process_in != fixture->process_out)
		fixture->process_in = fd_close(fixture->process_in);
	fixture->process_out = fd_close(fixture->process_out);
	fixture->process_in = -1;
	fixture->process_err = fd_close(fixture->process_err);
}

static inline void close_fixture(struct fixture *fixture)
{
	session_release(fixture->session);
	close_process(fixture);
	event_base_free(fixture->base);
}

/* Lets the loop do what there is to do within so many milliseconds. */
static inline void run_loop(struct fixture *fixture, int ms)
{
	struct timeval time = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)event_base_loopexit(fixture->base, &time);
	(void)event_base_dispatch(fixture->base);
}

static const struct session_viewer_options viewer_24x80 = { .input = true,
							    .rows = 24,
							    .columns = 80 };
static const struct session_viewer_options viewer_blind = { .input = true };

/* The viewer's own end of its socket. */
static inline int attach(struct fixture *fixture, const struct session_viewer_options *options)
{
	struct error err;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair),
			 0);
	assert_int_equal(
		session_add_viewer(fixture->session, pair[0], options, NULL, 0, NULL, 0, &err), 0);
	return pair[1];
}

static inline void take_frame(struct received *received, const struct frame *frame)
{
	const char *text = (const char *)frame->payload;

	if (frame->type == FRAME_DATA || frame->type == FRAME_SNAPSHOT) {
		size_t skip = frame->type == FRAME_DATA ? 1 : 0, n = frame->length - skip;

		assert_true(received->size + n < RECEIVED_MAX);
		(void)memcpy(received->bytes + received->size, text + skip, n);
		received->size += n;
		received->bytes[received->size] = '\0';
		if (!skip)
			received->snapshot_bytes += n;
		else if (frame->payload[0] == FRAME_STDERR)
			received->stderr_bytes += n;
		else
			received->data_bytes += n;
	} else if (frame->type == FRAME_NOTICE) {
		unsigned long long lost;

		assert_int_equal(sscanf(text, "{\"notice\":\"lagged\",\"lost_bytes\":%llu}", &lost),
				 1);
		received->lost_bytes += lost;
		received->notices++;
	} else if (frame->type == FRAME_PONG) {
		received->pongs++;
	} else {
		struct error err;

		assert_int_equal(frame->type, FRAME_STATUS);
		assert_int_equal(frame_get_status(frame, &received->status, &err), 0);
	}
}

static inline void take_frames(struct received *received)
{
	struct frame frame;
	struct error err;
	size_t used = 0;

	while (frame_next(received->rest + used, received->rest_size - used, &frame, &err) > 0) {
		take_frame(received, &frame);
		used += FRAME_HEADER_SIZE + frame.length;
	}
	received->rest_size -= used;
	(void)memmove(received->rest, received->rest + used, received->rest_size);
}

static inline void init_received(struct received *received)
{
	*received = (struct received){ .status = -1, .bytes = malloc(RECEIVED_MAX) };
	assert_non_null(received->bytes);
	received->bytes[0] = '\0';
}

/* Reads what is there. */
static inline void receive(int viewer, struct received *received)
{
	for (;;) {
		ssize_t n = read(viewer, received->rest + received->rest_size,
				 sizeof(received->rest) - received->rest_size);

		if (n <= 0) {
			received->closed = n == 0;
			return;
		}
		received->rest_size += (size_t)n;
		take_frames(received);
	}
}

static inline void send_frame(int viewer, enum frame_type type, const void *payload, size_t n)
{
	unsigned char header[FRAME_HEADER_SIZE];

	frame_put_header(header, type, (uint32_t)n);
	assert_int_equal(fd_write_all(viewer, header, sizeof(header)), 0);
	assert_int_equal(fd_write_all(viewer, payload, n), 0);
}

/* As a DATA frame to standard input. */
static inline void type_text(int viewer, const char *text)
{
	char payload[256] = "";

	(void)snprintf(payload + 1, sizeof(payload) - 1, "%s", text);
	send_frame(viewer, FRAME_DATA, payload, 1 + strlen(text));
}
