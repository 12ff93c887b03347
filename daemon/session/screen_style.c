/* How characters look: SGR, and the tables of what cells refer to by number. */
#include "daemon/session/screen_private.h"

#include <stdlib.h>

#include "common/cleanup.h"

/* --- The tables ------------------------------------------------------------------------------ */

static uint64_t style_hash(const void *value)
{
	uint64_t words[2], hash;

	(void)memcpy(words, value, sizeof(words));
	hash = (words[0] ^ words[1] * 0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd;
	return hash ^ hash >> 32;
}

static bool style_equal(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct style)) == 0;
}

static uint64_t link_hash(const void *value)
{
	const struct link *link = value;
	uint64_t hash = 0xcbf29ce484222325; /* FNV-1a */

	for (size_t i = 0; i < link->n; i++)
		hash = (hash ^ (unsigned char)link->text[i]) * 0x100000001b3;
	return hash ^ hash >> 32;
}

static bool link_equal(const void *a, const void *b)
{
	const struct link *left = a, *right = b;

	return left->n == right->n && memcmp(left->text, right->text, left->n) == 0;
}

static void link_forget(void *value)
{
	struct link *link = value;

	free(link->text);
}

static const struct intern_type style_type = {
	.size = sizeof(struct style),
	.most = INTERN_MOST,
	.hash = style_hash,
	.equal = style_equal,
};
static const struct intern_type cluster_type = {
	.size = sizeof(struct cluster),
	.most = INTERN_MOST,
};
static const struct intern_type link_type = {
	.size = sizeof(struct link),
	.most = LINKS_MAX,
	.hash = link_hash,
	.equal = link_equal,
	.forget = link_forget,
};

void screen_styles_init(struct screen *screen)
{
	intern_init(&screen->styles, &style_type);
	intern_init(&screen->clusters, &cluster_type);
	intern_init(&screen->links, &link_type);
}

void screen_styles_done(struct screen *screen)
{
	intern_done(&screen->styles);
	intern_done(&screen->clusters);
	intern_done(&screen->links);
}

static void mark_cell(struct screen *screen, struct cell cell)
{
	intern_mark(&screen->styles, cell.style);
	intern_mark(&screen->links, cell.link);
	if (cell.glyph & GLYPH_CLUSTER)
		intern_mark(&screen->clusters, (uint16_t)(cell.glyph & GLYPH_CHARACTER));
}

/* Forgets what no cell refers to any more. */
static void collect(struct screen *screen)
{
	for (unsigned int i = 0; i < SCREEN_COUNT; i++) {
		for (unsigned int y = 0; screen->grids[i].rows && y < screen->rows; y++) {
			const struct row *row = &screen->grids[i].rows[y];

			mark_cell(screen, row->fill);
			for (unsigned int x = 0; x < row->used; x++)
				mark_cell(screen, row->cells[x]);
		}
	}
	if (screen->pen_known)
		mark_cell(screen, screen->pen);
	if (screen->blank_known)
		mark_cell(screen, screen->blank);
	intern_mark(&screen->links, screen->link);
	intern_sweep(&screen->styles);
	intern_sweep(&screen->links);
	intern_sweep(&screen->clusters);
}

/* Collecting looks at every cell. So it is done only once for so many additions (or attempts) to a
 * full table that each has paid for a few cells of it; until then the table grows, up to a bound
 * that only screens of far more than a hundred rows can reach.
 */
uint16_t screen_intern(struct screen *screen, struct intern *table, const void *value)
{
	enum { CELLS_PER_ADDITION = 32 };
	uint32_t cells = (uint32_t)screen->rows * screen->columns;
	uint16_t id = intern_find(table, value);

	if (id)
		return id;
	if (intern_is_full(table)) {
		if (table->added >= cells / CELLS_PER_ADDITION)
			collect(screen);
		if (table->n >= table->room - table->room / 4)
			(void)intern_grow(table);
	}
	return intern_add(table, value);
}

void screen_pen_resolve(struct screen *screen)
{
	static const struct style plain;
	bool is_plain = memcmp(&screen->style, &plain, sizeof(plain)) == 0;

	screen->pen = (struct cell){ .link = screen->link };
	if (!is_plain)
		screen->pen.style = screen_intern(screen, &screen->styles, &screen->style);
	screen->pen_known = true;
}

void screen_blank_resolve(struct screen *screen)
{
	struct style style = { .background = screen->style.background };

	screen->blank = CELL_NULL;
	if (style.background)
		screen->blank.style = screen_intern(screen, &screen->styles, &style);
	screen->blank_known = true;
}

/* --- SGR ------------------------------------------------------------------------------------- */

static void set_underline(struct style *style, unsigned int kind)
{
	if (kind > ATTRIBUTE_UNDERLINE_MOST)
		return;
	style->attributes &= ~(uint32_t)ATTRIBUTE_UNDERLINE;
	style->attributes |= kind * ATTRIBUTE_UNDERLINE_ONE;
}

