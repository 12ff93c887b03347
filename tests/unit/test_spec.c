#include "common/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

static int read_spec(const char *text, struct spec *ret, struct error *err)
{
	_cleanup_(json_putp) struct json_object *object = NULL;

	*err = ERROR_NULL;
	if (json_parse(text, strlen(text), &object, err) < 0)
		fail_msg("%s", err->message);
	return spec_from_json(object, ret, err);
}

static void parse(const char *text, struct spec *ret)
{
	struct error err;

	if (read_spec(text, ret, &err) < 0)
		fail_msg("%s", err.message);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static void what_is_not_said_has_its_default(void **state)
{
	_cleanup_(spec_done) struct spec spec;

	(void)state;
	parse("{\"image\":\"busybox\",\"command\":null}", &spec);
	assert_string_equal(spec.image, "busybox");
	assert_null(spec.rootfs);
	assert_null(spec.command);
	assert_null(spec.environment);
	assert_false(spec.terminal || spec.stdin_open || spec.auto_remove);
	assert_true(spec.init);
	assert_int_equal(spec.stop_timeout_ms, SPEC_STOP_TIMEOUT_DEFAULT_MS);
}

static const char everything[] =
	"{\"image\":\"i\",\"rootfs\":\"/r\",\"command\":[\"a\",\"\"],\"entrypoint\":[\"e\"],"
	"\"hostname\":\"h\",\"environment\":[\"A=1\",\"B=\"],\"workdir\":\"/w\","
	"\"user\":\"u:g\",\"terminal\":true,\"stdin_open\":true,\"auto_remove\":true,"
	"\"init\":false,\"labels\":{\"k\":\"v=w\",\"e\":\"\"},\"stop_signal\":\"SIGINT\","
	"\"stop_timeout_ms\":1500,\"network\":\"none\"}";

static void every_field_is_read(void **state)
{
	_cleanup_(spec_done) struct spec spec;

	(void)state;
	parse(everything, &spec);
	assert_string_equal(spec.image, "i");
	assert_string_equal(spec.rootfs, "/r");
	assert_int_equal(strv_length(spec.command), 2);
	assert_string_equal(spec.command[1], "");
	assert_string_equal(spec.entrypoint[0], "e");
	assert_string_equal(spec.hostname, "h");
	assert_string_equal(strv_get(spec.environment, "A"), "1");
	assert_string_equal(spec.workdir, "/w");
	assert_string_equal(spec.user, "u:g");
	assert_true(spec.terminal && spec.stdin_open && spec.auto_remove);
	assert_false(spec.init);
	assert_string_equal(strv_get(spec.labels, "k"), "v=w");
	assert_string_equal(strv_get(spec.labels, "e"), "");
	assert_string_equal(spec.stop_signal, "SIGINT");
	assert_int_equal(spec.stop_timeout_ms, 1500);
	assert_string_equal(spec.network.mode, "none");
}

static void what_was_written_is_read_back_the_same(void **state)
{
	static const char *const texts[] = { everything, "{\"image\":\"x\"}",
					     "{\"entrypoint\":[],\"labels\":{}}", "{}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(json_putp) struct json_object *once = NULL;
		_cleanup_(json_putp) struct json_object *twice = NULL;
		_cleanup_(spec_done) struct spec first;
		_cleanup_(spec_done) struct spec second = SPEC_NULL;
		struct error err;

		parse(texts[i], &first);
		once = spec_to_json(&first);
		assert_int_equal(spec_from_json(once, &second, &err), 0);
		twice = spec_to_json(&second);
		assert_true(json_object_equal(once, twice));
	}
}

static void a_value_of_another_type_is_named_by_its_path(void **state)
{
	static const struct {
		const char *text, *subject;
	} cases[] = {
		{ "{\"image\":1}", "spec.image" },
		{ "{\"image\":\"x\",\"command\":\"sh\"}", "spec.command" },
		{ "{\"command\":[\"sh\",1]}", "spec.command" },
		{ "{\"terminal\":1}", "spec.terminal" },
		{ "{\"labels\":[]}", "spec.labels" },
		{ "{\"labels\":{\"a\":1}}", "spec.labels" },
		{ "{\"labels\":{\"a=b\":\"c\"}}", "spec.labels" },
		{ "{\"stop_timeout_ms\":1.5}", "spec.stop_timeout_ms" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct spec spec;
		struct error err;

		assert_int_equal(read_spec(cases[i].text, &spec, &err), -1);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
		assert_string_equal(err.subject, cases[i].subject);
	}
}

static void done_leaves_an_empty_spec(void **state)
{
	struct spec spec;

	(void)state;
	parse(everything, &spec);
	spec_done(&spec);
	assert_null(spec.image);
	assert_null(spec.command);
	assert_null(spec.labels);
	assert_true(spec.init);
	spec_done(&spec);
}

/* --- Validation ------------------------------------------------------------------------------ */

static void assert_valid(const char *text)
{
	_cleanup_(spec_done) struct spec spec;
	struct error err;

	parse(text, &spec);
	if (spec_validate(&spec, &err) < 0)
		fail_msg("%s: %s", text, err.message);
}

static void assert_invalid(const char *text, const char *subject)
{
	_cleanup_(spec_done) struct spec spec;
	struct error err = ERROR_NULL;

	parse(text, &spec);
	if (spec_validate(&spec, &err) == 0)
		fail_msg("%s was accepted", text);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_string_equal(err.subject, subject);
	assert_true(err.message[0]);
}

static void a_spec_has_an_image_or_a_rootfs(void **state)
{
	(void)state;
	assert_valid("{\"image\":\"busybox\"}");
	assert_valid("{\"rootfs\":\"/srv/debian\"}");
	assert_invalid("{}", "spec.image");
	assert_invalid("{\"image\":\"\"}", "spec.image");
	assert_invalid("{\"image\":\"a\",\"rootfs\":\"/a\"}", "spec.rootfs");
}

static void a_rootfs_is_absolute_and_not_the_hosts(void **state)
{
	_cleanup_(freep) char *long_path = alloc_zero(1, 5000);
	_cleanup_(freep) char *text = NULL;

	(void)state;
	assert_invalid("{\"rootfs\":\"\"}", "spec.rootfs");
	assert_invalid("{\"rootfs\":\"srv\"}", "spec.rootfs");
	assert_invalid("{\"rootfs\":\"/\"}", "spec.rootfs");
	assert_invalid("{\"rootfs\":\"//.//../.\"}", "spec.rootfs");
	(void)memset(long_path, 'x', 4096);
	text = alloc_printf("{\"rootfs\":\"/%s\"}", long_path);
	assert_invalid(text, "spec.rootfs");
}

#define WITH(more) "{\"image\":\"i\"," more "}"

static void a_host_name_is_made_of_the_letters_that_host_names_have(void **state)
{
	(void)state;
	assert_valid(WITH("\"hostname\":\"a\""));
	assert_valid(WITH("\"hostname\":\"Web-1.example_org\""));
	assert_valid(
		WITH("\"hostname\":\"0123456789012345678901234567890123456789012345678901234567"
		     "890123\""));
	assert_invalid(
		WITH("\"hostname\":\"01234567890123456789012345678901234567890123456789012345"
		     "678901234\""),
		"spec.hostname");
	assert_invalid(WITH("\"hostname\":\"\""), "spec.hostname");
	assert_invalid(WITH("\"hostname\":\"-a\""), "spec.hostname");
	assert_invalid(WITH("\"hostname\":\".a\""), "spec.hostname");
	assert_invalid(WITH("\"hostname\":\"a b\""), "spec.hostname");
	assert_invalid(WITH("\"hostname\":\"a\\u001b[2J\""), "spec.hostname");
	assert_invalid(WITH("\"hostname\":\"\xc3\xa4\""), "spec.hostname");
}

static void a_variable_and_a_label_have_a_key(void **state)
{
	(void)state;
	assert_valid(WITH("\"environment\":[\"A=\",\"B==\"]"));
	assert_invalid(WITH("\"environment\":[\"A=1\",\"B\"]"), "spec.environment[1]");
	assert_invalid(WITH("\"environment\":[\"=1\"]"), "spec.environment[0]");
	assert_invalid(WITH("\"environment\":[\"\"]"), "spec.environment[0]");
	assert_valid(WITH("\"labels\":{\"a\":\"\"}"));
	assert_invalid(WITH("\"labels\":{\"\":\"a\"}"), "spec.labels");
}

static void a_program_has_a_name(void **state)
{
	(void)state;
	assert_valid(WITH("\"command\":[]"));
	assert_valid(WITH("\"command\":[\"sh\",\"\"]"));
	assert_valid(WITH("\"entrypoint\":[]"));
	assert_valid(WITH("\"entrypoint\":[\"env\"],\"command\":[\"\"]"));
	assert_invalid(WITH("\"command\":[\"\"]"), "spec.command");
	assert_invalid(WITH("\"command\":[\"\"],\"entrypoint\":[]"), "spec.command");
	assert_invalid(WITH("\"entrypoint\":[\"\"]"), "spec.entrypoint");
}

static void arguments_and_variables_are_bounded(void **state)
{
	_cleanup_(spec_done) struct spec spec = SPEC_NULL;
	struct error err;

	(void)state;
	spec.image = alloc_strdup("i");
	for (int i = 0; i < 2048; i++) {
		strv_append(&spec.command, "x");
		strv_append(&spec.environment, "A=1");
	}
	assert_int_equal(spec_validate(&spec, &err), 0);
	strv_append(&spec.entrypoint, "x");
	assert_int_equal(spec_validate(&spec, &err), -1);
	assert_string_equal(err.subject, "spec.command");
}

static void a_user_is_one_name_or_two(void **state)
{
	(void)state;
	assert_valid(WITH("\"user\":\"www\""));
	assert_valid(WITH("\"user\":\"1000:1000\""));
	assert_invalid(WITH("\"user\":\"\""), "spec.user");
	assert_invalid(WITH("\"user\":\":g\""), "spec.user");
	assert_invalid(WITH("\"user\":\"u:\""), "spec.user");
	assert_invalid(WITH("\"user\":\"u:g:x\""), "spec.user");
	assert_invalid(WITH("\"user\":\"a\\nb\""), "spec.user");
}

static void a_container_is_stopped_by_a_signal_within_a_day(void **state)
{
	(void)state;
	assert_valid(WITH("\"stop_signal\":\"SIGRTMIN+3\",\"stop_timeout_ms\":0"));
	assert_valid(WITH("\"stop_timeout_ms\":-1"));
	assert_valid(WITH("\"stop_timeout_ms\":86400000"));
	assert_invalid(WITH("\"stop_signal\":\"SIGNONE\""), "spec.stop_signal");
	assert_invalid(WITH("\"stop_timeout_ms\":-2"), "spec.stop_timeout_ms");
	assert_invalid(WITH("\"stop_timeout_ms\":86400001"), "spec.stop_timeout_ms");
	assert_invalid(WITH("\"stop_timeout_ms\":9223372036854775807"), "spec.stop_timeout_ms");
}

static void a_working_directory_is_absolute(void **state)
{
	(void)state;
	assert_valid(WITH("\"workdir\":\"/\""));
	assert_invalid(WITH("\"workdir\":\"\""), "spec.workdir");
	assert_invalid(WITH("\"workdir\":\"tmp\""), "spec.workdir");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_said_has_its_default),
		cmocka_unit_test(every_field_is_read),
		cmocka_unit_test(what_was_written_is_read_back_the_same),
		cmocka_unit_test(a_value_of_another_type_is_named_by_its_path),
		cmocka_unit_test(done_leaves_an_empty_spec),
		cmocka_unit_test(a_spec_has_an_image_or_a_rootfs),
		cmocka_unit_test(a_rootfs_is_absolute_and_not_the_hosts),
		cmocka_unit_test(a_host_name_is_made_of_the_letters_that_host_names_have),
		cmocka_unit_test(a_variable_and_a_label_have_a_key),
		cmocka_unit_test(a_program_has_a_name),
		cmocka_unit_test(arguments_and_variables_are_bounded),
		cmocka_unit_test(a_user_is_one_name_or_two),
		cmocka_unit_test(a_container_is_stopped_by_a_signal_within_a_day),
		cmocka_unit_test(a_working_directory_is_absolute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
