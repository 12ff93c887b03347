/* From cells to bytes that paint them. */
#include "daemon/session/screen_private.h"

#include "common/cleanup.h"

enum {
	ROW_PLAIN_FROM = 64 * 1024, /* bytes of a row of the history after which it is plain text */
	ROW_SCRATCH_KEEP = 4096,
};

/* --- Style ----------------------------------------------------------------------------------- */

/* A style is written without a check for each byte into room that is enough for all it can be:
 * eight attributes, an underline, and three colours of up to 17 bytes each.
 */
enum { STYLE_BYTES_MAX = 128 };

/* Those that SGR 1 to 9 and 53 set, by the attribute's bit. */
static const uint8_t attribute_codes[] = { 1, 2, 3, 5, 7, 8, 9, 53 };

static char *write_number(char *at, unsigned int n)
{
	if (n >= 100)
		*at++ = (char)('0' + n / 100);
	if (n >= 10)
		*at++ = (char)('0' + n / 10 % 10);
	*at++ = (char)('0' + n % 10);
	return at;
}

/* A parameter below 1000, with what separates it from the one before. */
static char *write_code(char *at, char separator, unsigned int code)
{
	*at++ = separator;
	return write_number(at, code);
}

static char *write_attributes(char *at, uint32_t attributes)
{
	unsigned int underline = (attributes & ATTRIBUTE_UNDERLINE) / ATTRIBUTE_UNDERLINE_ONE;

	for (size_t i = 0; attributes && i < ARRAY_SIZE(attribute_codes); i++)
		if (attributes >> i & 1)
			at = write_code(at, ';', attribute_codes[i]);
	/* Two that every terminal knows, or else in the form that others pass over. */
	if (underline == 2)
		return write_code(at, ';', 21);
	if (underline)
		at = write_code(at, ';', 4);
	if (underline > 1)
		at = write_code(at, ':', underline);
	return at;
}

static char *write_rgb(char *at, char separator, uint32_t value)
{
	at = write_code(at, separator, value >> 16);
	at = write_code(at, separator, value >> 8 & 0xff);
	return write_code(at, separator, value & 0xff);
}

/* base: 30 for the foreground, 40 for the background. */
static char *write_colour(char *at, uint32_t colour, unsigned int base)
{
	uint32_t value = colour & COLOUR_VALUE;

	switch (colour & COLOUR_KIND) {
	case COLOUR_BASIC:
		return write_code(at, ';', value < 8 ? base + value : base + 60 - 8 + value);
	case COLOUR_INDEXED:
		at = write_code(at, ';', base + 8);
		at = write_code(at, ';', 5);
		return write_code(at, ';', value);
	case COLOUR_RGB:
		at = write_code(at, ';', base + 8);
		at = write_code(at, ';', 2);
		return write_rgb(at, ';', value);
	default:
		return write_code(at, ';', base + 9);
	}
}

/* Within one parameter: a terminal that does not know 58 must not take what follows for others. */
static char *write_underline_colour(char *at, uint32_t colour)
{
	uint32_t value = colour & COLOUR_VALUE;

	if (!colour)
		return write_code(at, ';', 59);
	at = write_code(at, ';', 58);
	if ((colour & COLOUR_KIND) != COLOUR_RGB)
		return write_code(write_code(at, ':', 5), ':', value);
	at = write_code(at, ':', 2);
	*at++ = ':';
	return write_rgb(at, ':', value);
}

/* What turns one style into another by adding to it, each parameter behind a semicolon. */
static char *write_changes(char *at, const struct style *from, const struct style *to)
{
	at = write_attributes(at, to->attributes & ~from->attributes);
	if (to->foreground != from->foreground)
		at = write_colour(at, to->foreground, 30);
	if (to->background != from->background)
		at = write_colour(at, to->background, 40);
	if (to->underline != from->underline)
		at = write_underline_colour(at, to->underline);
	return at;
}

void paint_style_parameters(struct bytes *out, const struct style *style)
{
	static const struct style none;
	char *at = bytes_room(out, STYLE_BYTES_MAX);

	*at = '0';
	out->n += (size_t)(write_changes(at + 1, &none, style) - at);
}

