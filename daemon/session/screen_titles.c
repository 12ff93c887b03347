/* The titles of the window and of its icon, and the stack that XTWINOPS keeps of each. */
#include "daemon/session/screen_private.h"

#include <stdlib.h>

#include "common/alloc.h"
#include "common/text.h"

/* Shown in other people's terminals: what is no text is not taken. */
static bool is_title(const char *text)
{
	size_t n = strlen(text);

	if (n > TITLE_MAX || !text_is_utf8(text, n))
		return false;
	for (const char *at = text; *at; at++) {
		unsigned char c = (unsigned char)*at, next = (unsigned char)at[1];

		/* C0, DEL, and C1 as UTF-8 has it. */
		if (c < 0x20 || c == 0x7f || (c == 0xc2 && next < 0xa0))
			return false;
	}
	return true;
}

void screen_title_set(struct screen *screen, unsigned int which, const char *text)
{
	struct title *title = &screen->titles[which];

	if (!is_title(text))
		return;
	free(title->text);
	title->text = alloc_strdup(text);
}

static bool is_meant(unsigned int which, unsigned int title)
{
	return which == 0 || which == (title == TITLE_ICON ? 1 : 2);
}

void screen_titles_push(struct screen *screen, unsigned int which)
{
	for (unsigned int i = 0; i < TITLE_COUNT; i++) {
		struct title *title = &screen->titles[i];

		if (!is_meant(which, i))
			continue;
		if (title->depth == TITLE_STACK_MAX) {
			free(title->stack[0]);
			(void)memmove(title->stack, title->stack + 1,
				      --title->depth * sizeof(title->stack[0]));
		}
		title->stack[title->depth++] = alloc_strdup(title->text);
	}
}

void screen_titles_pop(struct screen *screen, unsigned int which)
{
	for (unsigned int i = 0; i < TITLE_COUNT; i++) {
		struct title *title = &screen->titles[i];

		if (!is_meant(which, i) || !title->depth)
			continue;
		free(title->text);
		title->text = title->stack[--title->depth];
	}
}

void screen_titles_done(struct screen *screen)
{
	for (unsigned int i = 0; i < TITLE_COUNT; i++) {
		struct title *title = &screen->titles[i];

		free(title->text);
		while (title->depth)
			free(title->stack[--title->depth]);
	}
}

static void put_title(unsigned int which, const char *text, struct bytes *bytes)
{
	bytes_puts(bytes, which == TITLE_ICON ? "\033]1;" : "\033]2;");
	bytes_puts(bytes, text);
	bytes_puts(bytes, "\033\\");
}

/* What a terminal has on its stack already stays below, and where a title was pushed that had never
 * been set it is the terminal's own.
 */
void screen_titles_put(const struct screen *screen, struct bytes *bytes)
{
	for (unsigned int i = 0; i < TITLE_COUNT; i++) {
		const struct title *title = &screen->titles[i];

		for (unsigned int k = 0; k < title->depth; k++) {
			if (title->stack[k])
				put_title(i, title->stack[k], bytes);
			bytes_printf(bytes, "\033[22;%ut", i == TITLE_ICON ? 1u : 2u);
		}
		if (title->text)
			put_title(i, title->text, bytes);
	}
}
