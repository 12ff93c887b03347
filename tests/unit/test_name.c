#include "common/name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"

#define LETTERS_63 "a23456789012345678901234567890123456789012345678901234567890123"
#define LETTERS_64 "a234567890123456789012345678901234567890123456789012345678901234"

static void names_of_letters_digits_and_three_signs_are_valid(void **state)
{
	static const char *const good[] = { "a",  "Z",	  "0",	"web",	   "Web-1.old_2",
					    "0_", "a..b", "9-", LETTERS_63 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (!name_is_valid(good[i]))
			fail_msg("%s", good[i]);
}

static void other_names_are_not(void **state)
{
	static const char *const bad[] = { "",	       "_a",	"-a",  ".a",	  "..",
					   "a b",      "a/b",	"a\n", "a:b",	  "a\x1b[2J",
					   "\xc3\xa4", "a\x7f", "a=b", LETTERS_64 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (name_is_valid(bad[i]))
			fail_msg("%s", bad[i]);
}

static void every_byte_is_allowed_or_not_by_the_pattern(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		const char first[] = { (char)c, '\0' }, second[] = { 'a', (char)c, '\0' };
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			      (c >= '0' && c <= '9');

		assert_int_equal(name_is_valid(first), letter);
		assert_int_equal(name_is_valid(second), letter || c == '_' || c == '.' || c == '-');
	}
}

static void a_bad_name_is_answered_with_the_rule(void **state)
{
	struct error err = ERROR_NULL;

	(void)state;
	assert_int_equal(name_check("web", &err), 0);
	assert_int_equal(err.code, ERROR_NONE);
	assert_int_equal(name_check("../x", &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_string_equal(err.subject, "name");
	assert_non_null(strstr(err.message, "1 to 63 letters"));
}

static void a_prefix_of_an_id_is_1_to_64_small_hexadecimal_digits(void **state)
{
	static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	static const char *const bad[] = { "", "A", "g", "0x1", "12 ", "-1", "1\n" };
	char longer[sizeof(id) + 1];

	(void)state;
	assert_true(id_prefix_is_valid("0"));
	assert_true(id_prefix_is_valid("deadbeef"));
	assert_true(id_prefix_is_valid(id));
	(void)strcpy(longer, id);
	(void)strcat(longer, "0");
	assert_false(id_prefix_is_valid(longer));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(id_prefix_is_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_letters_digits_and_three_signs_are_valid),
		cmocka_unit_test(other_names_are_not),
		cmocka_unit_test(every_byte_is_allowed_or_not_by_the_pattern),
		cmocka_unit_test(a_bad_name_is_answered_with_the_rule),
		cmocka_unit_test(a_prefix_of_an_id_is_1_to_64_small_hexadecimal_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
