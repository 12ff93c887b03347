/* What a screen is made of, and what its files do for each other; private to daemon/session.
 *
 * A row is an array of cells that is allocated when it is first written to. Cells from `used` on
 * were never written since the row was last cleared: they look like `fill`, and clearing a row
 * costs nothing but setting these two. So erasing costs what had been written before, and scrolling
 * moves rows, not cells. Cells are small because what is large about them is kept once, in tables:
 * styles, links, and characters that consist of several.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/session/bytes.h"
#include "daemon/session/history.h"
#include "daemon/session/intern.h"
#include "daemon/session/screen.h"
#include "daemon/session/vt_parser.h"

enum {
	CLUSTER_MAX = 12, /* characters that make up one; further ones are dropped */
	LINK_MAX = 2083,  /* bytes of a link, as other terminals have it; longer ones are none */
	LINKS_MAX = 2047, /* links at a time; cells beyond them have none */
	TITLE_MAX = 1024, /* bytes of a title; a longer one is not set */
	TITLE_STACK_MAX = 10,	/* titles; the oldest makes way, as in xterm */
	KEYBOARD_STACK_MAX = 8, /* keyboard modes; the same */
	GRAPHICS_FIRST = 0x5f,	/* what DEC's special graphics have in place of ASCII */
	GRAPHICS_LAST = 0x7e,
};

/* A cell's glyph: 0 where nothing was written since it was erased, or a character, or the number of
 * a cluster, with GLYPH_WIDE if it takes the next cell, too, which then has GLYPH_SPACER alone.
 */
enum {
	GLYPH_NONE = 0,
	GLYPH_CHARACTER = 0x1fffff,
	GLYPH_CLUSTER = 1 << 21,
	GLYPH_WIDE = 1 << 22,
	GLYPH_SPACER = 1 << 23,
};

struct cell {
	uint32_t glyph;
	uint16_t style; /* in screen->styles */
	uint16_t link;	/* in screen->links */
};
_Static_assert(sizeof(struct cell) == sizeof(uint64_t), "a cell is one word");

#define CELL_NULL ((struct cell){ 0 })

static inline bool cell_equal(struct cell a, struct cell b)
{
	return a.glyph == b.glyph && a.style == b.style && a.link == b.link;
}

enum attribute {
	ATTRIBUTE_BOLD = 1 << 0,
	ATTRIBUTE_FAINT = 1 << 1,
	ATTRIBUTE_ITALIC = 1 << 2,
	ATTRIBUTE_BLINK = 1 << 3,
	ATTRIBUTE_INVERSE = 1 << 4,
	ATTRIBUTE_HIDDEN = 1 << 5,
	ATTRIBUTE_STRIKE = 1 << 6,
	ATTRIBUTE_OVERLINE = 1 << 7,
	/* Three bits: none, single, double, curly, dotted, dashed, as SGR 4:n numbers them. */
	ATTRIBUTE_UNDERLINE = 7 << 8,
	ATTRIBUTE_UNDERLINE_ONE = 1 << 8,
	ATTRIBUTE_UNDERLINE_MOST = 5,
};

/* A colour: 0 is the default one. The sixteen that have SGR codes of their own are told apart from
 * the first sixteen of the 256, since terminals do.
 */
enum {
	COLOUR_BASIC = 1 << 24,
	COLOUR_INDEXED = 2 << 24,
	COLOUR_RGB = 3 << 24,
	COLOUR_KIND = 3 << 24,
	COLOUR_VALUE = 0xffffff,
};

struct style {
	uint32_t foreground, background, underline;
	uint32_t attributes;
};

struct cluster {
	uint32_t characters[CLUSTER_MAX]; /* the rest is 0 */
};

/* "PARAMETERS;URI", as OSC 8 has it. */
struct link {
	char *text;
	size_t n;
};

struct row {
	struct cell *cells; /* screen->columns of them, or NULL */
	struct cell fill;
	uint16_t used;
	/* Text wrapped from a row into the one below it: `goes_on` in the upper one, until
	 * something is done to its end, and `continues` in the lower one, until its first cell is
	 * erased or moved.
	 */
	bool goes_on, continues;
};

struct grid {
	struct row *rows; /* screen->rows of them, a ring; NULL: the screen was never shown */
	unsigned int top; /* where row 0 is */
};

enum charset { CHARSET_ASCII, CHARSET_UK, CHARSET_GRAPHICS };

struct charsets {
	uint8_t g[4];	/* enum charset: what G0 to G3 are */
	uint8_t locked; /* which of them is in use */
	uint8_t single; /* which of them for one character, or 0 */
};

struct cursor {
	uint16_t x, y;
	/* The last column was written, and the next character goes to the next row. The cell is
	 * written then, and x is the last column.
	 */
	bool wraps;
};

