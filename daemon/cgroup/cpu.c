/* CPU time and which CPUs: Documentation/scheduler/sched-bwc.rst and
 * admin-guide/cgroup-v1/cpusets.rst, and "CPU" and "Cpuset" in cgroup-v2.rst.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/cgroup/changes.h"

/* docker's, and the kernel's default. */
enum { PERIOD_US = 100 * 1000 };

enum { WEIGHT_MIN = 1, WEIGHT_MAX = 10000, WEIGHT_DEFAULT = 100, SHARES_DEFAULT = 1024 };

static const char *cpu_wanted(const struct cgroup_limits *limits)
{
	if (limits->nano_cpus != CGROUP_UNSET)
		return "nano_cpus";
	return limits->cpu_shares != CGROUP_UNSET ? "cpu_shares" : NULL;
}

/* The time that it may run within each period, all its CPUs added up. */
static int64_t quota_us(int64_t nano_cpus)
{
	return nano_cpus == CGROUP_UNLIMITED ? nano_cpus :
					       nano_cpus / (1000 * 1000 * 1000 / PERIOD_US);
}

static int plan_cpu_v1(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		       const struct cgroup_limits *limits, struct changes *changes,
		       struct error *err)
{
	(void)cgroup;
	(void)err;
	if (limits->nano_cpus != CGROUP_UNSET) {
		(void)changes_add(changes, hierarchy, "nano_cpus", "cpu.cfs_period_us", "%d",
				  PERIOD_US);
		changes_add_number(changes, hierarchy, "nano_cpus", "cpu.cfs_quota_us",
				   quota_us(limits->nano_cpus), "-1");
	}
	if (limits->cpu_shares != CGROUP_UNSET)
		changes_add_number(changes, hierarchy, "cpu_shares", "cpu.shares",
				   limits->cpu_shares, "");
	return 0;
}

/* The kernel's own conversion between the two (sched_weight_from_cgroup and _to_cgroup in
 * kernel/sched/core.c): what nobody set is 1024 in one and 100 in the other, and a group gets its
 * part in proportion. So the parts are the same on v1 and v2, but for shares under 10 and above
 * 102400, which v2 cannot express. runc and crun long had 1 + (shares - 2) * 9999 / 262142, by
 * which 1024 came to 39 and lost against a group that had nothing set.
 */
int64_t cpu_weight_of_shares(int64_t shares)
{
	int64_t weight = (shares * WEIGHT_DEFAULT + SHARES_DEFAULT / 2) / SHARES_DEFAULT;

	return weight < WEIGHT_MIN ? WEIGHT_MIN : weight > WEIGHT_MAX ? WEIGHT_MAX : weight;
}

static int plan_cpu_v2(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		       const struct cgroup_limits *limits, struct changes *changes,
		       struct error *err)
{
	(void)cgroup;
	(void)err;
	if (limits->nano_cpus == CGROUP_UNLIMITED)
		(void)changes_add(changes, hierarchy, "nano_cpus", "cpu.max", "max %d", PERIOD_US);
	else if (limits->nano_cpus != CGROUP_UNSET)
		(void)changes_add(changes, hierarchy, "nano_cpus", "cpu.max", "%lld %d",
				  (long long)quota_us(limits->nano_cpus), PERIOD_US);
	if (limits->cpu_shares != CGROUP_UNSET)
		changes_add_number(changes, hierarchy, "cpu_shares", "cpu.weight",
				   cpu_weight_of_shares(limits->cpu_shares), "");
	return 0;
}

const struct controller cpu_controller = {
	.name = "cpu",
	.wanted = cpu_wanted,
	.ops = { [1] = { .plan = plan_cpu_v1 }, [2] = { .plan = plan_cpu_v2 } },
};

/* --- What was used --------------------------------------------------------------------------- */

static void sample_cpuacct(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
			   struct cgroup_figures *figures)
{
	int64_t ns = group_read_number(cgroup, hierarchy, "cpuacct.usage");

	figures->cpu_usage_us = ns < 0 ? -1 : ns / 1000;
}

/* Every group of v2 has it, with or without the controller. */
static void sample_cpu_stat(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
			    struct cgroup_figures *figures)
{
	char text[1024];

	if (group_read(cgroup, hierarchy, "cpu.stat", text, sizeof(text)) >= 0)
		figures->cpu_usage_us = text_number_of(text, "usage_usec");
}

const struct controller cpuacct_controller = {
	.name = "cpuacct",
	.ops = { [1] = { .sample = sample_cpuacct }, [2] = { .sample = sample_cpu_stat } },
};

/* --- Which CPUs and memory nodes ------------------------------------------------------------- */

static const char *cpuset_wanted(const struct cgroup_limits *limits)
{
	if (limits->cpuset_cpus)
		return "cpuset_cpus";
	return limits->cpuset_mems ? "cpuset_mems" : NULL;
}

/* One number or range of "0-3,7"; advances *at past it and the comma. False at the end. */
static bool next_range(const char **at, unsigned long *ret_first, unsigned long *ret_last)
{
	char *end;

	if (!**at)
		return false;
	*ret_first = *ret_last = strtoul(*at, &end, 10);
	if (*end == '-')
		*ret_last = strtoul(end + 1, &end, 10);
	*at = *end == ',' ? end + 1 : end;
	return true;
}

static bool has_number(const char *list, unsigned long number)
{
	unsigned long first, last;

	while (next_range(&list, &first, &last))
		if (number >= first && number <= last)
			return true;
	return false;
}

/* Both are lists that cgroup_limits_validate or the kernel wrote. */
static bool is_within(const char *list, const char *all)
{
	unsigned long first, last;

	while (next_range(&list, &first, &last))
		for (unsigned long number = first; number <= last; number++)
			if (!has_number(all, number))
				return false;
	return true;
}

/* v1 refuses what the host does not have; v2 takes it, and then lets the group run on others. */
static int plan_set(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		    const char *subject, const char *file, const char *list,
		    struct changes *changes, struct error *err)
{
	char all[CGROUP_VALUE_MAX], path[CHANGE_FILE_SIZE];

	if (!list)
		return 0;
	(void)snprintf(path, sizeof(path), "../%s%s", file,
		       hierarchy->version == 2 ? ".effective" : "");
	if (group_read(cgroup, hierarchy, path, all, sizeof(all)) > 0 && !is_within(list, all))
		return error_set_subject(err, ERROR_INVALID_VALUE, subject,
					 "%s=%.64s: this host has %s", file, list, all);
	(void)changes_add(changes, hierarchy, subject, file, "%s", list);
	return 0;
}

static int plan_cpuset(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		       const struct cgroup_limits *limits, struct changes *changes,
		       struct error *err)
{
	if (plan_set(cgroup, hierarchy, "cpuset_cpus", "cpuset.cpus", limits->cpuset_cpus, changes,
		     err) < 0)
		return -1;
	return plan_set(cgroup, hierarchy, "cpuset_mems", "cpuset.mems", limits->cpuset_mems,
			changes, err);
}

const struct controller cpuset_controller = {
	.name = "cpuset",
	.wanted = cpuset_wanted,
	.ops = { [1] = { .plan = plan_cpuset }, [2] = { .plan = plan_cpuset } },
};
