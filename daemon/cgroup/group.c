/* A container's group. */
#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "daemon/cgroup/changes.h"
#include "daemon/cgroup/hierarchy.h"

bool cgroup_is_name(const char *name)
{
	const char *dash = strrchr(name, '-');

	if (strlen(name) > CGROUP_NAME_MAX || strchr(name, '/'))
		return false;
	if (!dash)
		return strlen(name) == ID_LENGTH && id_prefix_is_valid(name);
	return dash > name && strlen(dash + 1) == CGROUP_SHORT_ID && id_prefix_is_valid(dash + 1);
}

const char *cgroup_name(const struct cgroup *cgroup)
{
	return cgroup->name;
}

static struct cgroup *make_cgroup(struct cgroups *cgroups, const char *name)
{
	struct cgroup *cgroup = ALLOC(struct cgroup);

	assert(cgroup_is_name(name));
	cgroup->cgroups = cgroups;
	(void)strcpy(cgroup->name, name);
	return cgroup;
}

struct cgroup *cgroup_free(struct cgroup *cgroup)
{
	if (!cgroup)
		return NULL;
	if (cgroup->entry)
		cgroup_entry_done(cgroup->entry);
	free(cgroup->entry);
	group_close_files(cgroup);
	cgroup_unwatch_kills(cgroup);
	free(cgroup);
	return NULL;
}

static void cgroup_freep(struct cgroup **cgroup)
{
	*cgroup = cgroup_free(*cgroup);
}

/* --- Making and removing --------------------------------------------------------------------- */

static bool is_of(const struct hierarchy *hierarchy, int version)
{
	return hierarchy->version == version && hierarchy->top_fd >= 0;
}

/* On the first n hierarchies, as far as they are of that version. */
static void unmake_directories(const struct cgroup *cgroup, int version, size_t n)
{
	while (n-- > 0)
		if (is_of(&cgroup->cgroups->hierarchies[n], version))
			(void)unlinkat(cgroup->cgroups->hierarchies[n].top_fd, cgroup->name,
				       AT_REMOVEDIR);
}

int group_make_directories(const struct cgroup *cgroup, int version, struct error *err)
{
	const struct cgroups *cgroups = cgroup->cgroups;

	for (size_t i = 0; i < cgroups->n; i++) {
		const struct hierarchy *hierarchy = &cgroups->hierarchies[i];

		if (!is_of(hierarchy, version) ||
		    mkdirat(hierarchy->top_fd, cgroup->name, 0755) == 0)
			continue;
		(void)error_set_errno(err, errno, "make %s/%s", hierarchy->top_path, cgroup->name);
		unmake_directories(cgroup, version, i);
		return -1;
	}
	return 0;
}

int group_limit_pids(struct cgroup *cgroup, int version, struct error *err)
{
	const struct hierarchy *hierarchy = cgroups_find(cgroup->cgroups, "pids");
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	if (!hierarchy || hierarchy->version != version)
		return 0;
	limits.pids = CGROUP_PIDS_DEFAULT;
	return cgroup_update(cgroup, &limits, err);
}

/* On all hierarchies, or on none. Version 2 first, which can be taken back. */
static int make_everywhere(struct cgroup *cgroup, struct error *err)
{
	if (group_make_directories(cgroup, 2, err) < 0)
		return -1;
	if (spare_become(cgroup) || group_make_directories(cgroup, 1, err) == 0)
		return 0;
	unmake_directories(cgroup, 2, cgroup->cgroups->n);
	return -1;
}

/* A number of processes that nobody asked for is not worth failing where there is no limiting it.
 */
static int set_first_limits(struct cgroup *cgroup, const struct cgroup_limits *limits,
			    struct error *err)
{
	const struct hierarchy *hierarchy = cgroups_find(cgroup->cgroups, "pids");
	struct cgroup_limits all = *limits;

	/* One that was made ahead has it where it is a directory of version 1. */
	if (all.pids == CGROUP_UNSET && hierarchy && !(cgroup->entry && hierarchy->version == 1))
		all.pids = CGROUP_PIDS_DEFAULT;
	return cgroup_update(cgroup, &all, err);
}

int cgroup_new(struct cgroups *cgroups, const char *name, const struct cgroup_limits *limits,
	       struct cgroup **ret, struct error *err)
{
	_cleanup_(cgroup_freep) struct cgroup *cgroup = make_cgroup(cgroups, name);
	struct error ignored;

	cgroups_ready(cgroups);
	if (make_everywhere(cgroup, err) < 0)
		return -1;
	if (set_first_limits(cgroup, limits, err) < 0) {
		(void)cgroup_remove(cgroup, &ignored);
		return -1;
	}
	*ret = TAKE_PTR(cgroup);
	return 0;
}

int cgroup_adopt(struct cgroups *cgroups, const char *name, struct cgroup **ret, struct error *err)
{
	cgroups_ready(cgroups);
	for (size_t i = 0; i < cgroups->n; i++)
		if (cgroups->hierarchies[i].top_fd >= 0 &&
		    faccessat(cgroups->hierarchies[i].top_fd, name, F_OK, 0) == 0) {
			*ret = make_cgroup(cgroups, name);
			return 0;
		}
	return error_set_errno(err, ENOENT, "find the control group %s", name);
}

