#include "screen_fixture.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

static void renditions_are_kept(void **state)
{
	static const struct {
		const char *text, *style;
	} cases[] = {
		{ "\033[1;2;3;4;5;7;8;9;53m", "0;1;2;3;5;7;8;9;53;4" },
		{ "\033[1;2;3;4;5;7;8;9;53m\033[22;23;24;25;27;28;29;55m", "0" },
		{ "\033[1;31m\033[m", "0" },
		{ "\033[1;31m\033[;4m", "0;4" },
		{ "\033[6m", "0;5" },
		{ "\033[4:3m", "0;4:3" },
		{ "\033[21m", "0;21" },
		{ "\033[4:2m", "0;21" },
		{ "\033[4:3m\033[4:0m", "0" },
		{ "\033[4:3m\033[4m", "0;4" },
		{ "\033[4:9m", "0" },
		{ "\033[31;42m", "0;31;42" },
		{ "\033[97;100m", "0;97;100" },
		{ "\033[31;42;39;49m", "0" },
		{ "\033[38;5;200m", "0;38;5;200" },
		{ "\033[38;5;1m", "0;38;5;1" },
		{ "\033[48:5:17m", "0;48;5;17" },
		{ "\033[38;2;1;2;3m", "0;38;2;1;2;3" },
		{ "\033[38:2:1:2:3m", "0;38;2;1;2;3" },
		{ "\033[48:2::1:2:3m", "0;48;2;1;2;3" },
		{ "\033[48:2::1:2:3:4:5;1m", "0;1;48;2;1;2;3" },
		{ "\033[58:2::1:2:3m", "0;58:2::1:2:3" },
		{ "\033[58;5;9m", "0;58:5:9" },
		{ "\033[58;5;9;59m", "0" },
		{ "\033[38;5;200;1m", "0;1;38;5;200" },
		{ "\033[38;2;1;2;3;1m", "0;1;38;2;1;2;3" },
		/* What is no colour changes none. */
		{ "\033[31;38;5;256m", "0;31" },
		{ "\033[31;38;2;1;2;300m", "0;31" },
		{ "\033[31;38m", "0;31" },
		{ "\033[31;38;9;1m", "0;1;31" },
		{ "\033[31;60;77m", "0;31" },
		/* vim's modifyOtherKeys and other sequences that end as this one does. */
		{ "\033[>4;2m\033[?4m", "0" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_screen_ struct screen *screen = shown(1, 9, cases[i].text);

		show(screen, "x");
		assert_style(screen, 0, 0, cases[i].style);
	}
}

static const char *link_at(const struct screen *screen, unsigned int x)
{
	struct cell cell = row_cell(screen_row(screen, 0), x);

	return cell.link ? ((const struct link *)intern_get(&screen->links, cell.link))->text : "";
}

static void text_is_linked(void **state)
{
	_cleanup_screen_ struct screen *screen =
		shown(1, 20, "\033]8;;http://a/\033\\a\033]8;id=1;http://b/\ab");

	(void)state;
	show(screen, "\033[mc\033]8;;\ad\033]8;;http://a/\ae");
	assert_string_equal(link_at(screen, 0), ";http://a/");
	assert_string_equal(link_at(screen, 1), "id=1;http://b/");
	assert_string_equal(link_at(screen, 2), "id=1;http://b/");
	assert_string_equal(link_at(screen, 3), "");
	assert_int_equal(row_cell(screen_row(screen, 0), 0).link,
			 row_cell(screen_row(screen, 0), 4).link);
	/* Neither a link that is too long nor one that is no text. */
	show(screen, "\033]8;;http://ü/\af");
	assert_string_equal(link_at(screen, 5), "");
	show(screen, "\033]8;;x:");
	for (int i = 0; i < LINK_MAX; i++)
		show(screen, "x");
	show(screen, "\ag");
	assert_string_equal(link_at(screen, 6), "");
}

/* A stream that never says the same twice. */
static void show_new_look(struct screen *screen, unsigned int n)
{
	char text[128];

	(void)snprintf(text, sizeof(text),
		       "\033[38;2;%u;%u;%u;48;2;%u;1;2m\033]8;;x:%u\ae\xcc%c\xcc%c", n & 255,
		       n >> 8 & 255, n >> 16 & 255, n * 7 & 255, n, 0x80 + (int)(n % 64),
		       0x80 + (int)(n / 64 % 64));
	show(screen, text);
}

static void what_is_not_shown_any_more_is_forgotten(void **state)
{
	_cleanup_screen_ struct screen *screen = screen_new(24, 80);

	(void)state;
	for (unsigned int n = 0; n < 200000; n++)
		show_new_look(screen, n);
	assert_true(screen->clusters.n > 24 && screen->links.n > 24);
	assert_true(screen->styles.n <= 2 * 24 * 80);
	assert_true(screen->styles.room <= 4095);
	assert_true(screen->clusters.room <= 8191);
	assert_true(screen->links.room <= LINKS_MAX);
}

static void what_is_shown_is_kept(void **state)
{
	_cleanup_screen_ struct screen *screen = screen_new(24, 80);
	char expected[64];

	(void)state;
	for (unsigned int n = 0; n < 24 * 80; n++)
		show_new_look(screen, n);
	/* Others come and go in the last cell. */
	for (unsigned int n = 100000; n < 150000; n++) {
		show(screen, "\033[24;80H");
		show_new_look(screen, n);
	}
	for (unsigned int n = 0; n < 24 * 80 - 1; n++) {
		(void)snprintf(expected, sizeof(expected), "0;38;2;%u;%u;%u;48;2;%u;1;2", n & 255,
			       n >> 8 & 255, n >> 16 & 255, n * 7 & 255);
		assert_style(screen, n % 80, n / 80, expected);
	}
}

static size_t memory_in_use(void)
{
	return mallinfo2().uordblks;
}

static void an_idle_terminal_takes_a_few_kilobytes(void **state)
{
	size_t before = memory_in_use();
	_cleanup_screen_ struct screen *screen =
		shown(24, 80,
		      "\033]0;user@host: ~\a\033[01;32muser@host\033[00m:"
		      "\033[01;34m~\033[00m$ ");

	(void)state;
	print_message("%zu bytes\n", memory_in_use() - before);
#ifndef SANITIZED /* which allocates by itself */
	assert_in_range(memory_in_use() - before, 1, 8 * 1024);
#endif
	assert_row(screen, 0, "user@host:~$ ");
}

/* The slowest bytes that are known of scroll a part of the largest screen, or reset it. */
static void no_sequence_makes_much_work(void **state)
{
	static const char *const sequences[] = {
		"\033#8",
		"\033[2J",
		"\033[999S",
		"\033[999T",
		"\033[999L",
		"\033[999M",
		"\033[999@",
		"\033[999P",
		"\033[999X",
		"x\033[65535b",
		"\033[4hx\033[65535b",
		"\033[?47h\033[?47l",
		"\033M",
		"\033[65535Z",
		"\033[65535I",
		"\033[2;999r",
		"\0337\0338",
		"\033[1;1H\033[J",
		"\033c",
		"\033#8\033[999S",
		"\033[3J",
	};
	_cleanup_screen_ struct screen *screen = screen_new(SCREEN_SIZE_MAX, SCREEN_SIZE_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sequences); i++) {
		size_t n = strlen(sequences[i]);
		clock_t begin;

		/* A full screen, within margins that are not its edges. */
		show(screen, "\033c\033[31;42m\033#8\033[2;999r\033[500;1H");
		begin = clock();
		for (size_t k = 0; k < 20000; k += n)
			screen_write(screen, sequences[i], n);
		print_message("%zu: %.0f ns a byte\n", i,
			      (double)(clock() - begin) * 1e9 / CLOCKS_PER_SEC / 20000);
		assert_true(clock() - begin < CLOCKS_PER_SEC / 2);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renditions_are_kept),
		cmocka_unit_test(text_is_linked),
		cmocka_unit_test(what_is_not_shown_any_more_is_forgotten),
		cmocka_unit_test(what_is_shown_is_kept),
		cmocka_unit_test(an_idle_terminal_takes_a_few_kilobytes),
		cmocka_unit_test(no_sequence_makes_much_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
