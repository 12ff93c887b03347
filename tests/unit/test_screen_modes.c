#include "screen_fixture.h"

#define assert_answers(screen, text, expected)                     \
	do {                                                       \
		show(screen, text);                                \
		assert_string_equal(answers_of(screen), expected); \
	} while (0)

static void modes_are_set_and_reset_and_told(void **state)
{
	_cleanup_screen_ struct screen *screen = screen_new(24, 80);

	(void)state;
	assert_answers(screen, "\033[?1$p\033[?7$p\033[4$p\033[?9999$p",
		       "\033[?1;2$y\033[?7;1$y\033[4;2$y\033[?9999;0$y");
	assert_answers(screen,
		       "\033[?1;2004;1004h\033[4h\033[?7l\033[?1$p\033[?2004$p\033[?7$p\033[4$p",
		       "\033[?1;1$y\033[?2004;1$y\033[?7;2$y\033[4;1$y");
	assert_answers(screen, "\033=\033[?66$p\033>\033[?66$p", "\033[?66;1$y\033[?66;2$y");
	assert_answers(screen, "\033[?1049$p\033[?47h\033[?1049$p", "\033[?1049;2$y\033[?1049;1$y");
}

static void there_is_one_mouse_mode_at_a_time(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(24, 80, "\033[?1000h\033[?1003h");

	(void)state;
	assert_answers(screen, "\033[?1000$p\033[?1003$p", "\033[?1000;2$y\033[?1003;1$y");
	assert_answers(screen, "\033[?1002l\033[?1003$p", "\033[?1003;2$y");
}

static void a_newline_returns_if_it_is_to(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(3, 9, "a\nb\033[20h\nc");

	(void)state;
	assert_shows(screen, "a\n~b\nc\n");
}

static void the_alternate_screen_leaves_the_primary_one_alone(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(3, 9, "shell\033[31m\033[?1049h");

	(void)state;
	assert_shows(screen, "");
	assert_cursor(screen, 5, 0);
	show(screen, "\033[H\033[32medit\r\n\n\n\n");
	assert_int_equal(screen->history.n_rows, 0);
	show(screen, "\033[?1049lx");
	assert_shows(screen, "shellx\n");
	assert_style(screen, 5, 0, "0;31");
	show(screen, "\033[?1049h");
	assert_shows(screen, "");
}

static void older_alternate_screens_keep_the_cursor_where_it_is(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(3, 9, "a\033[?47h\033[3;3Hb\033[?47lc");

	(void)state;
	assert_shows(screen, "a\n\n~~~c\n");
	show(screen, "\033[2;2H\0337\033[?1047h\033[3;1H\033[?1047l\0338x");
	assert_shows(screen, "a\n~x\n~~~c\n");
}

static void each_screen_has_a_saved_cursor(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(5, 9, "\033[2;2H\0337\033[3;3H\033[?1049h");

	(void)state;
	show(screen, "\033[4;4H\0337\033[H\0338");
	assert_cursor(screen, 3, 3);
	show(screen, "\033[?1049l");
	assert_cursor(screen, 2, 2);
	show(screen, "\0338");
	assert_cursor(screen, 1, 1);
	/* dialog leaves twice. */
	show(screen, "\033[?1049l");
	assert_cursor(screen, 2, 2);
}

static void leaving_a_screen_that_was_not_entered_does_nothing(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(5, 9, "\033[3;3H\033[?1049l\033[?47lx");

	(void)state;
	assert_row(screen, 2, "~~x");
}