static uint32_t rgb_of(unsigned int red, unsigned int green, unsigned int blue)
{
	return COLOUR_RGB | red << 16 | green << 8 | blue;
}

/* Behind 38, 48 and 58: 5;n or 2;r;g;b as separate parameters, as ISO 8613-6 did not mean them, or
 * 5:n, 2:r:g:b and 2:SPACE:r:g:b within one. Returns how many parameters it is; *ret_colour is
 * untouched if they are no colour.
 */
static unsigned int take_colour(const struct vt_parser *parser, unsigned int at,
				uint32_t *ret_colour)
{
	enum { RGB = 2, INDEXED = 5 };
	unsigned int n = 1, skip, kind = vt_param(parser, at + 1, 0), value[3];

	while (at + n < parser->n_params && parser->colons >> (at + n) & 1)
		n++;
	skip = n >= 6 ? 1 : 0;
	if (n == 1)
		n = kind == RGB ? 5 : kind == INDEXED ? 3 : 2;
	if (kind == INDEXED && n >= 3) {
		value[0] = vt_param(parser, at + 2, 0);
		if (value[0] < PALETTE_SIZE)
			*ret_colour = COLOUR_INDEXED | value[0];
	} else if (kind == RGB && n >= 5) {
		for (unsigned int i = 0; i < 3; i++)
			value[i] = vt_param(parser, at + 2 + skip + i, 0);
		if ((value[0] | value[1] | value[2]) < 256)
			*ret_colour = rgb_of(value[0], value[1], value[2]);
	}
	return n;
}

/* What 1 to 9 and 53 set, and 21 to 29 and 55 reset. */
static const struct {
	uint32_t set, reset;
} attributes[] = {
	[1] = { .set = ATTRIBUTE_BOLD },
	[2] = { .set = ATTRIBUTE_FAINT },
	[3] = { .set = ATTRIBUTE_ITALIC },
	[4] = { .set = ATTRIBUTE_UNDERLINE_ONE, .reset = ATTRIBUTE_UNDERLINE },
	[5] = { .set = ATTRIBUTE_BLINK },
	[6] = { .set = ATTRIBUTE_BLINK },
	[7] = { .set = ATTRIBUTE_INVERSE },
	[8] = { .set = ATTRIBUTE_HIDDEN },
	[9] = { .set = ATTRIBUTE_STRIKE },
	[21] = { .set = 2 * ATTRIBUTE_UNDERLINE_ONE, .reset = ATTRIBUTE_UNDERLINE },
	[22] = { .reset = ATTRIBUTE_BOLD | ATTRIBUTE_FAINT },
	[23] = { .reset = ATTRIBUTE_ITALIC },
	[24] = { .reset = ATTRIBUTE_UNDERLINE },
	[25] = { .reset = ATTRIBUTE_BLINK },
	[27] = { .reset = ATTRIBUTE_INVERSE },
	[28] = { .reset = ATTRIBUTE_HIDDEN },
	[29] = { .reset = ATTRIBUTE_STRIKE },
	[53] = { .set = ATTRIBUTE_OVERLINE },
	[55] = { .reset = ATTRIBUTE_OVERLINE },
};

/* The parameter at `at`; returns how many it is together with those that belong to it. */
static unsigned int take_rendition(const struct vt_parser *parser, unsigned int at,
				   struct style *style)
{
	unsigned int n = vt_param(parser, at, 0), used = 1;

	while (at + used < parser->n_params && parser->colons >> (at + used) & 1)
		used++;
	switch (n) {
	case 0:
		*style = (struct style){ 0 };
		break;
	case 30 ... 37:
		style->foreground = COLOUR_BASIC | (n - 30);
		break;
	case 38:
		return take_colour(parser, at, &style->foreground);
	case 39:
		style->foreground = 0;
		break;
	case 40 ... 47:
		style->background = COLOUR_BASIC | (n - 40);
		break;
	case 48:
		return take_colour(parser, at, &style->background);
	case 49:
		style->background = 0;
		break;
	case 58:
		return take_colour(parser, at, &style->underline);
	case 59:
		style->underline = 0;
		break;
	case 90 ... 97:
		style->foreground = COLOUR_BASIC | (n - 90 + 8);
		break;
	case 100 ... 107:
		style->background = COLOUR_BASIC | (n - 100 + 8);
		break;
	default:
		if (n == 4 && used > 1)
			set_underline(style, vt_param(parser, at + 1, 1));
		else if (n < ARRAY_SIZE(attributes) && used == 1)
			style->attributes = (style->attributes & ~attributes[n].reset) |
					    attributes[n].set;
		break;
	}
	return used;
}

void screen_sgr(struct screen *screen)
{
	const struct vt_parser *parser = &screen->parser;
	unsigned int at = 0;

	do
		at += take_rendition(parser, at, &screen->style);
	while (at < parser->n_params);
	screen_pen_changed(screen);
}
