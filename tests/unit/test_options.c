#include "client/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/parse.h"
#include "common/text.h"

/* Flags that lie beside each other: whoever writes more than a bool is seen. */
struct values {
	bool interactive, tty, init, help;
	char *name;
	char **env;
	int64_t timeout_ms;
	char **labels;
	bool json;
};

static const struct option table[] = {
	{ .name = "interactive",
	  .letter = 'i',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, interactive),
	  .help = "pass input on" },
	{ .name = "tty",
	  .letter = 't',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, tty),
	  .help = "have a terminal" },
	{ .name = "init",
	  .negatable = true,
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, init),
	  .help = "have an init" },
	{ .name = "name",
	  .letter = 'n',
	  .kind = OPTION_TEXT,
	  .offset = offsetof(struct values, name),
	  .argument = "NAME",
	  .help = "its name" },
	{ .name = "env",
	  .letter = 'e',
	  .kind = OPTION_TEXTS,
	  .offset = offsetof(struct values, env),
	  .argument = "KEY=VALUE",
	  .help = "a variable" },
	{ .name = "timeout",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, timeout_ms),
	  .argument = "SECONDS",
	  .help = "how long",
	  .parse = option_duration_ms },
	{ .name = "label",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, labels),
	  .argument = "KEY=VALUE",
	  .help = "a label",
	  .parse = option_label },
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, json),
	  .argument = "FORMAT",
	  .help = "json or table",
	  .parse = option_format },
	{ 0 },
};

/* A line of words, at most 16, as an argv that may be moved about. */
struct line {
	char text[256];
	char *argv[17];
};

static void split(struct line *line, const char *text)
{
	char *rest, *word;
	size_t n = 0;

	assert_true(strlen(text) < sizeof(line->text));
	(void)strcpy(line->text, text);
	rest = line->text;
	while ((word = strsep(&rest, " ")))
		if (word[0] && n < ARRAY_SIZE(line->argv) - 1)
			line->argv[n++] = strcmp(word, "''") == 0 ? word + 2 : word;
	line->argv[n] = NULL;
}

static void values_done(struct values *values)
{
	options_done(table, values);
	strv_free(values->labels);
}

static void parse(struct line *line, const char *text, bool options_first, struct values *values)
{
	struct error err;

	split(line, text);
	*values = (struct values){ .init = true };
	if (options_parse(table, options_first, line->argv, values, &err) != 0)
		fail_msg("\"%s\": %s", text, err.message);
}

static void assert_operands(const struct line *line, const char *expected)
{
	char joined[256] = "";

	for (char *const *operand = line->argv; *operand; operand++) {
		(void)strcat(joined, joined[0] ? " " : "");
		(void)strcat(joined, *operand);
	}
	assert_string_equal(joined, expected);
}

