#include "common/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"

/* The flag comes last and stands alone in its word: whoever reads more than a bool there reads
 * beyond the structure.
 */
struct thing {
	char *name;
	char **words, **labels;
	int64_t number;
	bool flag;
};

static const struct json_field fields[] = {
	JSON_FIELD(struct thing, name, JSON_STRING), JSON_FIELD(struct thing, words, JSON_STRINGS),
	JSON_FIELD(struct thing, labels, JSON_MAP),  JSON_FIELD(struct thing, number, JSON_INT),
	JSON_FIELD(struct thing, flag, JSON_BOOL),
};

static void thing_done(struct thing *thing)
{
	json_free_fields(fields, ARRAY_SIZE(fields), thing);
}

static int read_thing(const char *text, struct thing *thing, struct error *err)
{
	_cleanup_(json_putp) struct json_object *object = NULL;

	*err = ERROR_NULL;
	assert_int_equal(json_parse(text, strlen(text), &object, err), 0);
	return json_read_fields(object, fields, ARRAY_SIZE(fields), thing, err);
}

static void every_kind_of_field_is_read(void **state)
{
	_cleanup_(thing_done) struct thing thing = { 0 };
	struct error err;

	(void)state;
	assert_int_equal(read_thing("{\"name\":\"web\",\"words\":[\"a\",\"\"],"
				    "\"labels\":{\"k\":\"v=w\",\"e\":\"\"},"
				    "\"number\":-9223372036854775808,\"flag\":true}",
				    &thing, &err),
			 0);
	assert_string_equal(thing.name, "web");
	assert_int_equal(strv_length(thing.words), 2);
	assert_string_equal(thing.words[0], "a");
	assert_string_equal(thing.words[1], "");
	assert_string_equal(strv_get(thing.labels, "k"), "v=w");
	assert_string_equal(strv_get(thing.labels, "e"), "");
	assert_true(thing.number == INT64_MIN);
	assert_true(thing.flag);
}

static void fields_that_are_absent_or_null_stay_as_they_are(void **state)
{
	_cleanup_(thing_done) struct thing thing = { .name = alloc_strdup("old"),
						     .number = 7,
						     .flag = true };
	struct error err;

	(void)state;
	strv_append(&thing.words, "w");
	assert_int_equal(read_thing("{}", &thing, &err), 0);
	assert_int_equal(read_thing("{\"name\":null,\"words\":null,\"labels\":null,"
				    "\"number\":null,\"flag\":null,\"other\":1}",
				    &thing, &err),
			 0);
	assert_string_equal(thing.name, "old");
	assert_string_equal(thing.words[0], "w");
	assert_null(thing.labels);
	assert_int_equal(thing.number, 7);
	assert_true(thing.flag);
}

static void a_field_that_is_read_replaces_what_was_there(void **state)
{
	_cleanup_(thing_done) struct thing thing = { .name = alloc_strdup("old") };
	struct error err;

	(void)state;
	strv_append(&thing.words, "w");
	strv_append(&thing.labels, "a=b");
	assert_int_equal(read_thing("{\"name\":\"new\",\"words\":[],\"labels\":{}}", &thing, &err),
			 0);
	assert_string_equal(thing.name, "new");
	assert_non_null(thing.words);
	assert_null(thing.words[0]);
	assert_non_null(thing.labels);
	assert_null(thing.labels[0]);
}

static void a_value_of_another_type_is_refused_by_its_key(void **state)
{
	static const struct {
		const char *text, *key;
	} cases[] = {
		{ "{\"name\":1}", "name" },
		{ "{\"name\":[\"a\"]}", "name" },
		{ "{\"words\":\"a\"}", "words" },
		{ "{\"words\":[\"a\",1]}", "words" },
		{ "{\"words\":[null]}", "words" },
		{ "{\"words\":{\"0\":\"a\"}}", "words" },
		{ "{\"labels\":[\"a=b\"]}", "labels" },
		{ "{\"labels\":{\"a\":1}}", "labels" },
		{ "{\"labels\":{\"a\":null}}", "labels" },
		{ "{\"labels\":{\"a=b\":\"c\"}}", "labels" },
		{ "{\"number\":1.0}", "number" },
		{ "{\"number\":\"1\"}", "number" },
		{ "{\"number\":true}", "number" },
		{ "{\"flag\":1}", "flag" },
		{ "{\"flag\":\"true\"}", "flag" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(thing_done) struct thing thing = { .name = alloc_strdup("old") };
		struct error err;

		assert_int_equal(read_thing(cases[i].text, &thing, &err), -1);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
		assert_string_equal(err.subject, cases[i].key);
		assert_string_equal(thing.name, "old");
		assert_null(thing.words);
		assert_null(thing.labels);
	}
}

static void what_was_written_can_be_read_again(void **state)
{
	_cleanup_(thing_done) struct thing thing = { .name = alloc_strdup("x\n\""),
						     .number = INT64_MAX,
						     .flag = true };
	_cleanup_(thing_done) struct thing again = { 0 };
	_cleanup_(json_putp) struct json_object *object = json_object_new_object();
	struct error err;

	(void)state;
	strv_append(&thing.words, "one");
	strv_append(&thing.words, "");
	strv_append(&thing.labels, "tier=a=b");
	strv_append(&thing.labels, "empty=");
	json_write_fields(object, fields, ARRAY_SIZE(fields), &thing);
	assert_int_equal(json_read_fields(object, fields, ARRAY_SIZE(fields), &again, &err), 0);
	assert_string_equal(again.name, thing.name);
	assert_int_equal(strv_length(again.words), 2);
	assert_string_equal(strv_get(again.labels, "tier"), "a=b");
	assert_string_equal(strv_get(again.labels, "empty"), "");
	assert_true(again.number == INT64_MAX);
	assert_true(again.flag);
}

static void null_strings_and_vectors_are_left_out(void **state)
{
	/* On the heap, for a sanitizer to see whoever looks beyond the last field. */
	_cleanup_(freep) struct thing *thing = ALLOC(struct thing);
	_cleanup_(json_putp) struct json_object *object = json_object_new_object();

	(void)state;
	json_write_fields(object, fields, ARRAY_SIZE(fields), thing);
	assert_string_equal(json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN),
			    "{\"number\":0,\"flag\":false}");
}

static void freed_fields_are_null_and_can_be_freed_again(void **state)
{
	struct thing thing = { .name = alloc_strdup("x"), .number = 3 };

	(void)state;
	strv_append(&thing.words, "w");
	thing_done(&thing);
	assert_null(thing.name);
	assert_null(thing.words);
	assert_int_equal(thing.number, 3);
	thing_done(&thing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_field_is_read),
		cmocka_unit_test(fields_that_are_absent_or_null_stay_as_they_are),
		cmocka_unit_test(a_field_that_is_read_replaces_what_was_there),
		cmocka_unit_test(a_value_of_another_type_is_refused_by_its_key),
		cmocka_unit_test(what_was_written_can_be_read_again),
		cmocka_unit_test(null_strings_and_vectors_are_left_out),
		cmocka_unit_test(freed_fields_are_null_and_can_be_freed_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