/* What DECSC saves, or 1049; all zeroes if it was never done. */
struct saved_cursor {
	struct cursor cursor;
	struct style style;
	struct charsets charsets;
	bool origin;
	bool set;
};

/* Modes that are on or off, in the order in which a snapshot sets them (screen_modes.c). */
enum mode {
	MODE_CURSOR_KEYS,
	MODE_REVERSE_VIDEO,
	MODE_AUTOREPEAT,
	MODE_BLINK,
	MODE_CURSOR,
	MODE_KEYPAD,
	MODE_BACKARROW,
	MODE_FOCUS,
	MODE_MOUSE_UTF8,
	MODE_MOUSE_SGR,
	MODE_MOUSE_URXVT,
	MODE_MOUSE_PIXELS,
	MODE_ALTERNATE_SCROLL,
	MODE_EIGHT_BIT_META,
	MODE_NUM_LOCK,
	MODE_META_ESCAPE,
	MODE_ALT_ESCAPE,
	MODE_BELL_URGENT,
	MODE_BELL_RAISE,
	MODE_BRACKETED_PASTE,
	MODE_COLOUR_SCHEME,
	MODE_NEWLINE,
	MODE_LAST_PLAIN = MODE_NEWLINE,
	/* Set at places of their own, since they change how the snapshot itself is taken. */
	MODE_SYNCHRONISED,
	MODE_ORIGIN,
	MODE_AUTOWRAP,
	MODE_INSERT,
	MODE_COUNT
};

/* The kitty keyboard protocol's flags, of one screen. */
struct keyboard {
	uint8_t flags, depth;
	uint8_t stack[KEYBOARD_STACK_MAX];
};

/* A title that was never set is NULL. */
struct title {
	char *text;
	uint8_t depth;
	char *stack[TITLE_STACK_MAX];
};

enum { SCREEN_PRIMARY, SCREEN_ALTERNATE, SCREEN_COUNT };
enum { TITLE_ICON, TITLE_WINDOW, TITLE_COUNT };
enum { DYNAMIC_FOREGROUND, DYNAMIC_BACKGROUND, DYNAMIC_CURSOR, DYNAMIC_COUNT };
enum { PALETTE_SIZE = 256 };

/* An entry of the palette: 0 as it always was, or set to COLOUR_RGB, or reset by a program. */
enum { PALETTE_RESET = 1 << 24 };

struct screen {
	uint16_t rows, columns;
	uint16_t top, bottom; /* margins: the first and the last row that scroll */
	uint8_t shown;	      /* SCREEN_PRIMARY or SCREEN_ALTERNATE */
	bool pen_known;	      /* `pen` is what `style` and `link` come to */
	bool blank_known;     /* the same for `blank` */
	/* Nothing happened since a character was written at last_x in the cursor's row. */
	bool just_wrote;
	bool joins; /* and a joiner came behind it */
	uint16_t last_x;
	struct cursor cursor;
	struct cell pen;   /* with glyph 0 */
	struct cell blank; /* what erasing leaves: the background colour alone */
	struct style style;
	uint16_t link;
	struct charsets charsets;
	uint32_t modes, modes_touched;
	uint16_t mouse;		/* 0, 9, 1000 to 1003 */
	uint8_t mouse_encoding; /* the enum mode that was set last, or 0 */
	uint8_t cursor_shape;	/* DECSCUSR's number + 1, 0: as it always was */
	uint8_t modify_keys[8]; /* XTMODKEYS: value + 1 of each resource, 0: as it always was */
	uint8_t n_partial;	/* bytes of a character that is not complete */
	unsigned char partial[4];
	bool tabs_touched; /* by HTS or TBC */
	uint64_t tabs[SCREEN_SIZE_MAX / 64 + 1];
	struct saved_cursor saved[SCREEN_COUNT]; /* by DECSC on each screen */
	/* The primary screen's cursor when a program last went to the alternate one by 1049. tmux
	 * has a place of its own for that, too; in xterm it is the same as DECSC's, which counts
	 * where it matters which of both was saved last.
	 */
	struct saved_cursor left;
	bool left_is_newer;
	struct keyboard keyboards[SCREEN_COUNT];
	struct grid grids[SCREEN_COUNT];
	struct history history;
	struct intern styles, links, clusters;
	struct vt_parser parser;
	struct title titles[TITLE_COUNT];
	uint32_t *palette; /* PALETTE_SIZE entries, or NULL */
	uint32_t dynamic[DYNAMIC_COUNT];
	struct bytes answers;
	struct bytes scratch; /* a row on its way into the history */
};

/* --- screen.c: from bytes to what they do ----------------------------------------------------- */

