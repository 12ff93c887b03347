#include "common/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"

/* --- Helpers --------------------------------------------------------------------------------- */

/* Parses a copy without a terminator, so that a sanitizer sees any look beyond the end. */
static int parse(const char *text, size_t size, struct json_object **ret, struct error *err)
{
	_cleanup_(freep) char *copy = alloc_zero(1, size);

	(void)memcpy(copy, text, size);
	return json_parse(copy, size, ret, err);
}

static void assert_accepted_bytes(const char *text, size_t size)
{
	struct error err = ERROR_NULL;
	struct json_object *object = NULL;

	if (parse(text, size, &object, &err) < 0)
		fail_msg("%.100s: %s", text, err.message);
	assert_int_equal(json_object_get_type(object), json_type_object);
	json_object_put(object);
}

static void assert_accepted(const char *text)
{
	assert_accepted_bytes(text, strlen(text));
}

static void assert_rejected_bytes(const char *text, size_t size, const char *why)
{
	struct json_object *untouched = (struct json_object *)&size, *object = untouched;
	struct error err = ERROR_NULL;

	if (parse(text, size, &object, &err) == 0)
		fail_msg("accepted: %.100s", text);
	assert_ptr_equal(object, untouched);
	assert_int_equal(err.code, ERROR_PROTOCOL);
	if (!strstr(err.message, why))
		fail_msg("%.100s: expected \"%s\", got \"%s\"", text, why, err.message);
}

static void assert_rejected(const char *text, const char *why)
{
	assert_rejected_bytes(text, strlen(text), why);
}

/* {"a": BEFORE* MIDDLE AFTER*} with n of each. */
static char *repeat(const char *before, const char *middle, const char *after, size_t n)
{
	size_t b = strlen(before), a = strlen(after);
	char *text = alloc_zero(1, n * (a + b) + strlen(middle) + 16);
	char *at = stpcpy(text, "{\"a\":");

	for (size_t i = 0; i < n; i++)
		at = stpcpy(at, before);
	at = stpcpy(at, middle);
	for (size_t i = 0; i < n; i++)
		at = stpcpy(at, after);
	(void)stpcpy(at, "}");
	return text;
}

/* An array of n values. */
static char *array_of(const char *value, size_t n)
{
	char *text = alloc_zero(1, n * (strlen(value) + 1) + 16);
	char *at = stpcpy(text, "{\"a\":[");

	for (size_t i = 0; i < n; i++)
		at = stpcpy(stpcpy(at, i ? "," : ""), value);
	(void)stpcpy(at, "]}");
	return text;
}

/* --- What is JSON ---------------------------------------------------------------------------- */

static void every_kind_of_value_is_read(void **state)
{
	static const char text[] = " { \"s\" : \"x\\n\" ,\t\"i\":-12,\"d\":1.5e3,\"t\":true,\r\n"
				   "\"f\":false,\"n\":null,\"a\":[1,[],{}],"
				   "\"o\":{\"k\":\"v\"} } \n";
	_cleanup_(json_putp) struct json_object *o = NULL;
	struct error err;

	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1, &o, &err), 0);
	assert_int_equal(json_object_object_length(o), 8);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "s")), "x\n");
	assert_int_equal(json_object_get_int64(json_object_object_get(o, "i")), -12);
	assert_true(json_object_get_double(json_object_object_get(o, "d")) == 1500.0);
	assert_true(json_object_get_boolean(json_object_object_get(o, "t")));
	assert_false(json_object_get_boolean(json_object_object_get(o, "f")));
	assert_null(json_object_object_get(o, "n"));
	assert_int_equal(json_object_array_length(json_object_object_get(o, "a")), 3);
	assert_int_equal(json_object_object_length(json_object_object_get(o, "o")), 1);
}

static void only_an_object_is_let_through(void **state)
{
	(void)state;
	assert_accepted("{}");
	assert_rejected("", "too early");
	assert_rejected(" \n", "too early");
	assert_rejected("[]", "not an object");
	assert_rejected("\"a\"", "not an object");
	assert_rejected("1", "not an object");
	assert_rejected("null", "not an object");
	assert_rejected("}", "not an object");
}

static void nothing_may_stand_behind_the_object(void **state)
{
	(void)state;
	assert_accepted("{} \t\r\n");
	assert_rejected("{}{}", "behind the object");
	assert_rejected("{}}", "behind the object");
	assert_rejected("{} x", "behind the object");
	assert_rejected_bytes("{}\0", 3, "behind the object");
}

