#include "common/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"

static bool is_utf8(const char *text)
{
	size_t n = strlen(text);
	_cleanup_(freep) char *copy = alloc_zero(1, n);

	(void)memcpy(copy, text, n);
	return text_is_utf8(copy, n);
}

static void well_formed_utf8_is_told_from_other_bytes(void **state)
{
	/* The first and last character of each length, and the neighbours of the surrogates. */
	static const char *const good[] = {
		"",
		"a\x7f",
		"\xc2\x80",
		"\xdf\xbf",
		"\xe0\xa0\x80",
		"\xed\x9f\xbf",
		"\xee\x80\x80",
		"\xef\xbf\xbf",
		"\xe2\x82\xac",
		"\x01",
		"\xf0\x90\x80\x80",
		"\xf4\x8f\xbf\xbf",
	};
	static const char *const bad[] = {
		"\x80",
		"\xbf",
		"\xc2",
		"\xc2x",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xe0\xa0",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xf0\x90\x80",
		"\xff",
		"\xfe",
		"ok\xe2\x82",
		"\xf8\x88\x80\x80\x80",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_true(is_utf8(good[i]));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_false(is_utf8(bad[i]));
	assert_true(text_is_utf8("a\0b", 3));
	assert_true(text_is_utf8("\xc3\xa4\xff", 2));
}

/* The encoder here is the arithmetic of RFC 3629, section 3, the check is by its tables. */
static void every_character_of_unicode_is_well_formed(void **state)
{
	(void)state;
	for (uint32_t c = 0x80; c <= 0x10ffff; c++) {
		char s[4];
		size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

		for (size_t i = n; i-- > 1;)
			s[i] = (char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3f));
		s[0] = (char)((0xf00 >> n & 0xf0) | c >> (6 * (n - 1)));
		if (text_is_utf8(s, n) != (c < 0xd800 || c > 0xdfff))
			fail_msg("U+%04x", c);
		if (text_is_utf8(s, n - 1))
			fail_msg("U+%04x without its end", c);
	}
}

static void assert_escaped(const char *text, size_t size, const char *expected)
{
	/* Exactly as large as it is said to be, for a sanitizer to watch. */
	_cleanup_(freep) char *buffer = alloc_zero(1, size);

	text_escape(buffer, size, text);
	assert_string_equal(buffer, expected);
}

static void control_characters_and_broken_bytes_are_escaped(void **state)
{
	(void)state;
	assert_escaped("", 16, "");
	assert_escaped("plain \\x00 \"text\"", 64, "plain \\x00 \"text\"");
	assert_escaped("a\n\t\x1b[2J\x7f", 64, "a\\x0a\\x09\\x1b[2J\\x7f");
	assert_escaped("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 64,
		       "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_escaped("\xc2\x9b"
		       "2J",
		       64, "\\xc2\\x9b2J");
	assert_escaped("\xc2\xa0", 64, "\xc2\xa0");
	assert_escaped("\xff\xc3(\xe2\x82", 64, "\\xff\\xc3(\\xe2\\x82");
	assert_escaped("\xed\xa0\x80", 64, "\\xed\\xa0\\x80");
}

static void what_does_not_fit_is_cut_between_characters(void **state)
{
	(void)state;
	assert_escaped("abc", 1, "");
	assert_escaped("abc", 3, "ab");
	assert_escaped("abc", 4, "abc");
	assert_escaped("a\xe2\x82\xac", 4, "a");
	assert_escaped("a\xe2\x82\xac", 5, "a\xe2\x82\xac");
	assert_escaped("a\n", 5, "a");
	assert_escaped("a\n", 6, "a\\x0a");
	assert_escaped("\xc2\x85", 8, "");
	assert_escaped("\xc2\x85", 9, "\\xc2\\x85");
}

static void a_buffer_of_no_size_is_left_alone(void **state)
{
	char byte = 'x';

	(void)state;
	text_escape(&byte, 0, "abc");
	assert_int_equal(byte, 'x');
}

static void a_vector_grows_by_copies(void **state)
{
	_cleanup_(strv_freep) char **v = NULL;
	char word[] = "one";

	(void)state;
	assert_int_equal(strv_length(NULL), 0);
	strv_append(&v, word);
	word[0] = 'X';
	strv_append(&v, "");
	strv_append(&v, "three");
	assert_int_equal(strv_length(v), 3);
	assert_string_equal(v[0], "one");
	assert_string_equal(v[1], "");
	assert_string_equal(v[2], "three");
	assert_null(v[3]);
}

static void a_copy_of_a_vector_is_its_own(void **state)
{
	_cleanup_(strv_freep) char **v = NULL;
	_cleanup_(strv_freep) char **copy = NULL;
	_cleanup_(strv_freep) char **empty = NULL;
	char *none[] = { NULL };

	(void)state;
	strv_append(&v, "a");
	strv_append(&v, "b");
	copy = strv_copy(v);
	v[0][0] = 'X';
	assert_int_equal(strv_length(copy), 2);
	assert_string_equal(copy[0], "a");
	assert_string_equal(copy[1], "b");
	assert_null(strv_copy(NULL));
	empty = strv_copy(none);
	assert_non_null(empty);
	assert_null(empty[0]);
	assert_null(strv_free(NULL));
}

static void the_value_of_a_key_is_found_by_the_whole_key(void **state)
{
	_cleanup_(strv_freep) char **v = NULL;

	(void)state;
	assert_null(strv_get(NULL, "A"));
	strv_append(&v, "AB=1");
	strv_append(&v, "A=x=y");
	strv_append(&v, "EMPTY=");
	strv_append(&v, "BARE");
	assert_string_equal(strv_get(v, "A"), "x=y");
	assert_string_equal(strv_get(v, "AB"), "1");
	assert_string_equal(strv_get(v, "EMPTY"), "");
	assert_null(strv_get(v, "BARE"));
	assert_null(strv_get(v, "B"));
	assert_null(strv_get(v, ""));
}

static void a_key_that_is_set_replaces_its_value_in_place(void **state)
{
	_cleanup_(strv_freep) char **v = NULL;

	(void)state;
	strv_set(&v, "A", "1");
	strv_set(&v, "AB", "2");
	strv_set(&v, "A", "3=4");
	assert_int_equal(strv_length(v), 2);
	assert_string_equal(v[0], "A=3=4");
	assert_string_equal(v[1], "AB=2");
	strv_set(&v, "A", strv_get(v, "AB"));
	assert_string_equal(v[0], "A=2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(well_formed_utf8_is_told_from_other_bytes),
		cmocka_unit_test(every_character_of_unicode_is_well_formed),
		cmocka_unit_test(control_characters_and_broken_bytes_are_escaped),
		cmocka_unit_test(what_does_not_fit_is_cut_between_characters),
		cmocka_unit_test(a_buffer_of_no_size_is_left_alone),
		cmocka_unit_test(a_vector_grows_by_copies),
		cmocka_unit_test(a_copy_of_a_vector_is_its_own),
		cmocka_unit_test(the_value_of_a_key_is_found_by_the_whole_key),
		cmocka_unit_test(a_key_that_is_set_replaces_its_value_in_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
