#include "common/fdio.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"

int fd_write_all(int fd, const void *data, size_t n)
{
	const char *at = data;

	while (n) {
		ssize_t r = write(fd, at, n);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		at += r;
		n -= (size_t)r;
	}
	return 0;
}

ssize_t fd_read_full(int fd, void *data, size_t n)
{
	char *at = data;
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, at + got, n - got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int fd_read_file_at(int dir_fd, const char *path, size_t max_bytes, char **ret_data,
		    size_t *ret_size, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;
	_cleanup_(freep) char *data = NULL;
	struct stat st;
	ssize_t n;

	fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "%s", path);
	if (st.st_size > (off_t)max_bytes)
		return error_set_errno(err, EFBIG, "%s", path);
	data = alloc_zero(1, max_bytes + 2);
	n = fd_read_full(fd, data, max_bytes + 1);
	if (n < 0)
		return error_set_errno(err, errno, "read %s", path);
	if ((size_t)n > max_bytes)
		return error_set_errno(err, EFBIG, "%s", path);
	data[n] = '\0';
	*ret_data = TAKE_PTR(data);
	*ret_size = (size_t)n;
	return 0;
}

int fd_set_nonblocking(int fd, bool nonblocking)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -1;
	flags = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags);
}

union control {
	struct cmsghdr header;
	char space[CMSG_SPACE(FD_PASS_MAX * sizeof(int))];
};

int fd_send(int socket, const void *data, size_t n, const int *fds, size_t n_fds)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = n };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control control = { 0 };
	ssize_t r;

	assert(n_fds <= FD_PASS_MAX);
	if (n_fds) {
		message.msg_control = control.space;
		message.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		(void)memcpy(CMSG_DATA(&control.header), fds, n_fds * sizeof(int));
	}
	do
		r = sendmsg(socket, &message, MSG_NOSIGNAL);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -1 : 0;
}

static size_t take_fds(struct msghdr *message, int fds[FD_PASS_MAX])
{
	size_t n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		(void)memcpy(fds + n, CMSG_DATA(c), bytes);
		n += bytes / sizeof(int);
	}
	return n;
}

ssize_t fd_receive(int socket, void *data, size_t size, int fds[FD_PASS_MAX], size_t *n_fds)
{
	struct iovec iov = { .iov_base = data, .iov_len = size };
	union control control = { 0 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	ssize_t r;

	*n_fds = 0;
	do
		r = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return -1;
	*n_fds = take_fds(&message, fds);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		while (*n_fds)
			fd_close(fds[--*n_fds]);
		errno = EMSGSIZE;
		return -1;
	}
	return r;
}
