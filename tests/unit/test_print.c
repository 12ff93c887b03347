#include "client/print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/json.h"

/* Standard output or standard error, caught in a pipe. */
struct catch
{
	FILE *stream;
	int saved, pipe[2];
	char text[4096];
};

static void catch_begin(struct catch *catch, FILE *stream)
{
	assert_int_equal(fflush(stream), 0);
	catch->stream = stream;
	catch->saved = dup(fileno(stream));
	assert_true(catch->saved >= 0);
	assert_int_equal(pipe(catch->pipe), 0);
	assert_true(dup2(catch->pipe[1], fileno(stream)) >= 0);
}

static const char *catch_end(struct catch *catch)
{
	ssize_t n;

	assert_int_equal(fflush(catch->stream), 0);
	assert_true(dup2(catch->saved, fileno(catch->stream)) >= 0);
	fd_close(catch->saved);
	fd_close(catch->pipe[1]);
	n = fd_read_full(catch->pipe[0], catch->text, sizeof(catch->text) - 1);
	fd_close(catch->pipe[0]);
	assert_true(n >= 0);
	catch->text[n] = '\0';
	return catch->text;
}

/* --- Messages -------------------------------------------------------------------------------- */

static void an_error_is_one_line_with_nothing_in_it_that_acts(void **state)
{
	struct catch catch;
	struct error err;

	(void)state;
	(void)error_set(&err, ERROR_FAILED, "no \"%s\"", "\x1b[2J");
	catch_begin(&catch, stderr);
	print_failure(&err, "stop %s", "a\nb");
	print_remark("%d\t%s", 7, "\xc3\xa4");
	assert_string_equal(catch_end(&catch), "dokrustctl: stop a\\x0ab: no \"\\x1b[2J\"\n"
					       "dokrustctl: 7\\x09\xc3\xa4\n");
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void print(const char *text, bool indented, const char *expected)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct catch catch;
	struct error err;

	assert_int_equal(json_parse(text, strlen(text), &object, &err), 0);
	catch_begin(&catch, stdout);
	print_json(object, indented);
	assert_string_equal(catch_end(&catch), expected);
}

static void json_is_a_line_or_indented(void **state)
{
	(void)state;
	print("{ \"a\": [1, \"/x\"], \"b\": null }", false, "{\"a\":[1,\"/x\"],\"b\":null}\n");
	print("{\"a\":{\"b\":true}}", true, "{\n  \"a\": {\n    \"b\": true\n  }\n}\n");
}

static void control_characters_in_json_are_escaped(void **state)
{
	(void)state;
	print("{\"a\":\"\\u001b[2J\x7f\"}", false, "{\"a\":\"\\u001b[2J\\u007f\"}\n");
	print("{\"\xc2\x9b\":\"\xc2\x80\xc2\x9f\"}", false, "{\"\\u009b\":\"\\u0080\\u009f\"}\n");
	print("{\"a\":\"\xc2\xa0\xc3\xa4\xe2\x82\xac\"}", false,
	      "{\"a\":\"\xc2\xa0\xc3\xa4\xe2\x82\xac\"}\n");
}

/* --- Tables ---------------------------------------------------------------------------------- */

static void columns_are_as_wide_as_what_is_in_them(void **state)
{
	static const char *const cells[] = {
		"NAME", "STATUS", "x", "Up", "a-long-name", "Created"
	};
	_cleanup_(table_done) struct table table;
	struct catch catch;

	(void)state;
	table_init(&table, 2);
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		table_add(&table, cells[i]);
	catch_begin(&catch, stdout);
	table_print(&table);
	assert_string_equal(catch_end(&catch), "NAME          STATUS\n"
					       "x             Up\n"
					       "a-long-name   Created\n");
}

static void a_cell_counts_by_characters_and_is_escaped(void **state)
{
	static const char *const cells[] = { "A", "B", "\xc3\xa4\xc3\xb6", "x", "\n", "y" };
	_cleanup_(table_done) struct table table;
	struct catch catch;

	(void)state;
	table_init(&table, 2);
	for (size_t i = 0; i < ARRAY_SIZE(cells); i++)
		table_add(&table, cells[i]);
	catch_begin(&catch, stdout);
	table_print(&table);
	assert_string_equal(catch_end(&catch), "A      B\n"
					       "\xc3\xa4\xc3\xb6     x\n"
					       "\\x0a   y\n");
}

