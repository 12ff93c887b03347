/* What a container's processes may do: the part of a spec (common/spec.h) that is about
 * capabilities, system calls, limits, kernel parameters and devices. Owns all its strings.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "common/error.h"

enum {
	RIGHTS_GROUPS_MAX = 32,
	RIGHTS_SHM_DEFAULT_BYTES = 64 * 1024 * 1024,
};

struct rights {
	char **cap_add, **cap_drop; /* common/capability.h */
	bool privileged; /* all capabilities and devices, no seccomp, nothing masked, /sys writable */
	bool no_new_privileges; /* setuid programs and file capabilities gain nothing (default) */
	bool unmasked_paths;	/* nothing of /proc and /sys is hidden or read-only */
	char *seccomp;		/* NULL: the default profile; "unconfined"; else a profile's text */
	char **ulimits;		/* common/ulimit.h */
	char **sysctls;		/* KEY=VALUE, common/sysctl.h */
	char **devices;		/* common/device.h */
	char **device_rules;	/* the same: what may be done with nodes that are there or made */
	char **groups;		/* supplementary ones, names or numbers inside */
	int64_t oom_score_adj;	/* proc(5) */
	int64_t shm_bytes;	/* size of /dev/shm */
};

/* As an initialiser within another, and as a value. */
#define RIGHTS_INITIAL                                                           \
	{                                                                        \
		.no_new_privileges = true, .shm_bytes = RIGHTS_SHM_DEFAULT_BYTES \
	}
#define RIGHTS_NULL ((struct rights)RIGHTS_INITIAL)

/* From the fields of an object that fits the interface's Spec, over what is there; and back. */
int rights_from_json(struct json_object *object, struct rights *rights, struct error *err);
void rights_to_json(const struct rights *rights, struct json_object *object);

/* All that can be said without looking at the host. ERROR_INVALID_VALUE, subject "spec.FIELD". */
int rights_validate(const struct rights *rights, struct error *err);

/* The capabilities of a container with these rights (its bounding set), and those of them that a
 * user other than root has there: what was added by name. Valid rights.
 */
uint64_t rights_capabilities(const struct rights *rights);
uint64_t rights_ambient(const struct rights *rights);

/* Whether seccomp says that there is no filter. */
bool rights_unconfined(const struct rights *rights);

/* NULL-safe for its members; leaves RIGHTS_NULL. */
void rights_done(struct rights *rights);