/* A number of rows or columns, clamped. */
uint16_t screen_size_within_bounds(uint16_t size);
void screen_event(struct screen *screen, enum vt_event event);
/* DECSTR, and what RIS does beside it. */
void screen_soft_reset(struct screen *screen);
void screen_hard_reset(struct screen *screen);

/* --- screen_csi.c, screen_escape.c ------------------------------------------------------------ */

void screen_csi(struct screen *screen);
void screen_escape(struct screen *screen);
void screen_control(struct screen *screen, unsigned char c);

/* --- screen_text.c ---------------------------------------------------------------------------- */

/* Takes text up to the first control character, which is returned, or end. Comes back sooner where
 * a C1 control, as UTF-8 has it, made the parser busy.
 */
const unsigned char *screen_text(struct screen *screen, const unsigned char *at,
				 const unsigned char *end);
/* REP: the character that was just written, n times more. */
void screen_repeat(struct screen *screen, unsigned int n);
/* The character of DEC's special graphics at c, GRAPHICS_FIRST to GRAPHICS_LAST. */
uint32_t screen_graphics(unsigned char c);

/* --- screen_grid.c: rows ---------------------------------------------------------------------- */

static inline struct row *grid_row(const struct screen *screen, const struct grid *grid,
				   unsigned int y)
{
	unsigned int at = grid->top + y;

	return &grid->rows[at < screen->rows ? at : at - screen->rows];
}

static inline struct row *screen_row(const struct screen *screen, unsigned int y)
{
	return grid_row(screen, &screen->grids[screen->shown], y);
}

static inline struct cell row_cell(const struct row *row, unsigned int x)
{
	return x < row->used ? row->cells[x] : row->fill;
}

void screen_grid_init(struct screen *screen, struct grid *grid);
void screen_grid_done(struct screen *screen, struct grid *grid);
/* Makes cells 0 to n-1 real. */
void screen_row_reach(const struct screen *screen, struct row *row, unsigned int n);
void screen_row_clear(struct row *row, struct cell fill);
/* Where a row begins to be erased and to look alike up to its end. */
unsigned int screen_row_tail(const struct row *row, unsigned int columns);
/* A terminal whose cursor is behind what is written in the row puts a character that looks like
 * `next` into the row below: this one is full, or has one column left and the character is wide.
 */
bool screen_row_can_go_on(const struct row *row, unsigned int columns, struct cell next);
/* Nothing of it can be seen. */
bool screen_row_is_blank(const struct row *row, unsigned int columns);
/* Something else is in the cells before column `to`. At the row's end, and where a wide character
 * there could have lost a half, its text does not go on any more.
 */
static inline void screen_row_touch_end(const struct screen *screen, struct row *row,
					unsigned int to)
{
	if (to + 2 >= screen->columns)
		row->goes_on = false;
}
/* Where x lies between the halves of a wide character, neither is left. */
void screen_row_split(struct row *row, unsigned int x);
void screen_row_erase(struct screen *screen, struct row *row, unsigned int from, unsigned int to);
void screen_row_insert(struct screen *screen, struct row *row, unsigned int x, unsigned int n);
void screen_row_delete(struct screen *screen, struct row *row, unsigned int x, unsigned int n);
/* Rows [from, to] of the shown screen, all of them erased. */
void screen_erase_rows(struct screen *screen, unsigned int from, unsigned int to);
/* Rows [from, to] move by n, the rows that are left free are blank. What leaves the primary screen
 * at its top goes into the history if keep is set.
 */
void screen_scroll_up(struct screen *screen, unsigned int from, unsigned int to, unsigned int n,
		      bool keep);
void screen_scroll_down(struct screen *screen, unsigned int from, unsigned int to, unsigned int n);

/* --- screen_cursor.c -------------------------------------------------------------------------- */

/* To a column and a row that may be too large. Nothing wraps any more. */
void screen_move(struct screen *screen, unsigned int x, unsigned int y);
/* The same with the row as CUP has it: from the margin if DECOM is set, and not past the other. */
void screen_move_from_origin(struct screen *screen, unsigned int x, unsigned int y);
void screen_move_up(struct screen *screen, unsigned int n);
void screen_move_down(struct screen *screen, unsigned int n);
/* LF, IND: down, and at the bottom margin the rows scroll. */
void screen_index(struct screen *screen);
void screen_reverse_index(struct screen *screen);
void screen_save_cursor(struct screen *screen);
void screen_restore_cursor(struct screen *screen);
void screen_save_left(struct screen *screen);
void screen_restore_left(struct screen *screen);
/* Stops in every eighth column from `from` on. */
void screen_tabs_default(struct screen *screen, unsigned int from);
void screen_tab_set(struct screen *screen, unsigned int x, bool set);
void screen_tabs_clear(struct screen *screen);
bool screen_tab_is_set(const struct screen *screen, unsigned int x);
void screen_tabs_forward(struct screen *screen, unsigned int n);
void screen_tabs_back(struct screen *screen, unsigned int n);
void screen_set_margins(struct screen *screen, unsigned int top, unsigned int bottom);

