#include "common/parse.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/text.h"

static void assert_invalid(const struct error *err, const char *message)
{
	assert_int_equal(err->code, ERROR_INVALID_VALUE);
	if (!strstr(err->message, message))
		fail_msg("%s", err->message);
}

/* --- Numbers --------------------------------------------------------------------------------- */

static void whole_numbers_within_bounds_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t value;
	} good[] = {
		{ "0", 0 }, { "7", 7 }, { "-5", -5 }, { "100", 100 }, { "007", 7 }, { "-0", 0 },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int64_t value = 77;

		assert_int_equal(parse_integer(good[i].text, -5, 100, &value, &err), 0);
		assert_int_equal(value, good[i].value);
	}
}

static void the_ends_of_64_bits_are_numbers(void **state)
{
	int64_t value = 0;
	struct error err;

	(void)state;
	assert_int_equal(parse_integer("9223372036854775807", INT64_MIN, INT64_MAX, &value, &err),
			 0);
	assert_true(value == INT64_MAX);
	assert_int_equal(parse_integer("-9223372036854775808", INT64_MIN, INT64_MAX, &value, &err),
			 0);
	assert_true(value == INT64_MIN);
	assert_int_equal(parse_integer("9223372036854775808", INT64_MIN, INT64_MAX, &value, &err),
			 -1);
	assert_true(value == INT64_MIN);
}

static void what_is_no_number_or_out_of_bounds_is_refused(void **state)
{
	static const char *const texts[] = { "",   " 1",  "1 ", "+1", "1x", "x",   "0x10",
					     "1.", "--1", "-",	"6",  "-6", "\t1", "1e3" };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int64_t value = 77;

		if (parse_integer(texts[i], -5, 5, &value, &err) == 0)
			fail_msg("\"%s\" was accepted", texts[i]);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
		assert_int_equal(value, 77);
	}
	assert_int_equal(parse_integer("6", -5, 5, &(int64_t){ 0 }, &err), -1);
	assert_invalid(&err, "6 is not between -5 and 5");
}

/* --- Durations ------------------------------------------------------------------------------- */

static void durations_are_read_as_milliseconds(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} good[] = {
		{ "0", 0 },
		{ "10", 10000 },
		{ "0.5", 500 },
		{ "1.25", 1250 },
		{ "500ms", 500 },
		{ "3s", 3000 },
		{ "2m", 120000 },
		{ "1h", 3600000 },
		{ "1m30s", 90000 },
		{ "1.5m", 90000 },
		{ "1h1m1s1ms", 3661001 },
		{ "0.0009", 0 },
		{ "1.9999s", 1999 },
		{ "-1", -1 },
		{ "1.2345678901234567890123", 1234 },
		{ "99999999h", 359999996400000 },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int64_t ms = 77;

		if (parse_duration_ms(good[i].text, &ms, &err) < 0)
			fail_msg("%s", err.message);
		if (ms != good[i].ms)
			fail_msg("\"%s\": %lld", good[i].text, (long long)ms);
	}
}

static void what_is_no_duration_is_refused(void **state)
{
	static const char *const texts[] = {
		"",	 "x",	 "-2",	"1x",	 "s",	  "1 s",
		".5",	 "1.",	 "1m2", "1m 2s", "1h-1m", "+1",
		"1.5.5", "soon", "1d",	"1ms2",	 "-1s",	  "9999999999999999999999"
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int64_t ms = 77;

		if (parse_duration_ms(texts[i], &ms, &err) == 0)
			fail_msg("\"%s\" was accepted: %lld", texts[i], (long long)ms);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
		assert_int_equal(ms, 77);
	}
}

/* --- Signals --------------------------------------------------------------------------------- */

static void signals_have_names_and_numbers(void **state)
{
	static const struct {
		const char *text;
		int number;
	} good[] = {
		{ "TERM", SIGTERM }, { "SIGTERM", SIGTERM }, { "sigterm", SIGTERM },
		{ "Kill", SIGKILL }, { "9", SIGKILL },	     { "1", SIGHUP },
		{ "usr1", SIGUSR1 }, { "WINCH", SIGWINCH },  { "SYS", SIGSYS },
		{ "io", SIGIO },     { "SIGPOLL", SIGPOLL }, { "SIGIOT", SIGABRT },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int number = 77;

		assert_int_equal(parse_signal(good[i].text, &number, &err), 0);
		assert_int_equal(number, good[i].number);
	}
}

