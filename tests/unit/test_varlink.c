#include "common/varlink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"

/* --- Calls ----------------------------------------------------------------------------------- */

static void assert_call_refused(const char *text, const char *why)
{
	struct varlink_call call = { .method = "untouched" };
	struct error err = ERROR_NULL;

	if (varlink_call_parse(text, strlen(text), &call, &err) == 0)
		fail_msg("accepted: %s", text);
	assert_string_equal(call.method, "untouched");
	assert_int_equal(err.code, ERROR_PROTOCOL);
	if (!strstr(err.message, why))
		fail_msg("%s: expected \"%s\", got \"%s\"", text, why, err.message);
}

static void parse_call(const char *text, struct varlink_call *ret)
{
	struct error err = ERROR_NULL;

	if (varlink_call_parse(text, strlen(text), ret, &err) < 0)
		fail_msg("%s: %s", text, err.message);
}

static void a_call_is_taken_apart(void **state)
{
	_cleanup_(varlink_call_done) struct varlink_call call = { 0 };

	(void)state;
	parse_call("{\"method\":\"a.b.C\",\"parameters\":{\"x\":1},\"more\":true}", &call);
	assert_string_equal(call.method, "a.b.C");
	assert_int_equal(json_object_object_length(call.parameters), 1);
	assert_true(call.more);
	assert_false(call.oneway);
	assert_false(call.upgrade);
	varlink_call_done(&call);
	assert_null(call.message);
	assert_null(call.method);
	varlink_call_done(&call);
}

static void absent_and_null_are_the_same(void **state)
{
	static const char *const texts[] = {
		"{\"method\":\"a\"}",
		"{\"method\":\"a\",\"parameters\":null}",
		"{\"method\":\"a\",\"oneway\":null,\"more\":null,\"upgrade\":null}",
		"{\"method\":\"a\",\"oneway\":false,\"more\":false,\"upgrade\":false}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(varlink_call_done) struct varlink_call call = { 0 };

		parse_call(texts[i], &call);
		assert_null(call.parameters);
		assert_false(call.oneway || call.more || call.upgrade);
	}
}

static void one_flag_at_most_is_true(void **state)
{
	_cleanup_(varlink_call_done) struct varlink_call oneway = { 0 };
	_cleanup_(varlink_call_done) struct varlink_call upgrade = { 0 };

	(void)state;
	parse_call("{\"method\":\"a\",\"oneway\":true,\"more\":false}", &oneway);
	assert_true(oneway.oneway);
	parse_call("{\"method\":\"a\",\"more\":null,\"upgrade\":true}", &upgrade);
	assert_true(upgrade.upgrade);
	assert_call_refused("{\"method\":\"a\",\"oneway\":true,\"more\":true}", "more than one");
	assert_call_refused("{\"method\":\"a\",\"oneway\":true,\"upgrade\":true}", "more than one");
	assert_call_refused("{\"method\":\"a\",\"more\":true,\"upgrade\":true}", "more than one");
	assert_call_refused("{\"method\":\"a\",\"oneway\":true,\"more\":true,\"upgrade\":true}",
			    "more than one");
}

static void a_call_names_its_method(void **state)
{
	(void)state;
	assert_call_refused("{}", "without a method");
	assert_call_refused("{\"method\":null}", "without a method");
	assert_call_refused("{\"parameters\":{}}", "without a method");
	assert_call_refused("{\"method\":1}", "wrong type of \"method\"");
	assert_call_refused("{\"method\":[\"a\"]}", "wrong type of \"method\"");
}

static void flags_are_booleans_and_parameters_an_object(void **state)
{
	static const char *const flags[] = { "oneway", "more", "upgrade" };
	static const char *const values[] = { "1", "0", "\"true\"", "{}", "[]", "1.5" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(values); k++) {
			_cleanup_(freep) char *text =
				alloc_printf("{\"method\":\"a\",\"%s\":%s}", flags[i], values[k]);

			assert_call_refused(text, "wrong type of");
		}
	}
	assert_call_refused("{\"method\":\"a\",\"parameters\":[]}", "wrong type of");
	assert_call_refused("{\"method\":\"a\",\"parameters\":\"{}\"}", "wrong type of");
	assert_call_refused("{\"method\":\"a\",\"parameters\":false}", "wrong type of");
}

static void a_key_with_a_dot_is_dropped_and_others_are_refused(void **state)
{
	_cleanup_(varlink_call_done) struct varlink_call call = { 0 };

	(void)state;
	parse_call("{\"org.x.a\":[1,2],\"method\":\"a\",\"org.x.b\":null,\"more\":true,\".\":1}",
		   &call);
	assert_string_equal(call.method, "a");
	assert_true(call.more);
	assert_int_equal(json_object_object_length(call.message), 2);
	assert_call_refused("{\"method\":\"a\",\"extra\":null}", "unknown key \"extra\"");
	assert_call_refused("{\"method\":\"a\",\"Method\":\"b\"}", "unknown key \"Method\"");
	assert_call_refused("{\"method\":\"a\",\"\":1}", "unknown key \"\"");
	assert_call_refused("{\"method\":\"a\",\"continues\":true}", "unknown key");
	assert_call_refused("{\"method\":\"a\",\"x\\n\":1}", "unknown key \"x\\x0a\"");
}

