/* How long a listing takes, and so how many a single client gets in a second.
 *
 *	measure-list SOCKET RUNS CONTAINERS
 *
 * One connection, one call of io.dokrust.Container.List at a time, RUNS of them after one tenth as
 * many to warm up. A call has ended when its last reply is there. Replies are counted by the NUL
 * that ends each; there must be CONTAINERS of them, and the last must not announce more.
 *
 * Output: one line "NAME NANOSECONDS" for each call; NAME is "dokrust".
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fdio.h"
#include "tests/bench/contender.h"

enum { BUFFER_SIZE = 1024 * 1024 };

static const char call[] = "{\"method\":\"io.dokrust.Container.List\",\"more\":true}";
static const char continues[] = "\"continues\":true}";

/* Whether a reply, without its NUL, is followed by others. */
static bool has_more(const char *reply, size_t n)
{
	size_t size = sizeof(continues) - 1;

	return n >= size && memcmp(reply + n - size, continues, size) == 0;
}

/* Reads to the end of the last reply and returns how many there were. */
static size_t receive_list(int fd, char *buffer)
{
	size_t filled = 0, start = 0, replies = 0;

	for (;;) {
		ssize_t n = read(fd, buffer + filled, BUFFER_SIZE - filled);
		const char *nul;

		if (n <= 0)
			die("read: %s", n < 0 ? strerror(errno) : "the daemon hung up");
		filled += (size_t)n;
		while ((nul = memchr(buffer + start, '\0', filled - start))) {
			const char *reply = buffer + start;

			replies++;
			start = (size_t)(nul - buffer) + 1;
			if (!has_more(reply, (size_t)(nul - reply)))
				return replies;
		}
		if (filled == BUFFER_SIZE)
			die("a list of more than %d bytes", BUFFER_SIZE);
	}
}

static uint64_t measure(int fd, size_t containers)
{
	static char buffer[BUFFER_SIZE];
	uint64_t start = now_ns(), end;
	size_t replies;

	if (fd_write_all(fd, call, sizeof(call)) < 0)
		die("write: %s", strerror(errno));
	replies = receive_list(fd, buffer);
	end = now_ns();
	if (replies != containers)
		die("%zu replies, with %zu containers; the first is %s", replies, containers,
		    buffer);
	return end - start;
}

int main(int argc, char **argv)
{
	uint64_t runs, containers;
	int fd;

	if (argc != 4)
		die("usage: measure-list SOCKET RUNS CONTAINERS");
	runs = number_parse("RUNS", argv[2], 1, 10000000);
	containers = number_parse("CONTAINERS", argv[3], 1, 10000);
	fd = connect_to(argv[1]);
	for (uint64_t i = 0; i < runs / 10 + 1; i++)
		(void)measure(fd, containers);
	for (uint64_t i = 0; i < runs; i++)
		(void)printf("dokrust %llu\n", (unsigned long long)measure(fd, containers));
	(void)close(fd);
	return 0;
}
