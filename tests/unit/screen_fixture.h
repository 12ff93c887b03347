/* A screen that is sent something, and what it shows then, as text. Erased cells are '~', without
 * those at a row's end; so are the second halves of wide characters left out.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/session/screen.h"
#include "daemon/session/screen_private.h"

enum { TEXT_MAX = 8192 };

static inline void screen_freep(struct screen **screen)
{
	screen_free(*screen);
}

#define _cleanup_screen_ _cleanup_(screen_freep)

static inline void show(struct screen *screen, const char *text)
{
	screen_write(screen, text, strlen(text));
}

/* A new screen that was sent this. */
static inline struct screen *shown(uint16_t rows, uint16_t columns, const char *text)
{
	struct screen *screen = screen_new(rows, columns);

	show(screen, text);
	return screen;
}

/* What is visible of a row, in a buffer that the next call overwrites. */
static inline const char *row_text(const struct screen *screen, unsigned int y)
{
	static char text[TEXT_MAX];
	struct bytes out = BYTES_NULL;
	struct painter painter = { .screen = screen, .out = &out, .plain_from = 0 };
	const struct row *row = screen_row(screen, y);
	unsigned int tail = screen_row_tail(row, screen->columns);

	painter.plain_from = SIZE_MAX;
	for (unsigned int x = 0; x < tail; x++) {
		struct cell cell = row_cell(row, x);

		cell.style = 0;
		cell.link = 0;
		if (cell.glyph == GLYPH_NONE)
			bytes_putc(&out, '~');
		else if (cell.glyph != GLYPH_SPACER)
			paint_glyph(&painter, cell);
	}
	assert_true(out.n < sizeof(text));
	if (out.n)
		(void)memcpy(text, out.data, out.n);
	text[out.n] = '\0';
	bytes_done(&out);
	return text;
}

/* All rows down to the last one that is not blank, each with a newline behind it. */
static inline const char *screen_text_of(const struct screen *screen)
{
	static char text[TEXT_MAX];
	size_t n = 0, visible = 0;

	for (unsigned int y = 0; y < screen->rows; y++) {
		const char *row = row_text(screen, y);
		size_t length = strlen(row);

		assert_true(n + length + 1 < sizeof(text));
		(void)memcpy(text + n, row, length);
		n += length;
		text[n++] = '\n';
		if (length)
			visible = n;
	}
	text[visible] = '\0';
	return text;
}

#define assert_shows(screen, expected) assert_string_equal(screen_text_of(screen), expected)
#define assert_row(screen, y, expected) assert_string_equal(row_text(screen, y), expected)

#define assert_cursor(screen, expected_x, expected_y)             \
	do {                                                      \
		assert_int_equal((screen)->cursor.x, expected_x); \
		assert_int_equal((screen)->cursor.y, expected_y); \
	} while (0)

/* The style of a cell as SGR parameters, in a buffer that the next call overwrites. */
static inline const char *style_at(const struct screen *screen, unsigned int x, unsigned int y)
{
	static char text[256];
	struct bytes out = BYTES_NULL;
	struct cell cell = row_cell(screen_row(screen, y), x);

	paint_style_parameters(&out, intern_get(&screen->styles, cell.style));
	assert_true(out.n < sizeof(text));
	(void)memcpy(text, out.data, out.n);
	text[out.n] = '\0';
	bytes_done(&out);
	return text;
}

#define assert_style(screen, x, y, expected) assert_string_equal(style_at(screen, x, y), expected)

/* A snapshot as a string; to be freed. */
static inline char *snapshot_of(const struct screen *screen, unsigned int history_rows)
{
	size_t n;
	char *snapshot = screen_snapshot(screen, history_rows, &n), *text = alloc_zero(1, n + 1);

	(void)memcpy(text, snapshot, n);
	free(snapshot);
	return text;
}

/* Another screen of this size that was sent the snapshot. */
static inline struct screen *copy_of(const struct screen *screen)
{
	struct screen *copy = screen_new(screen->rows, screen->columns);
	_cleanup_(freep) char *snapshot = NULL;
	size_t n;

	snapshot = screen_snapshot(screen, 0, &n);
	screen_write(copy, snapshot, n);
	(void)screen_take_answers(copy, NULL);
	return copy;
}

/* What the screen has answered since the last call. */
static inline const char *answers_of(struct screen *screen)
{
	static char answers[SCREEN_ANSWERS_MAX + 1];

	answers[screen_take_answers(screen, answers)] = '\0';
	return answers;
}
