/* Control characters, and escape sequences of one or two bytes. */
#include "daemon/session/screen_private.h"

static void lock_charset(struct screen *screen, unsigned int g)
{
	screen->charsets.locked = (uint8_t)g;
	screen->charsets.single = 0;
}

void screen_control(struct screen *screen, unsigned char c)
{
	switch (c) {
	case '\b':
		screen_move(screen, screen->cursor.x ? screen->cursor.x - 1u : 0, screen->cursor.y);
		break;
	case '\t':
		screen_tabs_forward(screen, 1);
		break;
	case '\n':
	case '\v':
	case '\f':
		screen_index(screen);
		if (screen_mode(screen, MODE_NEWLINE))
			screen_move(screen, 0, screen->cursor.y);
		break;
	case '\r':
		screen_move(screen, 0, screen->cursor.y);
		break;
	case 0x0e: /* SO, SI */
	case 0x0f:
		lock_charset(screen, c == 0x0e);
		break;
	default:
		break;
	}
}

/* DECALN: no row is gone through, since a row's fill can be anything. */
static void fill_with_e(struct screen *screen)
{
	screen->top = 0;
	screen->bottom = screen->rows - 1;
	screen_move(screen, 0, 0);
	for (unsigned int y = 0; y < screen->rows; y++)
		screen_row_clear(screen_row(screen, y), (struct cell){ .glyph = 'E' });
}

/* ESC ( and its like: a set of 94 characters for one of G0 to G3. */
static void designate(struct screen *screen, unsigned int g, char name)
{
	screen->charsets.g[g] = name == '0' ? CHARSET_GRAPHICS :
				name == 'A' ? CHARSET_UK :
					      CHARSET_ASCII;
}

static void escape_alone(struct screen *screen)
{
	switch (screen->parser.final) {
	case '7':
		screen_save_cursor(screen);
		break;
	case '8':
		screen_restore_cursor(screen);
		break;
	case '=':
	case '>':
		screen->modes &= ~(1u << MODE_KEYPAD);
		screen->modes |= (uint32_t)(screen->parser.final == '=') << MODE_KEYPAD;
		break;
	case 'D': /* IND */
		screen_index(screen);
		break;
	case 'E': /* NEL */
		screen_index(screen);
		screen_move(screen, 0, screen->cursor.y);
		break;
	case 'H': /* HTS */
		screen_tab_set(screen, screen->cursor.x, true);
		break;
	case 'M': /* RI */
		screen_reverse_index(screen);
		break;
	case 'N': /* SS2, SS3 */
	case 'O':
		screen->charsets.single = screen->parser.final == 'N' ? 2 : 3;
		break;
	case 'Z': /* DECID */
		screen_answer_attributes(screen, '\0');
		break;
	case 'c': /* RIS */
		screen_hard_reset(screen);
		break;
	case 'n': /* LS2, LS3 */
	case 'o':
		lock_charset(screen, screen->parser.final == 'n' ? 2 : 3);
		break;
	default:
		break;
	}
}

void screen_escape(struct screen *screen)
{
	const struct vt_parser *parser = &screen->parser;
	char first = parser->n_intermediates ? parser->intermediates[0] : '\0';

	if (parser->n_intermediates > 1)
		return;
	switch (first) {
	case '\0':
		escape_alone(screen);
		break;
	case '(':
	case ')':
	case '*':
	case '+':
		designate(screen, (unsigned int)(first - '('), parser->final);
		break;
	case '#':
		if (parser->final == '8')
			fill_with_e(screen);
		break;
	default:
		break;
	}
}