/* --- screen_modes.c --------------------------------------------------------------------------- */

static inline bool screen_mode(const struct screen *screen, enum mode mode)
{
	return screen->modes >> mode & 1;
}

void screen_modes_default(struct screen *screen);
/* SM, RM, DECSET, DECRST with the parser's parameters. */
void screen_modes_change(struct screen *screen, bool private, bool set);
/* As DECRQM answers: 0 not known, 1 set, 2 reset. */
unsigned int screen_mode_report(const struct screen *screen, bool private, unsigned int number);
/* The sequences that set what is known of modes up to MODE_LAST_PLAIN, of mouse and keypad. */
void screen_modes_put(const struct screen *screen, struct bytes *bytes);
void screen_show(struct screen *screen, unsigned int which);

/* --- screen_keyboard.c ------------------------------------------------------------------------ */

void screen_keyboard_push(struct screen *screen);
void screen_keyboard_pop(struct screen *screen);
void screen_keyboard_set(struct screen *screen);
void screen_modify_keys(struct screen *screen);
void screen_keyboard_put(const struct keyboard *keyboard, struct bytes *bytes);
void screen_modify_keys_put(const struct screen *screen, struct bytes *bytes);

/* --- screen_style.c --------------------------------------------------------------------------- */

void screen_styles_init(struct screen *screen);
void screen_styles_done(struct screen *screen);
/* SGR with the parser's parameters. */
void screen_sgr(struct screen *screen);
/* The pen has changed. */
static inline void screen_pen_changed(struct screen *screen)
{
	screen->pen_known = false;
	screen->blank_known = false;
}
void screen_pen_resolve(struct screen *screen);
void screen_blank_resolve(struct screen *screen);

static inline struct cell screen_pen(struct screen *screen)
{
	if (!screen->pen_known)
		screen_pen_resolve(screen);
	return screen->pen;
}

static inline struct cell screen_blank(struct screen *screen)
{
	if (!screen->blank_known)
		screen_blank_resolve(screen);
	return screen->blank;
}

/* The number of a value in one of the screen's tables, added if need be; 0: there are too many. */
uint16_t screen_intern(struct screen *screen, struct intern *table, const void *value);

/* --- screen_osc.c, screen_colours.c, screen_titles.c ------------------------------------------ */

void screen_osc(struct screen *screen);
void screen_palette(struct screen *screen, const char *text);
void screen_palette_reset(struct screen *screen, const char *text);
void screen_dynamic(struct screen *screen, unsigned int first, const char *text);
void screen_dynamic_reset(struct screen *screen, unsigned int which);
/* All that were set are as they were. */
void screen_colours_reset(struct screen *screen);
void screen_colours_put(const struct screen *screen, struct bytes *bytes);
void screen_title_set(struct screen *screen, unsigned int which, const char *text);
/* XTWINOPS 22 and 23. */
void screen_titles_push(struct screen *screen, unsigned int which);
void screen_titles_pop(struct screen *screen, unsigned int which);
void screen_titles_done(struct screen *screen);
void screen_titles_put(const struct screen *screen, struct bytes *bytes);

/* --- screen_answers.c ------------------------------------------------------------------------- */

void screen_answer(struct screen *screen, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void screen_answer_attributes(struct screen *screen, char marker);
void screen_answer_status(struct screen *screen, bool private);
void screen_answer_mode(struct screen *screen, bool private);
void screen_answer_size(struct screen *screen);
void screen_dcs(struct screen *screen);

/* --- screen_paint.c: from cells to bytes ------------------------------------------------------ */

struct painter {
	const struct screen *screen;
	struct bytes *out;
	struct style style; /* what the terminal's pen is */
	uint16_t link;
	/* Bytes from which on nothing but characters is painted, so that there is a bound. */
	size_t plain_from;
};

/* SGR parameters, from "0" on, that make a style. */
void paint_style_parameters(struct bytes *out, const struct style *style);
void paint_style(struct painter *painter, const struct style *style);
void paint_link(struct painter *painter, uint16_t link);
/* The character of a cell, in the cell's style. */
void paint_glyph(struct painter *painter, struct cell cell);
/* What is visible of a row, onto a blank one, from its first column on; the cursor stays behind the
 * last character.
 */
void paint_row(struct painter *painter, const struct row *row);
/* Painting `row` leaves a terminal where the next character wraps, and `next` begins with one. */
bool paint_goes_on(const struct screen *screen, const struct row *row, const struct row *next);
/* A row that scrolls off the screen, and the one below it or NULL. */
void screen_history_add(struct screen *screen, const struct row *row, const struct row *next);
