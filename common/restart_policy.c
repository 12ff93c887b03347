#include "common/restart_policy.h"

#include <stdbool.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/parse.h"

static const struct {
	const char *name;
	bool counts;
} policies[] = {
	[RESTART_NO] = { "no", false },
	[RESTART_ON_FAILURE] = { "on-failure", true },
	[RESTART_ON_UNHEALTHY] = { "on-unhealthy", true },
	[RESTART_ALWAYS] = { "always", false },
	[RESTART_UNLESS_STOPPED] = { "unless-stopped", false },
};

int parse_restart_policy(const char *text, struct restart_policy *ret, struct error *err)
{
	struct restart_policy policy = { 0 };
	size_t n = text ? strcspn(text, ":") : 0, i = 0;

	if (!text) {
		*ret = policy;
		return 0;
	}
	while (i < ARRAY_SIZE(policies) &&
	       (strlen(policies[i].name) != n || strncmp(policies[i].name, text, n) != 0))
		i++;
	if (i == ARRAY_SIZE(policies) || (text[n] && !policies[i].counts))
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.64s\": a restart policy is no, on-failure[:N], "
				 "on-unhealthy[:N], always or unless-stopped",
				 text);
	if (text[n] && parse_integer(text + n + 1, 1, INT32_MAX, &policy.retries, err) < 0)
		return -1;
	policy.when = (enum restart_when)i;
	*ret = policy;
	return 0;
}