static void real_time_signals_count_from_either_end(void **state)
{
	const struct {
		const char *text;
		int number;
	} good[] = {
		{ "RTMIN", SIGRTMIN },
		{ "SIGRTMIN+3", SIGRTMIN + 3 },
		{ "rtmin+30", SIGRTMIN + 30 },
		{ "RTMAX", SIGRTMAX },
		{ "sigrtmax-14", SIGRTMAX - 14 },
	};
	static const char *const bad[] = { "RTMIN+31", "RTMAX-31", "RTMIN-1", "RTMAX+1",
					   "RTMIN+",   "RTMIN+1x", "RT",      "RTMIN+-1" };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		int number = 77;

		assert_int_equal(parse_signal(good[i].text, &number, &err), 0);
		assert_int_equal(number, good[i].number);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse_signal(bad[i], &(int){ 0 }, &err) == 0)
			fail_msg("\"%s\" was accepted", bad[i]);
}

static void what_is_no_signal_is_refused(void **state)
{
	static const char *const texts[] = {
		"",   "0",	    "-9",    "65",    "SIG",	      "FOO",
		"9x", "SIGSIGTERM", " TERM", "TERM ", "999999999999", "averylongnamethatisnosignal"
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		int number = 77;

		if (parse_signal(texts[i], &number, &err) == 0)
			fail_msg("\"%s\" was accepted", texts[i]);
		assert_invalid(&err, "is no signal");
		assert_int_equal(number, 77);
	}
}

static void the_name_of_a_signal_is_read_back_as_its_number(void **state)
{
	char name[16];
	struct error err;

	(void)state;
	for (int number = 1; number <= SIGRTMAX; number++) {
		int back = 0;

		(void)signal_name(number, name, sizeof(name));
		assert_int_equal(parse_signal(name, &back, &err), 0);
		assert_int_equal(back, number);
	}
	assert_string_equal(signal_name(SIGTERM, name, sizeof(name)), "SIGTERM");
	assert_string_equal(signal_name(SIGRTMIN + 2, name, sizeof(name)), "SIGRTMIN+2");
	assert_string_equal(signal_name(0, name, sizeof(name)), "0");
}

/* --- Detach keys ----------------------------------------------------------------------------- */

