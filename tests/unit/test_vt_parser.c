#include "daemon/session/vt_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"

/* The first event of a text, with *text moved on. */
static enum vt_event next_event(struct vt_parser *parser, const char **text)
{
	const unsigned char *at = (const unsigned char *)*text, *end = at + strlen(*text);
	enum vt_event event = vt_parser_feed(parser, &at, end);

	*text = (const char *)at;
	return event;
}

static enum vt_event only_event(struct vt_parser *parser, const char *text)
{
	enum vt_event event = next_event(parser, &text);

	assert_string_equal(text, "");
	return event;
}

static void parameters_are_told_from_those_that_are_left_out(void **state)
{
	_cleanup_(vt_parser_done) struct vt_parser parser = { 0 };

	(void)state;
	assert_int_equal(only_event(&parser, "\033[12;;0H"), VT_CSI);
	assert_int_equal(parser.final, 'H');
	assert_int_equal(parser.n_params, 3);
	assert_int_equal(vt_param(&parser, 0, 7), 12);
	assert_int_equal(vt_param(&parser, 1, 7), 7);
	assert_int_equal(vt_param(&parser, 2, 7), 0);
	assert_int_equal(vt_param(&parser, 3, 7), 7);
	assert_int_equal(vt_count(&parser, 2), 1);
	assert_int_equal(only_event(&parser, "\033[m"), VT_CSI);
	assert_int_equal(parser.n_params, 0);
}

static void colons_and_markers_and_intermediates_are_told(void **state)
{
	_cleanup_(vt_parser_done) struct vt_parser parser = { 0 };

	(void)state;
	assert_int_equal(only_event(&parser, "\033[?4:3;1$p"), VT_CSI);
	assert_int_equal(parser.marker, '?');
	assert_int_equal(parser.n_intermediates, 1);
	assert_int_equal(parser.intermediates[0], '$');
	assert_int_equal(parser.colons, 1 << 1);
	assert_int_equal(only_event(&parser, "\033(0"), VT_ESCAPE);
	assert_int_equal(parser.intermediates[0], '(');
	assert_int_equal(parser.final, '0');
}

static void numbers_and_their_number_are_bounded(void **state)
{
	_cleanup_(vt_parser_done) struct vt_parser parser = { 0 };
	char text[256] = "\033[";

	(void)state;
	assert_int_equal(only_event(&parser, "\033[99999999999999999999J"), VT_CSI);
	assert_int_equal(vt_param(&parser, 0, 0), VT_PARAM_MAX);
	for (int i = 0; i < 50; i++)
		(void)strcat(text, "7;");
	(void)strcat(text, "m");
	assert_int_equal(only_event(&parser, text), VT_CSI);
	assert_int_equal(parser.n_params, VT_PARAMS_MAX);
	assert_int_equal(vt_param(&parser, VT_PARAMS_MAX - 1, 0), 7);
}

static void controls_within_a_sequence_come_first(void **state)
{
	_cleanup_(vt_parser_done) struct vt_parser parser = { 0 };
	const char *text = "\033[3\r1\nA";

	(void)state;
	assert_int_equal(next_event(&parser, &text), VT_CONTROL);
	assert_int_equal(parser.control, '\r');
	assert_int_equal(next_event(&parser, &text), VT_CONTROL);
	assert_int_equal(parser.control, '\n');
	assert_int_equal(next_event(&parser, &text), VT_CSI);
	assert_int_equal(vt_param(&parser, 0, 0), 31);
}

static void a_malformed_sequence_has_no_effect_up_to_its_end(void **state)
{
	static const char *const malformed[] = { "\033[1?2h", "\033[ 1q", "\033[!!!p", "\033   0",
						 "\033[??1h" };
	_cleanup_(vt_parser_done) struct vt_parser parser = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		assert_int_equal(only_event(&parser, malformed[i]), VT_IGNORED);
		assert_true(vt_parser_is_idle(&parser));
	}
}