static void every_prefix_of_a_message_is_rejected(void **state)
{
	static const char text[] = "{\"a\":[1.5e-3,\"x\\u00e4\xc3\xa4\\\\\"],\"b\":{\"c\":null},"
				   "\"d\":true}";

	(void)state;
	assert_accepted(text);
	for (size_t size = 0; size < sizeof(text) - 1; size++)
		assert_rejected_bytes(text, size, "");
}

static void structure_that_is_out_of_place_is_rejected(void **state)
{
	static const char *const texts[] = {
		"{,}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1,}",
		"{\"a\" 1}",
		"{\"a\":1 \"b\":2}",
		"{\"a\":1,,\"b\":2}",
		"{1:2}",
		"{a:1}",
		"{'a':1}",
		"{\"a\":[1,]}",
		"{\"a\":[,1]}",
		"{\"a\":[1 2]}",
		"{\"a\":[1}]",
		"{\"a\":{]}",
		"{\"a\":[}}",
		"{\"a\"::1}",
		"{\"a\":1:2}",
		"{\"a\":]}",
		"{null:1}",
		"{\"a\":[1:2]}",
		"{\"a\":/**/1}",
		"{\"a\":1}//",
		"{\"a\":1;}",
		"\xef\xbb\xbf{}",
		"{\"a\":1\v}",
		"{\"a\":1\xc2\xa0}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_rejected(texts[i], "");
}

static void literals_are_spelled_exactly(void **state)
{
	static const char *const texts[] = {
		"{\"a\":True}",	     "{\"a\":nul}",  "{\"a\":nulll}",	 "{\"a\":falsee}",
		"{\"a\":t}",	     "{\"a\":NaN}",  "{\"a\":Infinity}", "{\"a\":-Infinity}",
		"{\"a\":undefined}", "{\"a\":NULL}", "{\"a\":trUe}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_rejected(texts[i], "");
}

/* --- Strings --------------------------------------------------------------------------------- */

static void every_escape_of_the_standard_is_read(void **state)
{
	static const char text[] = "{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t"
				   "\\u0041\\u00E4\\uD83d\\uDe00\"}";
	_cleanup_(json_putp) struct json_object *o = NULL;
	struct error err;

	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1, &o, &err), 0);
	assert_string_equal(json_object_get_string(json_object_object_get(o, "a")),
			    "\"\\/\b\f\n\r\tA\xc3\xa4\xf0\x9f\x98\x80");
}

static void other_escapes_are_rejected(void **state)
{
	(void)state;
	assert_rejected("{\"a\":\"\\x41\"}", "unknown escape");
	assert_rejected("{\"a\":\"\\'\"}", "unknown escape");
	assert_rejected("{\"a\":\"\\U0041\"}", "unknown escape");
	assert_rejected_bytes("{\"a\":\"\\\0\"}", 10, "unknown escape");
	assert_rejected("{\"a\":\"\\u12\"}", "four hexadecimal");
	assert_rejected("{\"a\":\"\\u123g\"}", "four hexadecimal");
	assert_rejected("{\"a\":\"\\u+123\"}", "four hexadecimal");
	assert_rejected("{\"\\q\":1}", "unknown escape");
}

