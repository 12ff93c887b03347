/* Another size. The lines of the primary screen are wrapped anew, as most terminals do, and what
 * does not fit any more goes into the history from the top; the alternate screen is cut, since what
 * shows it will draw it again.
 */
#include "daemon/session/screen_private.h"

#include <stdlib.h>

/* The rows as they were, while the screen has its new ones. */
struct old_grid {
	struct grid grid;
	unsigned int rows, columns;
};

/* Positions that stay with the character that they were at. The first one is kept on the screen. */
enum { MARK_KEPT, MARK_SAVED, MARK_LEFT, MARK_COUNT };

struct mark {
	unsigned int x, y;	   /* in the old rows */
	unsigned int new_x, new_y; /* once it is placed */
	bool placed;
};

struct reflow {
	struct screen *screen;
	struct grid *grid; /* the new rows */
	bool wraps;
	bool started, full;
	unsigned int x, y; /* where the next character goes */
	size_t cells_to_come;
	struct mark marks[MARK_COUNT];
};

static struct row *old_row(const struct old_grid *old, unsigned int y)
{
	unsigned int at = old->grid.top + y;

	return &old->grid.rows[at < old->rows ? at : at - old->rows];
}

/* The top row makes way. It is not painted for a history that would forget it before the end. */
static void scroll(struct reflow *reflow)
{
	struct screen *screen = reflow->screen;
	struct row *row = grid_row(screen, reflow->grid, 0);
	size_t rows_to_come = reflow->cells_to_come / screen->columns;

	if (reflow->wraps && rows_to_come < SCREEN_HISTORY_MAX + (size_t)screen->rows)
		screen_history_add(screen, row,
				   screen->rows > 1 ? grid_row(screen, reflow->grid, 1) : NULL);
	screen_row_clear(row, CELL_NULL);
	reflow->grid->top = reflow->grid->top + 1u < screen->rows ? reflow->grid->top + 1 : 0;
	for (unsigned int i = 0; i < MARK_COUNT; i++)
		if (reflow->marks[i].placed && reflow->marks[i].new_y)
			reflow->marks[i].new_y--;
}

/* The next row to be filled, or `full` if there is none without the cursor leaving the screen. */
static void next_row(struct reflow *reflow)
{
	const struct mark *kept = &reflow->marks[MARK_KEPT];

	reflow->x = 0;
	if (!reflow->started) {
		reflow->started = true;
		return;
	}
	if (reflow->y + 1u < reflow->screen->rows) {
		reflow->y++;
		return;
	}
	if (kept->placed && kept->new_y == 0)
		reflow->full = true;
	else
		scroll(reflow);
}

/* Marks at column x of old row y are at new_x of the row that is being filled. */
static void place_marks(struct reflow *reflow, unsigned int y, unsigned int x, unsigned int new_x)
{
	for (unsigned int i = 0; i < MARK_COUNT; i++) {
		struct mark *mark = &reflow->marks[i];

		if (mark->placed || mark->y != y || mark->x != x)
			continue;
		mark->placed = true;
		mark->new_x = new_x;
		mark->new_y = reflow->y;
	}
}

/* Room for a cell, in the next row if need be; false if it has no place. */
static bool make_room(struct reflow *reflow, struct cell cell, unsigned int width)
{
	unsigned int columns = reflow->screen->columns;
	struct row *row = grid_row(reflow->screen, reflow->grid, reflow->y);
	bool goes_on;

	if (reflow->x + width <= columns)
		return true;
	if (!reflow->wraps || width > columns)
		return false;
	goes_on = screen_row_can_go_on(row, columns, cell);
	row->goes_on = goes_on;
	next_row(reflow);
	if (reflow->full)
		return false;
	grid_row(reflow->screen, reflow->grid, reflow->y)->continues = goes_on;
	return true;
}

static void place_cell(struct reflow *reflow, struct cell cell, unsigned int width)
{
	struct row *row = grid_row(reflow->screen, reflow->grid, reflow->y);

	screen_row_reach(reflow->screen, row, reflow->x + width);
	row->cells[reflow->x] = cell;
	cell.glyph = GLYPH_SPACER;
	if (width == 2)
		row->cells[reflow->x + 1] = cell;
	reflow->x += width;
}

