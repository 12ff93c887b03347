/* How long a keystroke takes to come back.
 *
 *	measure-echo RUNS PAUSE_US --vs NAME COMMAND... [--vs ...]
 *
 * Each program runs on a terminal of its own and sends back what it is sent, byte for byte. All of
 * them are there at the same time, and get a byte in turn; RUNS times, after one tenth as many
 * rounds to warm up. Between two bytes is a pause, as between a person's: what is measured includes
 * waking up everybody on the way.
 *
 * Output: one line "NAME NANOSECONDS" for each byte.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/contender.h"

enum { READY_TRIES = 100, READY_STEP_MS = 100, QUIET_MS = 200, ANSWER_MS = 5000, END_MS = 2000 };

static const char KEY = 'x';

struct typist {
	const struct contender *contender;
	pid_t pid;
	int master;
};

static void press(const struct typist *typist)
{
	if (write(typist->master, &KEY, 1) != 1)
		die("%s: write: %s", typist->contender->name, strerror(errno));
}

/* What there is within timeout_ms, 0 when there is nothing. */
static size_t look(const struct typist *typist, char *buffer, size_t size, int timeout_ms)
{
	struct pollfd polled = { .fd = typist->master, .events = POLLIN };
	ssize_t n;

	if (poll(&polled, 1, timeout_ms) <= 0)
		return 0;
	n = read(typist->master, buffer, size);
	if (n < 0 && errno != EINTR)
		die("%s: it has ended", typist->contender->name);
	return n > 0 ? (size_t)n : 0;
}

/* A terminal echoes by itself until the program on it has made it raw, and an attaching client may
 * draw a screen: a key is pressed until it comes back alone and once.
 */
static void wait_until_ready(const struct typist *typist)
{
	char buffer[65536];

	for (int i = 0; i < READY_TRIES; i++) {
		size_t n;

		while (look(typist, buffer, sizeof(buffer), QUIET_MS))
			;
		press(typist);
		n = look(typist, buffer, sizeof(buffer), READY_STEP_MS);
		if (n == 1 && buffer[0] == KEY && !look(typist, buffer, sizeof(buffer), QUIET_MS))
			return;
	}
	die("%s: no echo", typist->contender->name);
}

static uint64_t measure(const struct typist *typist)
{
	uint64_t start = now_ns(), end;
	char answer[64];
	size_t n;

	press(typist);
	n = look(typist, answer, sizeof(answer), ANSWER_MS);
	end = now_ns();
	if (n != 1 || answer[0] != KEY)
		die("%s: %zu bytes came back for one", typist->contender->name, n);
	return end - start;
}

/* Without its terminal a program ends, as when a connection is lost. */
static void dismiss(const struct typist *typist)
{
	(void)close(typist->master);
	for (int waited_ms = 0; waited_ms < END_MS; waited_ms += 10) {
		if (waitpid(typist->pid, NULL, WNOHANG) == typist->pid)
			return;
		sleep_us(10000);
	}
	(void)kill(typist->pid, SIGKILL);
	(void)waitpid(typist->pid, NULL, 0);
}

int main(int argc, char **argv)
{
	struct contender contenders[CONTENDERS_MAX];
	struct typist typists[CONTENDERS_MAX];
	size_t n = contenders_parse(argv, contenders);
	uint64_t runs = number_parse("RUNS", argc > 1 ? argv[1] : NULL, 1, 1000000);
	uint64_t pause_us = number_parse("PAUSE_US", argv[1] ? argv[2] : NULL, 0, 1000000);
	uint64_t warm_up = runs / 10 + 1;

	for (size_t i = 0; i < n; i++) {
		typists[i].contender = &contenders[i];
		typists[i].pid = contender_spawn_on_pty(&contenders[i], &typists[i].master);
	}
	for (size_t i = 0; i < n; i++)
		wait_until_ready(&typists[i]);
	for (uint64_t round = 0; round < warm_up + runs; round++) {
		for (size_t i = 0; i < n; i++) {
			const struct typist *typist = &typists[(round + i) % n];
			uint64_t ns;

			sleep_us(pause_us);
			ns = measure(typist);
			if (round >= warm_up)
				(void)printf("%s %llu\n", typist->contender->name,
					     (unsigned long long)ns);
		}
	}
	for (size_t i = 0; i < n; i++)
		dismiss(&typists[i]);
	return 0;
}
