#include "common/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "common/cleanup.h"

static const struct {
	int64_t us;
	const char *text;
} times[] = {
	{ 0, "1970-01-01T00:00:00.000000Z" },
	{ 1, "1970-01-01T00:00:00.000001Z" },
	{ 951782399999999, "2000-02-28T23:59:59.999999Z" },
	{ 951782400000000, "2000-02-29T00:00:00.000000Z" },
	{ 1795510452012345, "2026-11-24T08:54:12.012345Z" },
	{ 253402300799999999, "9999-12-31T23:59:59.999999Z" },
};

static void times_are_written_in_utc_with_microseconds(void **state)
{
	char buffer[CLOCK_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		assert_string_equal(clock_format(times[i].us, buffer), times[i].text);
}

static void what_was_written_is_read_back_wherever_one_is(void **state)
{
	static const char *const zones[] = { "UTC", "America/New_York", "XYZ-5:30" };

	(void)state;
	for (size_t zone = 0; zone < ARRAY_SIZE(zones); zone++) {
		assert_int_equal(setenv("TZ", zones[zone], 1), 0);
		tzset();
		for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
			char buffer[CLOCK_TEXT_SIZE];
			int64_t us = 77;

			assert_string_equal(clock_format(times[i].us, buffer), times[i].text);
			assert_int_equal(clock_parse(times[i].text, &us), 0);
			assert_true(us == times[i].us);
		}
	}
}

static void other_forms_are_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"2026-11-24",
		"2026-11-24T08:54:12Z",
		"2026-11-24T08:54:12.012Z",
		"2026-11-24T08:54:12.012345",
		"2026-11-24T08:54:12.012345+00:00",
		"2026-11-24T08:54:12.012345Zx",
		"2026-11-24 08:54:12.012345Z",
		"2026-1-24T08:54:12.0123456Z",
		" 026-11-24T08:54:12.012345Z ",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t us = 77;

		if (clock_parse(bad[i], &us) == 0)
			fail_msg("\"%s\" was accepted", bad[i]);
		assert_int_equal(us, 77);
	}
}

static void the_monotonic_clock_never_goes_back(void **state)
{
	int64_t last = clock_monotonic_us();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = clock_monotonic_us();

		assert_true(now >= last);
		last = now;
	}
}

static void the_clock_of_the_day_is_the_systems(void **state)
{
	int64_t before = (int64_t)time(NULL) * 1000000, us = clock_realtime_us();

	(void)state;
	assert_true(us >= before - 1000000);
	assert_true(us < before + 60 * 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_written_in_utc_with_microseconds),
		cmocka_unit_test(what_was_written_is_read_back_wherever_one_is),
		cmocka_unit_test(other_forms_are_refused),
		cmocka_unit_test(the_monotonic_clock_never_goes_back),
		cmocka_unit_test(the_clock_of_the_day_is_the_systems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
