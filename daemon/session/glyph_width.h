/* How many columns a character takes. Made from Unicode 15.0.0 (UnicodeData.txt,
 * EastAsianWidth.txt, PropList.txt; Debian's package unicode-data) by make-glyph-width, which has
 * the rules. It says the same as wcwidth(3) of glibc for what both know, but knows no locale.
 */
#pragma once

#include <stdint.h>

enum {
	GLYPH_WIDTH_TABLED = 0x20000, /* characters from here on are told apart by rules */
	GLYPH_WIDTH_BLOCK = 256,
	GLYPH_WIDTH_PER_WORD = 32, /* two bits each */
};

extern const uint8_t glyph_width_index[GLYPH_WIDTH_TABLED / GLYPH_WIDTH_BLOCK];
extern const uint64_t glyph_width_blocks[][GLYPH_WIDTH_BLOCK / GLYPH_WIDTH_PER_WORD];

/* 0, 1 or 2, for any c that is no control character and at most U+10FFFF. */
static inline unsigned int glyph_width(uint32_t c)
{
	uint64_t word;

	if (c < 0x300)
		return 1;
	/* The supplementary ideographic planes; plane 14's tags and variation selectors. */
	if (c >= GLYPH_WIDTH_TABLED)
		return c <= 0x3fffd ? 2 : c >= 0xe0000 && c <= 0xe0fff ? 0 : 1;
	word = glyph_width_blocks[glyph_width_index[c / GLYPH_WIDTH_BLOCK]]
				 [c % GLYPH_WIDTH_BLOCK / GLYPH_WIDTH_PER_WORD];
	return (unsigned int)(word >> c % GLYPH_WIDTH_PER_WORD * 2) & 3;
}