static void a_call_that_is_not_strict_json_is_refused(void **state)
{
	(void)state;
	assert_call_refused("", "JSON");
	assert_call_refused("[]", "JSON");
	assert_call_refused("{\"method\":\"a\"", "JSON");
	assert_call_refused("{\"method\":\"a\",\"method\":\"b\"}", "JSON");
	assert_call_refused("{\"method\":\"a\\u0000b\"}", "JSON");
	assert_call_refused("{\"method\":\"\xff\"}", "JSON");
}

/* --- Replies and writing --------------------------------------------------------------------- */

static void a_reply_is_taken_apart(void **state)
{
	_cleanup_(varlink_reply_done) struct varlink_reply reply = { 0 };
	static const char text[] = "{\"error\":\"a.b.E\",\"parameters\":{},\"continues\":true}";
	struct error err;

	(void)state;
	assert_int_equal(varlink_reply_parse(text, sizeof(text) - 1, &reply, &err), 0);
	assert_string_equal(reply.error, "a.b.E");
	assert_non_null(reply.parameters);
	assert_true(reply.continues);
	varlink_reply_done(&reply);
	assert_int_equal(varlink_reply_parse("{}", 2, &reply, &err), 0);
	assert_null(reply.error);
	assert_null(reply.parameters);
	assert_false(reply.continues);
}

static void a_reply_of_another_shape_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{\"error\":1}",
		"{\"parameters\":[]}",
		"{\"more\":1}",
		"{\"continues\":1}",
		"{\"method\":\"a\"}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct varlink_reply reply = { .error = "untouched" };
		struct error err = ERROR_NULL;

		assert_int_equal(varlink_reply_parse(texts[i], strlen(texts[i]), &reply, &err), -1);
		assert_int_equal(err.code, ERROR_PROTOCOL);
		assert_string_equal(reply.error, "untouched");
	}
}

static void assert_message(char *text, size_t size, const char *expected)
{
	assert_string_equal(text, expected);
	assert_int_equal(size, strlen(expected) + 1);
	free(text);
}

static void messages_are_written_without_blanks_and_with_their_nul(void **state)
{
	_cleanup_(json_putp) struct json_object *p = json_object_new_object();
	size_t size = 0;
	char *text;

	(void)state;
	json_object_object_add(p, "path", json_object_new_string("/a\n\"\xc3\xa4"));
	text = varlink_format_call("a.B", p, false, false, &size);
	assert_message(text, size,
		       "{\"method\":\"a.B\",\"parameters\":{\"path\":\"/a\\n\\\"\xc3\xa4\"}}");
	text = varlink_format_call("a.B", NULL, true, false, &size);
	assert_message(text, size, "{\"method\":\"a.B\",\"more\":true}");
	text = varlink_format_call("a.B", NULL, false, true, &size);
	assert_message(text, size, "{\"method\":\"a.B\",\"upgrade\":true}");
	text = varlink_format_reply(NULL, false, &size);
	assert_message(text, size, "{}");
	text = varlink_format_reply(p, true, &size);
	assert_message(text, size,
		       "{\"parameters\":{\"path\":\"/a\\n\\\"\xc3\xa4\"},\"continues\":true}");
	text = varlink_format_error("a.E", NULL, &size);
	assert_message(text, size, "{\"error\":\"a.E\"}");
	/* The parameters are still the caller's. */
	assert_int_equal(json_object_object_length(p), 1);
}

static void what_was_written_can_be_read_again(void **state)
{
	_cleanup_(json_putp) struct json_object *p = json_object_new_object();
	_cleanup_(varlink_call_done) struct varlink_call call = { 0 };
	_cleanup_(freep) char *text = NULL;
	struct error err;
	size_t size;

	(void)state;
	json_object_object_add(p, "s", json_object_new_string("\x01\x7f\\/\xf0\x9f\x98\x80"));
	json_object_object_add(p, "i", json_object_new_int64(INT64_MIN));
	text = varlink_format_call("a.B", p, true, false, &size);
	assert_int_equal(varlink_call_parse(text, size - 1, &call, &err), 0);
	assert_true(json_object_equal(call.parameters, p));
	assert_true(call.more);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_is_taken_apart),
		cmocka_unit_test(absent_and_null_are_the_same),
		cmocka_unit_test(one_flag_at_most_is_true),
		cmocka_unit_test(a_call_names_its_method),
		cmocka_unit_test(flags_are_booleans_and_parameters_an_object),
		cmocka_unit_test(a_key_with_a_dot_is_dropped_and_others_are_refused),
		cmocka_unit_test(a_call_that_is_not_strict_json_is_refused),
		cmocka_unit_test(a_reply_is_taken_apart),
		cmocka_unit_test(a_reply_of_another_shape_is_refused),
		cmocka_unit_test(messages_are_written_without_blanks_and_with_their_nul),
		cmocka_unit_test(what_was_written_can_be_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
