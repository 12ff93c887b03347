/* Resource limits as people write them: NAME=SOFT[:HARD] (getrlimit(2), in its units). */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "common/rlimit.h"

enum { ULIMITS_MAX = RLIMITS };

struct ulimit {
	int resource;	     /* RLIMIT_* */
	uint64_t soft, hard; /* RLIM_INFINITY for none */
};

/* A number, or "unlimited", or -1 for that; without HARD it is SOFT. */
int ulimit_parse(const char *text, struct ulimit *ret, struct error *err);

/* Those of a vector; NULL is none. A resource that is named twice is an error. */
int ulimits_parse(char *const *texts, struct ulimit ret[ULIMITS_MAX], size_t *ret_n,
		  struct error *err);
