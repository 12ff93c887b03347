/* Colours that a program has given a new meaning: OSC 4 and 10 to 12, and what takes it back. */
#include "daemon/session/screen_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/alloc.h"

/* What a query is answered with where nothing was set: xterm's first colours. */
static const uint32_t basic_colours[16] = {
	0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x0000ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
	0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
};
static const uint32_t dynamic_colours[DYNAMIC_COUNT] = {
	[DYNAMIC_FOREGROUND] = 0xe5e5e5,
	[DYNAMIC_BACKGROUND] = 0x000000,
	[DYNAMIC_CURSOR] = 0xe5e5e5,
};

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Hexadecimal digits, from min to max of them, as a byte. *text is moved on. -1: too few. */
static int take_part(const char **text, unsigned int min, unsigned int max, bool scaled)
{
	unsigned int value = 0, n = 0;

	for (; n < max && hex_digit(**text) >= 0; n++)
		value = value * 16 + (unsigned int)hex_digit(*(*text)++);
	if (n < min)
		return -1;
	return (int)(scaled ? value * 255 / ((1u << 4 * n) - 1) : value << (16 - 4 * n) >> 8);
}

/* rgb:R/G/B with one to four digits each, of what so many digits can say; or # and three times as
 * many, where missing ones are 0: XParseColor(3). Names are not known. *text is moved behind it. 0:
 * it is no colour.
 */
static uint32_t take_colour(const char **text)
{
	unsigned int min = 1, max = 4;
	const char *at = *text;
	uint32_t colour = 0;
	bool hashed = *at == '#';

	if (hashed) {
		min = max = (unsigned int)strspn(at + 1, "0123456789abcdefABCDEF") / 3;
		if (min < 1 || max > 4)
			return 0;
		at++;
	} else if (strncmp(at, "rgb:", 4) == 0) {
		at += 4;
	} else {
		return 0;
	}
	for (unsigned int i = 0; i < 3; i++) {
		int part;

		if (i && !hashed && *at++ != '/')
			return 0;
		part = take_part(&at, min, max, !hashed);
		if (part < 0)
			return 0;
		colour = colour << 8 | (uint32_t)part;
	}
	if (*at && *at != ';')
		return 0;
	*text = at;
	return COLOUR_RGB | colour;
}

/* To the next of what semicolons separate; false if there is nothing more. */
static bool next_field(const char **text)
{
	const char *end = strchr(*text, ';');

	*text = end ? end + 1 : *text + strlen(*text);
	return end;
}

static void answer_colour(struct screen *screen, const char *name, uint32_t colour)
{
	unsigned int red = colour >> 16 & 0xff, green = colour >> 8 & 0xff, blue = colour & 0xff;

	screen_answer(screen, "\033]%s;rgb:%04x/%04x/%04x\033\\", name, red * 0x101, green * 0x101,
		      blue * 0x101);
}

static uint32_t palette_colour(const struct screen *screen, unsigned int i)
{
	static const uint8_t levels[6] = { 0, 0x5f, 0x87, 0xaf, 0xd7, 0xff };
	unsigned int grey = 8 + 10 * (i - 232);

	if (screen->palette && (screen->palette[i] & COLOUR_KIND) == COLOUR_RGB)
		return screen->palette[i];
	if (i < 16)
		return basic_colours[i];
	if (i >= 232)
		return grey << 16 | grey << 8 | grey;
	i -= 16;
	return (uint32_t)levels[i / 36] << 16 | (uint32_t)levels[i / 6 % 6] << 8 | levels[i % 6];
}

/* A number up to the palette's size, or PALETTE_SIZE. */
static unsigned int take_index(const char **text)
{
	char *end;
	unsigned long i = **text >= '0' && **text <= '9' ? strtoul(*text, &end, 10) : PALETTE_SIZE;

	return i < PALETTE_SIZE && (!*end || *end == ';') ? (unsigned int)i : PALETTE_SIZE;
}

static void make_palette(struct screen *screen)
{
	if (!screen->palette)
		screen->palette = alloc_zero(PALETTE_SIZE, sizeof(*screen->palette));
}

/* OSC 4 ; NUMBER ; COLOUR or ?, and more such pairs. */
void screen_palette(struct screen *screen, const char *text)
{
	char name[16];

	do {
		unsigned int i = take_index(&text);
		uint32_t colour;

		if (!next_field(&text))
			return;
		if (i == PALETTE_SIZE)
			continue;
		if (text[0] == '?') {
			(void)snprintf(name, sizeof(name), "4;%u", i);
			answer_colour(screen, name, palette_colour(screen, i));
			continue;
		}
		colour = take_colour(&text);
		if (!colour)
			continue;
		make_palette(screen);
		screen->palette[i] = colour;
	} while (next_field(&text));
}

static void reset_palette(struct screen *screen)
{
	for (unsigned int i = 0; screen->palette && i < PALETTE_SIZE; i++)
		if (screen->palette[i])
			screen->palette[i] = PALETTE_RESET;
}

void screen_colours_reset(struct screen *screen)
{
	reset_palette(screen);
	for (unsigned int i = 0; i < DYNAMIC_COUNT; i++)
		if (screen->dynamic[i])
			screen->dynamic[i] = PALETTE_RESET;
}

/* OSC 104 ; NUMBER ; ..., or without a number all of them. */
void screen_palette_reset(struct screen *screen, const char *text)
{
	if (!*text) {
		reset_palette(screen);
		return;
	}
	do {
		unsigned int i = take_index(&text);

		if (i == PALETTE_SIZE)
			continue;
		make_palette(screen);
		screen->palette[i] = PALETTE_RESET;
	} while (next_field(&text));
}

/* OSC 10 ; COLOUR or ?, and what follows is for 11 and 12. */
void screen_dynamic(struct screen *screen, unsigned int first, const char *text)
{
	static const char *const names[DYNAMIC_COUNT] = { "10", "11", "12" };
	unsigned int i = first;

	do {
		uint32_t colour = take_colour(&text);

		if (colour)
			screen->dynamic[i] = colour;
		else if (text[0] == '?')
			answer_colour(screen, names[i],
				      (screen->dynamic[i] & COLOUR_KIND) == COLOUR_RGB ?
					      screen->dynamic[i] :
					      dynamic_colours[i]);
	} while (next_field(&text) && ++i < DYNAMIC_COUNT);
}

void screen_dynamic_reset(struct screen *screen, unsigned int which)
{
	screen->dynamic[which] = PALETTE_RESET;
}

/* What was never set is left alone: a terminal's user may have colours of their own. */
void screen_colours_put(const struct screen *screen, struct bytes *bytes)
{
	for (unsigned int i = 0; screen->palette && i < PALETTE_SIZE; i++) {
		uint32_t colour = screen->palette[i];

		if (colour == PALETTE_RESET)
			bytes_printf(bytes, "\033]104;%u\033\\", i);
		else if (colour)
			bytes_printf(bytes, "\033]4;%u;#%06x\033\\", i, colour & COLOUR_VALUE);
	}
	for (unsigned int i = 0; i < DYNAMIC_COUNT; i++) {
		uint32_t colour = screen->dynamic[i];

		if (colour == PALETTE_RESET)
			bytes_printf(bytes, "\033]%u\033\\", 110 + i);
		else if (colour)
			bytes_printf(bytes, "\033]%u;#%06x\033\\", 10 + i, colour & COLOUR_VALUE);
	}
}