/* Returns whether the line goes on in the old row below. */
static bool place_row(struct reflow *reflow, const struct old_grid *old, unsigned int y)
{
	const struct row *row = old_row(old, y);
	unsigned int tail = screen_row_tail(row, old->columns), width;
	struct cell fill = row_cell(row, old->columns - 1);

	reflow->cells_to_come -= tail;
	for (unsigned int x = 0; x < tail && !reflow->full; x += width) {
		struct cell cell = row_cell(row, x);

		width = cell.glyph & GLYPH_WIDE ? 2 : 1;
		if (!make_room(reflow, cell, width))
			continue;
		place_marks(reflow, y, x, reflow->x);
		if (width == 2)
			place_marks(reflow, y, x + 1, reflow->x + 1);
		place_cell(reflow, cell, width);
	}
	/* Behind the text, as far behind it as they were; or with a character that was cut off. */
	for (unsigned int x = 0; x <= old->columns && !reflow->full; x++)
		place_marks(reflow, y, x, reflow->x + (x > tail ? x - tail : 0));
	if (reflow->wraps && row->goes_on && y + 1 < old->rows && old_row(old, y + 1)->continues)
		return true;
	if (!reflow->full && fill.glyph == GLYPH_NONE)
		grid_row(reflow->screen, reflow->grid, reflow->y)->fill = fill;
	return false;
}

/* One that is about to wrap is behind the last column. */
static struct mark mark_of(const struct cursor *cursor)
{
	return (struct mark){ .x = cursor->x + (cursor->wraps ? 1u : 0u), .y = cursor->y };
}

static void put_mark(const struct reflow *reflow, const struct mark *mark, struct cursor *cursor)
{
	const struct screen *screen = reflow->screen;
	unsigned int x = mark->placed ? mark->new_x : 0, y = mark->placed ? mark->new_y : 0;
	bool is_behind = x >= screen->columns;

	x = is_behind ? screen->columns - 1u : x;
	cursor->x = (uint16_t)x;
	cursor->y = (uint16_t)y;
	cursor->wraps = reflow->wraps && is_behind && screen_mode(screen, MODE_AUTOWRAP) &&
			row_cell(grid_row(screen, reflow->grid, y), x).glyph != GLYPH_NONE;
	if (cursor->wraps)
		grid_row(screen, reflow->grid, y)->goes_on = false;
}

/* The rows of one screen, `old`, into new ones. */
static void refill(struct screen *screen, unsigned int which, const struct old_grid *old)
{
	struct cursor *saved = &screen->saved[which].cursor, *left = &screen->left.cursor;
	struct cursor *kept = which == screen->shown ? &screen->cursor :
			      screen->left_is_newer  ? left :
						       saved;
	struct reflow reflow = {
		.screen = screen,
		.grid = &screen->grids[which],
		.wraps = which == SCREEN_PRIMARY,
		.marks = { [MARK_KEPT] = mark_of(kept),
			   [MARK_SAVED] = mark_of(saved),
			   [MARK_LEFT] = mark_of(left) },
	};
	unsigned int last = kept->y;
	bool goes_on = false;

	for (unsigned int y = 0; y < old->rows; y++) {
		if (y > last && !screen_row_is_blank(old_row(old, y), old->columns))
			last = y;
		reflow.cells_to_come += screen_row_tail(old_row(old, y), old->columns);
	}
	for (unsigned int y = 0; y <= last; y++) {
		if (!goes_on)
			next_row(&reflow);
		if (reflow.full)
			break;
		goes_on = place_row(&reflow, old, y);
	}
	put_mark(&reflow, &reflow.marks[MARK_SAVED], saved);
	if (which == SCREEN_PRIMARY)
		put_mark(&reflow, &reflow.marks[MARK_LEFT], left);
	put_mark(&reflow, &reflow.marks[MARK_KEPT], kept);
}

void screen_resize(struct screen *screen, uint16_t rows, uint16_t columns)
{
	struct old_grid old[SCREEN_COUNT];

	rows = screen_size_within_bounds(rows);
	columns = screen_size_within_bounds(columns);
	if (rows == screen->rows && columns == screen->columns)
		return;
	/* Columns that come have tabs, whatever a program did where it could. */
	if (columns > screen->columns)
		screen_tabs_default(screen, screen->columns);
	for (unsigned int i = 0; i < SCREEN_COUNT; i++)
		old[i] = (struct old_grid){ screen->grids[i], screen->rows, screen->columns };
	screen->rows = rows;
	screen->columns = columns;
	screen->top = 0;
	screen->bottom = rows - 1;
	screen->just_wrote = false;
	for (unsigned int i = 0; i < SCREEN_COUNT; i++) {
		if (!old[i].grid.rows)
			continue;
		screen_grid_init(screen, &screen->grids[i]);
		refill(screen, i, &old[i]);
		for (unsigned int y = 0; y < old[i].rows; y++)
			free(old[i].grid.rows[y].cells);
		free(old[i].grid.rows);
	}
}
