/* What a container may use, as io.dokrust.Container's type Resources has it: figures, and files of
 * control groups. What is unset is not limited, or left as it is. Owns its strings.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "common/error.h"

#define RESOURCE_UNSET INT64_MIN

struct resources {
	int64_t memory_bytes, memory_swap_bytes, memory_reservation_bytes; /* -1: unlimited */
	int64_t nano_cpus;						   /* 10^9 is one CPU */
	int64_t cpu_shares;
	int64_t pids_limit; /* -1: unlimited */
	int64_t blkio_weight;
	char *cpuset_cpus, *cpuset_mems;
	char **device_rates; /* KEY=RATE: KEY is read_bps, write_bps, read_iops or write_iops, ':' and
			      * the path of a block device */
	char **files;	     /* FILE=VALUE */
	char **quotas;	     /* GROUP:FILE:VALUE[::...] */
};

/* For initialisers of static structures, too. */
#define RESOURCES_INIT                                                                   \
	{                                                                                \
		.memory_bytes = RESOURCE_UNSET, .memory_swap_bytes = RESOURCE_UNSET,     \
		.memory_reservation_bytes = RESOURCE_UNSET, .nano_cpus = RESOURCE_UNSET, \
		.cpu_shares = RESOURCE_UNSET, .pids_limit = RESOURCE_UNSET,              \
		.blkio_weight = RESOURCE_UNSET                                           \
	}
#define RESOURCES_NULL ((struct resources)RESOURCES_INIT)

/* From an object that fits the interface's Resources; strings are copied. What the object has replaces
 * what *resources had; the rest stays.
 */
int resources_from_json(struct json_object *object, struct resources *resources, struct error *err);

/* NULL when nothing is set. */
struct json_object *resources_to_json(const struct resources *resources);

void resources_copy(const struct resources *from, struct resources *ret);

/* Leaves RESOURCES_NULL. */
void resources_done(struct resources *resources);

/* What people type: a size with an optional unit of 1024 (b k m g t, or KiB and so on), and -1 for
 * unlimited; CPUs with a fraction, into 10^-9.
 */
int parse_size(const char *text, int64_t *ret_bytes, struct error *err);
int parse_cpus(const char *text, int64_t *ret_nano_cpus, struct error *err);
