/* Freezing, and killing, which on v1 needs it. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "daemon/cgroup/hierarchy.h"

struct freezer {
	const char *file, *frozen, *thawed;
	bool (*is_frozen)(const struct cgroup *cgroup, const struct hierarchy *hierarchy);
	int (*kill)(const struct cgroup *cgroup, const struct hierarchy *hierarchy);
};

/* --- v1: the freezer controller (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst) ----
 */

static bool v1_is_frozen(const struct cgroup *cgroup, const struct hierarchy *hierarchy)
{
	char state[32];

	return group_read(cgroup, hierarchy, "freezer.state", state, sizeof(state)) > 0 &&
	       strcmp(state, "FROZEN") == 0;
}

static void send_kill(pid_t pid, void *userdata)
{
	(void)userdata;
	(void)kill(pid, SIGKILL);
}

/* What is frozen cannot fork, so that nothing is missed, and no pid is reused between its being
 * read and the kill. It dies when it is thawed.
 */
static int v1_kill(const struct cgroup *cgroup, const struct hierarchy *hierarchy)
{
	bool complete;

	if (group_write(cgroup, hierarchy, "freezer.state", "FROZEN") < 0)
		return -1;
	complete = v1_is_frozen(cgroup, hierarchy);
	(void)tree_processes(hierarchy->top_fd, cgroup->id, send_kill, NULL);
	if (!complete) {
		errno = EAGAIN;
		return -1;
	}
	return group_write(cgroup, hierarchy, "freezer.state", "THAWED");
}

/* --- v2 (Documentation/admin-guide/cgroup-v2.rst, cgroup.freeze and cgroup.kill) ---------------
 */

static bool has_event(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		      const char *event)
{
	char events[256];

	return group_read(cgroup, hierarchy, "cgroup.events", events, sizeof(events)) > 0 &&
	       text_number_of(events, event) == 1;
}

static bool v2_is_frozen(const struct cgroup *cgroup, const struct hierarchy *hierarchy)
{
	return has_event(cgroup, hierarchy, "frozen");
}

/* Also those that are frozen die at once. The group must not stay frozen for what comes next. */
static int v2_kill(const struct cgroup *cgroup, const struct hierarchy *hierarchy)
{
	if (group_write(cgroup, hierarchy, "cgroup.kill", "1") < 0)
		return -1;
	return group_write(cgroup, hierarchy, "cgroup.freeze", "0");
}

/* --- Whichever ------------------------------------------------------------------------------- */

static const struct freezer freezers[] = {
	[1] = {
		.file = "freezer.state",
		.frozen = "FROZEN",
		.thawed = "THAWED",
		.is_frozen = v1_is_frozen,
		.kill = v1_kill,
	},
	[2] = {
		.file = "cgroup.freeze",
		.frozen = "1",
		.thawed = "0",
		.is_frozen = v2_is_frozen,
		.kill = v2_kill,
	},
};

/* v2's, where it is mounted, even without controllers: its frozen processes can be killed and
 * traced, and it kills in one go.
 */
static const struct hierarchy *find_freezer(const struct cgroup *cgroup)
{
	const struct hierarchy *v2 = cgroups_v2(cgroup->cgroups);

	return v2 ? v2 : cgroups_find(cgroup->cgroups, "freezer");
}

int cgroup_freeze(struct cgroup *cgroup, bool freeze, struct error *err)
{
	const struct hierarchy *hierarchy = find_freezer(cgroup);
	const struct freezer *freezer;

	if (!hierarchy)
		return cgroups_explain(cgroup->cgroups, "freezer", "", err);
	freezer = &freezers[hierarchy->version];
	if (group_write(cgroup, hierarchy, freezer->file,
			freeze ? freezer->frozen : freezer->thawed) < 0)
		return error_set_errno(err, errno, "%s=%s", freezer->file,
				       freeze ? freezer->frozen : freezer->thawed);
	return 0;
}

bool cgroup_is_frozen(const struct cgroup *cgroup)
{
	const struct hierarchy *hierarchy = find_freezer(cgroup);

	return hierarchy && freezers[hierarchy->version].is_frozen(cgroup, hierarchy);
}

int cgroup_kill(struct cgroup *cgroup, struct error *err)
{
	const struct hierarchy *hierarchy = find_freezer(cgroup);

	if (!hierarchy)
		return cgroups_explain(cgroup->cgroups, "freezer", "", err);
	if (freezers[hierarchy->version].kill(cgroup, hierarchy) < 0)
		return error_set_errno(err, errno, "kill what is in the control group");
	return 0;
}

bool cgroup_is_populated(const struct cgroup *cgroup)
{
	const struct hierarchy *hierarchy = find_freezer(cgroup);

	if (!hierarchy)
		return false;
	if (hierarchy->version == 2)
		return has_event(cgroup, hierarchy, "populated");
	return tree_processes(hierarchy->top_fd, cgroup->id, NULL, NULL) > 0;
}

int cgroup_tree_fd(const struct cgroup *cgroup)
{
	const struct hierarchy *hierarchy = find_freezer(cgroup);

	return hierarchy ? hierarchy->top_fd : -1;
}

size_t cgroup_processes(const struct cgroup *cgroup, int tree_fd,
			void (*found)(pid_t pid, void *userdata), void *userdata)
{
	return tree_processes(tree_fd, cgroup->id, found, userdata);
}
