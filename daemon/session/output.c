/* From the process to the ring and the screen. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/session/object.h"

enum {
	FRAMES_AT_ONCE = 4, /* of one output, before others get their turn */
	/* A terminal gives at most 4 KiB at a time: when it gives much less, that was all. */
	READ_FULL = 2048,
	FLOOD = 8 * 1024, /* bytes at once */
};

/* --- Room ------------------------------------------------------------------------------------ */

static bool is_waited_for(const struct session *session, uint64_t end)
{
	const struct viewer *viewer;
	const struct session_tap *tap;

	TAILQ_FOREACH (viewer, &session->viewers, entry)
		if (viewer->offset < end && !viewer->slow && !viewer->behind && !viewer->broken)
			return true;
	TAILQ_FOREACH (tap, &session->taps, entry)
		if (tap->offset < end && !tap->slow)
			return true;
	return false;
}

bool output_make_room(struct session *session)
{
	struct ring *ring = &session->ring;

	while (ring_room(ring) < RING_FRAME_MAX) {
		uint64_t end = ring_frame_end(ring, ring->tail);
		struct session_tap *tap;
		struct viewer *viewer;

		if (is_waited_for(session, end))
			return false;
		if (session->seen < end)
			output_show(session);
		TAILQ_FOREACH (viewer, &session->viewers, entry)
			viewer_overtaken(viewer, end);
		TAILQ_FOREACH (tap, &session->taps, entry)
			tap_overtaken(tap, end);
		ring_drop(ring);
	}
	return true;
}

/* --- The screen ------------------------------------------------------------------------------ */

static void show_frame(struct session *session, uint64_t begin, uint64_t end)
{
	struct iovec pieces[2];
	int n = ring_pieces(&session->ring, begin + FRAME_DATA_OVERHEAD, end, pieces);

	for (int i = 0; i < n; i++)
		screen_write(session->screen, pieces[i].iov_base, pieces[i].iov_len);
}

/* What a program asks its terminal is answered here while no other terminal is there to do so. */
static void answer(struct session *session)
{
	char answers[SCREEN_ANSWERS_MAX];
	const struct viewer *viewer;
	bool answered = false;
	size_t n;

	TAILQ_FOREACH (viewer, &session->viewers, entry)
		answered = answered || (viewer->options.input && viewer->options.rows);
	n = screen_take_answers(session->screen, answered ? NULL : answers);
	if (!answered && n)
		input_write(session, answers, n);
}

struct screen *output_screen(struct session *session)
{
	if (!session->screen)
		session->screen = screen_new(session->rows, session->columns);
	return session->screen;
}

void output_show(struct session *session)
{
	struct ring *ring = &session->ring;

	if (session->pty_master < 0) {
		session->seen = ring->head;
		return;
	}
	if (session->seen == ring->head)
		return;
	(void)output_screen(session);
	while (session->seen < ring->head) {
		uint64_t end = ring_frame_end(ring, session->seen);

		show_frame(session, session->seen, end);
		session->seen = end;
	}
	answer(session);
}

/* --- Reading --------------------------------------------------------------------------------- */

/* A program may close its terminal and open it again, as a login does. To the master it looks like
 * the end, and would be told without end: a slave of our own is held until the process is gone.
 */
static bool hold_slave(struct session *session)
{
	if (session->pty_master < 0 || session->ending || session->pty_slave >= 0)
		return false;
	session->pty_slave = ioctl(session->pty_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return session->pty_slave >= 0;
}

static void on_end(struct output *output)
{
	if (!hold_slave(output->session))
		output_close(output);
}

/* What is in the ring is counted; up to so much more is about to be. */
static void count(const struct session *session, uint64_t bytes, uint32_t more)
{
	for (size_t i = 0; i < SESSION_COUNTS_MAX && session->counts[i]; i++) {
		struct output_count *count = session->counts[i];

		if (bytes)
			atomic_store(&count->bytes, count->bytes + bytes);
		atomic_store(&count->more, more);
	}
}

/* One frame; true if there may be more. */
static bool read_frame(struct output *output)
{
	struct ring *ring = &output->session->ring;
	struct iovec pieces[2];
	bool more = true, ended = false;
	size_t size = 0;

	count(output->session, 0, RING_DATA_MAX);
	while (more && size < RING_DATA_MAX) {
		int n_pieces = ring_reserve(ring, size, pieces);
		ssize_t n = n_pieces < 0 ? -1 : readv(output->fd, pieces, n_pieces);

		if (n < 0 && errno == EINTR)
			continue;
		more = n >= READ_FULL;
		ended = n == 0 || (n < 0 && errno != EAGAIN && errno != ENOMEM);
		if (n > 0)
			size += (size_t)n;
	}
	if (size)
		ring_commit(ring, output->stream, size);
	count(output->session, size, 0);
	if (ended)
		on_end(output);
	return more && output->fd >= 0;
}

void output_read(struct output *output)
{
	struct session *session = output->session;
	const uint64_t before = session->ring.head;
	bool more = output->fd >= 0;

	for (int i = 0; i < FRAMES_AT_ONCE && more; i++) {
		session->waiting = !output_make_room(session);
		more = !session->waiting && read_frame(output);
	}
	session->floods = session->ring.head - before >= FLOOD;
}

static void on_readable(evutil_socket_t fd, short what, void *userdata)
{
	struct output *output = userdata;

	(void)fd;
	(void)what;
	output_read(output);
	session_serve(output->session);
}

/* --- Opening and closing --------------------------------------------------------------------- */

int output_open(struct session *session, int fd, enum frame_stream stream, struct error *err)
{
	struct output *output = &session->outputs[session->n_outputs];

	*output = (struct output){ .session = session, .stream = stream, .fd = fd };
	if (event_assign(&output->readable, session->base, fd, EV_READ | EV_PERSIST, on_readable,
			 output) < 0)
		return error_set(err, ERROR_FAILED, "watch the output: out of memory");
	session->n_outputs++;
	return 0;
}

void output_close(struct output *output)
{
	if (output->fd < 0)
		return;
	(void)event_del(&output->readable);
	/* The pty master is the session's: it takes input, and a size, to the last. */
	if (output->fd != output->session->pty_master)
		(void)fd_close(output->fd);
	output->fd = -1;
}

bool outputs_ended(const struct session *session)
{
	for (size_t i = 0; i < session->n_outputs; i++)
		if (session->outputs[i].fd >= 0)
			return false;
	return true;
}

void output_expect_end(struct session *session)
{
	session->pty_slave = fd_close(session->pty_slave);
}
