/* What is to be seen, for programs that look at it. */
#include "daemon/session/screen_private.h"

#include "common/cleanup.h"

/* Beyond so many, all others look plain: a reply has to be bounded. */
enum { RUNS_MAX = 20000 };

struct walk {
	const struct screen *screen;
	void (*callback)(void *userdata, const struct screen_run *run);
	void *userdata;
	unsigned int n_runs;
	struct bytes text, sgr;
};

static struct cell look_at(const struct walk *walk, const struct row *row, unsigned int x)
{
	struct cell cell = row_cell(row, x);

	if (walk->n_runs >= RUNS_MAX)
		cell.style = cell.link = 0;
	return cell;
}

/* Nothing but the character: its look is taken to be the pen's. */
static void add_character(struct walk *walk, struct cell cell)
{
	struct painter painter = {
		.screen = walk->screen,
		.out = &walk->text,
		.style = *(const struct style *)intern_get(&walk->screen->styles, cell.style),
		.link = cell.link,
		.plain_from = SIZE_MAX,
	};

	if (cell.glyph == GLYPH_NONE)
		bytes_putc(&walk->text, ' ');
	else if (cell.glyph != GLYPH_SPACER)
		paint_glyph(&painter, cell);
}

/* A link is kept with what stands before it in the sequence: parameters and a semicolon. */
static const char *uri_of(const struct walk *walk, uint16_t id, size_t *ret_size)
{
	const struct link *link = intern_get(&walk->screen->links, id);
	const char *semicolon = id ? memchr(link->text, ';', link->n) : NULL;

	if (!semicolon)
		return NULL;
	*ret_size = link->n - (size_t)(semicolon + 1 - link->text);
	return semicolon + 1;
}

/* The run that begins at x; returns where it ends. */
static unsigned int take_run(struct walk *walk, unsigned int y, const struct row *row,
			     unsigned int x, unsigned int end)
{
	const struct cell first = look_at(walk, row, x);
	struct screen_run run = { .row = y, .column = x };

	walk->text.n = walk->sgr.n = 0;
	for (; x < end; x++) {
		struct cell cell = look_at(walk, row, x);

		if (cell.style != first.style || cell.link != first.link)
			break;
		add_character(walk, cell);
	}
	run.columns = x - run.column;
	run.text = walk->text.data;
	run.text_bytes = walk->text.n;
	if (first.style) {
		paint_style_parameters(&walk->sgr, intern_get(&walk->screen->styles, first.style));
		run.sgr = walk->sgr.data;
		run.sgr_bytes = walk->sgr.n;
	}
	run.link = uri_of(walk, first.link, &run.link_bytes);
	walk->callback(walk->userdata, &run);
	walk->n_runs++;
	return x;
}

void screen_walk(const struct screen *screen,
		 void (*callback)(void *userdata, const struct screen_run *run), void *userdata)
{
	struct walk walk = { .screen = screen, .callback = callback, .userdata = userdata };

	for (unsigned int y = 0; y < screen->rows; y++) {
		const struct row *row = screen_row(screen, y);
		unsigned int end = screen_row_tail(row, screen->columns), x = 0;

		if (row_cell(row, screen->columns - 1u).style)
			end = screen->columns;
		while (x < end)
			x = take_run(&walk, y, row, x, end);
	}
	bytes_done(&walk.text);
	bytes_done(&walk.sgr);
}