int cgroup_remove(struct cgroup *cgroup, struct error *err)
{
	const struct cgroups *cgroups = cgroup->cgroups;

	/* The first that refuses stands for all: a process is in the group everywhere. */
	for (size_t i = 0; i < cgroups->n; i++) {
		const struct hierarchy *hierarchy = &cgroups->hierarchies[i];

		if (hierarchy->top_fd >= 0 && tree_remove(hierarchy->top_fd, cgroup->name) < 0)
			return error_set_errno(err, errno, "remove %s/%s", hierarchy->top_path,
					       cgroup->name);
	}
	return 0;
}

/* --- Being born inside ----------------------------------------------------------------------- */

static int open_in(const struct hierarchy *hierarchy, const struct cgroup *cgroup, const char *file,
		   int flags, struct error *err)
{
	char path[CGROUP_NAME_MAX + sizeof("/tasks")];
	int fd;

	(void)snprintf(path, sizeof(path), "%s%s", cgroup->name, file);
	fd = openat(hierarchy->top_fd, path, flags | O_CLOEXEC);
	if (fd < 0)
		(void)error_set_errno(err, errno, "open %s/%s", hierarchy->top_path, cgroup->name);
	return fd;
}

int group_open_tasks(const struct cgroup *cgroup, struct cgroup_entry *ret, struct error *err)
{
	const struct cgroups *cgroups = cgroup->cgroups;
	struct cgroup_entry entry = CGROUP_ENTRY_NULL;

	for (size_t i = 0; i < cgroups->n; i++) {
		int fd;

		if (!is_of(&cgroups->hierarchies[i], 1))
			continue;
		fd = open_in(&cgroups->hierarchies[i], cgroup, "/tasks", O_WRONLY, err);
		if (fd < 0) {
			cgroup_entry_done(&entry);
			return -1;
		}
		entry.tasks_fds[entry.n_tasks++] = fd;
	}
	*ret = entry;
	return 0;
}

int cgroup_open_entry(struct cgroup *cgroup, struct cgroup_entry *ret, struct error *err)
{
	const struct hierarchy *v2 = cgroups_v2(cgroup->cgroups);
	struct cgroup_entry entry = CGROUP_ENTRY_NULL;

	if (cgroup->entry) {
		entry = *cgroup->entry;
		*cgroup->entry = CGROUP_ENTRY_NULL;
		free(TAKE_PTR(cgroup->entry));
	} else if (group_open_tasks(cgroup, &entry, err) < 0) {
		return -1;
	}
	if (v2) {
		entry.v2_fd = open_in(v2, cgroup, "", O_PATH | O_DIRECTORY, err);
		if (entry.v2_fd < 0) {
			cgroup_entry_done(&entry);
			return -1;
		}
	}
	*ret = entry;
	return 0;
}

void cgroup_entry_done(struct cgroup_entry *entry)
{
	entry->v2_fd = fd_close(entry->v2_fd);
	while (entry->n_tasks)
		(void)fd_close(entry->tasks_fds[--entry->n_tasks]);
}

int cgroup_enter(const struct cgroup_entry *entry)
{
	for (size_t i = 0; i < entry->n_tasks; i++)
		if (write(entry->tasks_fds[i], "0", 1) < 0)
			return errno;
	return 0;
}

/* --- What a daemon that died has left -------------------------------------------------------- */

/* Adds what is below one top group and not known. */
static void find_orphans(const struct hierarchy *hierarchy,
			 bool (*known)(const char *name, void *userdata), void *userdata,
			 char ***orphans)
{
	int fd = openat(hierarchy->top_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		(void)fd_close(fd);
		return;
	}
	while ((entry = readdir(dir)))
		if (entry->d_type == DT_DIR && cgroup_is_name(entry->d_name) &&
		    !known(entry->d_name, userdata))
			strv_append(orphans, entry->d_name);
	(void)closedir(dir);
}

size_t cgroups_sweep(struct cgroups *cgroups, bool (*known)(const char *name, void *userdata),
		     void *userdata)
{
	_cleanup_(strv_freep) char **orphans = NULL;
	struct error ignored;
	size_t left = 0;

	cgroups_ready(cgroups);
	for (size_t i = 0; i < cgroups->n; i++)
		if (cgroups->hierarchies[i].top_fd >= 0)
			find_orphans(&cgroups->hierarchies[i], known, userdata, &orphans);
	/* One that is on several hierarchies stands here as often: it is gone after the first. */
	for (char **name = orphans; name && *name; name++) {
		_cleanup_(cgroup_freep) struct cgroup *cgroup = make_cgroup(cgroups, *name);

		(void)cgroup_kill(cgroup, &ignored);
		left += cgroup_remove(cgroup, &ignored) < 0;
	}
	return left;
}