static void assert_refused(const char *text, const char *message)
{
	_cleanup_(values_done) struct values values = { 0 };
	struct error err = ERROR_NULL;
	struct line line;

	split(&line, text);
	assert_int_equal(options_parse(table, false, line.argv, &values, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	if (!strstr(err.message, message))
		fail_msg("\"%s\": %s", text, err.message);
}

static void values_come_behind_a_blank_an_equals_sign_or_a_letter(void **state)
{
	static const char *const lines[] = { "--name web", "--name=web",       "-n web",
					     "-nweb",	   "-n=web",	       "-itnweb",
					     "-itn web",   "--name old -n web" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(values_done) struct values values;
		struct line line;

		parse(&line, lines[i], false, &values);
		assert_string_equal(values.name, "web");
		assert_operands(&line, "");
	}
}

static void a_value_may_look_like_an_option_or_be_empty(void **state)
{
	_cleanup_(values_done) struct values values;
	_cleanup_(values_done) struct values empty;
	_cleanup_(values_done) struct values behind_equals;
	struct line line;

	(void)state;
	parse(&line, "--name -t", false, &values);
	assert_string_equal(values.name, "-t");
	assert_false(values.tty);
	parse(&line, "--name ''", false, &empty);
	assert_string_equal(empty.name, "");
	parse(&line, "--name= x", false, &behind_equals);
	assert_string_equal(behind_equals.name, "");
	assert_operands(&line, "x");
}

static void flags_stand_together_behind_one_dash(void **state)
{
	_cleanup_(values_done) struct values values;
	struct line line;

	(void)state;
	parse(&line, "-it", false, &values);
	assert_true(values.interactive && values.tty);
	assert_true(values.init);
}

static void a_flag_can_be_given_a_value_or_negated(void **state)
{
	static const struct {
		const char *line;
		bool init;
	} cases[] = {
		{ "", true },
		{ "--init", true },
		{ "--init=true", true },
		{ "--init=1", true },
		{ "--init=yes", true },
		{ "--init=false", false },
		{ "--init=0", false },
		{ "--init=no", false },
		{ "--no-init", false },
		{ "--no-init=false", true },
		{ "--no-init --init", true },
		{ "--init --no-init", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(values_done) struct values values;
		struct line line;

		parse(&line, cases[i].line, false, &values);
		assert_int_equal(values.init, cases[i].init);
	}
	assert_refused("--no-tty", "unknown option \"--no-tty\"");
	assert_refused("--init=maybe", "--init: \"maybe\" is neither true nor false");
	assert_refused("-t=2", "--tty: \"2\"");
}

static void a_letter_takes_a_value_of_a_flag_behind_an_equals_sign(void **state)
{
	_cleanup_(values_done) struct values values;
	struct line line;

	(void)state;
	parse(&line, "-i -it=false", false, &values);
	assert_true(values.interactive);
	assert_false(values.tty);
}

static void repeated_texts_are_all_kept(void **state)
{
	_cleanup_(values_done) struct values values;
	struct line line;

	(void)state;
	parse(&line, "-e A=1 --env B=2 -eC --env=D=4", false, &values);
	assert_int_equal(strv_length(values.env), 4);
	assert_string_equal(values.env[0], "A=1");
	assert_string_equal(values.env[2], "C");
	assert_string_equal(values.env[3], "D=4");
}

static void options_may_stand_among_operands_unless_they_come_first(void **state)
{
	_cleanup_(values_done) struct values among;
	_cleanup_(values_done) struct values first;
	struct line line;

	(void)state;
	parse(&line, "a -t b -i c", false, &among);
	assert_true(among.tty && among.interactive);
	assert_operands(&line, "a b c");
	parse(&line, "-t image sh -i --name x -- y", true, &first);
	assert_true(first.tty);
	assert_false(first.interactive);
	assert_null(first.name);
	assert_operands(&line, "image sh -i --name x -- y");
}

static void two_dashes_end_the_options(void **state)
{
	_cleanup_(values_done) struct values values;
	_cleanup_(values_done) struct values first;
	struct line line;

	(void)state;
	parse(&line, "-t -- -i -- --name", false, &values);
	assert_true(values.tty);
	assert_false(values.interactive);
	assert_operands(&line, "-i -- --name");
	parse(&line, "-- -x y", true, &first);
	assert_operands(&line, "-x y");
}

static void a_dash_alone_and_an_empty_word_are_operands(void **state)
{
	_cleanup_(values_done) struct values values;
	struct line line;

	(void)state;
	parse(&line, "- -t ''", false, &values);
	assert_true(values.tty);
	assert_string_equal(line.argv[0], "-");
	assert_string_equal(line.argv[1], "");
	assert_null(line.argv[2]);
}

static void an_unknown_option_names_the_nearest(void **state)
{
	(void)state;
	assert_refused("--nmae x", "unknown option \"--nmae\"; did you mean \"--name\"?");
	assert_refused("--nmae=x", "did you mean \"--name\"?");
	assert_refused("--interactiv", "did you mean \"--interactive\"?");
	assert_refused("--hepl", "did you mean \"--help\"?");
	assert_refused("--quite-another", "unknown option \"--quite-another\"; try --help");
	assert_refused("-x", "unknown option \"-x\"; try --help");
	assert_refused("-tx", "unknown option \"-x\"");
}

static void a_value_that_is_missing_is_asked_for(void **state)
{
	(void)state;
	assert_refused("--name", "option \"--name\" needs NAME");
	assert_refused("-tn", "option \"--name\" needs NAME");
	assert_refused("a --env", "option \"--env\" needs KEY=VALUE");
}

static void parsed_values_are_checked_with_the_name_of_their_option(void **state)
{
	_cleanup_(values_done) struct values values;
	struct line line;

	(void)state;
	parse(&line, "--timeout 1m30s --label a=b=c --label a=d --label k --format json", false,
	      &values);
	assert_int_equal(values.timeout_ms, 90000);
	assert_int_equal(strv_length(values.labels), 2);
	assert_string_equal(strv_get(values.labels, "a"), "d");
	assert_string_equal(strv_get(values.labels, "k"), "");
	assert_true(values.json);
	assert_refused("--timeout soon", "--timeout: \"soon\" is no duration");
	assert_refused("--label =x", "--label: \"=x\"");
	assert_refused("--format xml", "--format: \"xml\" is no format; there are json and table");
}

static void help_is_found_wherever_it_stands(void **state)
{
	static const char *const lines[] = { "--help", "-h", "-th", "a b --help", "-t -h -x" };
	static const char *const none[] = { "-- --help", "--name --help", "image --help" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		_cleanup_(values_done) struct values values = { 0 };
		struct error err;
		struct line line;

		split(&line, lines[i]);
		assert_int_equal(options_parse(table, false, line.argv, &values, &err), 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		_cleanup_(values_done) struct values values;
		struct line line;

		parse(&line, none[i], true, &values);
	}
}

static void a_table_may_have_the_letter_of_help_for_itself(void **state)
{
	static const struct option with_h[] = {
		{ .name = "hostname",
		  .letter = 'h',
		  .kind = OPTION_TEXT,
		  .offset = offsetof(struct values, name),
		  .argument = "NAME" },
		{ 0 },
	};
	struct values values = { 0 };
	struct error err;
	struct line line;

	(void)state;
	split(&line, "-h box");
	assert_int_equal(options_parse(with_h, false, line.argv, &values, &err), 0);
	assert_string_equal(values.name, "box");
	options_done(with_h, &values);
	assert_null(values.name);
}

static void what_options_own_is_freed_and_forgotten(void **state)
{
	struct values values;
	struct line line;

	(void)state;
	parse(&line, "-n a -e b", false, &values);
	options_done(table, &values);
	assert_null(values.name);
	assert_null(values.env);
	values_done(&values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_behind_a_blank_an_equals_sign_or_a_letter),
		cmocka_unit_test(a_value_may_look_like_an_option_or_be_empty),
		cmocka_unit_test(flags_stand_together_behind_one_dash),
		cmocka_unit_test(a_flag_can_be_given_a_value_or_negated),
		cmocka_unit_test(a_letter_takes_a_value_of_a_flag_behind_an_equals_sign),
		cmocka_unit_test(repeated_texts_are_all_kept),
		cmocka_unit_test(options_may_stand_among_operands_unless_they_come_first),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(a_dash_alone_and_an_empty_word_are_operands),
		cmocka_unit_test(an_unknown_option_names_the_nearest),
		cmocka_unit_test(a_value_that_is_missing_is_asked_for),
		cmocka_unit_test(parsed_values_are_checked_with_the_name_of_their_option),
		cmocka_unit_test(help_is_found_wherever_it_stands),
		cmocka_unit_test(a_table_may_have_the_letter_of_help_for_itself),
		cmocka_unit_test(what_options_own_is_freed_and_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
