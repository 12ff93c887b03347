/* What a hostile container writes to its terminal: any bytes, in pieces of any size, with changes
 * of size in between. Whatever they are:
 *
 * - memory stays within what the size of the screen allows for;
 * - a screen that is sent a snapshot has the same snapshot, whatever it showed before;
 * - what follows has the same effect, and the same answers, as on the screen that saw everything.
 *
 * The first four bytes are rows, columns, the size of pieces, and where the stream is cut in two.
 * A change of size is 0xff, which is no part of UTF-8, 'R', rows and columns. What begins with '#'
 * is text for people: behind that the same, with \e, \a and \xNN for what is none, and with line
 * ends that are not meant.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "daemon/session/screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The sanitizer's; without one memory is not looked at. */
size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

enum {
	HEADER = 4,
	ROWS_MAX = 40,
	COLUMNS_MAX = 100,
	HISTORY = 100,
	/* Two screens of cells; the history; tables of what cells refer to; a string; the rest. */
	MEMORY_MAX = 2 * ROWS_MAX * COLUMNS_MAX * 8 + 2 * 1024 * 1024 + 1024 * 1024,
};

/* States that a terminal could be in when it is sent a snapshot. What nothing can take back is not
 * among them: stacked titles and keyboard modes, what a user may have set, what 1049 has saved.
 */
static const char *const before[] = {
	"",
	"\033]2;half a title",
	"\033P1;2q half an image \033",
	"\033[38;2;1",
	"\xf0\x9f",
	"\033[3;7r\033[?6h\033[?7l\033[4h\033[20h\033(0\033)0\016\033*0\033n\033N",
	"\033[?47hx\0337\033[5;5H\033[?47h\033[41m\033[2J\033[1;31m\033]8;;http://a/\033\\b",
	"\033[3g\033[?1;5;1000;1006;1004;2004;2026h\033=\033[?25l\033#8\033[>4;2m",
	"\033[9999;9999H\033[45mxx\033[9999;9999Hx\0337\033[H\033[7m",
};

static void screen_freep(struct screen **screen)
{
	screen_free(*screen);
}

struct piece {
	uint16_t rows, columns; /* a change of size, if not 0 */
	const uint8_t *data;
	size_t n;
};

/* The next piece of the input; false at the end. */
static bool next_piece(const uint8_t **at, const uint8_t *end, size_t most, struct piece *ret)
{
	size_t n = 0, left = (size_t)(end - *at);

	if (!left)
		return false;
	if (left >= 4 && (*at)[0] == 0xff && (*at)[1] == 'R') {
		*ret = (struct piece){ .rows = (uint16_t)((*at)[2] % ROWS_MAX + 1),
				       .columns = (uint16_t)((*at)[3] % COLUMNS_MAX + 1) };
		*at += 4;
		return true;
	}
	do
		n++;
	while (n < left && n < most && (*at)[n] != 0xff);
	*ret = (struct piece){ .data = *at, .n = n };
	*at += n;
	return true;
}

static void feed(struct screen *screen, const uint8_t *at, const uint8_t *end, size_t most)
{
	struct piece piece;

	while (next_piece(&at, end, most, &piece)) {
		if (piece.rows) {
			screen_resize(screen, piece.rows, piece.columns);
			continue;
		}
		/* A copy, for the sanitizer to see what is read past its end. */
		uint8_t *copy = malloc(piece.n);

		assert(copy);
		(void)memcpy(copy, piece.data, piece.n);
		screen_write(screen, copy, piece.n);
		free(copy);
	}
}

static void check_same(const struct screen *a, const struct screen *b)
{
	_cleanup_(freep) char *left = NULL, *right = NULL;
	size_t n_left, n_right;

	left = screen_snapshot(a, 0, &n_left);
	right = screen_snapshot(b, 0, &n_right);
	if (n_left == n_right && memcmp(left, right, n_left) == 0)
		return;
	(void)fprintf(stderr, "=== one:\n%.*s\n=== other:\n%.*s\n", (int)n_left, left, (int)n_right,
		      right);
	abort();
}

