#include "screen_fixture.h"

#include <stdio.h>

/* Streams with states in them of all kinds that a snapshot has to carry. */
static const char *const streams[] = {
	"",
	"text\r\nmore",
	"\033[1;38;5;9mred\033[48;2;1;2;3m on\033[K\r\n\033[4:3;58:2::9:8:7mcurly",
	"\033[41m\033[2J\033[3;4H\033[5X\033[44m\033[2@x\033[0m\033[5;5H\033[1K",
	"\033[1;20Hab\033[1mc",
	"\033[1;19H日\033[2m",
	"\033[5;20Hwrapping here, and on",
	"日本語 e\u0301 👩\u200d💻\u200d",
	"\033(0lqk\033)A\016#\033*0\033n\033N",
	"\033(0a\033Nq",
	"\033(A\033*0\033O#",
	"\033[3;6r\033[?6h\033[2;3Hx\033[?7l",
	"\033[4habc\033[D",
	"abc\033[4hd",
	"\033[2;2H\033[31m\0337\033[5;5H\033(0",
	"\033[1;18Habc\0337\033[H",
	"shell\033[?1049hediting\033[?1h\033=\033[?1000;1006h\033[?2004h",
	"shell\0337\r\n\033[?47h\033[3;3Hmc\0337\033[4;4H",
	"a\033[3;3H\033[?1049h\033[?1049lb\033[4;4H\0337",
	"\033[3;3H\0337\033[4;4H\033[?1049h\033[?1049l",
	"\033[3g\033[5G\033H\033[11G\033H",
	"\033[9G\033[g\r",
	"\033#8\033[2;3Hx",
	"\033]0;a title\a\033[22;0t\033]2;another\a\033[22;2t",
	"\033]4;1;#123456;200;rgb:1/2/3\a\033]104;1\a\033]11;#fff\a\033]10;#000\a\033]110\a",
	"\033]8;id=x;http://a/\ahere\033]8;;\athere\033]8;;http://b/\a",
	"\033[5 q\033[?25l\033[?12h\033[?1034l\033[>4;2m\033[>1;3m",
	"\033[>1u\033[>5u\033[?1049h\033[=3u",
	"\033[?2026hhalf a frame",
	"x\033[3b\033[2",
	"\033[38;2;1",
	"\033]2;half a tit",
	"\033]52;c;QUJD\033",
	"\033P1$qm",
	"\xe6\x97",
	"\033[3;5r\033[4;1H\n\n\033M",
	"\033[20h\033[?5h\033[?9h\033[?66h\033[?1016h\033[?1015h",
};

static void assert_same(const struct screen *a, const struct screen *b)
{
	_cleanup_(freep) char *left = snapshot_of(a, 0), *right = snapshot_of(b, 0);

	assert_string_equal(left, right);
}

static void a_screen_that_is_sent_a_snapshot_has_the_same_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		_cleanup_screen_ struct screen *screen = shown(6, 20, streams[i]), *copy = NULL;

		copy = copy_of(screen);
		assert_same(screen, copy);
		assert_int_equal(screen->cursor.x, copy->cursor.x);
		assert_int_equal(screen->cursor.y, copy->cursor.y);
		assert_int_equal(screen->cursor.wraps, copy->cursor.wraps);
	}
}

static void what_follows_a_snapshot_has_the_same_effect(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(streams); k++) {
			_cleanup_screen_ struct screen *screen = shown(6, 20, streams[i]);
			_cleanup_screen_ struct screen *copy = copy_of(screen);

			show(screen, streams[k]);
			show(copy, streams[k]);
			assert_same(screen, copy);
		}
	}
}

static void every_cut_of_a_stream_is_as_good_as_another(void **state)
{
	char all[4096] = "";
	size_t n;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++)
		(void)strcat(all, streams[i]);
	n = strlen(all);
	for (size_t cut = 0; cut <= n; cut++) {
		_cleanup_screen_ struct screen *whole = shown(6, 20, all);
		_cleanup_screen_ struct screen *first = screen_new(6, 20), *later = NULL;

		screen_write(first, all, cut);
		later = copy_of(first);
		show(later, all + cut);
		assert_same(whole, later);
	}
}

static void a_snapshot_does_not_depend_on_what_was_there(void **state)
{
	static const char *const before[] = {
		"\033[2;4r\033[?6h\033[?7l\033[4h\033(0\033)0\016\033[41;1mxyz",
		"\033[?1049h\033[3;3Hfull screen\033[7m\033[?25l\033[?1003h\033[?1006h",
		"\033]0;half a title",
		"\033P1;2q half an image",
		"\xf0\x9f\x91",
		"\033[20h\033[?2026h\033[?5h\033[3g\033]8;;http://x/\alink\033N",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(before); i++) {
		_cleanup_screen_ struct screen *screen =
			shown(6, 20, "\033[32mprompt\033[m $ \033[K");
		_cleanup_screen_ struct screen *other = shown(6, 20, before[i]);
		_cleanup_(freep) char *snapshot = snapshot_of(screen, 0);

		show(other, snapshot);
		assert_shows(other, "prompt $ \n");
		assert_style(other, 0, 0, "0;32");
		assert_cursor(other, 9, 0);
		show(other, "x\033[4;1H\n\ny\tz");
		assert_style(other, 9, 0, "0");
		assert_row(other, 5, "y~~~~~~~z");
	}
}

