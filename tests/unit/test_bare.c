/* dokrust-init's own string functions and snprintf, against the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifdef __x86_64__

/* Under names of their own. With fortification the C library has macros under some. */
size_t bare_strlen(const char *s);
size_t bare_strspn(const char *s, const char *set);
size_t bare_strcspn(const char *s, const char *set);
int bare_strcmp(const char *a, const char *b);
int bare_strncmp(const char *a, const char *b, size_t n);
char *bare_strchr(const char *s, int c);
char *bare_strcpy(char *restrict to, const char *restrict from);
char *bare_strcat(char *restrict to, const char *restrict from);
char *bare_strsep(char **restrict at, const char *restrict set);
void *bare_memcpy(void *restrict to, const void *restrict from, size_t n);
void *bare_memset(void *to, int c, size_t n);
void *bare_memchr(const void *data, int c, size_t n);
int bare_snprintf(char *restrict buffer, size_t size, const char *restrict format, ...)
	__attribute__((format(printf, 3, 4)));
int bare_vsnprintf(char *restrict buffer, size_t size, const char *restrict format, va_list ap)
	__attribute__((format(printf, 3, 0)));

#undef snprintf
#undef vsnprintf
#define strlen bare_strlen
#define strspn bare_strspn
#define strcspn bare_strcspn
#define strcmp bare_strcmp
#define strncmp bare_strncmp
#define strchr bare_strchr
#define strcpy bare_strcpy
#define strcat bare_strcat
#define strsep bare_strsep
#define memcpy bare_memcpy
#define memset bare_memset
#define memchr bare_memchr
#define snprintf bare_snprintf
#define vsnprintf bare_vsnprintf
/* NOLINTNEXTLINE(bugprone-suspicious-include): under the names above */
#include "daemon/init/bare/format.c"
/* NOLINTNEXTLINE(bugprone-suspicious-include) */
#include "daemon/init/bare/string.c"
#undef strlen
#undef strspn
#undef strcspn
#undef strcmp
#undef strncmp
#undef strchr
#undef strcpy
#undef strcat
#undef strsep
#undef memcpy
#undef memset
#undef memchr
#undef snprintf
#undef vsnprintf

#define SAME_FORMAT(size, ...)                                             \
	do {                                                               \
		char ours[64], theirs[64];                                 \
		(void)memset(ours, '#', sizeof(ours));                     \
		(void)memset(theirs, '#', sizeof(theirs));                 \
		assert_int_equal(bare_snprintf(ours, (size), __VA_ARGS__), \
				 snprintf(theirs, (size), __VA_ARGS__));   \
		assert_memory_equal(ours, theirs, sizeof(ours));           \
	} while (0)

static void text_is_formatted_as_by_the_c_library(void **state)
{
	static volatile size_t small = 5; /* known to no compiler, which would warn of the cut */

	(void)state;
	SAME_FORMAT(64, "plain");
	SAME_FORMAT(64, "%s and %s", "one", "");
	SAME_FORMAT(64, "%.3s|%.0s|%.9s", "abcdef", "abc", "abc");
	SAME_FORMAT(64, "%.*s|", 2, "abcdef");
	SAME_FORMAT(64, "%.*s|", -1, "abcdef");
	SAME_FORMAT(64, "%d %d %d", 0, INT_MIN, INT_MAX);
	SAME_FORMAT(64, "%u %x %x", UINT_MAX, 0xbeefU, 0U);
	SAME_FORMAT(64, "%ld %lu", LONG_MIN, ULONG_MAX);
	SAME_FORMAT(64, "%zu%%%c", (size_t)7, 'x');
	SAME_FORMAT(small, "%s", "12345678");
	SAME_FORMAT(small, "1234%s", "5");
	SAME_FORMAT(small, "%d", 123456);
	assert_int_equal(bare_snprintf(NULL, 0, "%d", 123), 3);
}

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

static void strings_are_treated_as_by_the_c_library(void **state)
{
	static const char *const texts[] = { "", "a", "b", "ab", "a:b:c", "::", "\xff", "aaaa" };
	static const size_t n = sizeof(texts) / sizeof(texts[0]);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(bare_strlen(texts[i]), strlen(texts[i]));
		assert_ptr_equal(bare_strchr(texts[i], ':'), strchr(texts[i], ':'));
		assert_ptr_equal(bare_strchr(texts[i], '\0'), strchr(texts[i], '\0'));
		for (size_t j = 0; j < n; j++) {
			assert_int_equal(sign(bare_strcmp(texts[i], texts[j])),
					 sign(strcmp(texts[i], texts[j])));
			assert_int_equal(sign(bare_strncmp(texts[i], texts[j], 1)),
					 sign(strncmp(texts[i], texts[j], 1)));
			assert_int_equal(bare_strspn(texts[i], texts[j]),
					 strspn(texts[i], texts[j]));
			assert_int_equal(bare_strcspn(texts[i], texts[j]),
					 strcspn(texts[i], texts[j]));
		}
	}
}

static void strings_are_cut_as_by_the_c_library(void **state)
{
	char ours[] = "a::b:", theirs[] = "a::b:", *x = ours, *y = theirs;

	(void)state;
	while (y) {
		const char *a = bare_strsep(&x, ":"), *b = strsep(&y, ":");

		assert_string_equal(a, b);
	}
	assert_null(x);
	assert_null(bare_strsep(&x, ":"));
}

static void memory_is_copied_and_filled(void **state)
{
	char buffer[16] = "";

	(void)state;
	assert_ptr_equal(bare_memset(buffer, 'x', 4), buffer);
	assert_string_equal(buffer, "xxxx");
	assert_ptr_equal(bare_memcpy(buffer + 1, "abc", 3), buffer + 1);
	assert_string_equal(buffer, "xabc");
	assert_ptr_equal(bare_strcpy(buffer, "12"), buffer);
	assert_ptr_equal(bare_strcat(buffer, "34"), buffer);
	assert_string_equal(buffer, "1234");
	assert_ptr_equal(bare_memchr(buffer, '3', 4), buffer + 2);
	assert_null(bare_memchr(buffer, '3', 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_formatted_as_by_the_c_library),
		cmocka_unit_test(strings_are_treated_as_by_the_c_library),
		cmocka_unit_test(strings_are_cut_as_by_the_c_library),
		cmocka_unit_test(memory_is_copied_and_filled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* Other machines link the C library. */
int main(void)
{
	return 0;
}

#endif