static void a_lone_surrogate_is_rejected(void **state)
{
	static const char *const texts[] = {
		"{\"a\":\"\\ud800\"}",	      "{\"a\":\"\\udbff\"}",
		"{\"a\":\"\\udc00\"}",	      "{\"a\":\"\\udfff\"}",
		"{\"a\":\"\\ud800x\"}",	      "{\"a\":\"\\ud800\\n\"}",
		"{\"a\":\"\\ud800\\u0041\"}", "{\"a\":\"\\ud800\\ud800\\udc00\"}",
		"{\"a\":\"\\ud800\\ud800\"}", "{\"\\ud800\":1}",
		"{\"a\":\"\\udc00\\ud800\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_rejected(texts[i], "lone surrogate");
	assert_accepted("{\"a\":\"\\ud800\\udc00\\udbff\\udfff\\ud7ff\\ue000\"}");
}

static void a_nul_is_rejected_however_it_is_written(void **state)
{
	(void)state;
	assert_rejected("{\"a\":\"x\\u0000y\"}", "\\u0000");
	assert_rejected("{\"a\\u0000\":1}", "\\u0000");
	assert_rejected_bytes("{\"a\":\"x\0y\"}", 11, "control character");
	assert_rejected_bytes("{\"a\0\":1}", 8, "control character");
	assert_rejected_bytes("{\0\"a\":1}", 8, "");
	assert_accepted("{\"a\":\"\\u0001\"}");
}

static void raw_control_characters_are_rejected(void **state)
{
	(void)state;
	for (char c = 1; c < 0x20; c++) {
		char text[] = "{\"a\":\"?\"}";

		text[6] = c;
		assert_rejected(text, "control character");
	}
	assert_accepted("{\"a\":\" \x7f\"}");
}

static void text_that_is_not_utf8_is_rejected(void **state)
{
	static const char *const strings[] = {
		"\x80",
		"\xff",
		"\xc3",
		"\xc3(",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xe2\x82",
		"\xf0\x9f\x98",
		"ok\xc3\\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		_cleanup_(freep) char *value = alloc_printf("{\"a\":\"%s\"}", strings[i]);
		_cleanup_(freep) char *key = alloc_printf("{\"%s\":1}", strings[i]);

		assert_rejected(value, "not UTF-8");
		assert_rejected(key, "not UTF-8");
	}
	assert_accepted("{\"\xc3\xa4\":\"\xc2\x80\xe0\xa0\x80\xed\x9f\xbf\xf0\x90\x80\x80"
			"\xf4\x8f\xbf\xbf\"}");
}

/* --- Numbers --------------------------------------------------------------------------------- */

static void numbers_are_those_of_the_standard(void **state)
{
	static const char *const good[] = { "0",   "-0",   "10",   "0.5",     "-0.0", "1e5",
					    "1E5", "1e+5", "1e-5", "1.25e05", "0e0" };
	static const char *const bad[] = {
		"01",  "-01", "+1",  ".5",   "1.",  "-",     "-.5", "1e",
		"1e+", "0x1", "1_0", "1.e5", "--1", "1e5.5", "1f",  "00"
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_(freep) char *text = alloc_printf("{\"a\":%s}", good[i]);

		assert_accepted(text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_(freep) char *text = alloc_printf("{\"a\":%s}", bad[i]);

		assert_rejected(text, "");
	}
}

static void integers_fit_64_bits_exactly(void **state)
{
	static const char text[] = "{\"a\":[9223372036854775807,-9223372036854775808]}";
	_cleanup_(json_putp) struct json_object *o = NULL;
	struct json_object *a;
	struct error err;

	(void)state;
	assert_int_equal(parse(text, sizeof(text) - 1, &o, &err), 0);
	a = json_object_object_get(o, "a");
	assert_true(json_object_get_int64(json_object_array_get_idx(a, 0)) == INT64_MAX);
	assert_true(json_object_get_int64(json_object_array_get_idx(a, 1)) == INT64_MIN);
	assert_rejected("{\"a\":9223372036854775808}", "out of range");
	assert_rejected("{\"a\":-9223372036854775809}", "out of range");
	assert_rejected("{\"a\":18446744073709551615}", "out of range");
	assert_rejected("{\"a\":100000000000000000000000000000}", "out of range");
}

static void fractions_are_finite(void **state)
{
	(void)state;
	assert_accepted("{\"a\":1.7976931348623157e308}");
	assert_accepted("{\"a\":4.9e-324}");
	assert_accepted("{\"a\":1e-400}");
	assert_rejected("{\"a\":1.8e308}", "out of range");
	assert_rejected("{\"a\":-1e309}", "out of range");
	assert_rejected("{\"a\":1e99999999999}", "out of range");
}

static void a_number_has_63_characters_at_most(void **state)
{
	_cleanup_(freep) char *longest = repeat("1", ".", "1", 31);
	_cleanup_(freep) char *longer = repeat("1", ".1", "1", 31);

	(void)state;
	assert_accepted(longest);
	assert_rejected(longer, "too many digits");
}

/* --- Limits ---------------------------------------------------------------------------------- */

static void depth_is_limited_to_16(void **state)
{
	/* The outermost object is the first level. */
	static const char *const middles[] = { "", "1", "\"s\"", "null" };
	_cleanup_(freep) char *objects = repeat("{\"a\":", "1", "}", JSON_DEPTH_MAX - 1);
	_cleanup_(freep) char *more_objects = repeat("{\"a\":", "1", "}", JSON_DEPTH_MAX);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(middles); i++) {
		_cleanup_(freep) char *most = repeat("[", middles[i], "]", JSON_DEPTH_MAX - 1);
		_cleanup_(freep) char *more = repeat("[", middles[i], "]", JSON_DEPTH_MAX);

		assert_accepted(most);
		assert_rejected(more, "nested too deeply");
	}
	assert_accepted(objects);
	assert_rejected(more_objects, "nested too deeply");
}

static void the_number_of_values_is_limited(void **state)
{
	/* The array and the object that it stands in count, too. */
	_cleanup_(freep) char *most = array_of("1", JSON_NODES_MAX - 2);
	_cleanup_(freep) char *more = array_of("1", JSON_NODES_MAX - 1);

	(void)state;
	assert_accepted(most);
	assert_rejected(more, "too many values");
}

static void the_number_of_objects_is_limited(void **state)
{
	_cleanup_(freep) char *most = array_of("{}", JSON_OBJECTS_MAX - 1);
	_cleanup_(freep) char *more = array_of("{}", JSON_OBJECTS_MAX);

	(void)state;
	assert_accepted(most);
	assert_rejected(more, "too many objects");
}

static void bombs_are_rejected_where_a_limit_is_passed(void **state)
{
	_cleanup_(freep) char *brackets = repeat("[", "", "", 1000000);
	_cleanup_(freep) char *braces = repeat("{\"a\":", "", "", 1000000);
	_cleanup_(freep) char *objects = array_of("{}", 64 * 1024 / 3);
	_cleanup_(freep) char *open = alloc_zero(1, 1000000);

	(void)state;
	assert_rejected(brackets, "byte 20: nested too deeply");
	assert_rejected(braces, "nested too deeply");
	assert_rejected(objects, "too many objects");
	(void)memset(open, '[', 1000000);
	assert_rejected_bytes(open, 1000000, "byte 0: not an object");
}

/* --- Keys ------------------------------------------------------------------------------------ */

static void a_duplicate_key_is_rejected(void **state)
{
	static const char *const texts[] = {
		"{\"a\":1,\"a\":1}",
		"{\"a\":1,\"b\":2,\"a\":null}",
		"{\"a\":null,\"a\":null}",
		"{\"x\":{\"a\":1,\"a\":2}}",
		"{\"x\":[[{\"a\":1,\"a\":2}]]}",
		"{\"a\":1,\"\\u0061\":2}",
		"{\"\":1,\"\":2}",
		/* The first of the two takes its own members with it. */
		"{\"a\":{\"b\":1,\"c\":2},\"a\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_rejected(texts[i], "twice");
	assert_accepted("{\"a\":{\"a\":[{\"a\":1},{\"a\":1}]},\"A\":1,\"\":2}");
}

static void a_scan_counts_the_keys(void **state)
{
	static const char text[] = "{\"a\":{\"a\":1,\"b\":[{\"c\":{}}]},\"a\":2}";
	unsigned int keys = 77;
	struct error err;

	(void)state;
	assert_int_equal(json_scan(text, sizeof(text) - 1, &keys, &err), 0);
	assert_int_equal(keys, 5);
	assert_int_equal(json_scan(text, 3, &keys, &err), -1);
	assert_int_equal(keys, 5);
}

static void an_error_says_where_it_is(void **state)
{
	(void)state;
	assert_rejected("{\"a\":1,}", "byte 7:");
	assert_rejected("{\"a\":tru}", "byte 5:");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_value_is_read),
		cmocka_unit_test(only_an_object_is_let_through),
		cmocka_unit_test(nothing_may_stand_behind_the_object),
		cmocka_unit_test(every_prefix_of_a_message_is_rejected),
		cmocka_unit_test(structure_that_is_out_of_place_is_rejected),
		cmocka_unit_test(literals_are_spelled_exactly),
		cmocka_unit_test(every_escape_of_the_standard_is_read),
		cmocka_unit_test(other_escapes_are_rejected),
		cmocka_unit_test(a_lone_surrogate_is_rejected),
		cmocka_unit_test(a_nul_is_rejected_however_it_is_written),
		cmocka_unit_test(raw_control_characters_are_rejected),
		cmocka_unit_test(text_that_is_not_utf8_is_rejected),
		cmocka_unit_test(numbers_are_those_of_the_standard),
		cmocka_unit_test(integers_fit_64_bits_exactly),
		cmocka_unit_test(fractions_are_finite),
		cmocka_unit_test(a_number_has_63_characters_at_most),
		cmocka_unit_test(depth_is_limited_to_16),
		cmocka_unit_test(the_number_of_values_is_limited),
		cmocka_unit_test(the_number_of_objects_is_limited),
		cmocka_unit_test(bombs_are_rejected_where_a_limit_is_passed),
		cmocka_unit_test(a_duplicate_key_is_rejected),
		cmocka_unit_test(a_scan_counts_the_keys),
		cmocka_unit_test(an_error_says_where_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