static bool style_equal(const struct style *a, const struct style *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Attributes can be added one by one; if one goes, or the underline changes, all are set anew. */
static bool only_adds(uint32_t from, uint32_t to)
{
	return from == to || ((from & ~to) == 0 && !(from & ATTRIBUTE_UNDERLINE));
}

void paint_style(struct painter *painter, const struct style *style)
{
	static const struct style none;
	struct bytes *out = painter->out;
	char *begin, *at;

	if (style_equal(&painter->style, style))
		return;
	begin = at = bytes_room(out, STYLE_BYTES_MAX);
	*at++ = '\033';
	if (style_equal(style, &none)) {
		*at++ = '[';
	} else if (only_adds(painter->style.attributes, style->attributes)) {
		/* In the place of the first parameter's semicolon. */
		at = write_changes(at, &painter->style, style);
		begin[1] = '[';
	} else {
		*at++ = '[';
		*at++ = '0';
		at = write_changes(at, &none, style);
	}
	*at++ = 'm';
	out->n += (size_t)(at - begin);
	painter->style = *style;
}

void paint_link(struct painter *painter, uint16_t id)
{
	const struct link *link = intern_get(&painter->screen->links, id);

	if (id == painter->link)
		return;
	bytes_puts(painter->out, "\033]8;");
	if (id)
		bytes_put(painter->out, link->text, link->n);
	else
		bytes_putc(painter->out, ';');
	bytes_puts(painter->out, "\033\\");
	painter->link = id;
}

static void paint_look(struct painter *painter, struct cell cell)
{
	static const struct style none;
	const struct style *style = intern_get(&painter->screen->styles, cell.style);

	if (painter->out->n >= painter->plain_from) {
		style = &none;
		cell.link = 0;
	}
	paint_style(painter, style);
	paint_link(painter, cell.link);
}

/* --- Cells ----------------------------------------------------------------------------------- */

static char *write_utf8(char *at, uint32_t c)
{
	if (c < 0x80) {
		*at++ = (char)c;
		return at;
	}
	if (c < 0x800) {
		*at++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*at++ = (char)(0xe0 | c >> 12);
		} else {
			*at++ = (char)(0xf0 | c >> 18);
			*at++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*at++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*at++ = (char)(0x80 | (c & 0x3f));
	return at;
}

void paint_glyph(struct painter *painter, struct cell cell)
{
	uint16_t id = (uint16_t)(cell.glyph & GLYPH_CHARACTER);
	const struct cluster *cluster;
	char *begin, *at;

	paint_look(painter, cell);
	begin = at = bytes_room(painter->out, CLUSTER_MAX * 4);
	if (cell.glyph & GLYPH_CLUSTER) {
		cluster = intern_get(&painter->screen->clusters, id);
		for (unsigned int i = 0; i < CLUSTER_MAX && cluster->characters[i]; i++)
			at = write_utf8(at, cluster->characters[i]);
		if (painter->out->n >= painter->plain_from)
			at = write_utf8(begin, cluster->characters[0]);
	} else {
		at = write_utf8(at, cell.glyph & GLYPH_CHARACTER);
	}
	painter->out->n += (size_t)(at - begin);
}

static uint32_t look_of(struct cell cell)
{
	return (uint32_t)cell.link << 16 | cell.style;
}

/* Characters that look alike, from x on, as many as are not erased; returns where they end. */
static unsigned int paint_alike(struct painter *painter, const struct row *row, unsigned int x,
				unsigned int end)
{
	enum { AT_A_TIME = 256 };
	uint32_t look = look_of(row->cells[x]), glyph;
	char *begin, *at;

	paint_look(painter, row->cells[x]);
	end = end - x < AT_A_TIME ? end : x + AT_A_TIME;
	begin = at = bytes_room(painter->out, AT_A_TIME * 4);
	for (; x < end && look_of(row->cells[x]) == look; x++) {
		glyph = row->cells[x].glyph;
		if (glyph - 0x20 < 0x5f)
			*at++ = (char)glyph;
		else if (glyph == GLYPH_NONE || glyph & GLYPH_CLUSTER)
			break;
		else if (glyph != GLYPH_SPACER)
			at = write_utf8(at, glyph & GLYPH_CHARACTER);
	}
	painter->out->n += (size_t)(at - begin);
	return x;
}

/* Cells that were erased and look alike: passed over, and coloured first if they are. */
static unsigned int paint_erased(struct painter *painter, const struct row *row, unsigned int x,
				 unsigned int end)
{
	struct cell first = row_cell(row, x);
	unsigned int n = 1;

	while (x + n < end && cell_equal(row_cell(row, x + n), first))
		n++;
	if (first.style) {
		paint_look(painter, first);
		bytes_printf(painter->out, "\033[%uX", n);
	}
	bytes_printf(painter->out, "\033[%uC", n);
	return x + n;
}

void paint_row(struct painter *painter, const struct row *row)
{
	unsigned int columns = painter->screen->columns, tail = screen_row_tail(row, columns),
		     x = 0;

	while (x < tail) {
		struct cell cell = row_cell(row, x);

		if (cell.glyph == GLYPH_NONE) {
			x = paint_erased(painter, row, x, tail);
		} else if (x >= row->used || cell.glyph & GLYPH_CLUSTER) {
			paint_glyph(painter, cell);
			x += cell.glyph & GLYPH_WIDE ? 2 : 1;
		} else {
			x = paint_alike(painter, row, x, tail < row->used ? tail : row->used);
		}
	}
	if (tail < columns && row_cell(row, tail).style) {
		paint_look(painter, row_cell(row, tail));
		bytes_puts(painter->out, "\033[K");
	}
}

bool paint_goes_on(const struct screen *screen, const struct row *row, const struct row *next)
{
	return row->goes_on && next->continues &&
	       screen_row_can_go_on(row, screen->columns, row_cell(next, 0));
}

/* --- The history ----------------------------------------------------------------------------- */

void screen_history_add(struct screen *screen, const struct row *row, const struct row *next)
{
	static const struct style none;
	struct painter painter = {
		.screen = screen,
		.out = &screen->scratch,
		.plain_from = ROW_PLAIN_FROM,
	};
	struct row written = *row;
	unsigned int flags = 0;

	/* What DECALN has filled a row with was not written, and must not cost as if it had been. */
	if (row->fill.glyph != GLYPH_NONE)
		written.fill = CELL_NULL;
	screen->scratch.n = 0;
	paint_row(&painter, &written);
	paint_style(&painter, &none);
	paint_link(&painter, 0);
	if (next && paint_goes_on(screen, row, next))
		flags |= HISTORY_GOES_ON;
	if (row_cell(&written, 0).glyph != GLYPH_NONE)
		flags |= HISTORY_BEGINS_WITH_CHARACTER;
	history_add(&screen->history, screen->scratch.data, screen->scratch.n, flags);
	if (screen->scratch.capacity > ROW_SCRATCH_KEEP)
		bytes_done(&screen->scratch);
}
