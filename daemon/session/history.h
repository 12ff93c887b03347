/* Rows that have scrolled off a terminal's screen, oldest first, as the bytes that paint them: each
 * stands for itself, in UTF-8 with its own SGR and OSC 8. So a row takes about as many bytes as it
 * has characters, holds nothing alive, and is sent as it is.
 *
 * Private to daemon/session.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/session/screen.h"

enum {
	HISTORY_BYTES_MAX = 1024 * 1024, /* in all; the oldest rows make way for new ones */
	HISTORY_ROW_BYTES_MAX = HISTORY_BYTES_MAX / 4,
};

/* A row without a line's end behind it, followed by one that begins with a character, goes on in
 * that one: a terminal wraps there by itself.
 */
enum history_row_flags {
	HISTORY_GOES_ON = 1,
	HISTORY_BEGINS_WITH_CHARACTER = 2,
};

struct history_row {
	/* The bytes, in two pieces; borrowed until the history is changed. */
	const char *data[2];
	size_t n[2];
	unsigned int flags;
};

struct history {
	char *bytes; /* a ring of size bytes, a power of two; n of them from begin on */
	size_t size, begin, n;
	uint32_t *rows; /* a ring, too: length and flags of each */
	uint32_t rows_size, rows_begin, n_rows;
};

/* A zeroed history is empty. NULL-safe; leaves it empty. */
void history_done(struct history *history);

/* Adds a row of n bytes, at most HISTORY_ROW_BYTES_MAX; the oldest go as the bounds ask for it. */
void history_add(struct history *history, const void *row, size_t n, unsigned int flags);

/* A place among the newest `count` rows (or all there are), to be gone through from the oldest. */
struct history_walk {
	const struct history *history;
	size_t offset;
	uint32_t row;
};
void history_walk_newest(const struct history *history, uint32_t count, struct history_walk *ret);
/* The next row; 0 after the newest. */
int history_walk_next(struct history_walk *walk, struct history_row *ret);
