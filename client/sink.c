#include "client/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { LAST_WRITE_MS = 1000 };

void sink_init(struct sink *sink, int fd)
{
	*sink = (struct sink){ .fd = fd, .own_fd = -1 };
}

void sink_done(struct sink *sink)
{
	sink->own_fd = fd_close(sink->own_fd);
	sink->kind = SINK_UNKNOWN;
}

/* The same pipe or terminal, with a description of its own; -1 if it cannot be had. */
static int open_again(int fd, const struct stat *st)
{
	_cleanup_(fd_closep) int own = -1;
	char path[32];
	struct stat own_st;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (own < 0 || fstat(own, &own_st) < 0 || own_st.st_dev != st->st_dev ||
	    own_st.st_ino != st->st_ino || own_st.st_rdev != st->st_rdev)
		return -1;
	return TAKE_FD(own);
}

/* A pty's master is no terminal to open again: that would make a new pair. */
static bool is_terminal(int fd, const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev != makedev(5, 2) && isatty(fd);
}

static void find_kind(struct sink *sink)
{
	struct stat st;

	sink->kind = SINK_PLAIN;
	if (fstat(sink->fd, &st) < 0)
		return; /* the write will tell */
	if (S_ISSOCK(st.st_mode)) {
		sink->kind = SINK_SOCKET;
	} else if (S_ISFIFO(st.st_mode) || is_terminal(sink->fd, &st)) {
		sink->own_fd = open_again(sink->fd, &st);
		sink->kind = sink->own_fd >= 0 ? SINK_OWN : SINK_SHARED;
	}
}

static ssize_t write_socket(int fd, const struct iovec *pieces, int n_pieces)
{
	const struct msghdr message = {
		.msg_iov = (struct iovec *)(uintptr_t)pieces,
		.msg_iovlen = (size_t)n_pieces,
	};

	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static ssize_t write_shared(int fd, const struct iovec *piece)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };
	size_t n = piece->iov_len < PIPE_BUF ? piece->iov_len : PIPE_BUF;
	int ready = poll(&poll_fd, 1, 0);

	if (ready < 0)
		return -1;
	if (ready == 0) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, piece->iov_base, n);
}

static ssize_t try_write(const struct sink *sink, const struct iovec *pieces, int n_pieces)
{
	switch (sink->kind) {
	case SINK_OWN:
		return writev(sink->own_fd, pieces, n_pieces);
	case SINK_SOCKET:
		return write_socket(sink->fd, pieces, n_pieces);
	case SINK_SHARED:
		return write_shared(sink->fd, pieces);
	case SINK_UNKNOWN:
	case SINK_PLAIN:
		break;
	}
	return writev(sink->fd, pieces, n_pieces);
}

ssize_t sink_write(struct sink *sink, const struct iovec *pieces, int n_pieces)
{
	ssize_t n;

	if (sink->kind == SINK_UNKNOWN)
		find_kind(sink);
	do
		n = try_write(sink, pieces, n_pieces);
	while (n < 0 && errno == EINTR);
	/* The user's own descriptor may be non-blocking by someone else's doing. */
	return n < 0 && errno == EAGAIN ? 0 : n;
}

int sink_fd(const struct sink *sink)
{
	return sink->own_fd >= 0 ? sink->own_fd : sink->fd;
}

void sink_write_last(struct sink *sink, const void *data, size_t n)
{
	struct iovec piece = { .iov_base = (void *)(uintptr_t)data, .iov_len = n };

	while (piece.iov_len) {
		struct pollfd poll_fd = { .events = POLLOUT };
		ssize_t written = sink_write(sink, &piece, 1);

		if (written < 0)
			return;
		piece.iov_base = (char *)piece.iov_base + written;
		piece.iov_len -= (size_t)written;
		poll_fd.fd = sink_fd(sink);
		if (!written && poll(&poll_fd, 1, LAST_WRITE_MS) <= 0)
			return;
	}
}
