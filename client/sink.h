/* Writing to standard output and standard error without ever being stopped by them.
 *
 * They are shared with whoever started the client: O_NONBLOCK, which belongs to the open file
 * description, would be set for the shell, too, and stay behind. So it is never set on them.
 * Instead, from the first write on:
 *
 * - a pipe or a terminal is opened once more, by /proc/self/fd, for a description of our own, which
 *   is non-blocking. Where that is not possible (a terminal of another user, no /proc), it is
 *   written to only when poll(2) says that it can be, and then no more than PIPE_BUF bytes at a
 *   time: a pipe takes those at once (pipe(7)), and a terminal is soon done with them;
 * - a socket, which cannot be opened again, is sent to with MSG_DONTWAIT;
 * - anything else (a file: opened again it would have a position of its own; a device) is written
 *   to as it is.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

enum sink_kind { SINK_UNKNOWN, SINK_PLAIN, SINK_OWN, SINK_SOCKET, SINK_SHARED };

struct sink {
	int fd;	    /* the user's, borrowed */
	int own_fd; /* or -1 */
	enum sink_kind kind;
};

void sink_init(struct sink *sink, int fd);
void sink_done(struct sink *sink);

/* Writes some of it: returns the number of bytes, 0 if it would block, or -1 with errno. SIGPIPE
 * is the caller's to block.
 */
ssize_t sink_write(struct sink *sink, const struct iovec *pieces, int n_pieces);

/* What to poll for POLLOUT when it would block. */
int sink_fd(const struct sink *sink);

/* Writes all of it, or what can be written before it has blocked for a second. */
void sink_write_last(struct sink *sink, const void *data, size_t n);
