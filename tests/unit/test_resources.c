/* Sizes, numbers of CPUs, and resources to JSON and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "common/cleanup.h"
#include "common/exec_spec.h"
#include "common/json.h"
#include "common/parse.h"
#include "common/resources.h"

static void a_size_has_a_unit_of_1024_and_a_fraction(void **state)
{
	static const struct {
		const char *text;
		int64_t bytes;
	} sizes[] = {
		{ "0", 0 },
		{ "536870912", 536870912 },
		{ "12345678901234567", INT64_C(12345678901234567) },
		{ "1b", 1 },
		{ "512k", 512 << 10 },
		{ "64m", 64 << 20 },
		{ "64M", 64 << 20 },
		{ "64mb", 64 << 20 },
		{ "64MiB", 64 << 20 },
		{ "1.5g", INT64_C(3) << 29 },
		{ "0.5k", 512 },
		{ "2t", INT64_C(2) << 40 },
		{ "-1", -1 },
	};
	int64_t bytes;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(parse_size(sizes[i].text, &bytes, &err), 0);
		assert_int_equal(bytes, sizes[i].bytes);
	}
}

static void what_is_no_size_is_refused_and_nothing_is_changed(void **state)
{
	static const char *const texts[] = { "",    "m",   "1x",	   "1mm",
					     "-2",  " 1",  "1 m",	   "1e3",
					     "1bb", "0x1", "99999999999t", "9999999999999999999" };
	int64_t bytes = 42;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(parse_size(texts[i], &bytes, &err), -1);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
	}
	assert_int_equal(bytes, 42);
}

static void cpus_are_counted_in_billionths(void **state)
{
	int64_t nano_cpus = 0;
	struct error err;

	(void)state;
	assert_int_equal(parse_cpus("2", &nano_cpus, &err), 0);
	assert_int_equal(nano_cpus, 2000000000);
	assert_int_equal(parse_cpus("0.25", &nano_cpus, &err), 0);
	assert_int_equal(nano_cpus, 250000000);
	assert_int_equal(parse_cpus("0", &nano_cpus, &err), -1);
	assert_int_equal(parse_cpus("two", &nano_cpus, &err), -1);
	assert_int_equal(parse_cpus("-1", &nano_cpus, &err), -1);
	assert_int_equal(nano_cpus, 250000000);
}

static struct json_object *parse(const char *text)
{
	struct json_object *object;
	struct error err;

	assert_int_equal(json_parse(text, strlen(text), &object, &err), 0);
	return object;
}

static void what_is_not_set_is_not_written(void **state)
{
	struct resources resources = RESOURCES_NULL;

	(void)state;
	assert_null(resources_to_json(&resources));
}

static void resources_come_back_as_they_went(void **state)
{
	static const char text[] = "{\"memory_bytes\":-1,\"pids_limit\":7,\"cpuset_cpus\":\"0-1\","
				   "\"files\":[\"memory.high=1\"]}";
	_cleanup_(json_putp) struct json_object *object = parse(text);
	_cleanup_(json_putp) struct json_object *again = NULL;
	struct resources resources = RESOURCES_NULL, copy;
	struct error err;

	(void)state;
	assert_int_equal(resources_from_json(object, &resources, &err), 0);
	assert_int_equal(resources.memory_bytes, -1);
	assert_int_equal(resources.nano_cpus, RESOURCE_UNSET);
	resources_copy(&resources, &copy);
	resources_done(&resources);
	again = resources_to_json(&copy);
	assert_true(json_object_equal(object, again));
	resources_done(&copy);
}

static void a_change_replaces_only_what_it_names(void **state)
{
	_cleanup_(json_putp) struct json_object *first =
		parse("{\"memory_bytes\":1,\"pids_limit\":2}");
	_cleanup_(json_putp) struct json_object *second = parse("{\"pids_limit\":3}");
	struct resources resources = RESOURCES_NULL;
	struct error err;

	(void)state;
	assert_int_equal(resources_from_json(first, &resources, &err), 0);
	assert_int_equal(resources_from_json(second, &resources, &err), 0);
	assert_int_equal(resources.memory_bytes, 1);
	assert_int_equal(resources.pids_limit, 3);
	resources_done(&resources);
}

static void a_terminals_size_is_ruled_by_a_policy(void **state)
{
	static const char *const wrong[] = {
		"",	     "largest",	  "fixed=",	  "fixed=80",
		"fixed=0x5", "fixed=5x0", "fixed=1001x5", "fixed=80x24x1"
	};
	struct terminal_size size;
	struct error err;

	(void)state;
	assert_int_equal(parse_terminal_size("smallest", &size, &err), 0);
	assert_int_equal(size.policy, SIZE_SMALLEST);
	assert_int_equal(parse_terminal_size("fixed=132x50", &size, &err), 0);
	assert_int_equal(size.policy, SIZE_FIXED);
	assert_int_equal(size.columns, 132);
	assert_int_equal(size.rows, 50);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(parse_terminal_size(wrong[i], &size, &err), -1);
	assert_int_equal(size.rows, 50);
}

static void an_exec_is_held_to_the_rules_of_a_container(void **state)
{
	static const struct {
		const char *text, *subject;
	} wrong[] = {
		{ "{\"command\":[]}", "exec.command" },
		{ "{\"command\":[\"\"]}", "exec.command" },
		{ "{\"command\":[\"x\"],\"workdir\":\"rel\"}", "exec.workdir" },
		{ "{\"command\":[\"x\"],\"user\":\":\"}", "exec.user" },
		{ "{\"command\":[\"x\"],\"environment\":[\"nothing\"]}", "exec.environment[0]" },
		{ "{\"command\":[\"x\"],\"size_policy\":\"no\"}", "exec.size_policy" },
	};
	struct exec_spec spec = EXEC_SPEC_NULL;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(json_putp) struct json_object *object = parse(wrong[i].text);

		assert_int_equal(exec_spec_from_json(object, &spec, &err), -1);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
		assert_string_equal(err.subject, wrong[i].subject);
	}
	assert_null(spec.command);
}

static void an_exec_comes_back_as_it_went(void **state)
{
	static const char text[] =
		"{\"command\":[\"ls\",\"-l\"],\"user\":\"me\",\"terminal\":true,"
		"\"stdin_open\":false,\"privileged\":true,\"on_detach\":\"hup\"}";
	_cleanup_(json_putp) struct json_object *object = parse(text);
	_cleanup_(json_putp) struct json_object *again = NULL;
	_cleanup_(exec_spec_done) struct exec_spec spec = EXEC_SPEC_NULL;
	struct error err;

	(void)state;
	assert_int_equal(exec_spec_from_json(object, &spec, &err), 0);
	again = exec_spec_to_json(&spec);
	assert_true(json_object_equal(object, again));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_size_has_a_unit_of_1024_and_a_fraction),
		cmocka_unit_test(what_is_no_size_is_refused_and_nothing_is_changed),
		cmocka_unit_test(cpus_are_counted_in_billionths),
		cmocka_unit_test(what_is_not_set_is_not_written),
		cmocka_unit_test(resources_come_back_as_they_went),
		cmocka_unit_test(a_change_replaces_only_what_it_names),
		cmocka_unit_test(a_terminals_size_is_ruled_by_a_policy),
		cmocka_unit_test(an_exec_is_held_to_the_rules_of_a_container),
		cmocka_unit_test(an_exec_comes_back_as_it_went),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