static void a_table_may_be_large_or_empty(void **state)
{
	struct table table;
	struct catch catch;

	(void)state;
	table_init(&table, 3);
	for (int i = 0; i < 300; i++)
		table_add(&table, "x");
	assert_int_equal(table.n_cells, 300);
	table_done(&table);
	catch_begin(&catch, stdout);
	table_print(&table);
	assert_string_equal(catch_end(&catch), "");
	table_done(&table);
}

/* --- Words ----------------------------------------------------------------------------------- */

static void durations_are_worded_as_docker_does(void **state)
{
	static const struct {
		int64_t s;
		const char *words;
	} cases[] = {
		{ -5, "Less than a second" },
		{ 0, "Less than a second" },
		{ 1, "1 second" },
		{ 2, "2 seconds" },
		{ 59, "59 seconds" },
		{ 60, "About a minute" },
		{ 119, "About a minute" },
		{ 120, "2 minutes" },
		{ 3599, "59 minutes" },
		{ 3600, "About an hour" },
		{ 5399, "About an hour" },
		{ 5400, "2 hours" },
		{ 47 * 3600, "47 hours" },
		{ 48 * 3600 - 1800, "2 days" },
		{ 13 * 86400, "13 days" },
		{ 14 * 86400, "2 weeks" },
		{ 59 * 86400, "8 weeks" },
		{ 60 * 86400, "2 months" },
		{ 729 * 86400, "24 months" },
		{ 730 * 86400, "2 years" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char buffer[PRINT_DURATION_SIZE];

		assert_string_equal(print_duration(cases[i].s * 1000000, buffer), cases[i].words);
	}
}

static void sizes_have_four_figures_and_a_unit(void **state)
{
	char buffer[PRINT_BYTES_SIZE];

	(void)state;
	assert_string_equal(print_bytes(0, buffer), "0B");
	assert_string_equal(print_bytes(1023, buffer), "1023B");
	assert_string_equal(print_bytes(1536, buffer), "1.5KiB");
	assert_string_equal(print_bytes(8217534464, buffer), "7.653GiB");
	assert_string_equal(print_bytes(INT64_MAX, buffer), "8192PiB");
}

static void assert_shortened(const char *text, size_t n, const char *expected)
{
	_cleanup_(freep) char *shown = print_shorten(text, n);

	assert_string_equal(shown, expected);
}

static void long_text_is_cut_between_characters(void **state)
{
	(void)state;
	assert_shortened("", 3, "");
	assert_shortened("abc", 3, "abc");
	assert_shortened("abcdef", 3, "ab\xe2\x80\xa6");
	assert_shortened("abcd", 3, "ab\xe2\x80\xa6");
	assert_shortened("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 4, "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4");
	assert_shortened("\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4", 3, "\xc3\xa4\xc3\xa4\xe2\x80\xa6");
}

static void an_array_of_strings_is_joined(void **state)
{
	static const char text[] = "{\"many\":[\"a\",\"\",\"b c\"],\"none\":[],\"null\":null,"
				   "\"odd\":[null,1],\"text\":\"x\"}";
	static const struct {
		const char *key, *joined;
	} cases[] = {
		{ "many", "a, , b c" }, { "none", "" }, { "null", "" },
		{ "odd", ", 1" },	{ "text", "" }, { "absent", "" },
	};
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct error err;

	(void)state;
	assert_int_equal(json_parse(text, strlen(text), &object, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(freep) char *joined =
			print_join(json_object_object_get(object, cases[i].key), ", ");

		assert_string_equal(joined, cases[i].joined);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_is_one_line_with_nothing_in_it_that_acts),
		cmocka_unit_test(json_is_a_line_or_indented),
		cmocka_unit_test(control_characters_in_json_are_escaped),
		cmocka_unit_test(columns_are_as_wide_as_what_is_in_them),
		cmocka_unit_test(a_cell_counts_by_characters_and_is_escaped),
		cmocka_unit_test(a_table_may_be_large_or_empty),
		cmocka_unit_test(durations_are_worded_as_docker_does),
		cmocka_unit_test(sizes_have_four_figures_and_a_unit),
		cmocka_unit_test(long_text_is_cut_between_characters),
		cmocka_unit_test(an_array_of_strings_is_joined),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
