#include "screen_fixture.h"

static void assert_resized(const char *text, uint16_t rows, uint16_t columns, const char *shows,
			   unsigned int x, unsigned int y)
{
	_cleanup_screen_ struct screen *screen = shown(4, 8, text);

	screen_resize(screen, rows, columns);
	assert_shows(screen, shows);
	assert_cursor(screen, x, y);
}

static void lines_wrap_anew(void **state)
{
	(void)state;
	assert_resized("abcdefghijkl\r\nx", 4, 12, "abcdefghijkl\nx\n", 1, 1);
	assert_resized("abcdefghijkl\r\nx", 4, 6, "abcdef\nghijkl\nx\n", 1, 2);
	assert_resized("abcdef\r\nx", 4, 3, "abc\ndef\nx\n", 1, 2);
	assert_resized("abcdefgh", 4, 20, "abcdefgh\n", 8, 0);
	assert_resized("日本語", 4, 5, "日本\n語\n", 2, 1);
	assert_resized("x日本語日", 4, 20, "x日本語日\n", 9, 0);
	assert_resized("", 9, 9, "", 0, 0);
}

static void what_does_not_fit_goes_into_the_history(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(4, 8, "1\r\n2\r\n3\r\n4");

	(void)state;
	screen_resize(screen, 2, 8);
	assert_shows(screen, "3\n4\n");
	assert_cursor(screen, 1, 1);
	assert_int_equal(screen->history.n_rows, 2);
	screen_resize(screen, 4, 8);
	assert_shows(screen, "3\n4\n");
}

static void blank_rows_below_the_cursor_make_way_first(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(6, 8, "1\r\n2");

	(void)state;
	screen_resize(screen, 2, 8);
	assert_shows(screen, "1\n2\n");
	assert_int_equal(screen->history.n_rows, 0);
}

static void the_cursor_stays_on_the_screen(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(4, 8, "1\r\n2\r\n3\r\n4\033[1;1H");

	(void)state;
	screen_resize(screen, 2, 8);
	assert_shows(screen, "1\n2\n");
	assert_cursor(screen, 0, 0);
	show(screen, "\033[2;8H");
	screen_resize(screen, 2, 3);
	assert_cursor(screen, 2, 1);
}

static void the_alternate_screen_is_cut(void **state)
{
	_cleanup_screen_ struct screen *screen =
		shown(4, 8, "abcdefghij\033[?1049h\033[Habcdefghij\r\n日日日日");

	(void)state;
	screen_resize(screen, 4, 5);
	assert_shows(screen, "abcde\nij\n日日\n");
	screen_resize(screen, 2, 5);
	show(screen, "\033[?1049lx");
	assert_shows(screen, "fghij\nx\n");
}

static void margins_are_the_edges_again(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(8, 8, "\033[2;4r\033[3g");

	(void)state;
	screen_resize(screen, 9, 20);
	assert_int_equal(screen->top, 0);
	assert_int_equal(screen->bottom, 8);
	/* Columns that were not there have tabs. */
	show(screen, "\r\t");
	assert_cursor(screen, 8, 0);
}

static void sizes_are_clamped(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(0, 0, "abc");

	(void)state;
	assert_int_equal(screen->rows, 1);
	assert_row(screen, 0, "c");
	screen_resize(screen, 65535, 65535);
	assert_int_equal(screen->rows, SCREEN_SIZE_MAX);
	assert_int_equal(screen->columns, SCREEN_SIZE_MAX);
	show(screen, "\033[65535;65535Hx");
	assert_cursor(screen, SCREEN_SIZE_MAX - 1, SCREEN_SIZE_MAX - 1);
	screen_resize(screen, 0, 0);
	assert_cursor(screen, 0, 0);
}

static void a_large_screen_is_made_small_without_painting_what_is_forgotten(void **state)
{
	_cleanup_screen_ struct screen *screen = screen_new(SCREEN_SIZE_MAX, SCREEN_SIZE_MAX);

	(void)state;
	for (int i = 0; i < SCREEN_SIZE_MAX * SCREEN_SIZE_MAX / 10; i++)
		show(screen, "0123456789");
	screen_resize(screen, 1, 1);
	assert_row(screen, 0, "9");
	assert_int_equal(screen->history.n_rows, SCREEN_HISTORY_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_wrap_anew),
		cmocka_unit_test(what_does_not_fit_goes_into_the_history),
		cmocka_unit_test(blank_rows_below_the_cursor_make_way_first),
		cmocka_unit_test(the_cursor_stays_on_the_screen),
		cmocka_unit_test(the_alternate_screen_is_cut),
		cmocka_unit_test(margins_are_the_edges_again),
		cmocka_unit_test(sizes_are_clamped),
		cmocka_unit_test(a_large_screen_is_made_small_without_painting_what_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
