/* From viewers to the process: a queue that is bounded by not reading viewers while it is full. */
#include <errno.h>
#include <termios.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/session/object.h"

/* The process does not read any more, now or ever. */
void input_close(struct session *session)
{
	if (session->input < 0)
		return;
	(void)event_del(&session->input_writable);
	if (session->input != session->pty_master) {
		(void)fd_close(session->input);
		if (!session->released)
			session->callbacks.input_closed(session->userdata);
	}
	session->input = -1;
	(void)evbuffer_drain(session->queue, evbuffer_get_length(session->queue));
}

/* A pipe is closed. At a terminal, the end of input is a character. */
static void end_now(struct session *session)
{
	struct termios termios;

	session->input_ends = false;
	if (session->pty_master < 0) {
		input_close(session);
		return;
	}
	if (tcgetattr(session->pty_master, &termios) == 0 && termios.c_lflag & ICANON)
		input_write(session, &termios.c_cc[VEOF], 1);
}

static void flush(struct session *session)
{
	while (evbuffer_get_length(session->queue)) {
		int n = evbuffer_write(session->queue, session->input);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			input_close(session);
		if (n <= 0)
			return;
	}
	if (session->input_ends)
		end_now(session);
}

static void on_writable(evutil_socket_t fd, short what, void *userdata)
{
	struct session *session = userdata;

	(void)fd;
	(void)what;
	flush(session);
	session_serve(session);
}

void input_open(struct session *session, int fd)
{
	session->input = fd;
	if (fd >= 0)
		(void)event_assign(&session->input_writable, session->base, fd,
				   EV_WRITE | EV_PERSIST, on_writable, session);
}

bool input_is_full(const struct session *session)
{
	return evbuffer_get_length(session->queue) >= INPUT_MAX;
}

void input_write(struct session *session, const void *data, size_t n)
{
	ssize_t written = 0;

	if (session->input < 0)
		return;
	/* A keystroke finds the queue empty: it takes the straight way. */
	if (evbuffer_get_length(session->queue) == 0) {
		do
			written = write(session->input, data, n);
		while (written < 0 && errno == EINTR);
		if (written < 0 && errno != EAGAIN) {
			input_close(session);
			return;
		}
		if (written < 0)
			written = 0;
	}
	if ((size_t)written < n &&
	    evbuffer_add(session->queue, (const char *)data + written, n - (size_t)written) < 0)
		input_close(session);
}

void session_input(struct session *session, uid_t by_uid, const void *data, size_t n)
{
	taps_input(session, by_uid, data, n);
	input_write(session, data, n);
}

void input_end(struct session *session)
{
	if (session->input < 0)
		return;
	session->input_ends = true;
	if (evbuffer_get_length(session->queue) == 0)
		end_now(session);
}

int session_type(struct session *session, uid_t by_uid, const void *data, size_t n,
		 struct error *err)
{
	if (session->input < 0)
		return error_set_subject(err, ERROR_WRONG_STATE, "running",
					 "it does not read standard input");
	if (input_is_full(session))
		return error_set(err, ERROR_LIMIT_REACHED, "it has not read what was typed before");
	session_input(session, by_uid, data, n);
	session_serve(session);
	return 0;
}
