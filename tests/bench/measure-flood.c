/* How fast the output of programs arrives.
 *
 *	measure-flood RUNS pty|pipe --vs NAME COMMAND... [--vs ...]
 *
 * In turn, RUNS times, each program writes to a terminal or to a pipe whose other end this program
 * drains as fast as it can, throwing the bytes away. The time is that from the first byte to the
 * last, so that what a program takes to start and to end does not count.
 *
 * Output: one line "NAME BYTES NANOSECONDS" for each run.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tests/bench/contender.h"

enum { BUFFER_SIZE = 256 * 1024, TAIL_SIZE = 160 };

struct flood {
	uint64_t bytes, first_ns, last_ns;
	char tail[TAIL_SIZE + 1]; /* of the last bytes, for when it has failed */
};

static void drain(int fd, struct flood *flood)
{
	static char buffer[BUFFER_SIZE];
	ssize_t n;

	*flood = (struct flood){ 0 };
	for (;;) {
		n = read(fd, buffer, sizeof(buffer));
		if (n < 0 && errno == EINTR)
			continue;
		/* EIO: nobody has the terminal's other side open any more. */
		if (n <= 0)
			return;
		flood->last_ns = now_ns();
		if (!flood->bytes)
			flood->first_ns = flood->last_ns;
		flood->bytes += (uint64_t)n;
		if (n <= TAIL_SIZE) {
			(void)memcpy(flood->tail, buffer, (size_t)n);
			flood->tail[n] = '\0';
		}
	}
}

static pid_t spawn_on_pipe(const struct contender *contender, int *ret_fd)
{
	_cleanup_(fd_closep) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int fds[2];
	pid_t pid;

	if (null < 0 || pipe2(fds, O_CLOEXEC) < 0)
		die("make a pipe: %s", strerror(errno));
	pid = contender_spawn(contender, null, fds[1]);
	(void)close(fds[1]);
	*ret_fd = fds[0];
	return pid;
}

static void measure(const struct contender *contender, bool pty, struct flood *flood)
{
	int fd;
	pid_t pid = pty ? contender_spawn_on_pty(contender, &fd) : spawn_on_pipe(contender, &fd);

	drain(fd, flood);
	/* On a terminal its complaints went there. */
	if (flood->bytes <= TAIL_SIZE)
		(void)fprintf(stderr, "%s", flood->tail);
	contender_wait(contender, pid);
	(void)close(fd);
}

int main(int argc, char **argv)
{
	struct contender contenders[CONTENDERS_MAX];
	size_t n = contenders_parse(argv, contenders);
	uint64_t runs = number_parse("RUNS", argc > 1 ? argv[1] : NULL, 1, 1000000);
	bool pty = argv[2] && strcmp(argv[2], "pty") == 0;

	if (!pty && (!argv[2] || strcmp(argv[2], "pipe") != 0))
		die("neither \"pty\" nor \"pipe\"");
	for (uint64_t round = 0; round < runs; round++) {
		for (size_t i = 0; i < n; i++) {
			const struct contender *contender = &contenders[(round + i) % n];
			struct flood flood;

			measure(contender, pty, &flood);
			(void)printf("%s %llu %llu\n", contender->name,
				     (unsigned long long)flood.bytes,
				     (unsigned long long)(flood.last_ns - flood.first_ns));
		}
	}
	return 0;
}
