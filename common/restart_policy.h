/* Whether a container that has ended is started again. */
#pragma once

#include <stdint.h>

#include "common/error.h"

enum restart_when {
	RESTART_NO,
	RESTART_ON_FAILURE,	/* its exit status is not 0 */
	RESTART_ON_UNHEALTHY,	/* that, and when its health check fails while it runs */
	RESTART_ALWAYS,		/* also when it was stopped, once the daemon is started anew */
	RESTART_UNLESS_STOPPED, /* but not when it was stopped */
};

struct restart_policy {
	enum restart_when when;
	int64_t retries; /* on-failure and on-unhealthy: so many times at most; 0: any number */
};

/* "no" (or NULL), "on-failure[:N]", "on-unhealthy[:N]", "always", "unless-stopped".
 * ERROR_INVALID_VALUE.
 */
int parse_restart_policy(const char *text, struct restart_policy *ret, struct error *err);
