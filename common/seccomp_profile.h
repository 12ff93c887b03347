/* Seccomp profiles: docker's JSON format (seccomp(2); the OCI runtime specification, config-linux,
 * "seccomp"), as rules that a program is made from (daemon/launch/seccomp.h).
 *
 * Rules apply in their order: of those that name a system call, the first whose conditions hold
 * decides; without one, the default action.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum seccomp_comparison {
	SECCOMP_EQUAL,
	SECCOMP_NOT_EQUAL,
	SECCOMP_LESS,
	SECCOMP_LESS_OR_EQUAL,
	SECCOMP_GREATER,
	SECCOMP_GREATER_OR_EQUAL,
};

/* (argument & mask) COMPARISON value, unsigned. The kernel looks at the low 32 bits alone of an
 * argument that is an int to it: a mask keeps what a caller puts above them out of the comparison.
 */
struct seccomp_condition {
	unsigned int argument; /* 0 to 5 */
	enum seccomp_comparison comparison;
	uint64_t mask, value;
};

enum { SECCOMP_CONDITIONS_MAX = 6, SECCOMP_NAMES_MAX = 512 };

/* When a rule is there at all. */
struct seccomp_scope {
	uint64_t capabilities;		  /* of the container */
	const char *const *architectures; /* docker's names, ends with NULL; NULL: none are named */
	uint32_t kernel;		  /* version << 16 | patchlevel; 0: none is named */
};

struct seccomp_rule {
	const char *const *names;		    /* of system calls, ends with NULL */
	uint32_t action;			    /* SECCOMP_RET_* with its data */
	const struct seccomp_condition *conditions; /* all must hold */
	size_t n_conditions;
	struct seccomp_scope with;    /* needs all the capabilities, one of the architectures, and a
				       * kernel that is not older */
	struct seccomp_scope without; /* is dropped for any of them */
};

struct seccomp_profile {
	uint32_t default_action;
	uint32_t flags; /* SECCOMP_FILTER_FLAG_* */
	const struct seccomp_rule *rules;
	size_t n_rules;
};

/* Reads the text of a profile; strictly: what is unknown, or cannot be done, is
 * ERROR_INVALID_VALUE, with the place ("syscalls[3].args[0].op: ..."). Whether there are such
 * system calls is not looked at. *ret is the caller's, to be freed by seccomp_profile_free.
 *
 * `architectures` and `archMap` have to name this machine's. Others that they name stay closed: an
 * argument means another thing there.
 */
int seccomp_profile_parse(const char *text, struct seccomp_profile **ret, struct error *err);

/* Of one that was parsed. NULL-safe; returns NULL. */
struct seccomp_profile *seccomp_profile_free(struct seccomp_profile *profile);

/* This machine's architecture, as docker's lists name it ("amd64"). */
const char *seccomp_architecture(void);
