/* Robust reads and writes, and descriptors over Unix sockets. All of them restart after EINTR. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

/* Writes all n bytes to a blocking descriptor. Sets errno. */
int fd_write_all(int fd, const void *data, size_t n);

/* Reads until n bytes came or the end; returns the number, or -1 with errno. */
ssize_t fd_read_full(int fd, void *data, size_t n);

/* Reads a whole file, at most max_bytes of it; more is an error (EFBIG). *ret_data is terminated
 * by a NUL that *ret_size does not count, and freed by the caller.
 */
int fd_read_file_at(int dir_fd, const char *path, size_t max_bytes, char **ret_data,
		    size_t *ret_size, struct error *err);

int fd_set_nonblocking(int fd, bool nonblocking);

/* Enough for a launch plan with a descriptor for each of its mounts (daemon/init/plan.h). */
enum { FD_PASS_MAX = 140 };

/* One message with descriptors beside it (unix(7), SCM_RIGHTS). The descriptors stay the
 * caller's. Returns 0, or -1 with errno.
 */
int fd_send(int socket, const void *data, size_t n, const int *fds, size_t n_fds);

/* Receives one message of at most size bytes. Up to FD_PASS_MAX descriptors come out CLOEXEC and
 * are the caller's; *n_fds is their number. A message or a set of descriptors that was cut fails
 * with EMSGSIZE and keeps none. Returns the message's size, 0 at the end, -1 with errno.
 */
ssize_t fd_receive(int socket, void *data, size_t size, int fds[FD_PASS_MAX], size_t *n_fds);
