#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/restart_policy.h"

static void every_policy_is_read(void **state)
{
	static const struct {
		const char *text;
		struct restart_policy policy;
	} cases[] = {
		{ NULL, { RESTART_NO, 0 } },
		{ "no", { RESTART_NO, 0 } },
		{ "on-failure", { RESTART_ON_FAILURE, 0 } },
		{ "on-failure:7", { RESTART_ON_FAILURE, 7 } },
		{ "on-unhealthy:1", { RESTART_ON_UNHEALTHY, 1 } },
		{ "always", { RESTART_ALWAYS, 0 } },
		{ "unless-stopped", { RESTART_UNLESS_STOPPED, 0 } },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct restart_policy policy = { RESTART_ALWAYS, 99 };

		assert_int_equal(parse_restart_policy(cases[i].text, &policy, &err), 0);
		assert_int_equal(policy.when, cases[i].policy.when);
		assert_int_equal(policy.retries, cases[i].policy.retries);
	}
}

static void what_is_none_is_refused(void **state)
{
	static const char *const cases[] = { "",
					     "on",
					     "always:1",
					     "no:1",
					     "on-failure:",
					     "on-failure:0",
					     "on-failure:x",
					     "on-failure:-1",
					     "on-failure:99999999999",
					     "Always",
					     "on-failure:1:2" };
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct restart_policy policy = { RESTART_ALWAYS, 99 };

		assert_int_equal(parse_restart_policy(cases[i], &policy, &err), -1);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
		assert_int_equal(policy.retries, 99);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_policy_is_read),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
