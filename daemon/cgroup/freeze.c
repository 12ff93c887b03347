/* Freezing, and killing, which on v1 needs it. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/cgroup/hierarchy.h"

struct freezer {
	const char *file, *frozen, *thawed;
	bool (*is_frozen)(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
			  const char *inner);
	int (*kill)(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		    const char *inner);
};

/* --- Groups inside: `inner` is the name of one, or NULL for the group itself ------------------- */

enum {
	INNER_FILE_SIZE = NAME_MAX + 32,
	INNER_PATH_SIZE = CGROUP_NAME_MAX + 1 + NAME_MAX + 1,
};

static const char *file_in(const char *inner, const char *name, char buffer[INNER_FILE_SIZE])
{
	(void)snprintf(buffer, INNER_FILE_SIZE, "%s%s%s", inner ? inner : "", inner ? "/" : "",
		       name);
	return buffer;
}

static const char *path_of(const struct cgroup *cgroup, const char *inner,
			   char buffer[INNER_PATH_SIZE])
{
	(void)snprintf(buffer, INNER_PATH_SIZE, "%s%s%s", cgroup->name, inner ? "/" : "",
		       inner ? inner : "");
	return buffer;
}

/* --- v1: the freezer controller (Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst) ----
 */

static bool v1_is_frozen(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
			 const char *inner)
{
	char file[INNER_FILE_SIZE], state[32];

	return group_read(cgroup, hierarchy, file_in(inner, "freezer.state", file), state,
			  sizeof(state)) > 0 &&
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
static int v1_kill(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		   const char *inner)
{
	char file[INNER_FILE_SIZE], path[INNER_PATH_SIZE];
	bool complete;

	(void)file_in(inner, "freezer.state", file);
	if (group_write(cgroup, hierarchy, file, "FROZEN") < 0)
		return -1;
	complete = v1_is_frozen(cgroup, hierarchy, inner);
	(void)tree_processes(hierarchy->top_fd, path_of(cgroup, inner, path), send_kill, NULL);
	if (!complete) {
		errno = EAGAIN;
		return -1;
	}
	return group_write(cgroup, hierarchy, file, "THAWED");
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

static bool v2_is_frozen(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
			 const char *inner)
{
	(void)inner;
	return has_event(cgroup, hierarchy, "frozen");
}

/* Also those that are frozen die at once. The group must not stay frozen for what comes next. */
static int v2_kill(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		   const char *inner)
{
	char file[INNER_FILE_SIZE];

	if (group_write(cgroup, hierarchy, file_in(inner, "cgroup.kill", file), "1") < 0)
		return -1;
	return group_write(cgroup, hierarchy, file_in(inner, "cgroup.freeze", file), "0");
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

	return hierarchy && freezers[hierarchy->version].is_frozen(cgroup, hierarchy, NULL);
}

static int kill_all(const struct cgroup *cgroup, const char *inner, struct error *err)
{
	const struct hierarchy *hierarchy = find_freezer(cgroup);

	if (!hierarchy)
		return cgroups_explain(cgroup->cgroups, "freezer", "", err);
	if (freezers[hierarchy->version].kill(cgroup, hierarchy, inner) < 0)
		return error_set_errno(err, errno, "kill what is in the control group");
	return 0;
}

int cgroup_kill(struct cgroup *cgroup, struct error *err)
{
	return kill_all(cgroup, NULL, err);
}

int cgroup_kill_inner(const struct cgroup *outer, const char *name, struct error *err)
{
	return kill_all(outer, name, err);
}

void cgroup_thaw_inner(const struct cgroup *outer, const char *name)
{
	const struct hierarchy *hierarchy = find_freezer(outer);
	char file[INNER_FILE_SIZE];

	if (hierarchy)
		(void)group_write(outer, hierarchy,
				  file_in(name, freezers[hierarchy->version].file, file),
				  freezers[hierarchy->version].thawed);
}

bool cgroup_remove_inner(const struct cgroup *outer, const char *name)
{
	const struct hierarchy *hierarchy = find_freezer(outer);
	char path[INNER_PATH_SIZE];

	return !hierarchy || tree_remove(hierarchy->top_fd, path_of(outer, name, path)) == 0;
}

/* The place of a hierarchy's descriptor within an entry. */
static int *fd_in_entry(const struct cgroups *cgroups, const struct hierarchy *hierarchy,
			struct cgroup_entry *entry)
{
	size_t n = 0;

	if (hierarchy->version == 2)
		return &entry->v2_fd;
	for (const struct hierarchy *h = cgroups->hierarchies; h < hierarchy; h++)
		n += h->version == 1 && h->top_fd >= 0;
	assert(n < entry->n_tasks);
	return &entry->tasks_fds[n];
}

int cgroup_make_inner(const struct cgroup *outer, const char *name, struct cgroup_entry *entry,
		      struct error *err)
{
	const struct hierarchy *hierarchy = find_freezer(outer);
	char path[INNER_PATH_SIZE], way[INNER_PATH_SIZE + sizeof("/tasks")];
	int *place, fd;

	if (!hierarchy)
		return 0;
	(void)path_of(outer, name, path);
	if (mkdirat(hierarchy->top_fd, path, 0755) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "make %s in the control group", name);
	(void)snprintf(way, sizeof(way), "%s%s", path, hierarchy->version == 1 ? "/tasks" : "");
	fd = openat(hierarchy->top_fd, way,
		    (hierarchy->version == 1 ? O_WRONLY : O_PATH | O_DIRECTORY) | O_NOFOLLOW |
			    O_CLOEXEC);
	if (fd < 0) {
		(void)error_set_errno(err, errno, "open %s in the control group", name);
		(void)cgroup_remove_inner(outer, name);
		return -1;
	}
	place = fd_in_entry(outer->cgroups, hierarchy, entry);
	(void)fd_close(*place);
	*place = fd;
	return 0;
}

bool cgroup_is_populated(const struct cgroup *cgroup)
{
	const struct hierarchy *hierarchy = find_freezer(cgroup);

	if (!hierarchy)
		return false;
	if (hierarchy->version == 2)
		return has_event(cgroup, hierarchy, "populated");
	return tree_processes(hierarchy->top_fd, cgroup->name, NULL, NULL) > 0;
}

int cgroup_tree_fd(const struct cgroup *cgroup)
{
	const struct hierarchy *hierarchy = find_freezer(cgroup);

	return hierarchy ? hierarchy->top_fd : -1;
}

size_t cgroup_processes(const struct cgroup *cgroup, int tree_fd,
			void (*found)(pid_t pid, void *userdata), void *userdata)
{
	return tree_processes(tree_fd, cgroup->name, found, userdata);
}
