/* The bytes that put another terminal into a screen's state, whatever state that one is in.
 *
 * The order matters. What a sequence does depends on modes, so all that have an influence are
 * neutral while the screens are painted, and are set after that. The saved cursor can only be set
 * by saving a cursor, and one that is about to wrap only by writing to the last column, which is
 * done while the screen is blank. The character that was written last is written at the very end
 * once more, so that what refers to it (REP, combining characters) finds it; and behind that there
 * is only the beginning of a sequence or character whose end is yet to come.
 */
#include "daemon/session/screen_private.h"

enum {
	PLAIN_FROM = 8 * 1024 * 1024, /* bytes of a snapshot after which it is plain text */
};

/* An unfinished sequence is dropped (CAN), or a string that takes no notice of that is ended. Then
 * all is held back, by terminals that can, until the picture is complete.
 */
static const char BEGIN[] = "\030\033\\\033[?2026h\033[?1049l";

/* Pen, link, character sets, margins, DECOM, IRM, LNM, DECLRMM off; DECAWM on. */
static const char NEUTRAL[] = "\033[m\033]8;;\033\\\033(B\033)B\033*B\033+B\017\033[?69l\033[r"
			      "\033[?6l\033[4l\033[20l\033[?7h";

static const char CLEAR[] = "\033[H\033[J";

static const char ZERO_WIDTH_JOINER[] = "\xe2\x80\x8d";

static void put_neutral(struct painter *painter)
{
	bytes_puts(painter->out, NEUTRAL);
	painter->style = (struct style){ 0 };
	painter->link = 0;
}

static void put_position(struct bytes *out, unsigned int x, unsigned int y)
{
	bytes_printf(out, "\033[%u;%uH", y + 1, x + 1);
}

static void put_charsets(const struct charsets *charsets, struct bytes *out)
{
	static const char locks[] = { '\0', '\0', 'n', 'o' },
			  names[] = { [CHARSET_UK] = 'A', [CHARSET_GRAPHICS] = '0' };

	for (unsigned int i = 0; i < 4; i++)
		if (charsets->g[i] != CHARSET_ASCII)
			bytes_printf(out, "\033%c%c", '(' + (char)i, names[charsets->g[i]]);
	if (charsets->locked == 1)
		bytes_putc(out, '\016');
	else if (charsets->locked)
		bytes_printf(out, "\033%c", locks[charsets->locked]);
	if (charsets->single)
		bytes_printf(out, "\033%c", charsets->single == 2 ? 'N' : 'O');
}

/* --- The screens ----------------------------------------------------------------------------- */

/* What the terminal shows now goes up into its own scrollback, and the history behind it. */
static void put_history(struct painter *painter, unsigned int rows)
{
	const struct screen *screen = painter->screen;
	struct history_walk walk;
	struct history_row row;
	bool goes_on = false;

	put_position(painter->out, 0, screen->rows - 1u);
	history_walk_newest(&screen->history, rows, &walk);
	while (history_walk_next(&walk, &row)) {
		if (!goes_on || !(row.flags & HISTORY_BEGINS_WITH_CHARACTER))
			bytes_puts(painter->out, "\r\n");
		bytes_put(painter->out, row.data[0], row.n[0]);
		bytes_put(painter->out, row.data[1], row.n[1]);
		goes_on = row.flags & HISTORY_GOES_ON;
	}
	for (unsigned int y = 0; y < screen->rows; y++)
		bytes_puts(painter->out, "\r\n");
}

/* Where the character begins that is in column x. */
static unsigned int character_column(const struct row *row, unsigned int x)
{
	return x && row_cell(row, x).glyph == GLYPH_SPACER ? x - 1 : x;
}

/* The cursor as it was saved, for it to be saved again; the margins are the edges, so that DECOM
 * makes no difference to its place. If it is about to wrap, then what is in the last column of its
 * row has to be written again; or anything, where there is no row.
 */
static void put_saved(struct painter *painter, const struct saved_cursor *saved,
		      const struct row *row)
{
	static const struct cell any = { .glyph = 'x' };
	unsigned int x = saved->cursor.x;

	if (saved->origin)
		bytes_puts(painter->out, "\033[?6h");
	if (saved->cursor.wraps && row)
		x = character_column(row, x);
	put_position(painter->out, x, saved->cursor.y);
	if (saved->cursor.wraps)
		paint_glyph(painter, row ? row_cell(row, x) : any);
	paint_style(painter, &saved->style);
	paint_link(painter, 0);
	put_charsets(&saved->charsets, painter->out);
}

