#include "daemon/cgroup/limits.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/alloc.h"
#include "common/cleanup.h"

enum {
	SHARES_MIN = 2, /* the kernel's (kernel/sched/sched.h) */
	SHARES_MAX = 262144,
	WEIGHT_MIN = 1, /* BFQ's */
	WEIGHT_MAX = 1000,
	CPU_NUMBER_MAX = 8191, /* NR_CPUS is not above 8192 */
};

#define NANO_CPUS_MIN INT64_C(10000000) /* 1 ms in 100 ms is the least that the kernel takes */
#define NANO_CPUS_MAX (INT64_C(1000000000) * (CPU_NUMBER_MAX + 1))

/* --- Devices --------------------------------------------------------------------------------- */

int cgroup_device_numbers(const char *path, unsigned int *ret_major, unsigned int *ret_minor,
			  struct error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return error_set_errno(err, errno, "%s", path);
	if (!S_ISBLK(st.st_mode))
		return error_set_subject(err, ERROR_INVALID_VALUE, "devices",
					 "%s is no block device", path);
	*ret_major = major(st.st_rdev);
	*ret_minor = minor(st.st_rdev);
	return 0;
}

static struct cgroup_device_rates *find_device(struct cgroup_limits *limits, unsigned int major,
					       unsigned int minor)
{
	for (size_t i = 0; i < limits->n_devices; i++)
		if (limits->devices[i].major == major && limits->devices[i].minor == minor)
			return &limits->devices[i];
	return NULL;
}

static struct cgroup_device_rates *add_device(struct cgroup_limits *limits, unsigned int major,
					      unsigned int minor)
{
	struct cgroup_device_rates *devices = alloc_zero(limits->n_devices + 1, sizeof(*devices));

	if (limits->n_devices)
		(void)memcpy(devices, limits->devices, limits->n_devices * sizeof(*devices));
	free(limits->devices);
	limits->devices = devices;
	devices[limits->n_devices] = (struct cgroup_device_rates){
		.major = major,
		.minor = minor,
		.read_bytes_per_s = CGROUP_UNSET,
		.write_bytes_per_s = CGROUP_UNSET,
		.read_ios_per_s = CGROUP_UNSET,
		.write_ios_per_s = CGROUP_UNSET,
	};
	return &devices[limits->n_devices++];
}

int cgroup_limits_add_rate(struct cgroup_limits *limits, unsigned int major, unsigned int minor,
			   enum cgroup_rate which, int64_t rate, struct error *err)
{
	struct cgroup_device_rates *device = find_device(limits, major, minor);

	if (rate < 0)
		return error_set_subject(err, ERROR_INVALID_VALUE, "devices",
					 "a rate is 0 (no limit) or more");
	if (!device && limits->n_devices >= CGROUP_RATED_DEVICES_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "devices",
					 "rates of more than %d devices", CGROUP_RATED_DEVICES_MAX);
	if (!device)
		device = add_device(limits, major, minor);
	*(int64_t *[]){
		[CGROUP_RATE_READ_BYTES] = &device->read_bytes_per_s,
		[CGROUP_RATE_WRITE_BYTES] = &device->write_bytes_per_s,
		[CGROUP_RATE_READ_IOS] = &device->read_ios_per_s,
		[CGROUP_RATE_WRITE_IOS] = &device->write_ios_per_s,
	}[which] = rate;
	return 0;
}

/* --- Checking -------------------------------------------------------------------------------- */

/* Unset passes, and so does CGROUP_UNLIMITED where that is a value. */
static int check_range(const char *member, int64_t value, bool may_be_unlimited, int64_t min,
		       int64_t max, const char *words, struct error *err)
{
	if (value == CGROUP_UNSET || (may_be_unlimited && value == CGROUP_UNLIMITED) ||
	    (value >= min && value <= max))
		return 0;
	return error_set_subject(err, ERROR_INVALID_VALUE, member, "%s", words);
}

/* "0-2,5" (cpuset(7), list format). */
static bool is_list(const char *text)
{
	if (strlen(text) >= CGROUP_VALUE_MAX)
		return false;
	for (;;) {
		unsigned long first, last;
		char *end;

		if (!isdigit((unsigned char)*text))
			return false;
		first = last = strtoul(text, &end, 10);
		if (*end == '-') {
			text = end + 1;
			if (!isdigit((unsigned char)*text))
				return false;
			last = strtoul(text, &end, 10);
		}
		if (first > last || last > CPU_NUMBER_MAX)
			return false;
		if (!*end)
			return true;
		if (*end != ',')
			return false;
		text = end + 1;
	}
}

static int check_list(const char *member, const char *list, struct error *err)
{
	if (!list || is_list(list))
		return 0;
	return error_set_subject(err, ERROR_INVALID_VALUE, member,
				 "\"%.64s\" is no list such as 0-2,5", list);
}

static int check_memory(const struct cgroup_limits *limits, struct error *err)
{
	int64_t memory = limits->memory_bytes, both = limits->memory_swap_bytes;
	int64_t least = memory > 0 ? memory : CGROUP_MEMORY_MIN_BYTES;
	int64_t most = memory > 0 ? memory : INT64_MAX;

	if (check_range("memory_bytes", memory, true, CGROUP_MEMORY_MIN_BYTES, INT64_MAX,
			"a limit of memory is at least 6 MiB", err) < 0)
		return -1;
	if (memory == CGROUP_UNLIMITED && both != CGROUP_UNSET && both != CGROUP_UNLIMITED)
		return error_set_subject(err, ERROR_INVALID_VALUE, "memory_swap_bytes",
					 "memory and swap together cannot be limited when memory "
					 "is not");
	if (check_range("memory_swap_bytes", both, true, least, INT64_MAX,
			"memory and swap together are no less than the limit of memory alone, and "
			"at least 6 MiB",
			err) < 0)
		return -1;
	return check_range("memory_reservation_bytes", limits->memory_reservation_bytes, true, 0,
			   most, "a reservation is no more than the limit of memory", err);
}

int cgroup_limits_validate(const struct cgroup_limits *limits, struct error *err)
{
	if (check_memory(limits, err) < 0 ||
	    check_range("pids", limits->pids, true, 1, INT32_MAX,
			"a limit of processes is 1 or more", err) < 0 ||
	    check_range("nano_cpus", limits->nano_cpus, true, NANO_CPUS_MIN, NANO_CPUS_MAX,
			"a limit of CPU time is at least 0.01 CPUs, and at most 8192", err) < 0 ||
	    check_range("cpu_shares", limits->cpu_shares, false, SHARES_MIN, SHARES_MAX,
			"CPU shares are 2 to 262144", err) < 0 ||
	    check_range("blkio_weight", limits->blkio_weight, false, WEIGHT_MIN, WEIGHT_MAX,
			"an I/O weight is 1 to 1000", err) < 0)
		return -1;
	if (check_list("cpuset_cpus", limits->cpuset_cpus, err) < 0)
		return -1;
	return check_list("cpuset_mems", limits->cpuset_mems, err);
}
