/* What files of v1 are called on v2, and how their values are written there. What is not in here
 * has no equivalent: kernel memory, swappiness, real-time budgets, traffic classes, device lists.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/parse.h"
#include "daemon/cgroup/changes.h"

/* What is known while a file is translated. */
struct translation {
	const struct cgroup *cgroup;
	const struct hierarchy *hierarchy;
	const struct cgroup_file *from;
	struct changes *changes;
};

struct rule {
	const char *file;
	int (*translate)(const struct translation *t, const struct rule *rule, struct error *err);
	const char *to;
};

/* A number that may have one of memparse's suffixes (lib/cmdline.c); negative is no limit. */
static int parse_bytes(const struct cgroup_file *from, int64_t *ret, struct error *err)
{
	static const char suffixes[] = "kmgtp";
	const char *suffix;
	long long value;
	unsigned int shift = 0;
	char *end;

	errno = 0;
	value = strtoll(from->value, &end, 10);
	if (end != from->value && *end && !end[1] &&
	    (suffix = strchr(suffixes, tolower((unsigned char)*end))))
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
	if (end == from->value || (*end && !shift) || value > INT64_MAX >> shift)
		return error_set_subject(err, ERROR_INVALID_VALUE, from->file,
					 "%s=%.64s: not a number of bytes", from->file,
					 from->value);
	*ret = value < 0 || errno == ERANGE ? CGROUP_UNLIMITED : value << shift;
	return 0;
}

static int parse_number(const struct cgroup_file *from, const char *text, int64_t *ret,
			struct error *err)
{
	if (parse_integer(text, -1, INT64_MAX, ret, err) == 0)
		return 0;
	(void)error_prefix(err, "%s", from->file);
	(void)snprintf(err->subject, sizeof(err->subject), "%s", from->file);
	return -1;
}

/* What the file will have when all changes up to here are made. */
static int value_then(const struct translation *t, const char *file, char *buffer, size_t size)
{
	for (size_t i = t->changes->n; i-- > 0;)
		if (t->changes->list[i].hierarchy == t->hierarchy &&
		    strcmp(t->changes->list[i].file, file) == 0) {
			(void)snprintf(buffer, size, "%s", t->changes->list[i].value);
			return 0;
		}
	return group_read(t->cgroup, t->hierarchy, file, buffer, size) < 0 ? -1 : 0;
}

/* --- Memory ---------------------------------------------------------------------------------- */

static int memory_limit(const struct translation *t, const struct rule *rule, struct error *err)
{
	int64_t bytes;

	(void)rule;
	if (parse_bytes(t->from, &bytes, err) < 0)
		return -1;
	memory_v2_limit(t->cgroup, t->hierarchy, t->from->file, bytes, t->changes);
	return 1;
}

/* The same number, in a file where "max" is no limit. */
static int bytes_or_max(const struct translation *t, const struct rule *rule, struct error *err)
{
	int64_t bytes;

	if (parse_bytes(t->from, &bytes, err) < 0)
		return -1;
	changes_add_number(t->changes, t->hierarchy, t->from->file, rule->to, bytes, "max");
	return 1;
}

/* v1: memory and swap together. */
static int memory_with_swap(const struct translation *t, const struct rule *rule, struct error *err)
{
	char limit[64];
	int64_t both, memory = CGROUP_UNLIMITED;

	if (parse_bytes(t->from, &both, err) < 0)
		return -1;
	if (both != CGROUP_UNLIMITED) {
		if (value_then(t, "memory.max", limit, sizeof(limit)) == 0 &&
		    strcmp(limit, "max") != 0)
			memory = strtoll(limit, NULL, 10);
		if (memory == CGROUP_UNLIMITED || memory > both)
			return error_set_subject(err, ERROR_INVALID_VALUE, t->from->file,
						 "%s=%.64s: it is less than the limit of memory "
						 "alone",
						 t->from->file, t->from->value);
		both -= memory;
	}
	changes_add_number(t->changes, t->hierarchy, t->from->file, rule->to, both, "max");
	return 1;
}

/* --- CPU ------------------------------------------------------------------------------------- */

static int cpu_shares(const struct translation *t, const struct rule *rule, struct error *err)
{
	int64_t shares;

	if (parse_number(t->from, t->from->value, &shares, err) < 0)
		return -1;
	/* As v1 does (MIN_SHARES and MAX_SHARES in kernel/sched/sched.h). */
	shares = shares < 2 ? 2 : shares > 262144 ? 262144 : shares;
	changes_add_number(t->changes, t->hierarchy, t->from->file, rule->to,
			   cpu_weight_of_shares(shares), "");
	return 1;
}

