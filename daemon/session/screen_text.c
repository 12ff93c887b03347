/* Text: UTF-8, character sets, widths, wrapping. */
#include "daemon/session/screen_private.h"

#include "daemon/session/glyph_width.h"

enum {
	REPLACEMENT = 0xfffd,
	ZERO_WIDTH_JOINER = 0x200d,
	C1_FIRST = 0x80,
	C1_LAST = 0x9f,
};

/* DEC's special graphics, as VT100 and all after it have them at 0x5f to 0x7e. */
static const uint16_t graphics[] = {
	0x00a0, 0x25c6, 0x2592, 0x2409, 0x240c, 0x240d, 0x240a, 0x00b0, 0x00b1, 0x2424, 0x240b,
	0x2518, 0x2510, 0x250c, 0x2514, 0x253c, 0x23ba, 0x23bb, 0x2500, 0x23bc, 0x23bd, 0x251c,
	0x2524, 0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, 0x2260, 0x00a3, 0x00b7,
};
_Static_assert(sizeof(graphics) / sizeof(graphics[0]) == GRAPHICS_LAST - GRAPHICS_FIRST + 1,
	       "one for each");

uint32_t screen_graphics(unsigned char c)
{
	return graphics[c - GRAPHICS_FIRST];
}

/* --- Writing cells --------------------------------------------------------------------------- */

static void wrap(struct screen *screen)
{
	unsigned int y = screen->cursor.y;
	bool scrolls = y == screen->bottom;

	screen_index(screen);
	screen->cursor.x = 0;
	/* As in VTE and tmux, and not as in xterm, the background is not continued by itself. */
	if (scrolls)
		screen_row_clear(screen_row(screen, y), CELL_NULL);
	if ((!scrolls && screen->cursor.y == y) || !screen->cursor.y)
		return;
	screen_row(screen, screen->cursor.y - 1u)->goes_on = true;
	screen_row(screen, screen->cursor.y)->continues = true;
}

/* The row's first cell was written: does it still, or at all, continue the row above? */
static void check_continuation(const struct screen *screen, struct row *row)
{
	if (row->continues && screen->cursor.y &&
	    !screen_row_can_go_on(screen_row(screen, screen->cursor.y - 1u), screen->columns,
				  row->cells[0]))
		row->continues = false;
}

/* The row to write n cells to, at the cursor; there are so many. */
static struct row *prepare(struct screen *screen, unsigned int n)
{
	struct row *row = screen_row(screen, screen->cursor.y);
	unsigned int x = screen->cursor.x;

	if (screen_mode(screen, MODE_INSERT))
		screen_row_insert(screen, row, x, n);
	if (row->used < x || !row->cells)
		screen_row_reach(screen, row, x);
	screen_row_split(row, x);
	screen_row_split(row, x + n);
	screen_row_touch_end(screen, row, x + n);
	if (row->used < x + n)
		row->used = (uint16_t)(x + n);
	return row;
}

/* The cursor goes past what was written, n columns from it. */
static void advance(struct screen *screen, unsigned int n)
{
	unsigned int x = screen->cursor.x + n;

	screen->just_wrote = true;
	screen->joins = false;
	if (x < screen->columns) {
		screen->cursor.x = (uint16_t)x;
		return;
	}
	screen->cursor.x = screen->columns - 1;
	screen->cursor.wraps = screen_mode(screen, MODE_AUTOWRAP);
}

/* A glyph of one or two columns, as often as it fits into the row, but at most n times; returns how
 * often that was.
 */
static unsigned int put_glyphs(struct screen *screen, uint32_t glyph, unsigned int n)
{
	unsigned int width = glyph & GLYPH_WIDE ? 2 : 1, fit, x;
	struct cell cell = screen_pen(screen);
	struct row *row;

	if (width > screen->columns)
		return n;
	if (screen->cursor.wraps)
		wrap(screen);
	if (screen->cursor.x + width > screen->columns) {
		/* A wide character does not fit into the last column. */
		if (!screen_mode(screen, MODE_AUTOWRAP))
			return n;
		wrap(screen);
	}
	fit = (screen->columns - screen->cursor.x) / width;
	n = n < fit ? n : fit;
	row = prepare(screen, n * width);
	x = screen->cursor.x;
	for (unsigned int i = 0; i < n; i++, x += width) {
		cell.glyph = glyph;
		row->cells[x] = cell;
		cell.glyph = GLYPH_SPACER;
		if (width == 2)
			row->cells[x + 1] = cell;
	}
	if (screen->cursor.x == 0)
		check_continuation(screen, row);
	screen->last_x = (uint16_t)(x - width);
	advance(screen, n * width);
	return n;
}

/* Where the character is that a combining one belongs to: the one that was just written, or else
 * the one before the cursor. -1: there is none.
 */
