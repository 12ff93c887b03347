/* The number of tasks: Documentation/admin-guide/cgroup-v1/pids.rst, the same on v2. */
#include "daemon/cgroup/changes.h"

static const char *wanted(const struct cgroup_limits *limits)
{
	return limits->pids != CGROUP_UNSET ? "pids" : NULL;
}

static int plan(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		const struct cgroup_limits *limits, struct changes *changes, struct error *err)
{
	(void)cgroup;
	(void)err;
	if (limits->pids != CGROUP_UNSET)
		changes_add_number(changes, hierarchy, "pids", "pids.max", limits->pids, "max");
	return 0;
}

static void sample(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		   struct cgroup_figures *figures)
{
	figures->pids = group_read_number(cgroup, hierarchy, "pids.current");
}

const struct controller pids_controller = {
	.name = "pids",
	.wanted = wanted,
	.ops = {
		[1] = { .plan = plan, .sample = sample },
		[2] = { .plan = plan, .sample = sample },
	},
};