/* On a blank screen in neutral state, which it is afterwards, too. */
static void put_saved_cursor(struct painter *painter, const struct saved_cursor *saved,
			     const char *how)
{
	put_saved(painter, saved, NULL);
	bytes_puts(painter->out, how);
	put_neutral(painter);
	bytes_puts(painter->out, CLEAR);
}

static void put_grid(struct painter *painter, const struct grid *grid)
{
	const struct screen *screen = painter->screen;
	const struct style none = { 0 };
	bool goes_on = false;

	for (unsigned int y = 0; y < screen->rows; y++) {
		const struct row *row = grid_row(screen, grid, y);

		if (!goes_on && screen_row_is_blank(row, screen->columns))
			continue;
		if (!goes_on)
			put_position(painter->out, 0, y);
		paint_row(painter, row);
		goes_on = y + 1u < screen->rows &&
			  paint_goes_on(screen, row, grid_row(screen, grid, y + 1));
	}
	paint_style(painter, &none);
	paint_link(painter, 0);
}

static const char DECSC[] = "\0337", ENTER[] = "\033[?1049h", ENTER_ONLY[] = "\033[?1047h";
static const char ENTER_AND_LEAVE[] = "\033[?1049h\033[?1049l";

/* What is saved of the primary screen's cursor. Where DECSC and 1049 share a place, what was saved
 * last is what is left there.
 */
static void put_saved_cursors(struct painter *painter)
{
	const struct screen *screen = painter->screen;
	bool left = screen->left.set, newer = screen->left_is_newer;

	if (left && !newer)
		put_saved_cursor(painter, &screen->left, ENTER_AND_LEAVE);
	put_saved_cursor(painter, &screen->saved[SCREEN_PRIMARY], DECSC);
	if (left && newer && screen->shown == SCREEN_PRIMARY)
		put_saved_cursor(painter, &screen->left, ENTER_AND_LEAVE);
}

/* To the alternate screen, as the program went there: by 1049, or else by what saves no cursor. */
static void put_entering(struct painter *painter)
{
	const struct screen *screen = painter->screen;
	const struct cursor *cursor = &screen->left.cursor;
	const struct row *row = grid_row(screen, &screen->grids[SCREEN_PRIMARY], cursor->y);
	struct saved_cursor left = screen->left;

	if (screen->left_is_newer) {
		if (row_cell(row, cursor->x).glyph == GLYPH_NONE)
			left.cursor.wraps = false;
		put_saved(painter, &left, row);
		bytes_puts(painter->out, ENTER);
	} else {
		bytes_puts(painter->out, ENTER_ONLY);
	}
	put_neutral(painter);
	bytes_puts(painter->out, CLEAR);
}

static void put_screens(struct painter *painter)
{
	const struct screen *screen = painter->screen;

	put_saved_cursors(painter);
	screen_keyboard_put(&screen->keyboards[SCREEN_PRIMARY], painter->out);
	put_grid(painter, &screen->grids[SCREEN_PRIMARY]);
	if (screen->shown == SCREEN_PRIMARY)
		return;
	put_entering(painter);
	/* Some terminals have only one place for it: that is the primary screen's, then. */
	if (screen->saved[SCREEN_ALTERNATE].set)
		put_saved_cursor(painter, &screen->saved[SCREEN_ALTERNATE], DECSC);
	screen_keyboard_put(&screen->keyboards[SCREEN_ALTERNATE], painter->out);
	put_grid(painter, &screen->grids[SCREEN_ALTERNATE]);
}

/* --- Everything else ------------------------------------------------------------------------- */

/* Where no program has changed them DECST8C does, since what is cleared here is gone, in some
 * terminals, also from columns that they have when they are made wider.
 */
static void put_tabs(const struct screen *screen, struct bytes *out)
{
	bytes_puts(out, screen->tabs_touched ? "\033[3g" : "\033[?5W");
	if (!screen->tabs_touched)
		return;
	for (unsigned int x = 0; x < screen->columns; x++)
		if (screen_tab_is_set(screen, x))
			bytes_printf(out, "\033[%uG\033H", x + 1);
}