static int combining_column(const struct screen *screen)
{
	const struct row *row = screen_row(screen, screen->cursor.y);
	unsigned int x = screen->cursor.x;

	if (screen->just_wrote)
		return screen->last_x;
	if (!screen->cursor.wraps && x-- == 0)
		return -1;
	if (x && row_cell(row, x).glyph == GLYPH_SPACER)
		x--;
	return row_cell(row, x).glyph != GLYPH_NONE ? (int)x : -1;
}

static void get_cluster(const struct screen *screen, uint32_t glyph, struct cluster *ret)
{
	if (glyph & GLYPH_CLUSTER)
		*ret = *(const struct cluster *)intern_get(&screen->clusters,
							   (uint16_t)(glyph & GLYPH_CHARACTER));
	else
		*ret = (struct cluster){ .characters[0] = glyph & GLYPH_CHARACTER };
}

static unsigned int cluster_length(const struct cluster *cluster)
{
	unsigned int n = 0;

	while (n < CLUSTER_MAX && cluster->characters[n])
		n++;
	return n;
}

/* Behind a joiner that stands right behind a character comes what belongs to that one, whatever it
 * is, as in the families and professions among the emoji. A joiner anywhere else means nothing.
 */
static bool is_joined(const struct screen *screen)
{
	return screen->just_wrote && screen->joins;
}

static void combine(struct screen *screen, uint32_t c)
{
	int x = combining_column(screen);
	bool joined = is_joined(screen);
	struct cluster cluster;
	struct cell *cell;
	struct row *row;
	unsigned int n;
	uint16_t id;

	if (x < 0)
		return;
	row = screen_row(screen, screen->cursor.y);
	screen_row_reach(screen, row, (unsigned int)x + 1);
	cell = &row->cells[x];
	get_cluster(screen, cell->glyph, &cluster);
	n = cluster_length(&cluster);
	if (n + joined >= CLUSTER_MAX)
		return;
	if (joined)
		cluster.characters[n++] = ZERO_WIDTH_JOINER;
	cluster.characters[n] = c;
	id = screen_intern(screen, &screen->clusters, &cluster);
	if (id)
		cell->glyph = id | GLYPH_CLUSTER | (cell->glyph & GLYPH_WIDE);
}

static void put_character(struct screen *screen, uint32_t c)
{
	unsigned int width = glyph_width(c);

	if (c == ZERO_WIDTH_JOINER) {
		screen->joins = screen->just_wrote;
	} else if (width == 0 || is_joined(screen)) {
		combine(screen, c);
		screen->joins = false;
	} else {
		(void)put_glyphs(screen, width == 2 ? c | GLYPH_WIDE : c, 1);
	}
}

void screen_repeat(struct screen *screen, unsigned int n)
{
	struct cluster cluster;
	uint32_t glyph;

	if (!screen->just_wrote)
		return;
	glyph = screen_row(screen, screen->cursor.y)->cells[screen->last_x].glyph;
	get_cluster(screen, glyph, &cluster);
	glyph = cluster.characters[0] | (glyph & GLYPH_WIDE);
	/* It may wrap, but so that no sequence fills the screen there is a bound to it. */
	n = n < screen->columns ? n : screen->columns;
	while (n)
		n -= put_glyphs(screen, glyph, n);
}

/* --- UTF-8 ----------------------------------------------------------------------------------- */

/* The character at the n bytes at s: how many of them it is, or 0 if it is not complete. What is
 * malformed is U+FFFD, one for as much as could have been the beginning of a character (Unicode,
 * section 3.9).
 */
static size_t decode(const unsigned char *s, size_t n, uint32_t *ret)
{
	unsigned char min = 0x80, max = 0xbf;
	size_t length;
	uint32_t c;

	*ret = REPLACEMENT;
	if (s[0] < 0x80) {
		*ret = s[0];
		return 1;
	}
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return 1;
	length = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	c = s[0] & (0x7fu >> length);
	/* No overlong forms, no surrogates, nothing above U+10FFFF. */
	if (s[0] == 0xe0 || s[0] == 0xf0)
		min = s[0] == 0xe0 ? 0xa0 : 0x90;
	else if (s[0] == 0xed || s[0] == 0xf4)
		max = s[0] == 0xed ? 0x9f : 0x8f;
	for (size_t i = 1; i < length; i++) {
		if (i == n)
			return 0;
		if (s[i] < min || s[i] > max)
			return i;
		c = c << 6 | (s[i] & 0x3f);
		min = 0x80;
		max = 0xbf;
	}
	*ret = c;
	return length;
}

/* ECMA-48: a C1 control is what ESC and the byte 0x40 below it are. */
static void take_c1(struct screen *screen, uint32_t c)
{
	const unsigned char escape[] = { 0x1b, (unsigned char)(c - 0x40) };
	const unsigned char *at = escape;

	while (at < escape + sizeof(escape))
		screen_event(screen, vt_parser_feed(&screen->parser, &at, escape + sizeof(escape)));
}

