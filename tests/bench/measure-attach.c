/* How long it takes to be shown a terminal as it is.
 *
 *	measure-attach SOCKET RUNS CONTAINER HISTORY
 *
 * A connection, the call of io.dokrust.Container.Attach and a PING right behind it, from before the
 * connection until the PONG: all of the snapshot comes before that. RUNS of them after one tenth as
 * many to warm up. The snapshot has to have the bytes of HISTORY rows that are not empty.
 *
 * Output: one line "NAME NANOSECONDS" for each; NAME is "dokrust".
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fdio.h"
#include "common/frame.h"
#include "tests/bench/contender.h"

enum { BUFFER_SIZE = 4 * 1024 * 1024, ROW_BYTES_MIN = 40 };

/* The bytes of snapshot in the frames after the reply, once there is a PONG among them; 0 before. */
static size_t look(const unsigned char *buffer, size_t n)
{
	const unsigned char *at = memchr(buffer, '\0', n), *end = buffer + n;
	struct error err;
	struct frame frame;
	size_t snapshot = 0;
	int r;

	if (!at)
		return 0;
	for (at++; (r = frame_next(at, (size_t)(end - at), &frame, &err)) > 0;
	     at += FRAME_HEADER_SIZE + frame.length) {
		if (frame.type == FRAME_PONG)
			return snapshot;
		snapshot += frame.type == FRAME_SNAPSHOT ? frame.length : 0;
	}
	if (r < 0)
		die("%s", err.message);
	return 0;
}

static uint64_t measure(const char *path, const char *call, size_t call_size, size_t least)
{
	static unsigned char buffer[BUFFER_SIZE];
	unsigned char ping[FRAME_HEADER_SIZE];
	uint64_t start = now_ns(), end;
	size_t filled = 0, snapshot;
	int fd = connect_to(path);

	frame_put_header(ping, FRAME_PING, 0);
	if (fd_write_all(fd, call, call_size) < 0 || fd_write_all(fd, ping, sizeof(ping)) < 0)
		die("write: %s", strerror(errno));
	while (!(snapshot = look(buffer, filled))) {
		ssize_t n = read(fd, buffer + filled, sizeof(buffer) - filled);

		if (n <= 0)
			die("read: %s: %.200s", n < 0 ? strerror(errno) : "the daemon hung up",
			    buffer);
		filled += (size_t)n;
	}
	end = now_ns();
	if (snapshot < least)
		die("a snapshot of %zu bytes", snapshot);
	(void)close(fd);
	return end - start;
}

int main(int argc, char **argv)
{
	uint64_t runs, history;
	char call[512];
	int n;

	if (argc != 5)
		die("usage: measure-attach SOCKET RUNS CONTAINER HISTORY");
	runs = number_parse("RUNS", argv[2], 1, 10000000);
	history = number_parse("HISTORY", argv[4], 1, 100000);
	n = snprintf(call, sizeof(call),
		     "{\"method\":\"io.dokrust.Container.Attach\",\"upgrade\":true,\"parameters\":"
		     "{\"container\":\"%.64s\",\"attach\":{\"framing\":1,\"history_rows\":%u,"
		     "\"size\":{\"rows\":50,\"columns\":200}}}}",
		     argv[3], (unsigned int)history);
	for (uint64_t i = 0; i < runs / 10 + 1; i++)
		(void)measure(argv[1], call, (size_t)n + 1, history * ROW_BYTES_MIN);
	for (uint64_t i = 0; i < runs; i++)
		(void)printf("dokrust %llu\n",
			     (unsigned long long)measure(argv[1], call, (size_t)n + 1,
							 history * ROW_BYTES_MIN));
	return 0;
}