/* The size that the screen has after all pieces. */
static void size_after(const uint8_t *at, const uint8_t *end, size_t most, uint16_t *rows,
		       uint16_t *columns)
{
	struct piece piece;

	while (next_piece(&at, end, most, &piece)) {
		if (piece.rows) {
			*rows = piece.rows;
			*columns = piece.columns;
		}
	}
}

/* Another screen in the state of this one, by a snapshot with so many rows of history. */
static struct screen *copy_of(const struct screen *screen, unsigned int history, uint16_t rows,
			      uint16_t columns, const char *shown_before)
{
	struct screen *copy = screen_new(rows, columns);
	_cleanup_(freep) char *snapshot = NULL;
	size_t n;

	screen_write(copy, shown_before, strlen(shown_before));
	snapshot = screen_snapshot(screen, history, &n);
	screen_write(copy, snapshot, n);
	(void)screen_take_answers(copy, NULL);
	check_same(screen, copy);
	return copy;
}

static void check_answers(struct screen *a, struct screen *b)
{
	char left[SCREEN_ANSWERS_MAX], right[SCREEN_ANSWERS_MAX];
	size_t n = screen_take_answers(a, left);

	assert(n <= sizeof(left));
	if (screen_take_answers(b, right) != n || memcmp(left, right, n) != 0)
		abort();
}

static void take(const uint8_t *data, size_t size)
{
	_cleanup_(screen_freep) struct screen *whole = NULL, *copy = NULL, *other = NULL;
	const uint8_t *begin = data + HEADER, *cut, *end = data + size;
	size_t memory = 0, most;
	uint16_t rows, columns;

	if (size < HEADER)
		return;
	if (__sanitizer_get_current_allocated_bytes)
		memory = __sanitizer_get_current_allocated_bytes();
	rows = data[0] % ROWS_MAX + 1;
	columns = data[1] % COLUMNS_MAX + 1;
	most = data[2] ? data[2] : SIZE_MAX;
	whole = screen_new(rows, columns);
	cut = begin + (size - HEADER) * data[3] / 256;
	feed(whole, begin, cut, most);
	size_after(begin, cut, most, &rows, &columns);
	other = copy_of(whole, HISTORY, rows, columns,
			before[(size + data[2]) % ARRAY_SIZE(before)]);
	copy = copy_of(whole, 0, rows, columns, "");
	(void)screen_take_answers(whole, NULL);
	feed(whole, cut, end, most);
	/* In whatever pieces it comes. */
	feed(copy, cut, end, SIZE_MAX);
	feed(other, cut, end, 1);
	if (memory)
		assert(__sanitizer_get_current_allocated_bytes() - memory < 3 * (size_t)MEMORY_MAX);
	check_same(whole, copy);
	check_same(whole, other);
	check_answers(whole, copy);
}

/* What stands for one byte at *at, which is moved on; false for what stands for none. */
static bool unescape(const uint8_t **at, const uint8_t *end, uint8_t *ret)
{
	unsigned int value;
	char hex[3] = "";

	*ret = *(*at)++;
	if (*ret == '\n')
		return false;
	if (*ret != '\\' || *at == end)
		return true;
	switch (*(*at)++) {
	case 'e':
		*ret = 0x1b;
		return true;
	case 'a':
		*ret = '\a';
		return true;
	case 'x':
		if (end - *at < 2)
			return false;
		(void)memcpy(hex, *at, 2);
		*at += 2;
		*ret = sscanf(hex, "%x", &value) == 1 ? (uint8_t)value : '?';
		return true;
	default:
		return true;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) uint8_t *text = NULL;
	const uint8_t *at = data + 1, *end = data + size;
	size_t n = 0;

	if (!size || data[0] != '#') {
		take(data, size);
		return 0;
	}
	text = malloc(size);
	if (!text)
		abort();
	while (at < end)
		n += unescape(&at, end, &text[n]);
	take(text, n);
	return 0;
}
