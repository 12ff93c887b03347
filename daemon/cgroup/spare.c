/* A group on v1's hierarchies that is made ahead, and becomes a container's by its name.
 *
 * A directory costs 40 to 50 us on each of v1's hierarchies, and opening its `tasks` a further 15;
 * giving it another name costs 10. Version 2 knows no renaming, and has only one directory.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/cgroup/hierarchy.h"

/* No name of a container's group looks like it. */
#define SPARE "spare"

static bool is_spared(const struct hierarchy *hierarchy)
{
	return hierarchy->version == 1 && hierarchy->top_fd >= 0;
}

void spare_remove(struct cgroups *cgroups)
{
	cgroup_entry_done(&cgroups->spare_entry);
	cgroups->has_spare = false;
	for (size_t i = 0; i < cgroups->n; i++)
		if (is_spared(&cgroups->hierarchies[i]))
			(void)tree_remove(cgroups->hierarchies[i].top_fd, SPARE);
}

void cgroups_prepare(struct cgroups *cgroups)
{
	struct cgroup spare = { .cgroups = cgroups, .name = SPARE };
	struct error ignored;

	if (!cgroups->ready || cgroups->has_spare)
		return;
	/* One that a daemon before has left may have been used for anything. */
	spare_remove(cgroups);
	if (group_make_directories(&spare, 1, &ignored) < 0)
		return;
	if (group_limit_pids(&spare, 1, &ignored) < 0 ||
	    group_allow_defaults(&spare, 1, &ignored) < 0 ||
	    group_open_tasks(&spare, &cgroups->spare_entry, &ignored) < 0)
		spare_remove(cgroups);
	else
		cgroups->has_spare = true;
}

bool spare_become(struct cgroup *cgroup)
{
	struct cgroups *cgroups = cgroup->cgroups;
	size_t i;

	if (!cgroups->has_spare)
		return false;
	for (i = 0; i < cgroups->n; i++) {
		int top_fd = cgroups->hierarchies[i].top_fd;

		if (is_spared(&cgroups->hierarchies[i]) &&
		    renameat(top_fd, SPARE, top_fd, cgroup->name) < 0)
			break;
	}
	if (i == cgroups->n) {
		cgroup->entry = ALLOC(struct cgroup_entry);
		*cgroup->entry = cgroups->spare_entry;
		cgroups->spare_entry = CGROUP_ENTRY_NULL;
		cgroups->has_spare = false;
		return true;
	}
	while (i-- > 0)
		if (is_spared(&cgroups->hierarchies[i]))
			(void)renameat(cgroups->hierarchies[i].top_fd, cgroup->name,
				       cgroups->hierarchies[i].top_fd, SPARE);
	/* Somebody has removed a part of it, or the name is taken, which the long way will tell. */
	spare_remove(cgroups);
	return false;
}
