/* What a terminal shows, known from the bytes that were sent to it: cells, attributes, cursor,
 * modes, both screens, title, scrollback. From it comes a snapshot, the bytes that put another
 * terminal into the same state. docs/sessions.md has the table of sequences that are understood.
 *
 * The bytes come from a container and are hostile: memory is bounded for any input, nothing
 * recurses, the text path allocates nothing, and no byte costs more than a bounded amount of work.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct screen;

enum {
	SCREEN_SIZE_MAX = 1000,	   /* rows and columns are clamped to 1..SCREEN_SIZE_MAX */
	SCREEN_HISTORY_MAX = 2000, /* rows of scrollback that are kept */
	SCREEN_ANSWERS_MAX = 1024, /* bytes of answers that wait to be taken; more are dropped */
};

/* A blank screen. Rows that were never written to take no memory. */
struct screen *screen_new(uint16_t rows, uint16_t columns);
struct screen *screen_free(struct screen *screen);

/* The terminal was sent these bytes; sequences and characters may be cut anywhere. */
void screen_write(struct screen *screen, const void *data, size_t n);

/* As a terminal emulator does when its window changes. */
void screen_resize(struct screen *screen, uint16_t rows, uint16_t columns);

/* Bytes that put a terminal of the same size, in whatever state, into this one's state, with a
 * sequence or character that is cut at the end of what was written so far, so that what follows it
 * fits. With history_rows, what the terminal showed is moved up into its own scrollback first, and
 * up to so many rows of this one's behind it; with 0 it is a repaint, which leaves the scrollback
 * alone. *ret_size bytes, to be freed by the caller; never more than 32 MiB, and for screens of
 * ordinary sizes some 10 KiB.
 */
char *screen_snapshot(const struct screen *screen, unsigned int history_rows, size_t *ret_size);

/* The repaint for somebody to whom nothing of what follows is sent: without what is cut at the end. */
char *screen_paint(const struct screen *screen, size_t *ret_size);

/* What the program behind the terminal has asked of it since the last call (device attributes,
 * cursor position, modes, colours, ...), answered: bytes to be written to the program when no real
 * terminal is there to answer. Copies at most SCREEN_ANSWERS_MAX bytes to buffer, forgets them, and
 * returns their number. With buffer NULL it only forgets them.
 */
size_t screen_take_answers(struct screen *screen, char *buffer);

/* What is to be seen: the rows from the top, each with a newline behind it, without the blanks at
 * its end, in UTF-8. *ret_size bytes and a NUL, to be freed by the caller.
 */
char *screen_get_text(const struct screen *screen, size_t *ret_size);

/* Cells of one row that look alike. What it points to is borrowed for the time of the call. */
struct screen_run {
	unsigned int row, column, columns; /* from 0 */
	const char *text;
	size_t text_bytes;
	const char *sgr; /* parameters of SGR that make the look, from "0" on; NULL: plain */
	size_t sgr_bytes;
	const char *link; /* a URI, in bytes of the container's; NULL: none */
	size_t link_bytes;
};

/* What is to be seen, from the top, the rows' plain ends left out. */
void screen_walk(const struct screen *screen,
		 void (*callback)(void *userdata, const struct screen_run *run), void *userdata);

struct screen_state {
	uint16_t rows, columns;
	uint16_t cursor_row, cursor_column; /* from 0 */
	bool cursor_visible, alternate;
	const char *title; /* borrowed until the screen is written to; NULL: it was never set */
};
void screen_get_state(const struct screen *screen, struct screen_state *ret);
