#include "daemon/session/history.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"

enum {
	FIRST_SIZE = 1024,
	FIRST_ROWS = 32,
	FLAGS_SHIFT = 24, /* a row's length is below */
};
_Static_assert(HISTORY_ROW_BYTES_MAX < 1 << FLAGS_SHIFT, "the length of a row has to fit");

void history_done(struct history *history)
{
	if (!history)
		return;
	free(history->bytes);
	free(history->rows);
	*history = (struct history){ 0 };
}

static uint32_t *row_at(const struct history *history, uint32_t i)
{
	assert(history->rows_size);
	return &history->rows[(history->rows_begin + i) % history->rows_size];
}

static uint32_t length_of(uint32_t row)
{
	return row & ((UINT32_C(1) << FLAGS_SHIFT) - 1);
}

static void drop_oldest(struct history *history)
{
	uint32_t length = length_of(*row_at(history, 0));

	history->begin = (history->begin + length) & (history->size - 1);
	history->n -= length;
	history->rows_begin = (history->rows_begin + 1) % history->rows_size;
	history->n_rows--;
}

/* The n bytes at offset from begin on, which may lie around the ring's end. */
static void pieces_of(const struct history *history, size_t offset, size_t n,
		      struct history_row *ret)
{
	size_t at, first;

	*ret = (struct history_row){ .data = { "", "" } };
	if (!n)
		return;
	at = (history->begin + offset) & (history->size - 1);
	first = history->size - at < n ? history->size - at : n;
	ret->data[0] = history->bytes + at;
	ret->n[0] = first;
	ret->data[1] = history->bytes;
	ret->n[1] = n - first;
}

static void make_room_for_bytes(struct history *history, size_t n)
{
	size_t size = history->size ? history->size : FIRST_SIZE;
	struct history_row all;
	char *bytes;

	while (size < HISTORY_BYTES_MAX && size - history->n < n)
		size *= 2;
	while (size - history->n < n)
		drop_oldest(history);
	if (size == history->size)
		return;
	bytes = alloc_zero(1, size);
	if (history->bytes) {
		pieces_of(history, 0, history->n, &all);
		(void)memcpy(bytes, all.data[0], all.n[0]);
		(void)memcpy(bytes + all.n[0], all.data[1], all.n[1]);
	}
	free(history->bytes);
	history->bytes = bytes;
	history->size = size;
	history->begin = 0;
}

static void make_room_for_row(struct history *history)
{
	uint32_t size = history->rows_size ? history->rows_size * 2 : FIRST_ROWS;
	uint32_t *rows;

	if (history->n_rows < history->rows_size)
		return;
	if (history->rows_size == SCREEN_HISTORY_MAX) {
		drop_oldest(history);
		return;
	}
	size = size < SCREEN_HISTORY_MAX ? size : SCREEN_HISTORY_MAX;
	rows = alloc_zero(size, sizeof(*rows));
	for (uint32_t i = 0; i < history->n_rows; i++)
		rows[i] = *row_at(history, i);
	free(history->rows);
	history->rows = rows;
	history->rows_size = size;
	history->rows_begin = 0;
}

void history_add(struct history *history, const void *row, size_t n, unsigned int flags)
{
	struct history_row space;

	make_room_for_row(history);
	if (n) {
		make_room_for_bytes(history, n);
		pieces_of(history, history->n, n, &space);
		(void)memcpy(history->bytes + (space.data[0] - history->bytes), row, space.n[0]);
		(void)memcpy(history->bytes, (const char *)row + space.n[0], space.n[1]);
		history->n += n;
	}
	*row_at(history, history->n_rows++) = (uint32_t)n | (uint32_t)flags << FLAGS_SHIFT;
}

void history_walk_newest(const struct history *history, uint32_t count, struct history_walk *ret)
{
	size_t bytes = 0;

	if (count > history->n_rows)
		count = history->n_rows;
	for (uint32_t i = history->n_rows - count; i < history->n_rows; i++)
		bytes += length_of(*row_at(history, i));
	*ret = (struct history_walk){
		.history = history,
		.offset = history->n - bytes,
		.row = history->n_rows - count,
	};
}

int history_walk_next(struct history_walk *walk, struct history_row *ret)
{
	uint32_t row;

	if (walk->row == walk->history->n_rows)
		return 0;
	row = *row_at(walk->history, walk->row++);
	pieces_of(walk->history, walk->offset, length_of(row), ret);
	ret->flags = row >> FLAGS_SHIFT;
	walk->offset += length_of(row);
	return 1;
}
