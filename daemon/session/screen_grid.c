/* Rows of cells: erasing, inserting, deleting, scrolling. */
#include "daemon/session/screen_private.h"

#include <stdlib.h>

#include "common/alloc.h"

void screen_grid_init(struct screen *screen, struct grid *grid)
{
	grid->rows = alloc_zero(screen->rows, sizeof(*grid->rows));
	grid->top = 0;
}

void screen_grid_done(struct screen *screen, struct grid *grid)
{
	for (unsigned int y = 0; grid->rows && y < screen->rows; y++)
		free(grid->rows[y].cells);
	free(grid->rows);
	*grid = (struct grid){ 0 };
}

void screen_row_reach(const struct screen *screen, struct row *row, unsigned int n)
{
	if (!row->cells)
		row->cells = alloc_zero(screen->columns, sizeof(*row->cells));
	while (row->used < n)
		row->cells[row->used++] = row->fill;
}

void screen_row_clear(struct row *row, struct cell fill)
{
	row->used = 0;
	row->fill = fill;
	row->goes_on = false;
	row->continues = false;
}

unsigned int screen_row_tail(const struct row *row, unsigned int columns)
{
	struct cell last = row_cell(row, columns - 1);
	unsigned int x = columns;

	if (last.glyph != GLYPH_NONE)
		return x;
	if (row->used < x)
		x = row->used;
	while (x && cell_equal(row->cells[x - 1], last))
		x--;
	return x;
}

bool screen_row_can_go_on(const struct row *row, unsigned int columns, struct cell next)
{
	struct cell last = row_cell(row, columns - 1);

	if (last.glyph != GLYPH_NONE)
		return next.glyph != GLYPH_NONE;
	return columns > 1 && !last.style && next.glyph & GLYPH_WIDE &&
	       row_cell(row, columns - 2).glyph != GLYPH_NONE;
}

bool screen_row_is_blank(const struct row *row, unsigned int columns)
{
	return screen_row_tail(row, columns) == 0 && row_cell(row, 0).style == 0;
}

void screen_row_split(struct row *row, unsigned int x)
{
	if (!x || x >= row->used || row->cells[x].glyph != GLYPH_SPACER)
		return;
	row->cells[x - 1] = CELL_NULL;
	row->cells[x] = CELL_NULL;
	if (x == 1)
		row->continues = false;
}

void screen_row_erase(struct screen *screen, struct row *row, unsigned int from, unsigned int to)
{
	struct cell blank = screen_blank(screen);

	screen_row_split(row, from);
	screen_row_split(row, to);
	if (from == 0)
		row->continues = false;
	screen_row_touch_end(screen, row, to);
	if (to == screen->columns) {
		if (from < row->used)
			row->used = (uint16_t)from;
		else if (from > row->used && !cell_equal(row->fill, blank))
			screen_row_reach(screen, row, from);
		row->fill = blank;
		return;
	}
	if (from >= row->used && cell_equal(row->fill, blank))
		return;
	screen_row_reach(screen, row, to);
	for (unsigned int x = from; x < to; x++)
		row->cells[x] = blank;
}

void screen_row_insert(struct screen *screen, struct row *row, unsigned int x, unsigned int n)
{
	struct cell blank = screen_blank(screen);
	unsigned int columns = screen->columns, used;

	n = n < columns - x ? n : columns - x;
	screen_row_split(row, x);
	/* What is pushed over the edge, and a wide character that would lie across it. */
	screen_row_split(row, columns - n);
	row->goes_on = false;
	if (x == 0)
		row->continues = false;
	if (x >= row->used && cell_equal(row->fill, blank))
		return;
	screen_row_reach(screen, row, x);
	used = row->used + n < columns ? row->used + n : columns;
	screen_row_reach(screen, row, used);
	if (used > x + n)
		(void)memmove(row->cells + x + n, row->cells + x,
			      (used - x - n) * sizeof(*row->cells));
	for (unsigned int i = x; i < x + n; i++)
		row->cells[i] = blank;
}

void screen_row_delete(struct screen *screen, struct row *row, unsigned int x, unsigned int n)
{
	struct cell blank = screen_blank(screen);
	unsigned int columns = screen->columns, left;

	n = n < columns - x ? n : columns - x;
	screen_row_split(row, x);
	screen_row_split(row, x + n);
	row->goes_on = false;
	if (x == 0)
		row->continues = false;
	/* What moves in at the right edge is blank: not as the row's end was, perhaps. */
	if (!cell_equal(row->fill, blank))
		screen_row_reach(screen, row, columns);
	if (x >= row->used)
		return;
	left = row->used > x + n ? row->used - x - n : 0;
	(void)memmove(row->cells + x, row->cells + x + n, left * sizeof(*row->cells));
	row->used = (uint16_t)(x + left);
	row->fill = blank;
}

void screen_erase_rows(struct screen *screen, unsigned int from, unsigned int to)
{
	struct cell blank = screen_blank(screen);

	for (unsigned int y = from; y <= to; y++)
		screen_row_clear(screen_row(screen, y), blank);
}

/* Rows [from, to] in reverse order. */
static void reverse_rows(struct screen *screen, unsigned int from, unsigned int to)
{
	for (; from < to; from++, to--) {
		struct row *a = screen_row(screen, from), *b = screen_row(screen, to);
		struct row row = *a;

		*a = *b;
		*b = row;
	}
}

/* Row from + n comes to lie at `from`, the n rows before it at the end. A whole screen is turned by
 * moving its top; a part of it costs two moves for each of its rows, whatever n is.
 */
static void rotate_rows(struct screen *screen, unsigned int from, unsigned int to, unsigned int n)
{
	struct grid *grid = &screen->grids[screen->shown];
	unsigned int top = grid->top + n;

	if (from == 0 && to + 1u == screen->rows) {
		grid->top = top < screen->rows ? top : top - screen->rows;
		return;
	}
	reverse_rows(screen, from, from + n - 1);
	reverse_rows(screen, from + n, to);
	reverse_rows(screen, from, to);
}

void screen_scroll_up(struct screen *screen, unsigned int from, unsigned int to, unsigned int n,
		      bool keep)
{
	n = n < to - from + 1 ? n : to - from + 1;
	if (keep && from == 0 && screen->shown == SCREEN_PRIMARY) {
		for (unsigned int y = 0; y < n; y++)
			screen_history_add(screen, screen_row(screen, y),
					   y + 1 < screen->rows ? screen_row(screen, y + 1) : NULL);
	}
	if (n <= to - from)
		rotate_rows(screen, from, to, n);
	screen_erase_rows(screen, to - n + 1, to);
	/* What it continued is no longer above it. */
	screen_row(screen, from)->continues = false;
}

void screen_scroll_down(struct screen *screen, unsigned int from, unsigned int to, unsigned int n)
{
	n = n < to - from + 1 ? n : to - from + 1;
	if (n <= to - from)
		rotate_rows(screen, from, to, to - from + 1 - n);
	screen_erase_rows(screen, from, from + n - 1);
	screen_row(screen, to)->goes_on = false;
}
