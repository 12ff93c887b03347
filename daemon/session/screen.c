/* The whole of a screen: its life, and what goes to which of its parts. */
#include "daemon/session/screen.h"

#include <stdlib.h>

#include "common/alloc.h"
#include "daemon/session/screen_private.h"

uint16_t screen_size_within_bounds(uint16_t size)
{
	return size < 1 ? 1 : size > SCREEN_SIZE_MAX ? (uint16_t)SCREEN_SIZE_MAX : size;
}

struct screen *screen_new(uint16_t rows, uint16_t columns)
{
	struct screen *screen = ALLOC(struct screen);

	screen->rows = screen_size_within_bounds(rows);
	screen->columns = screen_size_within_bounds(columns);
	screen->bottom = screen->rows - 1;
	screen_styles_init(screen);
	screen_modes_default(screen);
	screen_tabs_default(screen, 0);
	screen_grid_init(screen, &screen->grids[SCREEN_PRIMARY]);
	return screen;
}

struct screen *screen_free(struct screen *screen)
{
	if (!screen)
		return NULL;
	for (unsigned int i = 0; i < SCREEN_COUNT; i++)
		screen_grid_done(screen, &screen->grids[i]);
	history_done(&screen->history);
	screen_styles_done(screen);
	screen_titles_done(screen);
	vt_parser_done(&screen->parser);
	free(screen->palette);
	bytes_done(&screen->answers);
	bytes_done(&screen->scratch);
	free(screen);
	return NULL;
}

void screen_soft_reset(struct screen *screen)
{
	const uint32_t reset = 1u << MODE_CURSOR_KEYS | 1u << MODE_KEYPAD | 1u << MODE_ORIGIN |
			       1u << MODE_INSERT;

	screen->modes &= ~reset;
	screen->modes |= 1u << MODE_CURSOR | 1u << MODE_AUTOWRAP;
	screen->top = 0;
	screen->bottom = screen->rows - 1;
	screen->style = (struct style){ 0 };
	screen_pen_changed(screen);
	screen->charsets = (struct charsets){ 0 };
	screen->saved[screen->shown] = (struct saved_cursor){ 0 };
	screen->cursor.wraps = false;
}

void screen_hard_reset(struct screen *screen)
{
	screen_show(screen, SCREEN_PRIMARY);
	screen_soft_reset(screen);
	screen_modes_default(screen);
	screen->left = (struct saved_cursor){ 0 };
	screen->left_is_newer = false;
	screen->link = 0;
	screen->cursor_shape = 0;
	screen->keyboards[SCREEN_PRIMARY] = (struct keyboard){ 0 };
	(void)memset(screen->modify_keys, 0, sizeof(screen->modify_keys));
	screen_tabs_default(screen, 0);
	screen_colours_reset(screen);
	screen_move(screen, 0, 0);
	screen_erase_rows(screen, 0, screen->rows - 1u);
	history_done(&screen->history);
}

void screen_event(struct screen *screen, enum vt_event event)
{
	if (event != VT_NOTHING && event != VT_CSI)
		screen->just_wrote = false;
	switch (event) {
	case VT_NOTHING:
	case VT_IGNORED:
		break;
	case VT_CONTROL:
		screen_control(screen, screen->parser.control);
		break;
	case VT_ESCAPE:
		screen_escape(screen);
		break;
	case VT_CSI:
		screen_csi(screen);
		break;
	case VT_OSC:
		screen_osc(screen);
		break;
	case VT_DCS:
		screen_dcs(screen);
		break;
	}
}

void screen_write(struct screen *screen, const void *data, size_t n)
{
	const unsigned char *at = data, *end = at + n;

	while (at < end) {
		at = screen_text(screen, at, end);
		if (at < end)
			screen_event(screen, vt_parser_feed(&screen->parser, &at, end));
	}
}

size_t screen_take_answers(struct screen *screen, char *buffer)
{
	size_t n = screen->answers.n;

	if (buffer && n)
		(void)memcpy(buffer, screen->answers.data, n);
	bytes_done(&screen->answers);
	return n;
}
