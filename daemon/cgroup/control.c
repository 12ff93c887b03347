/* Limits and figures, controller by controller. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/cgroup/changes.h"

/* The one table: what a controller does on v1 and on v2. Each is looked up on whichever hierarchy
 * it is, so a host that has some here and some there needs no code of its own.
 */
static const struct controller *const controllers[] = {
	&cpuset_controller, &cpu_controller, &memory_controller,
	&pids_controller,   &io_controller,  &cpuacct_controller,
};

/* --- Limits ---------------------------------------------------------------------------------- */

static void changes_freep(struct changes **changes)
{
	*changes = changes_free(*changes);
}

static int plan_controller(const struct cgroup *cgroup, const struct controller *controller,
			   const struct cgroup_limits *limits, struct changes *changes,
			   struct error *err)
{
	const char *member = controller->wanted ? controller->wanted(limits) : NULL;
	const struct hierarchy *hierarchy;

	if (!member)
		return 0;
	hierarchy = cgroups_find(cgroup->cgroups, controller->name);
	if (!hierarchy)
		return cgroups_explain(cgroup->cgroups, controller->name, member, err);
	return controller->ops[hierarchy->version].plan(cgroup, hierarchy, limits, changes, err);
}

int cgroup_update(struct cgroup *cgroup, const struct cgroup_limits *limits, struct error *err)
{
	_cleanup_(changes_freep) struct changes *changes = ALLOC(struct changes);

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (plan_controller(cgroup, controllers[i], limits, changes, err) < 0)
			return -1;
	if (files_plan(cgroup, limits, changes, err) < 0)
		return -1;
	return changes_apply(cgroup, changes, err);
}

/* --- Figures --------------------------------------------------------------------------------- */

/* "avg10=1.23": hundredths of a percent. */
static int64_t average_of(const char *line)
{
	const char *at = strstr(line, "avg10=");
	unsigned int whole, hundredths;

	if (!at || sscanf(at, "avg10=%u.%2u", &whole, &hundredths) != 2)
		return -1;
	return (int64_t)whole * 100 + hundredths;
}

static int64_t total_of(const char *line)
{
	const char *at = strstr(line, "total=");

	return at ? strtoll(at + strlen("total="), NULL, 10) : -1;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0", and the same for "full". */
static void sample_pressure(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
			    const char *file, struct cgroup_pressure *pressure)
{
	char text[512], *full;

	if (group_read(cgroup, hierarchy, file, text, sizeof(text)) <= 0)
		return;
	full = strstr(text, "\nfull ");
	if (full)
		*full++ = '\0';
	pressure->some_avg10_percent_hundredths = average_of(text);
	pressure->some_total_us = total_of(text);
	if (full) {
		pressure->full_avg10_percent_hundredths = average_of(full);
		pressure->full_total_us = total_of(full);
	}
}

void cgroup_sample(const struct cgroup *cgroup, struct cgroup_figures *ret)
{
	const struct hierarchy *v2 = cgroups_v2(cgroup->cgroups);

	/* All members are int64_t; all bits set is -1. */
	(void)memset(ret, 0xff, sizeof(*ret));
	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++) {
		const struct controller *controller = controllers[i];
		const struct hierarchy *hierarchy = cgroups_find(cgroup->cgroups, controller->name);

		if (hierarchy && controller->ops[hierarchy->version].sample)
			controller->ops[hierarchy->version].sample(cgroup, hierarchy, ret);
	}
	if (!v2)
		return;
	sample_pressure(cgroup, v2, "cpu.pressure", &ret->cpu_pressure);
	sample_pressure(cgroup, v2, "memory.pressure", &ret->memory_pressure);
	sample_pressure(cgroup, v2, "io.pressure", &ret->io_pressure);
}

void cgroup_watch(struct cgroup *cgroup, bool watch)
{
	if (watch)
		group_keep_files(cgroup);
	else
		group_close_files(cgroup);
}

int64_t cgroup_oom_kills(const struct cgroup *cgroup)
{
	const struct hierarchy *hierarchy = cgroups_find(cgroup->cgroups, "memory");

	return hierarchy ? memory_oom_kills(cgroup, hierarchy) : -1;
}