static void assert_keys(const char *text, const char *keys)
{
	struct detach_keys detach = { .n = 77 };
	struct error err;

	if (parse_detach_keys(text, &detach, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(detach.n, strlen(keys));
	assert_memory_equal(detach.keys, keys, detach.n);
}

static void detach_keys_are_a_list_of_keys(void **state)
{
	(void)state;
	assert_keys("ctrl-p,ctrl-q", "\x10\x11");
	assert_keys("CTRL-P,Ctrl-q", "\x10\x11");
	assert_keys("ctrl-a,d", "\x01"
				"d");
	assert_keys("ctrl-[", "\x1b");
	assert_keys("ctrl-\\,ctrl-],ctrl-^,ctrl-_", "\x1c\x1d\x1e\x1f");
	assert_keys("~,.", "~.");
	assert_keys("A,a", "Aa");
	assert_keys("", "");
	assert_keys("none", "");
	assert_keys("a,b,c,d,e,f,g,h", "abcdefgh");
}

static void what_is_no_list_of_keys_is_refused(void **state)
{
	static const char *const texts[] = {
		",",	 "a,", "ab",   "ctrl-", "ctrl-1", "ctrl-ab",	       "a,,b",	 "ctrl- ",
		"alt-a", " ",  "\x1b", "\x7f",	"a b",	  "a,b,c,d,e,f,g,h,i", "ctrl-~", "none,a"
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct detach_keys detach = { .n = 77 };

		if (parse_detach_keys(texts[i], &detach, &err) == 0)
			fail_msg("\"%s\" was accepted", texts[i]);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
		assert_int_equal(detach.n, 77);
	}
}

/* --- Environments ---------------------------------------------------------------------------- */

static void a_variable_is_set_or_taken_from_here(void **state)
{
	_cleanup_(strv_freep) char **environment = NULL;
	struct error err;

	(void)state;
	assert_int_equal(setenv("DOKRUST_TEST_HERE", "this=that", 1), 0);
	assert_int_equal(unsetenv("DOKRUST_TEST_GONE"), 0);
	assert_int_equal(parse_environment("A=1", &environment, &err), 0);
	assert_int_equal(parse_environment("B=", &environment, &err), 0);
	assert_int_equal(parse_environment("C=x=y", &environment, &err), 0);
	assert_int_equal(parse_environment("A=2", &environment, &err), 0);
	assert_int_equal(parse_environment("DOKRUST_TEST_HERE", &environment, &err), 0);
	assert_int_equal(parse_environment("DOKRUST_TEST_GONE", &environment, &err), 0);
	assert_int_equal(strv_length(environment), 4);
	assert_string_equal(strv_get(environment, "A"), "2");
	assert_string_equal(strv_get(environment, "B"), "");
	assert_string_equal(strv_get(environment, "C"), "x=y");
	assert_string_equal(strv_get(environment, "DOKRUST_TEST_HERE"), "this=that");
	assert_int_equal(parse_environment("=x", &environment, &err), -1);
	assert_invalid(&err, "\"=x\": a variable is KEY=VALUE");
	assert_int_equal(parse_environment("", &environment, &err), -1);
	assert_int_equal(strv_length(environment), 4);
}

static char *make_file(const void *text, size_t n)
{
	char *path = alloc_strdup("/tmp/test-parse-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, n), 0);
	fd_close(fd);
	return path;
}

/* Reads a file of that text; returns what parse_environment_file does. */
static int read_file(const char *text, size_t n, char ***environment, struct error *err)
{
	_cleanup_(freep) char *path = make_file(text, n);
	int r = parse_environment_file(path, environment, err);

	assert_int_equal(unlink(path), 0);
	return r;
}

static void a_file_of_variables_may_have_comments_and_any_line_ends(void **state)
{
	static const char text[] = "# comment\n\nA=1\r\n  B=two words \n#C=3\nD='quoted'\n\t\nE=#x";
	_cleanup_(strv_freep) char **environment = NULL;
	struct error err;

	(void)state;
	assert_int_equal(read_file(text, sizeof(text) - 1, &environment, &err), 0);
	assert_int_equal(strv_length(environment), 4);
	assert_string_equal(strv_get(environment, "A"), "1");
	assert_string_equal(strv_get(environment, "B"), "two words ");
	assert_string_equal(strv_get(environment, "D"), "'quoted'");
	assert_string_equal(strv_get(environment, "E"), "#x");
}

static void errors_in_a_file_name_file_and_line(void **state)
{
	_cleanup_(strv_freep) char **environment = NULL;
	_cleanup_(freep) char *large = alloc_zero(1, 70000);
	struct error err;

	(void)state;
	assert_int_equal(read_file("A=1\n\n=2\n", 8, &environment, &err), -1);
	assert_invalid(&err, ":3: \"=2\"");
	assert_int_equal(read_file("A B=1\n", 6, &environment, &err), -1);
	assert_invalid(&err, ":1: a variable's name has no white space");
	assert_int_equal(read_file("A=1\0B=2\n", 8, &environment, &err), -1);
	assert_invalid(&err, "it has a NUL in it");
	(void)memset(large, 'x', 70000);
	assert_int_equal(read_file(large, 70000, &environment, &err), -1);
	assert_int_equal(err.sys_errno, EFBIG);
	assert_int_equal(parse_environment_file("/nonexistent/env", &environment, &err), -1);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_non_null(strstr(err.message, "/nonexistent/env"));
}

/* --- Nearest --------------------------------------------------------------------------------- */

static void assert_nearest(const char *text, const char *expected)
{
	static const char *const words[] = { "run",	"rename", "restart", "stop",	"start",
					     "inspect", "info",	  "attach",  "version", NULL };
	const char *nearest = parse_nearest(text, words);

	if (!expected && nearest)
		fail_msg("\"%s\" is said to be \"%s\"", text, nearest);
	if (expected)
		assert_string_equal(nearest ? nearest : "", expected);
}

static void the_nearest_word_is_found(void **state)
{
	(void)state;
	assert_nearest("rnu", "run");
	assert_nearest("strat", "start");
	assert_nearest("attahc", "attach");
	assert_nearest("isnpect", "inspect");
	assert_nearest("verison", "version");
	assert_nearest("ins", "inspect");
	assert_nearest("stopp", "stop");
}

static void nothing_is_near_to_what_is_far(void **state)
{
	(void)state;
	assert_nearest("", NULL);
	assert_nearest("x", NULL);
	assert_nearest("zz", NULL);
	assert_nearest("completely", NULL);
	assert_nearest("re", NULL); /* several begin so */
	assert_nearest("this-is-a-very-long-word-of-no-use-here", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_numbers_within_bounds_are_read),
		cmocka_unit_test(the_ends_of_64_bits_are_numbers),
		cmocka_unit_test(what_is_no_number_or_out_of_bounds_is_refused),
		cmocka_unit_test(durations_are_read_as_milliseconds),
		cmocka_unit_test(what_is_no_duration_is_refused),
		cmocka_unit_test(signals_have_names_and_numbers),
		cmocka_unit_test(real_time_signals_count_from_either_end),
		cmocka_unit_test(what_is_no_signal_is_refused),
		cmocka_unit_test(the_name_of_a_signal_is_read_back_as_its_number),
		cmocka_unit_test(detach_keys_are_a_list_of_keys),
		cmocka_unit_test(what_is_no_list_of_keys_is_refused),
		cmocka_unit_test(a_variable_is_set_or_taken_from_here),
		cmocka_unit_test(a_file_of_variables_may_have_comments_and_any_line_ends),
		cmocka_unit_test(errors_in_a_file_name_file_and_line),
		cmocka_unit_test(the_nearest_word_is_found),
		cmocka_unit_test(nothing_is_near_to_what_is_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
