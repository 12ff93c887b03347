/* How long programs take from their start to their end.
 *
 *	measure-start RUNS PAUSE_MS --vs NAME COMMAND... [--vs ...]
 *
 * In turn, RUNS times, after one tenth as many rounds to warm up, which are not reported. Who comes
 * first in a round changes from round to round. Before each start is a pause, in which the kernel
 * takes down what the one before has left behind (network namespaces above all), so that everybody
 * pays for himself.
 *
 * Output: one line "NAME NANOSECONDS" for each run.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/bench/contender.h"

static uint64_t measure(const struct contender *contender, int null)
{
	uint64_t start = now_ns();
	pid_t pid = contender_spawn(contender, null, null);

	contender_wait(contender, pid);
	return now_ns() - start;
}

int main(int argc, char **argv)
{
	struct contender contenders[CONTENDERS_MAX];
	size_t n = contenders_parse(argv, contenders);
	uint64_t runs = number_parse("RUNS", argc > 1 ? argv[1] : NULL, 1, 1000000);
	uint64_t pause_ms = number_parse("PAUSE_MS", argv[1] ? argv[2] : NULL, 0, 10000);
	uint64_t warm_up = runs / 10 + 1;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		die("open /dev/null");
	for (uint64_t round = 0; round < warm_up + runs; round++) {
		for (size_t i = 0; i < n; i++) {
			const struct contender *contender = &contenders[(round + i) % n];
			uint64_t ns;

			sleep_us(pause_ms * 1000);
			ns = measure(contender, null);
			if (round >= warm_up)
				(void)printf("%s %llu\n", contender->name, (unsigned long long)ns);
		}
	}
	return 0;
}