static void rows_of_the_history_are_scrolled_in(void **state)
{
	_cleanup_screen_ struct screen *screen = screen_new(3, 10),
				       *viewer = shown(3, 10, "own\r\n\033[7mtext");
	_cleanup_(freep) char *snapshot = NULL;
	struct history_walk walk;
	struct history_row row;
	char text[256] = "";

	(void)state;
	for (int i = 0; i < 8; i++) {
		char line[64];

		(void)snprintf(line, sizeof(line), "\033[3%dmrow %d\033[m\r\n", i, i);
		show(screen, line);
	}
	show(screen, "$ ");
	assert_int_equal(screen->history.n_rows, 6);
	snapshot = snapshot_of(screen, 3);
	show(viewer, snapshot);
	assert_shows(viewer, "row 6\nrow 7\n$ \n");
	history_walk_newest(&viewer->history, 100, &walk);
	while (history_walk_next(&walk, &row)) {
		(void)strncat(text, row.data[0], row.n[0]);
		(void)strncat(text, row.data[1], row.n[1]);
		(void)strcat(text, "|");
	}
	/* What the viewer had, then the newest three. */
	assert_string_equal(text, "own|\033[7mtext\033[m||\033[33mrow 3\033[m|\033[34mrow 4\033[m|"
				  "\033[35mrow 5\033[m|");
}

static void a_repaint_leaves_the_scrollback_alone(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(3, 10, "1\r\n2\r\n3\r\n4\r\n5"),
				       *copy = NULL;

	(void)state;
	copy = copy_of(screen);
	assert_int_equal(screen->history.n_rows, 2);
	assert_int_equal(copy->history.n_rows, 0);
}

static void wrapped_lines_are_painted_as_such(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(8, 4, "abcdefghij\r\nxy日本\r\nxyz日"),
				       *copy = NULL;

	(void)state;
	copy = copy_of(screen);
	assert_true(screen_row(copy, 0)->goes_on && screen_row(copy, 1)->goes_on);
	assert_false(screen_row(copy, 2)->goes_on);
	assert_true(screen_row(copy, 3)->goes_on && screen_row(copy, 5)->goes_on);
	show(screen, "\033[1;2H\033[K");
	assert_false(screen_row(screen, 0)->goes_on);
}

static void the_history_is_bounded(void **state)
{
	_cleanup_screen_ struct screen *screen = screen_new(3, 1000);
	char cell[64];

	(void)state;
	for (int i = 0; i < 5000; i++)
		show(screen, "short\r\n");
	assert_int_equal(screen->history.n_rows, SCREEN_HISTORY_MAX);
	assert_true(screen->history.size <= 16 * 1024);
	for (int i = 0; i < 200000; i++) {
		(void)snprintf(cell, sizeof(cell), "\033[38;2;1;2;%d;48;2;1;%d;3mx", i & 255,
			       i >> 8 & 255);
		show(screen, cell);
	}
	assert_true(screen->history.size <= HISTORY_BYTES_MAX);
	assert_true(screen->history.n_rows > 10 && screen->history.n_rows < SCREEN_HISTORY_MAX);
	show(screen, "\033[3J");
	assert_int_equal(screen->history.size, 0);
}

static void a_snapshot_of_the_worst_screen_is_bounded(void **state)
{
	_cleanup_screen_ struct screen *screen = screen_new(SCREEN_SIZE_MAX, SCREEN_SIZE_MAX);
	_cleanup_(freep) char *snapshot = NULL;
	size_t n;

	(void)state;
	for (int i = 0; i < SCREEN_SIZE_MAX * SCREEN_SIZE_MAX; i++)
		show(screen, i & 1 ? "\033[38;2;111;122;133;48;2;144;155;166m日" :
				     "\033[38;2;111;122;133;48;2;144;155;167me\u0301\u0302\u0303");
	snapshot = screen_snapshot(screen, SCREEN_HISTORY_MAX, &n);
	assert_non_null(snapshot);
	assert_in_range(n, 8 * 1024 * 1024, 16 * 1024 * 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_screen_that_is_sent_a_snapshot_has_the_same_one),
		cmocka_unit_test(what_follows_a_snapshot_has_the_same_effect),
		cmocka_unit_test(every_cut_of_a_stream_is_as_good_as_another),
		cmocka_unit_test(a_snapshot_does_not_depend_on_what_was_there),
		cmocka_unit_test(rows_of_the_history_are_scrolled_in),
		cmocka_unit_test(a_repaint_leaves_the_scrollback_alone),
		cmocka_unit_test(wrapped_lines_are_painted_as_such),
		cmocka_unit_test(the_history_is_bounded),
		cmocka_unit_test(a_snapshot_of_the_worst_screen_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