static void strings_end_as_they_should_or_have_no_effect(void **state)
{
	_cleanup_(vt_parser_done) struct vt_parser parser = { 0 };
	const char *text = "\033]2;lost\033[A";

	(void)state;
	assert_int_equal(only_event(&parser, "\033]2;a title\a"), VT_OSC);
	assert_int_equal(parser.string.n, 9);
	assert_memory_equal(parser.string.data, "2;a title", 9);
	assert_int_equal(only_event(&parser, "\033]2;a title\033\\"), VT_OSC);
	assert_int_equal(only_event(&parser, "\033P$qm\033\\"), VT_DCS);
	assert_int_equal(parser.intermediates[0], '$');
	assert_int_equal(parser.final, 'q');
	assert_memory_equal(parser.string.data, "m", 1);
	assert_int_equal(only_event(&parser, "\033_Gq=1;\a\033\\"), VT_IGNORED);
	assert_int_equal(only_event(&parser, "\033kname\033\\"), VT_IGNORED);
	assert_int_equal(next_event(&parser, &text), VT_CSI);
	assert_int_equal(parser.final, 'A');
	assert_int_equal(only_event(&parser, "\033]2;lost\030"), VT_CONTROL);
	assert_true(vt_parser_is_idle(&parser));
}

static void a_string_that_is_too_long_takes_no_memory_and_has_no_effect(void **state)
{
	_cleanup_(vt_parser_done) struct vt_parser parser = { 0 };
	unsigned char text[VT_STRING_MAX];
	const unsigned char *at;

	(void)state;
	(void)memset(text, 'x', sizeof(text));
	assert_int_equal(only_event(&parser, "\033]52;"), VT_NOTHING);
	for (int i = 0; i < 100; i++) {
		at = text;
		assert_int_equal(vt_parser_feed(&parser, &at, text + sizeof(text)), VT_NOTHING);
	}
	assert_int_equal(parser.string.capacity, 0);
	assert_int_equal(only_event(&parser, "\a"), VT_IGNORED);
	assert_int_equal(only_event(&parser, "\033]2;next\a"), VT_OSC);
}

/* What is pending must be the same again when it is cut once more, and complete to the same. */
static void what_is_pending_brings_another_parser_to_the_same_place(void **state)
{
	static const char *const texts[] = {
		"\033",
		"\033(",
		"\033  ",
		"\033    ",
		"\033[",
		"\033[?",
		"\033[1;;3",
		"\033[38:2::1",
		"\033[0",
		"\033[>4;",
		"\033[1 ",
		"\033[1?",
		"\033P",
		"\033P1;2$",
		"\033P1;2q#0",
		"\033P1;2q\033",
		"\033]",
		"\033]0;title",
		"\033]8;;http://",
		"\033]0;t\033",
		"\033_Gx",
		"\033^",
		"\033Xabc",
		"\033ktitle",
		"\033P:",
		"\033[1;2;3;4;5;6;7;8;9;0;1;2;3;4;5;6;7;8;9;0;1;2;3;4;5;6;7;8;9;0;1;2;3;4",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(vt_parser_done) struct vt_parser parser = { 0 }, other = { 0 };
		_cleanup_(bytes_done) struct bytes pending = BYTES_NULL, again = BYTES_NULL;
		const unsigned char *at;

		assert_int_equal(only_event(&parser, texts[i]), VT_NOTHING);
		vt_parser_put_pending(&parser, &pending);
		at = (const unsigned char *)pending.data;
		assert_int_equal(vt_parser_feed(&other, &at, at + pending.n), VT_NOTHING);
		vt_parser_put_pending(&other, &again);
		assert_int_equal(pending.n, again.n);
		assert_memory_equal(pending.data, again.data, again.n);
		assert_int_equal(parser.state, other.state);
		assert_int_equal(only_event(&parser, "\030"), only_event(&other, "\030"));
	}
}

static void what_is_pending_is_what_was_sent(void **state)
{
	static const char *const texts[] = { "\033[?1;2", "\033]0;a title", "\033[38;5;", "\033#" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(vt_parser_done) struct vt_parser parser = { 0 };
		_cleanup_(bytes_done) struct bytes pending = BYTES_NULL;

		assert_int_equal(only_event(&parser, texts[i]), VT_NOTHING);
		vt_parser_put_pending(&parser, &pending);
		assert_int_equal(pending.n, strlen(texts[i]));
		assert_memory_equal(pending.data, texts[i], pending.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_told_from_those_that_are_left_out),
		cmocka_unit_test(colons_and_markers_and_intermediates_are_told),
		cmocka_unit_test(numbers_and_their_number_are_bounded),
		cmocka_unit_test(controls_within_a_sequence_come_first),
		cmocka_unit_test(a_malformed_sequence_has_no_effect_up_to_its_end),
		cmocka_unit_test(strings_end_as_they_should_or_have_no_effect),
		cmocka_unit_test(a_string_that_is_too_long_takes_no_memory_and_has_no_effect),
		cmocka_unit_test(what_is_pending_brings_another_parser_to_the_same_place),
		cmocka_unit_test(what_is_pending_is_what_was_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