static void programs_are_answered(void **state)
{
	static const struct {
		const char *text, *answer;
	} cases[] = {
		{ "\033[c", "\033[?62;22c" },
		{ "\033[0c", "\033[?62;22c" },
		{ "\033Z", "\033[?62;22c" },
		{ "\033[1c", "" },
		{ "\033[>c", "\033[>1;10;0c" },
		{ "\033[=c", "\033P!|00000000\033\\" },
		{ "\033[5n", "\033[0n" },
		{ "\033[6n", "\033[1;1R" },
		{ "\033[3;4H\033[?6n", "\033[?3;4;1R" },
		{ "\033[3;9r\033[?6h\033[2;4H\033[6n", "\033[2;4R" },
		{ "\033[>q", "\033P>|dokrust(" DOKRUST_VERSION ")\033\\" },
		{ "\033[14t\033[16t\033[18t\033[19t",
		  "\033[4;160;160t\033[6;16;8t\033[8;10;20t\033[9;10;20t" },
		/* What could be typed back is not told. */
		{ "\033]2;rm -rf\a\033[21t\033[20t\005", "" },
		{ "\033P$qm\033\\", "\033P1$r0m\033\\" },
		{ "\033[1;4:3;38;5;9m\033P$qm\033\\", "\033P1$r0;1;4:3;38;5;9m\033\\" },
		{ "\033[2;5r\033P$qr\033\\", "\033P1$r2;5r\033\\" },
		{ "\033[5 q\033P$q q\033\\", "\033P1$r5 q\033\\" },
		{ "\033P$q\"p\033\\", "\033P0$r\033\\" },
		{ "\033P+q544e\033\\", "\033P0+r\033\\" },
		{ "\033]10;?\a\033]11;?\a", "\033]10;rgb:e5e5/e5e5/e5e5\033\\"
					    "\033]11;rgb:0000/0000/0000\033\\" },
		{ "\033]11;rgb:12/34/56\a\033]10;#fff;?\a", "\033]11;rgb:1212/3434/5656\033\\" },
		{ "\033]4;1;?;196;?\a", "\033]4;1;rgb:cdcd/0000/0000\033\\"
					"\033]4;196;rgb:ffff/0000/0000\033\\" },
		{ "\033]4;1;#123\a\033]4;1;?\a", "\033]4;1;rgb:1010/2020/3030\033\\" },
		{ "\033[?u", "\033[?0u" },
		{ "\033[>5u\033[?u", "\033[?5u" },
		{ "\033[>4;2m\033[?4m", "\033[>4;2m" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_screen_ struct screen *screen = screen_new(10, 20);

		assert_answers(screen, cases[i].text, cases[i].answer);
	}
}

static void answers_that_nobody_takes_are_bounded(void **state)
{
	_cleanup_screen_ struct screen *screen = screen_new(10, 20);
	char answers[SCREEN_ANSWERS_MAX];
	size_t n;

	(void)state;
	for (int i = 0; i < 10000; i++)
		show(screen, "\033[c");
	n = screen_take_answers(screen, answers);
	assert_true(n > SCREEN_ANSWERS_MAX - 20);
	/* Whole ones. */
	assert_int_equal(answers[n - 1], 'c');
	assert_int_equal(screen_take_answers(screen, answers), 0);
	show(screen, "\033[c");
	assert_true(screen_take_answers(screen, NULL) > 0);
	assert_int_equal(screen_take_answers(screen, answers), 0);
}

static void titles_are_set_and_stacked(void **state)
{
	_cleanup_screen_ struct screen *screen =
		shown(10, 20, "\033]0;both\a\033[22;0t\033]2;window\033\\");

	(void)state;
	assert_string_equal(screen->titles[TITLE_WINDOW].text, "window");
	assert_string_equal(screen->titles[TITLE_ICON].text, "both");
	/* vim: each of them by itself. */
	show(screen, "\033[22;2t\033[22;1t\033]2;x\a\033]1;y\a\033[23;2t\033[23;1t");
	assert_string_equal(screen->titles[TITLE_WINDOW].text, "window");
	assert_string_equal(screen->titles[TITLE_ICON].text, "both");
	show(screen, "\033[23;0t\033[23;0t");
	assert_string_equal(screen->titles[TITLE_WINDOW].text, "both");
}

static void a_title_is_text_of_some_length(void **state)
{
	static const char *const refused[] = { "\033]2;a\xff\a", "\033]2;\xc2\x9b"
								 "1m\a" };
	_cleanup_screen_ struct screen *screen = shown(10, 20, "\033]2;good ü\a");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		show(screen, refused[i]);
		assert_string_equal(screen->titles[TITLE_WINDOW].text, "good ü");
	}
	show(screen, "\033]2;");
	for (int i = 0; i <= TITLE_MAX; i++)
		show(screen, "x");
	show(screen, "\a");
	assert_string_equal(screen->titles[TITLE_WINDOW].text, "good ü");
	for (int i = 0; i < 1000; i++)
		show(screen, "\033[22t");
	assert_int_equal(screen->titles[TITLE_WINDOW].depth, TITLE_STACK_MAX);
}

static void keyboard_flags_are_stacked_for_each_screen(void **state)
{
	_cleanup_screen_ struct screen *screen = shown(10, 20, "\033[>1u\033[>3u\033[=4;2u");

	(void)state;
	assert_answers(screen, "\033[?u", "\033[?7u");
	assert_answers(screen, "\033[?1049h\033[?u\033[>8u\033[?u", "\033[?0u\033[?8u");
	assert_answers(screen, "\033[?1049l\033[?u\033[<u\033[?u", "\033[?7u\033[?1u");
	assert_answers(screen, "\033[<99u\033[?u", "\033[?0u");
	for (int i = 0; i < 1000; i++)
		show(screen, "\033[>1u");
	assert_int_equal(screen->keyboards[SCREEN_PRIMARY].depth, KEYBOARD_STACK_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes_are_set_and_reset_and_told),
		cmocka_unit_test(there_is_one_mouse_mode_at_a_time),
		cmocka_unit_test(a_newline_returns_if_it_is_to),
		cmocka_unit_test(the_alternate_screen_leaves_the_primary_one_alone),
		cmocka_unit_test(older_alternate_screens_keep_the_cursor_where_it_is),
		cmocka_unit_test(each_screen_has_a_saved_cursor),
		cmocka_unit_test(leaving_a_screen_that_was_not_entered_does_nothing),
		cmocka_unit_test(programs_are_answered),
		cmocka_unit_test(answers_that_nobody_takes_are_bounded),
		cmocka_unit_test(titles_are_set_and_stacked),
		cmocka_unit_test(a_title_is_text_of_some_length),
		cmocka_unit_test(keyboard_flags_are_stacked_for_each_screen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