/* A character that is no control character of ASCII, from whatever set is in use. */
static void take_character(struct screen *screen, uint32_t c)
{
	struct charsets *charsets = &screen->charsets;
	unsigned int set = charsets->g[charsets->single ? charsets->single : charsets->locked];

	if (c >= C1_FIRST && c <= C1_LAST) {
		take_c1(screen, c);
		return;
	}
	charsets->single = 0;
	if (set == CHARSET_GRAPHICS && c >= GRAPHICS_FIRST && c <= GRAPHICS_LAST)
		c = screen_graphics((unsigned char)c);
	else if (set == CHARSET_UK && c == '#')
		c = 0xa3;
	put_character(screen, c);
}

/* Goes on with a character that began in the bytes before these. */
static const unsigned char *complete(struct screen *screen, const unsigned char *at)
{
	size_t n = screen->n_partial, length;
	uint32_t c;

	screen->partial[n] = *at;
	length = decode(screen->partial, n + 1, &c);
	if (!length) {
		screen->n_partial++;
		return at + 1;
	}
	screen->n_partial = 0;
	take_character(screen, c);
	return length > n ? at + 1 : at;
}

/* The same for what is common and complete, without a call. 0: to be looked at more closely. */
static inline size_t decode_common(const unsigned char *s, size_t n, uint32_t *ret)
{
	if (s[0] < 0x80) {
		*ret = s[0];
		return s[0] >= 0x20 && s[0] != 0x7f;
	}
	if (s[0] >= 0xc3 && s[0] < 0xe0 && n >= 2 && (s[1] & 0xc0) == 0x80) {
		*ret = (s[0] & 0x1fu) << 6 | (s[1] & 0x3f);
		return 2;
	}
	if (s[0] > 0xe0 && s[0] < 0xf0 && s[0] != 0xed && n >= 3 && (s[1] & 0xc0) == 0x80 &&
	    (s[2] & 0xc0) == 0x80) {
		*ret = (s[0] & 0xfu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3f);
		return 3;
	}
	return 0;
}

/* Nothing but the width of a character decides over where it goes. */
static bool is_straightforward(const struct screen *screen)
{
	const struct charsets *charsets = &screen->charsets;

	return charsets->g[charsets->locked] == CHARSET_ASCII && !charsets->single &&
	       screen_mode(screen, MODE_AUTOWRAP) && !screen_mode(screen, MODE_INSERT) &&
	       !is_joined(screen);
}

/* Characters of one and two columns, as many as there are in a row and as fit into the cursor's
 * row; returns where they end. This is where nearly all output goes through.
 */
static const unsigned char *put_run(struct screen *screen, const unsigned char *at,
				    const unsigned char *end)
{
	struct cell pen = screen_pen(screen);
	unsigned int columns = screen->columns, x, width, last_x = 0;
	struct cell *cells;
	struct row *row;
	uint32_t c;
	size_t length = decode_common(at, (size_t)(end - at), &c);

	if (!length || !glyph_width(c) || glyph_width(c) > columns)
		return at;
	if (screen->cursor.wraps)
		wrap(screen);
	row = prepare(screen, 0);
	cells = row->cells;
	x = screen->cursor.x;
	while (at < end && x < columns && (length = decode_common(at, (size_t)(end - at), &c))) {
		width = c < 0x300 ? 1 : glyph_width(c);
		if (width != 1) {
			if (width == 0 || x + width > columns)
				break;
			pen.glyph = GLYPH_SPACER;
			cells[x + 1] = pen;
			c |= GLYPH_WIDE;
		}
		pen.glyph = c;
		cells[x] = pen;
		last_x = x;
		x += width;
		at += length;
	}
	if (x == screen->cursor.x)
		return at;
	/* The other half of a wide character whose first one was overwritten. */
	if (x < row->used && cells[x].glyph == GLYPH_SPACER)
		cells[x] = CELL_NULL;
	screen_row_touch_end(screen, row, x);
	if (row->used < x)
		row->used = (uint16_t)x;
	if (screen->cursor.x == 0)
		check_continuation(screen, row);
	screen->last_x = (uint16_t)last_x;
	advance(screen, x - screen->cursor.x);
	return at;
}

const unsigned char *screen_text(struct screen *screen, const unsigned char *at,
				 const unsigned char *end)
{
	while (at < end && vt_parser_is_idle(&screen->parser)) {
		const unsigned char *from = at;
		size_t length;
		uint32_t c;

		if (screen->n_partial) {
			at = complete(screen, at);
			continue;
		}
		if (*at < 0x20 || *at == 0x7f)
			break;
		if (is_straightforward(screen))
			at = put_run(screen, at, end);
		if (at != from)
			continue;
		length = decode(at, (size_t)(end - at), &c);
		if (!length) {
			screen->n_partial = (uint8_t)(end - at);
			(void)memcpy(screen->partial, at, screen->n_partial);
			return end;
		}
		at += length;
		take_character(screen, c);
	}
	return at;
}
