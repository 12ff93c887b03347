/* Block devices: Documentation/admin-guide/cgroup-v1/blkio-controller.rst, and "IO" in
 * cgroup-v2.rst.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/cgroup/changes.h"

/* v1's file for each rate, and v2's key in io.max. */
static const struct {
	const char *v1, *v2;
} rates[CGROUP_RATE_COUNT] = {
	[CGROUP_RATE_READ_BYTES] = { "blkio.throttle.read_bps_device", "rbps" },
	[CGROUP_RATE_WRITE_BYTES] = { "blkio.throttle.write_bps_device", "wbps" },
	[CGROUP_RATE_READ_IOS] = { "blkio.throttle.read_iops_device", "riops" },
	[CGROUP_RATE_WRITE_IOS] = { "blkio.throttle.write_iops_device", "wiops" },
};

static int64_t rate_of(const struct cgroup_device_rates *device, size_t which)
{
	const int64_t values[CGROUP_RATE_COUNT] = {
		[CGROUP_RATE_READ_BYTES] = device->read_bytes_per_s,
		[CGROUP_RATE_WRITE_BYTES] = device->write_bytes_per_s,
		[CGROUP_RATE_READ_IOS] = device->read_ios_per_s,
		[CGROUP_RATE_WRITE_IOS] = device->write_ios_per_s,
	};

	return values[which];
}

static const char *wanted(const struct cgroup_limits *limits)
{
	if (limits->blkio_weight != CGROUP_UNSET)
		return "blkio_weight";
	return limits->n_devices ? "devices" : NULL;
}

/* BFQ's weight is the same on both, io.weight is that of the io.cost controller. In all of them 100
 * is what a group has that nobody set, and parts are in proportion
 * (Documentation/block/bfq-iosched.rst, cgroup-v2.rst), so the figure stays what it is. runc scales
 * it for io.weight, as 1 + (weight - 10) * 9999 / 990, by which 100 came to 910 and won against a
 * group with nothing set.
 */
static int plan_weight(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		       const char *const files[], const char *device, int64_t weight,
		       struct changes *changes, struct error *err)
{
	size_t n = changes->n;

	if (weight == CGROUP_UNSET)
		return 0;
	for (const char *const *file = files; *file; file++)
		if (group_has(cgroup, hierarchy, *file))
			(void)changes_add(changes, hierarchy, "blkio_weight", *file, "%s%lld",
					  device, (long long)weight);
	if (changes->n > n)
		return 0;
	return error_set_subject(err, ERROR_FAILED, "blkio_weight",
				 "no I/O scheduler of this host takes weights: there is no %s",
				 files[0]);
}

/* --- v1 -------------------------------------------------------------------------------------- */

static int plan_v1(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		   const struct cgroup_limits *limits, struct changes *changes, struct error *err)
{
	static const char *const weights[] = { "blkio.bfq.weight", "blkio.weight", NULL };

	for (size_t i = 0; i < limits->n_devices; i++) {
		const struct cgroup_device_rates *device = &limits->devices[i];

		for (size_t which = 0; which < CGROUP_RATE_COUNT; which++)
			if (rate_of(device, which) != CGROUP_UNSET)
				(void)changes_add(changes, hierarchy, "devices", rates[which].v1,
						  "%u:%u %lld", device->major, device->minor,
						  (long long)rate_of(device, which));
	}
	return plan_weight(cgroup, hierarchy, weights, "", limits->blkio_weight, changes, err);
}

/* Lines are "8:0 Read 4096", one for each device and kind, and a total at the end. */
static void sum_v1(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
		   int64_t *ret_read, int64_t *ret_write)
{
	char text[CGROUP_READ_MAX], *rest = text, *line, kind[16];
	unsigned long long value;

	if (group_read(cgroup, hierarchy, file, text, sizeof(text)) < 0)
		return;
	*ret_read = *ret_write = 0;
	while ((line = strsep(&rest, "\n"))) {
		if (sscanf(line, "%*u:%*u %15s %llu", kind, &value) != 2)
			continue;
		if (strcmp(kind, "Read") == 0)
			*ret_read += (int64_t)value;
		else if (strcmp(kind, "Write") == 0)
			*ret_write += (int64_t)value;
	}
}

static void sample_v1(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		      struct cgroup_figures *figures)
{
	sum_v1(cgroup, hierarchy, "blkio.throttle.io_service_bytes_recursive",
	       &figures->io_read_bytes, &figures->io_write_bytes);
	sum_v1(cgroup, hierarchy, "blkio.throttle.io_serviced_recursive", &figures->io_reads,
	       &figures->io_writes);
}

/* --- v2 -------------------------------------------------------------------------------------- */

static void add_device_v2(const struct hierarchy *hierarchy,
			  const struct cgroup_device_rates *device, struct changes *changes)
{
	char text[CGROUP_RATE_COUNT * 32] = "";
	size_t n = 0;

	for (size_t which = 0; which < CGROUP_RATE_COUNT; which++) {
		int64_t rate = rate_of(device, which);

		if (rate == 0)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s=max",
					      rates[which].v2);
		else if (rate != CGROUP_UNSET)
			n += (size_t)snprintf(text + n, sizeof(text) - n, " %s=%lld",
					      rates[which].v2, (long long)rate);
	}
	if (n)
		(void)changes_add(changes, hierarchy, "devices", "io.max", "%u:%u%s", device->major,
				  device->minor, text);
}

const char *io_max_key(const char *v1_file)
{
	for (size_t i = 0; i < CGROUP_RATE_COUNT; i++)
		if (strcmp(rates[i].v1, v1_file) == 0)
			return rates[i].v2;
	return NULL;
}

int io_v2_weight(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *device,
		 int64_t weight, struct changes *changes, struct error *err)
{
	static const char *const files[] = { "io.weight", "io.bfq.weight", NULL };

	return plan_weight(cgroup, hierarchy, files, device, weight, changes, err);
}

static int plan_v2(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		   const struct cgroup_limits *limits, struct changes *changes, struct error *err)
{
	for (size_t i = 0; i < limits->n_devices; i++)
		add_device_v2(hierarchy, &limits->devices[i], changes);
	return io_v2_weight(cgroup, hierarchy, "", limits->blkio_weight, changes, err);
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0", a line for each device. */
static void sample_v2(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		      struct cgroup_figures *figures)
{
	const struct {
		const char *key;
		int64_t *sum;
	} fields[] = {
		{ " rbytes=", &figures->io_read_bytes },
		{ " wbytes=", &figures->io_write_bytes },
		{ " rios=", &figures->io_reads },
		{ " wios=", &figures->io_writes },
	};
	char text[CGROUP_READ_MAX], *rest = text, *line;

	if (group_read(cgroup, hierarchy, "io.stat", text, sizeof(text)) < 0)
		return;
	for (size_t i = 0; i < CGROUP_RATE_COUNT; i++)
		*fields[i].sum = 0;
	while ((line = strsep(&rest, "\n")))
		for (size_t i = 0; i < CGROUP_RATE_COUNT; i++) {
			const char *at = strstr(line, fields[i].key);

			if (at)
				*fields[i].sum += strtoll(at + strlen(fields[i].key), NULL, 10);
		}
}

const struct controller io_controller = {
	.name = "blkio",
	.wanted = wanted,
	.ops = {
		[1] = { .plan = plan_v1, .sample = sample_v1 },
		[2] = { .plan = plan_v2, .sample = sample_v2 },
	},
};
