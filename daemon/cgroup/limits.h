/* What a container may use: figures as people give them, with one meaning on cgroup v1 and v2.
 *
 * The unit of every figure is v1's or docker's; how it is said to the kernel is in the file of its
 * controller (memory.c, cpu.c, ...), with the formula and where that comes from. Beside the figures
 * there are files by name, for whatever the kernel has: see cgroup_limits_add_file.
 *
 * The same struct describes a new group and a change of one: what is unset is left as it is.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

#define CGROUP_UNSET INT64_MIN
#define CGROUP_UNLIMITED INT64_C(-1)

enum {
	CGROUP_PIDS_DEFAULT = 2048, /* of a new group, where nothing else was asked for */
	CGROUP_FILES_MAX = 128,
	CGROUP_RATED_DEVICES_MAX = 64,
	CGROUP_VALUE_MAX = 1024, /* bytes of a file's value */
};

#define CGROUP_MEMORY_MIN_BYTES (INT64_C(6) << 20) /* docker's: less cannot start anything */

/* A whole disk; the kernel refuses partitions. A rate of 0 lifts the limit. */
struct cgroup_device_rates {
	unsigned int major, minor;
	int64_t read_bytes_per_s, write_bytes_per_s; /* CGROUP_UNSET: left as it is */
	int64_t read_ios_per_s, write_ios_per_s;
};

struct cgroup_file {
	char *controller; /* "memory"; "cgroup" for the files of cgroup v2 itself */
	char *file;	  /* "memory.high" */
	char *value;
};

struct cgroup_limits {
	int64_t memory_bytes; /* CGROUP_UNLIMITED lifts the limit, here and in the next three */
	/* Memory and swap together. Unset while memory_bytes is set: twice that, as docker does. */
	int64_t memory_swap_bytes;
	int64_t memory_reservation_bytes; /* is kept from reclaim while others have more */
	int64_t pids;
	int64_t nano_cpus;    /* 10^9 is all of one CPU; CGROUP_UNLIMITED lifts it */
	int64_t cpu_shares;   /* 2 to 262144, 1024 is what a group has that asks for nothing */
	int64_t blkio_weight; /* 1 to 1000, 100 is what a group has that asks for nothing */
	char *cpuset_cpus;    /* "0-2,5"; NULL: unset */
	char *cpuset_mems;
	struct cgroup_device_rates *devices;
	size_t n_devices;
	struct cgroup_file *files;
	size_t n_files;
};

/* Nothing set. */
#define CGROUP_LIMITS_NULL                                                 \
	((struct cgroup_limits){ .memory_bytes = CGROUP_UNSET,             \
				 .memory_swap_bytes = CGROUP_UNSET,        \
				 .memory_reservation_bytes = CGROUP_UNSET, \
				 .pids = CGROUP_UNSET,                     \
				 .nano_cpus = CGROUP_UNSET,                \
				 .cpu_shares = CGROUP_UNSET,               \
				 .blkio_weight = CGROUP_UNSET })

/* Sets one rate of a device, adding the device if it is not there yet; which is one of the four
 * names of struct cgroup_device_rates.
 */
enum cgroup_rate {
	CGROUP_RATE_READ_BYTES,
	CGROUP_RATE_WRITE_BYTES,
	CGROUP_RATE_READ_IOS,
	CGROUP_RATE_WRITE_IOS,
	CGROUP_RATE_COUNT
};
int cgroup_limits_add_rate(struct cgroup_limits *limits, unsigned int major, unsigned int minor,
			   enum cgroup_rate which, int64_t rate, struct error *err);

/* Numbers of the block device at path. ERROR_INVALID_VALUE if it is none. */
int cgroup_device_numbers(const char *path, unsigned int *ret_major, unsigned int *ret_minor,
			  struct error *err);

/* "FILE=VALUE", a file of the group to write after all figures, in the order of adding. Its
 * controller is what stands before the first dot. Files through which processes enter, leave or
 * freeze, or the group is given away, are refused.
 */
int cgroup_limits_add_file(struct cgroup_limits *limits, const char *text, struct error *err);

/* "GROUP:FILE:VALUE[::GROUP:FILE:VALUE...]", as vas-quod and the first Dokrust had it: GROUP is the
 * hierarchy's directory below /sys/fs/cgroup, so a controller or several with commas between.
 * VALUE may have single colons in it ("8:0 1048576"). All of it is added or nothing.
 */
int cgroup_limits_add_quota(struct cgroup_limits *limits, const char *text, struct error *err);

/* Everything that can be said without looking at the host: ranges, and that figures fit each other.
 * ERROR_INVALID_VALUE; subject is the member's name.
 */
int cgroup_limits_validate(const struct cgroup_limits *limits, struct error *err);

/* Leaves CGROUP_LIMITS_NULL. */
void cgroup_limits_done(struct cgroup_limits *limits);
