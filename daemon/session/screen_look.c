/* What is to be seen, for those who have no terminal. */
#include "daemon/session/screen_private.h"

static const struct style plain;

/* The character alone: the painter is made to believe that the terminal's pen is right already. */
static void put_cell(struct painter *painter, struct cell cell)
{
	const struct style *style = cell.style ? intern_get(&painter->screen->styles, cell.style) :
						 &plain;

	painter->style = *style;
	painter->link = cell.link;
	paint_glyph(painter, cell);
}

static void put_row(struct painter *painter, const struct row *row, unsigned int columns)
{
	unsigned int tail = screen_row_tail(row, columns);
	size_t end = painter->out->n;

	for (unsigned int x = 0; x < tail;) {
		struct cell cell = row_cell(row, x);

		if (cell.glyph == GLYPH_NONE) {
			bytes_putc(painter->out, ' ');
			x++;
			continue;
		}
		put_cell(painter, cell);
		x += cell.glyph & GLYPH_WIDE ? 2 : 1;
		if (cell.glyph != ' ')
			end = painter->out->n;
	}
	painter->out->n = end;
}

char *screen_get_text(const struct screen *screen, size_t *ret_size)
{
	struct bytes out = BYTES_NULL;
	struct painter painter = { .screen = screen, .out = &out, .plain_from = SIZE_MAX };

	for (unsigned int y = 0; y < screen->rows; y++) {
		put_row(&painter, screen_row(screen, y), screen->columns);
		bytes_putc(&out, '\n');
	}
	bytes_putc(&out, '\0');
	*ret_size = out.n - 1;
	return out.data;
}

void screen_get_state(const struct screen *screen, struct screen_state *ret)
{
	*ret = (struct screen_state){
		.rows = screen->rows,
		.columns = screen->columns,
		.cursor_row = screen->cursor.y,
		.cursor_column = screen->cursor.x,
		.cursor_visible = screen_mode(screen, MODE_CURSOR),
		.alternate = screen->shown == SCREEN_ALTERNATE,
		.title = screen->titles[TITLE_WINDOW].text,
	};
}
