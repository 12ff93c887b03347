#include "screen_fixture.h"

#include <locale.h>
#include <wchar.h>

#include "daemon/session/glyph_width.h"

static void text_goes_where_the_cursor_is(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(4, 10, "one\r\ntwo\n3\b4\033[1;6Hsix\tt");

	(void)state;
	assert_shows(screen, "one~~six~t\ntwo\n~~~4\n");
	assert_cursor(screen, 9, 0);
}

static void the_last_column_is_written_before_text_wraps(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(3, 5, "abcde");

	(void)state;
	assert_cursor(screen, 4, 0);
	assert_true(screen->cursor.wraps);
	show(screen, "\033[1m");
	assert_true(screen->cursor.wraps);
	show(screen, "f");
	assert_shows(screen, "abcde\nf\n");
	assert_true(screen_row(screen, 0)->goes_on);
}

/* DEC STD 070; with EL and ED 0 as in VTE and tmux. */
static void what_moves_the_cursor_keeps_it_from_wrapping(void **state)
{
	static const struct {
		const char *then, *shows;
	} cases[] = {
		{ "\b", "abcXe\n" },
		{ "\r", "Xbcde\n" },
		{ "\033[D", "abcXe\n" },
		{ "\033[C", "abcdX\n" },
		{ "\n", "abcde\n~~~~X\n" },
		{ "\033[1K", "~~~~X\n" },
		{ "\033[2K", "~~~~X\n" },
		{ "\033[X", "abcdX\n" },
		{ "\033[P", "abcdX\n" },
		{ "\033[@", "abcdX\n" },
		{ "\033[G", "Xbcde\n" },
		{ "\033[?7l", "abcdX\n" },
		{ "\033[K", "abcde\nX\n" },
		{ "\033[J", "abcde\nX\n" },
		{ "\t", "abcde\nX\n" },
		{ "\016\017", "abcde\nX\n" },
		{ "\0337\0338", "abcde\nX\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_screen_ struct screen *screen = shown(3, 5, "abcde");

		show(screen, cases[i].then);
		show(screen, "X");
		assert_shows(screen, cases[i].shows);
	}
}

static void without_wrapping_the_last_column_is_overwritten(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(3, 5, "\033[?7labcdefgh");

	(void)state;
	assert_shows(screen, "abcdh\n");
	show(screen, "\033[1;4H日日");
	assert_shows(screen, "abc日\n");
}

static void at_the_bottom_text_scrolls(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(2, 3, "abcdefg");

	(void)state;
	assert_shows(screen, "def\ng\n");
	assert_int_equal(screen->history.n_rows, 1);
}

static void wide_characters_take_two_columns(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(3, 5, "日本語");

	(void)state;
	/* The third one does not fit. */
	assert_shows(screen, "日本\n語\n");
	assert_cursor(screen, 2, 1);
	show(screen, "\033[1;1H語");
	assert_row(screen, 0, "語本");
}

static void half_a_wide_character_is_none(void **state)
{
	static const struct {
		const char *then, *shows;
	} cases[] = {
		{ "\033[1;1Hx", "x~本語\n" },	    { "\033[1;2Hx", "~x本語\n" },
		{ "\033[1;2H字", "~字~語\n" },	    { "\033[1;2H\033[X", "~~本語\n" },
		{ "\033[1;4H\033[K", "日\n" },	    { "\033[1;3H\033[1K", "~~~~語\n" },
		{ "\033[1;2H\033[P", "~本語\n" },   { "\033[1;1H\033[P", "~本語\n" },
		{ "\033[1;2H\033[@", "~~~本\n" },   { "\033[1;1H\033[@", "~日本\n" },
		{ "\033[4h\033[1;1Hx", "x日本\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_screen_ struct screen *screen = shown(1, 6, "日本語");

		show(screen, cases[i].then);
		assert_shows(screen, cases[i].shows);
	}
}

static void combining_characters_join_the_one_before_them(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(2, 5, "e\u0301x\r\n\u0301日\u0327\u0301!");

	(void)state;
	assert_shows(screen, "e\u0301x\n日\u0327\u0301!\n");
	assert_cursor(screen, 3, 1);
	show(screen, "\033[1;2H\u0308");
	assert_row(screen, 0, "e\u0301\u0308x");
	/* In the last column the cursor stands on the character. */
	show(screen, "\033[2;5Hz\u0302");
	assert_row(screen, 1, "日\u0327\u0301!~z\u0302");
}

static void as_many_marks_as_there_may_be_are_kept(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(1, 5, "e");
	struct cell cell;

	(void)state;
	for (int i = 0; i < 1000; i++)
		show(screen, "\u0301");
	cell = row_cell(screen_row(screen, 0), 0);
	assert_true(cell.glyph & GLYPH_CLUSTER);
	assert_int_equal(strlen(row_text(screen, 0)), 1 + (CLUSTER_MAX - 1) * 2);
	assert_true(screen->clusters.n <= CLUSTER_MAX);
}

static void a_joiner_makes_one_character_of_two(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(1, 10, "👩\u200d💻x👨\u200d👩\u200d👧");

	(void)state;
	assert_row(screen, 0, "👩\u200d💻x👨\u200d👩\u200d👧");
	assert_cursor(screen, 5, 0);
	/* What came in between made them two. */
	show(screen, "\r\033[Ka\u200d\033[mb");
	assert_row(screen, 0, "ab");
}

static void malformed_utf8_is_a_replacement_character(void **state)
{
	static const struct {
		const char *text, *shows;
	} cases[] = {
		{ "a\x80z", "a\ufffdz" },	    { "a\xc0\xafz", "a\ufffd\ufffdz" },
		{ "a\xe2\x82z", "a\ufffdz" },	    { "a\xed\xa0\x80z", "a\ufffd\ufffd\ufffdz" },
		{ "a\xf0\x9f\x91z", "a\ufffdz" },   { "a\xf5z", "a\ufffdz" },
		{ "a\xf4\x90z", "a\ufffd\ufffdz" }, { "a\xe2\x82\033[mz", "a\ufffdz" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_screen_ struct screen *screen = shown(1, 20, cases[i].text);
		_cleanup_screen_ struct screen *piecewise = screen_new(1, 20);

		assert_row(screen, 0, cases[i].shows);
		for (const char *at = cases[i].text; *at; at++)
			screen_write(piecewise, at, 1);
		assert_row(piecewise, 0, cases[i].shows);
	}
}

static void c1_controls_are_what_escape_and_a_letter_are(void **state)
{
	/* CSI 2 C, then NEL, as UTF-8 has them. */
	_cleanup_screen_ struct screen *screen = shown(2, 10,
						       "a\xc2\x9b"
						       "2Cb\xc2\x85"
						       "c");

	(void)state;
	assert_shows(screen, "a~~b\nc\n");
}

static void line_drawing_is_translated(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(4, 10, "\033(0lqk\033(Blqk\r\n");

	(void)state;
	show(screen, "\033)0\016x\017x\r\n\033*0\033Nqq\033nq\033A#\r\n\017\033(A#");
	assert_shows(screen, "┌─┐lqk\n│x\n─q─#\n£\n");
}

static void inserted_text_pushes_what_is_there(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(2, 8, "abcdef\r\033[4hXY\033[4lZ");

	(void)state;
	assert_row(screen, 0, "XYZbcdef");
	show(screen, "\033[1;1H\033[4h123456789");
	assert_shows(screen, "12345678\n9\n");
}

static void a_character_is_repeated(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(3, 6, "a\033[3b\r\n日\033[b");

	(void)state;
	assert_shows(screen, "aaaa\n日日\n");
	show(screen, "\033[m\033[2b");
	assert_row(screen, 1, "日日");
	show(screen, "\033[H\033[Jx\033[60000b");
	/* A row's worth at most, whatever is asked for. */
	assert_shows(screen, "xxxxxx\nx\n");
}

static void widths_are_those_of_the_c_library(void **state)
{
	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		fail_msg("there is no locale C.UTF-8");
	for (uint32_t c = 0xa0; c <= 0x10ffff; c++) {
		int width = c >= 0xd800 && c <= 0xdfff ? -1 : wcwidth((wchar_t)c);

		/* It may be older, and not know a character. */
		if (width >= 0 && width != (int)glyph_width(c))
			fail_msg("U+%04X", c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_goes_where_the_cursor_is),
		cmocka_unit_test(the_last_column_is_written_before_text_wraps),
		cmocka_unit_test(what_moves_the_cursor_keeps_it_from_wrapping),
		cmocka_unit_test(without_wrapping_the_last_column_is_overwritten),
		cmocka_unit_test(at_the_bottom_text_scrolls),
		cmocka_unit_test(wide_characters_take_two_columns),
		cmocka_unit_test(half_a_wide_character_is_none),
		cmocka_unit_test(combining_characters_join_the_one_before_them),
		cmocka_unit_test(as_many_marks_as_there_may_be_are_kept),
		cmocka_unit_test(a_joiner_makes_one_character_of_two),
		cmocka_unit_test(malformed_utf8_is_a_replacement_character),
		cmocka_unit_test(c1_controls_are_what_escape_and_a_letter_are),
		cmocka_unit_test(line_drawing_is_translated),
		cmocka_unit_test(inserted_text_pushes_what_is_there),
		cmocka_unit_test(a_character_is_repeated),
		cmocka_unit_test(widths_are_those_of_the_c_library),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