/* cpu.max is "QUOTA PERIOD". */
static int cpu_quota(const struct translation *t, const struct rule *rule, struct error *err)
{
	char now[64], quota[24] = "max", period[24] = "100000";
	bool is_quota = strcmp(t->from->file, "cpu.cfs_quota_us") == 0;
	int64_t value;

	if (parse_number(t->from, t->from->value, &value, err) < 0)
		return -1;
	if (value_then(t, rule->to, now, sizeof(now)) == 0)
		(void)sscanf(now, "%23s %23s", quota, period);
	if (value < 0)
		(void)snprintf(quota, sizeof(quota), "max");
	else
		(void)snprintf(is_quota ? quota : period, sizeof(quota), "%lld", (long long)value);
	(void)changes_add(t->changes, t->hierarchy, t->from->file, rule->to, "%s %s", quota,
			  period);
	return 1;
}

/* --- Devices --------------------------------------------------------------------------------- */

static int as_it_is(const struct translation *t, const struct rule *rule, struct error *err)
{
	(void)err;
	(void)changes_add(t->changes, t->hierarchy, t->from->file, rule->to, "%s", t->from->value);
	return 1;
}

/* Splits "MAJOR:MINOR NUMBER". The device keeps the blank behind it. */
static int parse_device(const struct cgroup_file *from, char device[32], int64_t *ret,
			struct error *err)
{
	unsigned int major, minor;
	int used = 0;

	if (sscanf(from->value, "%u:%u %n", &major, &minor, &used) != 2 || !used)
		return error_set_subject(err, ERROR_INVALID_VALUE, from->file,
					 "%s=%.64s: not MAJOR:MINOR and a number", from->file,
					 from->value);
	(void)snprintf(device, 32, "%u:%u ", major, minor);
	return parse_number(from, from->value + used, ret, err);
}

static int rate(const struct translation *t, const struct rule *rule, struct error *err)
{
	const char *key = io_max_key(t->from->file);
	char device[32];
	int64_t value;

	if (!key)
		return 0;
	if (parse_device(t->from, device, &value, err) < 0)
		return -1;
	if (value > 0)
		(void)changes_add(t->changes, t->hierarchy, t->from->file, rule->to, "%s%s=%lld",
				  device, key, (long long)value);
	else
		(void)changes_add(t->changes, t->hierarchy, t->from->file, rule->to, "%s%s=max",
				  device, key);
	return 1;
}

static int weight(const struct translation *t, const struct rule *rule, struct error *err)
{
	char device[32] = "";
	int64_t value;
	bool of_device = strstr(t->from->file, "_device") != NULL;

	(void)rule;
	if (of_device ? parse_device(t->from, device, &value, err) < 0 :
			parse_number(t->from, t->from->value, &value, err) < 0)
		return -1;
	return io_v2_weight(t->cgroup, t->hierarchy, device, value, t->changes, err) < 0 ? -1 : 1;
}

/* --- The table ------------------------------------------------------------------------------- */

static const struct rule rules[] = {
	{ "memory.limit_in_bytes", memory_limit, NULL },
	{ "memory.memsw.limit_in_bytes", memory_with_swap, "memory.swap.max" },
	{ "memory.soft_limit_in_bytes", bytes_or_max, "memory.low" },
	{ "cpu.shares", cpu_shares, "cpu.weight" },
	{ "cpu.cfs_quota_us", cpu_quota, "cpu.max" },
	{ "cpu.cfs_period_us", cpu_quota, "cpu.max" },
	{ "cpu.cfs_burst_us", as_it_is, "cpu.max.burst" },
	{ "blkio.weight", weight, NULL },
	{ "blkio.bfq.weight", weight, NULL },
	{ "blkio.weight_device", weight, NULL },
	{ "blkio.bfq.weight_device", weight, NULL },
	{ "blkio.throttle.read_bps_device", rate, "io.max" },
	{ "blkio.throttle.write_bps_device", rate, "io.max" },
	{ "blkio.throttle.read_iops_device", rate, "io.max" },
	{ "blkio.throttle.write_iops_device", rate, "io.max" },
};

/* hugetlb.2MB.limit_in_bytes is hugetlb.2MB.max, for every size of pages. */
static int translate_hugetlb(const struct translation *t, struct error *err)
{
	static const char suffix[] = ".limit_in_bytes";
	size_t length = strlen(t->from->file);
	char to[CHANGE_FILE_SIZE];
	const struct rule rule = { .to = to };

	if (strncmp(t->from->file, "hugetlb.", strlen("hugetlb.")) != 0 ||
	    length < sizeof(suffix) || strcmp(t->from->file + length - strlen(suffix), suffix) != 0)
		return 0;
	(void)snprintf(to, sizeof(to), "%.*s.max", (int)(length - strlen(suffix)), t->from->file);
	return bytes_or_max(t, &rule, err);
}

int translate_file(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		   const struct cgroup_file *file, struct changes *changes, struct error *err)
{
	const struct translation t = {
		.cgroup = cgroup,
		.hierarchy = hierarchy,
		.from = file,
		.changes = changes,
	};

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strcmp(rules[i].file, file->file) == 0)
			return rules[i].translate(&t, &rules[i], err);
	return translate_hugetlb(&t, err);
}
