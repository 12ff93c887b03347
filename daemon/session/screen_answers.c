/* What programs ask of a terminal, answered for when none is there. */
#include "daemon/session/screen_private.h"

#include <stdarg.h>
#include <stdio.h>

/* Pixels of a cell, which nothing here knows: what many terminals have. */
enum { CELL_HEIGHT = 16, CELL_WIDTH = 8 };

static void add_answer(struct screen *screen, const char *answer, size_t n)
{
	if (n <= SCREEN_ANSWERS_MAX - screen->answers.n)
		bytes_put(&screen->answers, answer, n);
}

void screen_answer(struct screen *screen, const char *format, ...)
{
	char answer[BYTES_FORMAT_MAX];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(answer, sizeof(answer), format, ap);
	va_end(ap);
	if (n > 0 && n < (int)sizeof(answer))
		add_answer(screen, answer, (size_t)n);
}

/* DA1: a VT220 with ANSI colour. DA2: a VT220, with a version. DA3: no serial number. */
void screen_answer_attributes(struct screen *screen, char marker)
{
	if (screen->parser.final == 'c' && vt_param(&screen->parser, 0, 0) != 0)
		return;
	if (marker == '>')
		screen_answer(screen, "\033[>1;10;0c");
	else if (marker == '=')
		screen_answer(screen, "\033P!|00000000\033\\");
	else
		screen_answer(screen, "\033[?62;22c");
}

void screen_answer_status(struct screen *screen, bool private)
{
	unsigned int x = screen->cursor.x + 1u, y = screen->cursor.y + 1u;

	if (screen_mode(screen, MODE_ORIGIN))
		y = y > screen->top ? y - screen->top : 1;
	switch (vt_param(&screen->parser, 0, 0)) {
	case 5:
		if (!private)
			screen_answer(screen, "\033[0n");
		break;
	case 6:
		if (private)
			screen_answer(screen, "\033[?%u;%u;1R", y, x);
		else
			screen_answer(screen, "\033[%u;%uR", y, x);
		break;
	default:
		break;
	}
}

void screen_answer_mode(struct screen *screen, bool private)
{
	unsigned int number = vt_param(&screen->parser, 0, 0);

	screen_answer(screen, "\033[%s%u;%u$y", private ? "?" : "", number,
		      screen_mode_report(screen, private, number));
}

/* XTWINOPS: sizes, in pixels and in cells, of the window and of what is around it. Titles are not
 * told, since who asks could have set them to be typed back.
 */
void screen_answer_size(struct screen *screen)
{
	unsigned int rows = screen->rows, columns = screen->columns;

	switch (vt_param(&screen->parser, 0, 0)) {
	case 14:
		screen_answer(screen, "\033[4;%u;%ut", rows * CELL_HEIGHT, columns * CELL_WIDTH);
		break;
	case 16:
		screen_answer(screen, "\033[6;%u;%ut", CELL_HEIGHT, CELL_WIDTH);
		break;
	case 18:
		screen_answer(screen, "\033[8;%u;%ut", rows, columns);
		break;
	case 19:
		screen_answer(screen, "\033[9;%u;%ut", rows, columns);
		break;
	default:
		break;
	}
}

/* DECRQSS. What is asked for is the end of the control sequence that sets it. */
static void answer_setting(struct screen *screen, const char *setting)
{
	struct bytes style = BYTES_NULL;
	unsigned int shape;

	if (strcmp(setting, "m") == 0) {
		paint_style_parameters(&style, &screen->style);
		screen_answer(screen, "\033P1$r%.*sm\033\\", (int)style.n, style.data);
		bytes_done(&style);
	} else if (strcmp(setting, "r") == 0) {
		screen_answer(screen, "\033P1$r%u;%ur\033\\", screen->top + 1u,
			      screen->bottom + 1u);
	} else if (strcmp(setting, " q") == 0) {
		shape = screen->cursor_shape ? screen->cursor_shape - 1u : 0;
		screen_answer(screen, "\033P1$r%u q\033\\", shape);
	} else {
		screen_answer(screen, "\033P0$r\033\\");
	}
}

/* Device control strings: DECRQSS, and XTGETTCAP, to which nothing is known. */
void screen_dcs(struct screen *screen)
{
	struct vt_parser *parser = &screen->parser;

	if (parser->final != 'q' || parser->n_intermediates != 1 || parser->marker)
		return;
	bytes_putc(&parser->string, '\0');
	if (parser->intermediates[0] == '$')
		answer_setting(screen, parser->string.data);
	else if (parser->intermediates[0] == '+')
		screen_answer(screen, "\033P0+r\033\\");
}
