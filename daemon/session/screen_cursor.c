/* Where the cursor goes: motion, margins, tabulation, saving. */
#include "daemon/session/screen_private.h"

void screen_move(struct screen *screen, unsigned int x, unsigned int y)
{
	screen->cursor = (struct cursor){
		.x = (uint16_t)(x < screen->columns ? x : screen->columns - 1u),
		.y = (uint16_t)(y < screen->rows ? y : screen->rows - 1u),
	};
}

void screen_move_from_origin(struct screen *screen, unsigned int x, unsigned int y)
{
	if (screen_mode(screen, MODE_ORIGIN)) {
		y += screen->top;
		y = y < screen->bottom ? y : screen->bottom;
	}
	screen_move(screen, x, y);
}

/* Motion stops at a margin, unless it began beyond it. */
void screen_move_up(struct screen *screen, unsigned int n)
{
	unsigned int y = screen->cursor.y, stop = y >= screen->top ? screen->top : 0;

	screen_move(screen, screen->cursor.x, y - stop > n ? y - n : stop);
}

void screen_move_down(struct screen *screen, unsigned int n)
{
	unsigned int y = screen->cursor.y;
	unsigned int stop = y <= screen->bottom ? screen->bottom : screen->rows - 1u;

	screen_move(screen, screen->cursor.x, stop - y > n ? y + n : stop);
}

void screen_index(struct screen *screen)
{
	if (screen->cursor.y == screen->bottom)
		screen_scroll_up(screen, screen->top, screen->bottom, 1, true);
	else if (screen->cursor.y + 1u < screen->rows)
		screen->cursor.y++;
	screen->cursor.wraps = false;
}

void screen_reverse_index(struct screen *screen)
{
	if (screen->cursor.y == screen->top)
		screen_scroll_down(screen, screen->top, screen->bottom, 1);
	else if (screen->cursor.y)
		screen->cursor.y--;
	screen->cursor.wraps = false;
}

void screen_set_margins(struct screen *screen, unsigned int top, unsigned int bottom)
{
	if (bottom > screen->rows - 1u)
		bottom = screen->rows - 1u;
	if (top >= bottom)
		return;
	screen->top = (uint16_t)top;
	screen->bottom = (uint16_t)bottom;
	screen_move_from_origin(screen, 0, 0);
}

/* --- Saving ---------------------------------------------------------------------------------- */

static struct saved_cursor present_cursor(const struct screen *screen)
{
	struct saved_cursor saved = {
		.cursor = screen->cursor,
		.style = screen->style,
		.charsets = screen->charsets,
		.origin = screen_mode(screen, MODE_ORIGIN),
		.set = true,
	};

	saved.charsets.single = 0;
	return saved;
}

void screen_save_cursor(struct screen *screen)
{
	screen->saved[screen->shown] = present_cursor(screen);
	if (screen->shown == SCREEN_PRIMARY)
		screen->left_is_newer = false;
}

void screen_save_left(struct screen *screen)
{
	screen->left = present_cursor(screen);
	screen->left_is_newer = true;
}

static void restore(struct screen *screen, const struct saved_cursor *saved)
{
	struct row *row;

	screen->style = saved->style;
	screen_pen_changed(screen);
	screen->charsets = saved->charsets;
	screen->modes &= ~(1u << MODE_ORIGIN);
	screen->modes |= (uint32_t)saved->origin << MODE_ORIGIN;
	screen_move(screen, saved->cursor.x, saved->cursor.y);
	if (saved->origin && (screen->cursor.y < screen->top || screen->cursor.y > screen->bottom))
		screen->cursor.y = screen->cursor.y < screen->top ? screen->top : screen->bottom;
	/* DEC STD 070 saves this, too. It is only ever set where there is something in the cell. */
	row = screen_row(screen, screen->cursor.y);
	screen->cursor.wraps = saved->cursor.wraps && screen->cursor.x + 1u == screen->columns &&
			       screen_mode(screen, MODE_AUTOWRAP) &&
			       row_cell(row, screen->cursor.x).glyph != GLYPH_NONE;
	if (screen->cursor.wraps)
		row->goes_on = false;
}

void screen_restore_cursor(struct screen *screen)
{
	restore(screen, &screen->saved[screen->shown]);
}

void screen_restore_left(struct screen *screen)
{
	if (screen->left.set)
		restore(screen, &screen->left);
}

/* --- Tabulation ------------------------------------------------------------------------------ */

enum { TAB_EVERY = 8, WORD_BITS = 64 };

static void change_tab(struct screen *screen, unsigned int x, bool set)
{
	uint64_t bit = UINT64_C(1) << x % WORD_BITS;

	if (set)
		screen->tabs[x / WORD_BITS] |= bit;
	else
		screen->tabs[x / WORD_BITS] &= ~bit;
}

void screen_tab_set(struct screen *screen, unsigned int x, bool set)
{
	change_tab(screen, x, set);
	screen->tabs_touched = true;
}

void screen_tabs_clear(struct screen *screen)
{
	(void)memset(screen->tabs, 0, sizeof(screen->tabs));
	screen->tabs_touched = true;
}

bool screen_tab_is_set(const struct screen *screen, unsigned int x)
{
	return screen->tabs[x / WORD_BITS] >> x % WORD_BITS & 1;
}

void screen_tabs_default(struct screen *screen, unsigned int from)
{
	for (unsigned int x = from; x < SCREEN_SIZE_MAX; x++)
		change_tab(screen, x, x && x % TAB_EVERY == 0);
	screen->tabs_touched = screen->tabs_touched && from;
}

void screen_tabs_forward(struct screen *screen, unsigned int n)
{
	unsigned int x = screen->cursor.x;

	while (n && x + 1 < screen->columns)
		if (screen_tab_is_set(screen, ++x))
			n--;
	/* At the right edge it does not move, and does not keep the next character from wrapping. */
	if (x != screen->cursor.x)
		screen_move(screen, x, screen->cursor.y);
}

void screen_tabs_back(struct screen *screen, unsigned int n)
{
	unsigned int x = screen->cursor.x;

	while (n && x)
		if (screen_tab_is_set(screen, --x))
			n--;
	screen_move(screen, x, screen->cursor.y);
}
