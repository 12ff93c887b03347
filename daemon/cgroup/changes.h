/* From limits to writes, and the table of controllers; private to daemon/cgroup.
 *
 * Each controller says, as data, what is to be written for a set of limits (`plan`, which only
 * reads), and then all of it is carried out in order (changes_apply), or none of it.
 */
#pragma once

#include <stdarg.h>

#include "daemon/cgroup/hierarchy.h"

/* Enough for every member, four rates of each device, and up to three writes for a file. */
enum {
	CHANGE_FILE_SIZE = 64,
	CHANGES_MAX = 16 + 4 * CGROUP_RATED_DEVICES_MAX + 3 * CGROUP_FILES_MAX,
};

struct change {
	const struct hierarchy *hierarchy;
	const char *subject; /* for errors; borrowed from the limits or a literal */
	char file[CHANGE_FILE_SIZE];
	char *value;
	char *before; /* what to write to undo it; NULL: not known, or not carried out yet */
	/* Looks at the group after the write, if there is one: -1 with errno, as the kernel would
	 * have refused it.
	 */
	int (*check)(const struct cgroup *cgroup, const struct change *change);
	int64_t expected;	/* for check */
	const char *stands_for; /* the file to name in an error, if not this one */
};

struct changes {
	struct change list[CHANGES_MAX];
	size_t n;
};

/* Appends a write. There are never too many: the limits' numbers are bounded. */
struct change *changes_add(struct changes *changes, const struct hierarchy *hierarchy,
			   const char *subject, const char *file, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* A number, or `unlimited` for CGROUP_UNLIMITED. */
void changes_add_number(struct changes *changes, const struct hierarchy *hierarchy,
			const char *subject, const char *file, int64_t value,
			const char *unlimited);

/* The contract of cgroup_update. */
int changes_apply(const struct cgroup *cgroup, struct changes *changes, struct error *err);

/* Forgets them all. */
void changes_clear(struct changes *changes);
/* NULL-safe; returns NULL. */
struct changes *changes_free(struct changes *changes);

/* --- Controllers ----------------------------------------------------------------------------- */

struct controller_ops {
	/* Appends what the limits ask of this controller. */
	int (*plan)(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		    const struct cgroup_limits *limits, struct changes *changes, struct error *err);
	/* Fills in its figures. */
	void (*sample)(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		       struct cgroup_figures *figures);
};

struct controller {
	const char *name; /* v1's */
	/* The member of the limits that needs it and is set, or NULL. */
	const char *(*wanted)(const struct cgroup_limits *limits);
	struct controller_ops ops[3]; /* by version */
};

extern const struct controller memory_controller, cpu_controller, cpuacct_controller,
	cpuset_controller, pids_controller, io_controller;

/* files.c: the writes of limits->files. */
int files_plan(const struct cgroup *cgroup, const struct cgroup_limits *limits,
	       struct changes *changes, struct error *err);

/* translate.c: appends what a file of v1 and its value are on v2. Returns 1, 0 if v2 has nothing
 * for it, -1 with err if the value is none for that file.
 */
int translate_file(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		   const struct cgroup_file *file, struct changes *changes, struct error *err);
/* memory.c: memory.max on v2, so that it fails where v1 fails. */
void memory_v2_limit(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		     const char *subject, int64_t bytes, struct changes *changes);
/* The contract of cgroup_oom_kills. */
int64_t memory_oom_kills(const struct cgroup *cgroup, const struct hierarchy *hierarchy);

/* cpu.c: v2's figure for v1's. */
int64_t cpu_weight_of_shares(int64_t shares);

/* io.c: v2's key in io.max for a file of v1, or NULL. */
const char *io_max_key(const char *v1_file);
/* io.c: the weight on v2; the device is "MAJOR:MINOR " or "" for the group itself. */
int io_v2_weight(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *device,
		 int64_t weight, struct changes *changes, struct error *err);
