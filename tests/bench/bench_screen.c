/* How fast a screen of 50 rows and 200 columns follows output of several kinds, and how long a
 * snapshot of what they leave takes: of a processor's time, so that others on the machine make
 * little difference.
 *
 *	bench_screen [SECONDS-PER-KIND]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/session/bytes.h"
#include "daemon/session/screen.h"

enum {
	ROWS = 50,
	COLUMNS = 200,
	STREAM_BYTES = 4 * 1024 * 1024,
	CHUNK_BYTES = 16 * 1024, /* as a session reads */
	HISTORY_ROWS = 200,
	SNAPSHOTS = 200,
};

static double now_seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The same numbers on every run. */
static unsigned int next_random(void)
{
	static unsigned int state = 1;

	state = state * 1103515245 + 12345;
	return state >> 16 & 0x7fff;
}

static void words(struct bytes *out, unsigned int n)
{
	static const char *const list[] = { "request", "accepted", "in",	 "from",
					    "the",     "worker",   "connection", "closed",
					    "after",   "ms",	   "error",	 "ok" };

	while (n--)
		bytes_printf(out, "%s ", list[next_random() % ARRAY_SIZE(list)]);
}

/* What a server prints. */
static void make_log(struct bytes *out)
{
	bytes_printf(out, "2024-05-%02u 12:%02u:%02u.%06u [%5u] ", next_random() % 28 + 1,
		     next_random() % 60, next_random() % 60, next_random(), next_random());
	words(out, 3 + next_random() % 12);
	bytes_puts(out, "\r\n");
}

/* What a build or a test runner prints. */
static void make_colour(struct bytes *out)
{
	static const char *const styles[] = {
		"\033[1;31m", "\033[32m", "\033[0;1m", "\033[38;5;208m", "\033[38;2;90;120;200m",
		"\033[4;36m"
	};

	for (unsigned int n = 4 + next_random() % 6; n--;) {
		bytes_puts(out, styles[next_random() % ARRAY_SIZE(styles)]);
		words(out, 1 + next_random() % 2);
		bytes_puts(out, "\033[0m");
	}
	bytes_puts(out, "\r\n");
}

/* What a monitor draws: here and there a field, bars, the rest of a line erased. */
static void make_tui(struct bytes *out)
{
	bytes_printf(out, "\033[%u;%uH", next_random() % ROWS + 1, next_random() % 150 + 1);
	bytes_printf(out, "\033[%um%6u \033[7m", 31 + next_random() % 6, next_random());
	words(out, 4 + next_random() % 8);
	bytes_printf(out, "\033[0m%*s\033[K", (int)(next_random() % 60), "|");
}

static void make_utf8(struct bytes *out)
{
	static const char *const list[] = {
		"größer ",   "naïve ", "Привет, мир ", "日本語の文字 ",	     "한국어 ",
		"ελληνικά ", "→ ✓ … ", "👩‍💻 ", "e\xcc\x81t\xc3\xa9 "
	};

	for (unsigned int n = 4 + next_random() % 8; n--;)
		bytes_puts(out, list[next_random() % ARRAY_SIZE(list)]);
	bytes_puts(out, "\r\n");
}

static void measure(const char *name, void (*make)(struct bytes *out), double seconds)
{
	struct screen *screen = screen_new(ROWS, COLUMNS);
	struct bytes stream = BYTES_NULL;
	double begin, spent;
	size_t written = 0, size = 0;

	while (stream.n < STREAM_BYTES)
		make(&stream);
	begin = now_seconds();
	do {
		for (size_t at = 0; at < stream.n; at += CHUNK_BYTES) {
			size_t n = stream.n - at < CHUNK_BYTES ? stream.n - at : CHUNK_BYTES;

			screen_write(screen, stream.data + at, n);
		}
		written += stream.n;
		spent = now_seconds() - begin;
	} while (spent < seconds);
	(void)printf("%-8s %8.0f MB/s", name, (double)written / spent / 1e6);
	begin = now_seconds();
	for (int i = 0; i < SNAPSHOTS; i++)
		free(screen_snapshot(screen, HISTORY_ROWS, &size));
	spent = (now_seconds() - begin) / SNAPSHOTS;
	(void)printf("   snapshot %6.0f us, %7zu bytes with %d rows of history\n", spent * 1e6,
		     size, HISTORY_ROWS);
	screen_free(screen);
	bytes_done(&stream);
}

int main(int argc, char *argv[])
{
	double seconds = argc > 1 ? atof(argv[1]) : 0.5;

	measure("log", make_log, seconds);
	measure("colour", make_colour, seconds);
	measure("tui", make_tui, seconds);
	measure("utf-8", make_utf8, seconds);
	return 0;
}
