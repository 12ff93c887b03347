/* Operating system commands: titles, hyperlinks, colours. All others have no effect. */
#include "daemon/session/screen_private.h"

#include <stdlib.h>

#include "common/alloc.h"

/* The number at the beginning, and *text moved behind it and its semicolon; -1 if there is none. */
static int take_number(const char **text)
{
	const char *at = *text;
	int number = 0;

	while (*at >= '0' && *at <= '9' && number < 10000)
		number = number * 10 + (*at++ - '0');
	if (at == *text || (*at && *at != ';'))
		return -1;
	*text = *at ? at + 1 : at;
	return number;
}

/* OSC 8 ; PARAMETERS ; URI. Without a URI what follows is no link. */
static void hyperlink(struct screen *screen, char *text)
{
	const char *uri = strchr(text, ';');
	struct link link = { .text = text, .n = strlen(text) };

	screen->link = 0;
	screen_pen_changed(screen);
	if (!uri || !uri[1] || link.n > LINK_MAX)
		return;
	for (const char *at = text; *at; at++)
		if ((unsigned char)*at > 0x7e)
			return;
	screen->link = intern_find(&screen->links, &link);
	if (screen->link)
		return;
	/* The table has the text from here on, if there is room in it. */
	link.text = alloc_strdup(text);
	screen->link = screen_intern(screen, &screen->links, &link);
	if (!screen->link)
		free(link.text);
}

void screen_osc(struct screen *screen)
{
	struct bytes *string = &screen->parser.string;
	const char *text;

	/* The parser lets no control characters in. */
	bytes_putc(string, '\0');
	text = string->data;
	switch (take_number(&text)) {
	case 0:
		screen_title_set(screen, TITLE_ICON, text);
		screen_title_set(screen, TITLE_WINDOW, text);
		break;
	case 1:
		screen_title_set(screen, TITLE_ICON, text);
		break;
	case 2:
		screen_title_set(screen, TITLE_WINDOW, text);
		break;
	case 4:
		screen_palette(screen, text);
		break;
	case 8:
		hyperlink(screen, string->data + (text - string->data));
		break;
	case 10:
		screen_dynamic(screen, DYNAMIC_FOREGROUND, text);
		break;
	case 11:
		screen_dynamic(screen, DYNAMIC_BACKGROUND, text);
		break;
	case 12:
		screen_dynamic(screen, DYNAMIC_CURSOR, text);
		break;
	case 104:
		screen_palette_reset(screen, text);
		break;
	case 110:
		screen_dynamic_reset(screen, DYNAMIC_FOREGROUND);
		break;
	case 111:
		screen_dynamic_reset(screen, DYNAMIC_BACKGROUND);
		break;
	case 112:
		screen_dynamic_reset(screen, DYNAMIC_CURSOR);
		break;
	default:
		break;
	}
}