static void put_settings(const struct screen *screen, struct bytes *out)
{
	put_tabs(screen, out);
	if (screen->top || screen->bottom + 1u < screen->rows)
		bytes_printf(out, "\033[%u;%ur", screen->top + 1u, screen->bottom + 1u);
	screen_titles_put(screen, out);
	screen_colours_put(screen, out);
	if (screen->cursor_shape)
		bytes_printf(out, "\033[%u q", screen->cursor_shape - 1u);
	screen_modify_keys_put(screen, out);
	screen_modes_put(screen, out);
}

/* The column of the character that was written last, and is to be written again; or of the one that
 * has to be, since the cursor is about to wrap. -1: none.
 */
static int rewritten_column(const struct screen *screen)
{
	const struct row *row = screen_row(screen, screen->cursor.y);

	if (screen->just_wrote)
		return screen->last_x;
	return screen->cursor.wraps ? (int)character_column(row, screen->cursor.x) : -1;
}

/* The character that was written last, as the set in use has it: some terminals repeat (REP) what
 * they were sent, and of that only what is ASCII. One that the set has not came by a single shift.
 */
static void put_last_character(struct painter *painter, struct cell cell)
{
	const struct charsets *charsets = &painter->screen->charsets;
	enum charset set = charsets->g[charsets->locked];
	unsigned int c = GRAPHICS_FIRST;

	while (c <= GRAPHICS_LAST && cell.glyph != screen_graphics((unsigned char)c))
		c++;
	if (set == CHARSET_GRAPHICS && c <= GRAPHICS_LAST) {
		bytes_putc(painter->out, (char)c);
		return;
	}
	if (set != CHARSET_ASCII && cell.glyph <= GRAPHICS_LAST)
		bytes_puts(painter->out, charsets->g[2] == CHARSET_ASCII ? "\033N" : "\033O");
	paint_glyph(painter, cell);
}

/* The pen, the cursor and what decides over the next character. */
static void put_cursor(struct painter *painter)
{
	const struct screen *screen = painter->screen;
	struct bytes *out = painter->out;
	bool origin = screen_mode(screen, MODE_ORIGIN), insert = screen_mode(screen, MODE_INSERT);
	unsigned int y = screen->cursor.y - (origin ? screen->top : 0u);
	int rewritten = rewritten_column(screen);
	unsigned int x = rewritten < 0 ? screen->cursor.x : (unsigned int)rewritten;
	struct cell cell = row_cell(screen_row(screen, screen->cursor.y), x);

	painter->plain_from = SIZE_MAX;
	if (origin)
		bytes_puts(out, "\033[?6h");
	put_position(out, x, y);
	if (rewritten >= 0 && !screen->just_wrote)
		paint_glyph(painter, cell);
	paint_style(painter, &screen->style);
	paint_link(painter, screen->link);
	put_charsets(&screen->charsets, out);
	if (insert)
		bytes_puts(out, "\033[4h");
	if (!screen_mode(screen, MODE_AUTOWRAP))
		bytes_puts(out, "\033[?7l");
	if (!screen_mode(screen, MODE_SYNCHRONISED))
		bytes_puts(out, "\033[?2026l");
	if (!screen->just_wrote)
		return;
	/* Where characters are inserted, this one must not be there twice. */
	if (insert)
		bytes_printf(out, "\033[%uP", cell.glyph & GLYPH_WIDE ? 2u : 1u);
	put_last_character(painter, cell);
	if (screen->joins)
		bytes_puts(out, ZERO_WIDTH_JOINER);
}

static void put_all(const struct screen *screen, unsigned int history_rows, struct bytes *out)
{
	struct painter painter = { .screen = screen, .out = out, .plain_from = PLAIN_FROM };

	bytes_puts(out, BEGIN);
	put_neutral(&painter);
	if (history_rows)
		put_history(&painter, history_rows);
	bytes_puts(out, CLEAR);
	put_screens(&painter);
	put_settings(screen, out);
	put_cursor(&painter);
}

char *screen_paint(const struct screen *screen, size_t *ret_size)
{
	struct bytes out = BYTES_NULL;

	put_all(screen, 0, &out);
	*ret_size = out.n;
	return out.data;
}

char *screen_snapshot(const struct screen *screen, unsigned int history_rows, size_t *ret_size)
{
	struct bytes out = BYTES_NULL;

	put_all(screen, history_rows, &out);
	vt_parser_put_pending(&screen->parser, &out);
	bytes_put(&out, screen->partial, screen->n_partial);
	*ret_size = out.n;
	return out.data;
}
