/* Maps of ids, as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/id_map.h"

static void a_map_is_read_and_written(void **state)
{
	static const char text[] = "0:100000:65536,70000:1000:1";
	char written[ID_MAP_TEXT_SIZE];
	struct id_map map;
	struct error err;
	uint32_t id;

	(void)state;
	assert_int_equal(id_map_parse(text, &map, &err), 0);
	assert_int_equal(map.n, 2);
	id_map_format(&map, written);
	assert_string_equal(written, text);
	assert_true(id_map_to_host(&map, 0, &id));
	assert_int_equal(id, 100000);
	assert_true(id_map_to_host(&map, 65535, &id));
	assert_int_equal(id, 165535);
	assert_true(id_map_to_host(&map, 70000, &id));
	assert_int_equal(id, 1000);
	assert_false(id_map_to_host(&map, 65536, &id));
	assert_false(id_map_to_host(&map, 70001, &id));
}

static void what_is_no_map_is_an_invalid_value(void **state)
{
	static const char *const texts[] = {
		"",
		"0",
		"0:1",
		"0:1:",
		":1:1",
		"0:1:0",
		"0:1:1:1",
		"0:1:1,",
		"1:1:1",
		"0:1:2,1:5:1",
		"0:1:2,5:2:1",
		"0:4294967295:1",
		"0:4294967294:2",
		"0:1:4294967295",
		"4294967295:1:1",
		"-1:1:1",
		"0:18446744073709551616:1",
		"0x0:1:1",
		"0: 1:1",
	};
	struct id_map map;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		err = ERROR_NULL;
		assert_int_equal(id_map_parse(texts[i], &map, &err), -1);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
	}
}

static void as_many_ranges_as_there_may_be_are_read_and_not_one_more(void **state)
{
	char text[1024] = "", written[ID_MAP_TEXT_SIZE];
	struct id_map map;
	struct error err;

	(void)state;
	for (unsigned int i = 0; i < ID_RANGES_MAX; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u:%u:1",
			       i ? "," : "", i, 100 + i);
	assert_int_equal(id_map_parse(text, &map, &err), 0);
	id_map_format(&map, written);
	assert_string_equal(written, text);
	(void)strcat(text, ",1000:1000:1");
	assert_int_equal(id_map_parse(text, &map, &err), -1);
}

static void a_user_namespace_has_three_forms(void **state)
{
	struct error err;

	(void)state;
	assert_int_equal(userns_check("auto", &err), 0);
	assert_int_equal(userns_check("host", &err), 0);
	assert_int_equal(userns_check("0:1:1", &err), 0);
	assert_int_equal(userns_check("Auto", &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_map_is_read_and_written),
		cmocka_unit_test(what_is_no_map_is_an_invalid_value),
		cmocka_unit_test(as_many_ranges_as_there_may_be_are_read_and_not_one_more),
		cmocka_unit_test(a_user_namespace_has_three_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
