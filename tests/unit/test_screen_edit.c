#include "screen_fixture.h"

/* A letter per row, five times. */
static const char LETTERS[] = "aaaaa\r\nbbbbb\r\nccccc\r\nddddd\r\neeeee";

struct edit {
	const char *then, *shows;
};

static void assert_edits(const struct edit *edits, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		_cleanup_screen_ struct screen *screen = shown(5, 8, LETTERS);

		show(screen, edits[i].then);
		assert_shows(screen, edits[i].shows);
	}
}

static void the_cursor_moves_and_stops_at_the_edges(void **state)
{
	static const struct {
		const char *text;
		unsigned int x, y;
	} cases[] = {
		{ "\033[3;4H", 3, 2 },
		{ "\033[H", 0, 0 },
		{ "\033[0;0H", 0, 0 },
		{ "\033[99;99H", 7, 4 },
		{ "\033[3;4f", 3, 2 },
		{ "\033[3;4H\033[A", 3, 1 },
		{ "\033[3;4H\033[9A", 3, 0 },
		{ "\033[3;4H\033[B", 3, 3 },
		{ "\033[3;4H\033[9B", 3, 4 },
		{ "\033[3;4H\033[2C", 5, 2 },
		{ "\033[3;4H\033[9C", 7, 2 },
		{ "\033[3;4H\033[2D", 1, 2 },
		{ "\033[3;4H\033[9D", 0, 2 },
		{ "\033[3;4H\033[E", 0, 3 },
		{ "\033[3;4H\033[2F", 0, 0 },
		{ "\033[3;4H\033[6G", 5, 2 },
		{ "\033[3;4H\033[6`", 5, 2 },
		{ "\033[3;4H\033[5d", 3, 4 },
		{ "\033[3;4H\033[2a", 5, 2 },
		{ "\033[3;4H\033[e", 3, 3 },
		{ "\033[3;4H\b\b", 1, 2 },
		{ "\033[3;4H\r", 0, 2 },
		{ "\033[3;4H\033E", 0, 3 },
		{ "\033[65535;65535H", 7, 4 },
		{ "\033[3;4H\033[65535D", 0, 2 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_screen_ struct screen *screen = shown(5, 8, cases[i].text);

		assert_cursor(screen, cases[i].x, cases[i].y);
	}
}

static void erasing_leaves_the_rest_as_it_is(void **state)
{
	static const struct edit edits[] = {
		{ "\033[2;3H\033[K", "aaaaa\nbb\nccccc\nddddd\neeeee\n" },
		{ "\033[2;3H\033[1K", "aaaaa\n~~~bb\nccccc\nddddd\neeeee\n" },
		{ "\033[2;3H\033[2K", "aaaaa\n\nccccc\nddddd\neeeee\n" },
		{ "\033[2;3H\033[J", "aaaaa\nbb\n" },
		{ "\033[2;3H\033[1J", "\n~~~bb\nccccc\nddddd\neeeee\n" },
		{ "\033[2;3H\033[2J", "" },
		{ "\033[2;3H\033[2X", "aaaaa\nbb~~b\nccccc\nddddd\neeeee\n" },
		{ "\033[2;3H\033[99X", "aaaaa\nbb\nccccc\nddddd\neeeee\n" },
		{ "\033[2;3H\033[9K\033[9J", "aaaaa\nbbbbb\nccccc\nddddd\neeeee\n" },
	};

	(void)state;
	assert_edits(edits, ARRAY_SIZE(edits));
}

static void characters_are_inserted_and_deleted_within_their_row(void **state)
{
	static const struct edit edits[] = {
		{ "\033[2;3H\033[2@", "aaaaa\nbb~~bbb\nccccc\nddddd\neeeee\n" },
		{ "\033[2;3H\033[5@", "aaaaa\nbb~~~~~b\nccccc\nddddd\neeeee\n" },
		{ "\033[2;3H\033[99@", "aaaaa\nbb\nccccc\nddddd\neeeee\n" },
		{ "\033[2;3Hxyz\033[2;3H\033[2P", "aaaaa\nbbz\nccccc\nddddd\neeeee\n" },
		{ "\033[2;3H\033[99P", "aaaaa\nbb\nccccc\nddddd\neeeee\n" },
		{ "\033[2;7H\033[2@x", "aaaaa\nbbbbb~x\nccccc\nddddd\neeeee\n" },
	};

	(void)state;
	assert_edits(edits, ARRAY_SIZE(edits));
}

static void rows_are_inserted_and_deleted_between_the_margins(void **state)
{
	static const struct edit edits[] = {
		{ "\033[2;3H\033[L", "aaaaa\n\nbbbbb\nccccc\nddddd\n" },
		{ "\033[2;3H\033[99L", "aaaaa\n" },
		{ "\033[2;3H\033[2M", "aaaaa\nddddd\neeeee\n" },
		{ "\033[2;4r\033[2;3H\033[L", "aaaaa\n\nbbbbb\nccccc\neeeee\n" },
		{ "\033[2;4r\033[3;3H\033[M", "aaaaa\nbbbbb\nddddd\n\neeeee\n" },
		/* Outside of them nothing happens. */
		{ "\033[2;4r\033[1;3H\033[L\033[M", "aaaaa\nbbbbb\nccccc\nddddd\neeeee\n" },
		{ "\033[2;3H\033[LX", "aaaaa\nX\nbbbbb\nccccc\nddddd\n" },
	};

	(void)state;
	assert_edits(edits, ARRAY_SIZE(edits));
}

static void rows_scroll_between_the_margins(void **state)
{
	static const struct edit edits[] = {
		{ "\033[S", "bbbbb\nccccc\nddddd\neeeee\n" },
		{ "\033[2T", "\n\naaaaa\nbbbbb\nccccc\n" },
		{ "\033[2;4r\033[S", "aaaaa\nccccc\nddddd\n\neeeee\n" },
		{ "\033[2;4r\033[99S", "aaaaa\n\n\n\neeeee\n" },
		{ "\033[2;4r\033[T", "aaaaa\n\nbbbbb\nccccc\neeeee\n" },
		{ "\033[2;4r\033[4;1H\n", "aaaaa\nccccc\nddddd\n\neeeee\n" },
		{ "\033[2;4r\033[4;1H\033D", "aaaaa\nccccc\nddddd\n\neeeee\n" },
		{ "\033[2;4r\033[2;1H\033M", "aaaaa\n\nbbbbb\nccccc\neeeee\n" },
		/* Below and above the margins the cursor moves alone. */
		{ "\033[2;4r\033[5;1H\nX", "aaaaa\nbbbbb\nccccc\nddddd\nXeeee\n" },
		{ "\033[2;4r\033[1;1H\033MX", "Xaaaa\nbbbbb\nccccc\nddddd\neeeee\n" },
		/* What is no region changes nothing. */
		{ "\033[4;2r\033[3;3rX", "aaaaa\nbbbbb\nccccc\nddddd\neeeeeX\n" },
		{ "\033[2;99r\033[99;1H\n", "aaaaa\nccccc\nddddd\neeeee\n" },
		/* XTSMGRAPHICS and highlight tracking end as SU and SD do. */
		{ "\033[?1;1;0S\033[1;2;3;4;5T", "aaaaa\nbbbbb\nccccc\nddddd\neeeee\n" },
	};

	(void)state;
	assert_edits(edits, ARRAY_SIZE(edits));
}

static void motion_stops_at_the_margins(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(9, 8, "\033[3;6r\033[4;2H\033[9A");

	(void)state;
	assert_cursor(screen, 1, 2);
	show(screen, "\033[9B");
	assert_cursor(screen, 1, 5);
	show(screen, "\033[8;2H\033[9B");
	assert_cursor(screen, 1, 8);
	show(screen, "\033[2;2H\033[9A");
	assert_cursor(screen, 1, 0);
}

static void the_origin_is_the_upper_margin_if_it_is_to_be(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(9, 8, "\033[3;6r\033[?6h");

	(void)state;
	assert_cursor(screen, 0, 2);
	show(screen, "\033[2;3H");
	assert_cursor(screen, 2, 3);
	show(screen, "\033[99;3H");
	assert_cursor(screen, 2, 5);
	show(screen, "\033[2d\033[99e");
	assert_cursor(screen, 2, 5);
	show(screen, "\033[?6l");
	assert_cursor(screen, 0, 0);
	show(screen, "\033[99;3H");
	assert_cursor(screen, 2, 8);
}

static void erased_cells_take_the_background_colour(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(4, 8, "abc\033[1;41m\033[K");

	(void)state;
	assert_style(screen, 0, 0, "0");
	assert_style(screen, 7, 0, "0;41");
	show(screen, "\033[2;1H\033[42m\033[3X\033[3;2H\033[43mx\033[2@\033[44m\033[4;1Hy\r\033[P");
	assert_style(screen, 2, 1, "0;42");
	assert_style(screen, 3, 1, "0");
	assert_style(screen, 2, 2, "0;43");
	assert_style(screen, 7, 3, "0;44");
	show(screen, "\033[45m\n\033[46m\033[1;1H\033M");
	assert_style(screen, 4, 0, "0;46");
	show(screen, "\033[4;1H\033[45m\n");
	assert_style(screen, 4, 3, "0;45");
}

static void a_background_colour_does_not_bleed_by_wrapping(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(2, 4, "\033[2;1H\033[41mabcde");

	(void)state;
	assert_style(screen, 0, 1, "0;41");
	assert_style(screen, 3, 1, "0");
}

static void the_screen_is_filled_for_alignment(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(2, 4, "\033[31m\033[1;1r\033#8");

	(void)state;
	assert_shows(screen, "EEEE\nEEEE\n");
	assert_cursor(screen, 0, 0);
	assert_style(screen, 0, 0, "0");
	show(screen, "\033[2;3Hx\033[1;2H\033[K\u0301");
	assert_shows(screen, "E\u0301\nEExE\n");
}

static void tabs_are_set_and_cleared(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(2, 40, "\ta\tb\r\n");

	(void)state;
	assert_row(screen, 0, "~~~~~~~~a~~~~~~~b");
	show(screen, "\033[4G\033H\033[9G\033[g\r\tx\ty\033[Zz");
	assert_row(screen, 1, "~~~x~~~~~~~~~~~~z");
	show(screen, "\033[3g\r\t");
	assert_cursor(screen, 39, 1);
	show(screen, "\033[Z");
	assert_cursor(screen, 0, 1);
	show(screen, "\033[?5W\033[2I");
	assert_cursor(screen, 16, 1);
	show(screen, "\033[65535I");
	assert_cursor(screen, 39, 1);
}

static void the_cursor_is_saved_with_what_belongs_to_it(void **state)
{
	_cleanup_screen_ struct screen *screen =
		shown(9, 8, "\033[3;6r\033[?6h\033[2;3H\033[1;31m\033(0");

	(void)state;
	show(screen, "\0337\033[m\033(B\033[?6l\033[9;1H\0338q");
	assert_row(screen, 3, "~~─");
	assert_style(screen, 2, 3, "0;1;31");
	assert_true(screen_mode(screen, MODE_ORIGIN));
	show(screen, "\033[s\033[3;1H\033[ux");
	assert_row(screen, 3, "~~─│");
	/* Left and right margins are not known. */
	show(screen, "\033[1;2s\033[ux");
	assert_row(screen, 3, "~~─│");
}

static void a_cursor_that_was_never_saved_is_at_home(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(9, 8, "\033[3;3H\033[1m\0338x");

	(void)state;
	assert_row(screen, 0, "x");
	assert_style(screen, 0, 0, "0");
}

static void resets_make_all_new(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(5, 8, LETTERS);

	(void)state;
	show(screen, "\r\n\033[2;3r\033[?6;1h\033[4h\033[?7;25l\033[1m\033(0\0337\033[!p");
	assert_row(screen, 0, "bbbbb");
	assert_int_equal(screen->bottom, 4);
	assert_false(screen_mode(screen, MODE_ORIGIN) || screen_mode(screen, MODE_INSERT));
	assert_true(screen_mode(screen, MODE_AUTOWRAP) && screen_mode(screen, MODE_CURSOR));
	show(screen, "\033[4;1Hq");
	assert_row(screen, 3, "qeeee");
	show(screen, "\033[?1049h\033[?2004h\033]4;1;#fff\a\033c");
	assert_shows(screen, "");
	assert_int_equal(screen->shown, SCREEN_PRIMARY);
	assert_false(screen_mode(screen, MODE_BRACKETED_PASTE));
	assert_int_equal(screen->history.n_rows, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cursor_moves_and_stops_at_the_edges),
		cmocka_unit_test(erasing_leaves_the_rest_as_it_is),
		cmocka_unit_test(characters_are_inserted_and_deleted_within_their_row),
		cmocka_unit_test(rows_are_inserted_and_deleted_between_the_margins),
		cmocka_unit_test(rows_scroll_between_the_margins),
		cmocka_unit_test(motion_stops_at_the_margins),
		cmocka_unit_test(the_origin_is_the_upper_margin_if_it_is_to_be),
		cmocka_unit_test(erased_cells_take_the_background_colour),
		cmocka_unit_test(a_background_colour_does_not_bleed_by_wrapping),
		cmocka_unit_test(the_screen_is_filled_for_alignment),
		cmocka_unit_test(tabs_are_set_and_cleared),
		cmocka_unit_test(the_cursor_is_saved_with_what_belongs_to_it),
		cmocka_unit_test(a_cursor_that_was_never_saved_is_at_home),
		cmocka_unit_test(resets_make_all_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
