/* Attacks on the wall around a container, tried as its root. Each is one function, and says what
 * came of it: 0 if it succeeded, which is bad, or errno; what it must be stands in tests/system/
 * test_attacks.py.
 */
#pragma once

#include <stddef.h>

struct attack {
	const char *name;
	int (*run)(void);
};

/* Each ends with a NULL name. */
extern const struct attack attacks_on_kernel[];
extern const struct attack attacks_on_host[];
extern const struct attack attacks_on_runtime[];
extern const struct attack attacks_by_other_abis[];

/* 0 or errno from what a system call returned: -1 with errno, or a descriptor, which is closed. */
int outcome(long result);
