/* The top groups, one a hierarchy. */
#include "daemon/cgroup/hierarchy.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/instance.h"
#include "common/text.h"

enum { MOUNTINFO_MAX = 4 << 20 };

/* No name of a container's group looks like it. */
#define KEEPER "keeper"

int cgroups_new(const struct cgroups_params *params, struct cgroups **ret, struct error *err)
{
	const char *path = params->mountinfo ? params->mountinfo : "/proc/self/mountinfo";
	_cleanup_(freep) char *mountinfo = NULL;
	struct cgroups *cgroups;
	size_t size;

	if (fd_read_file_at(AT_FDCWD, path, MOUNTINFO_MAX, &mountinfo, &size, err) < 0)
		return error_prefix(err, "find cgroups");
	cgroups = ALLOC(struct cgroups);
	cgroups->n = hierarchies_parse(mountinfo, cgroups->hierarchies);
	host_open(cgroups);
	(void)instance_name(params->run_dir, cgroups->instance);
	if (params->v2_parent)
		cgroups->v2_parent =
			alloc_printf("./%s", params->v2_parent + strspn(params->v2_parent, "/"));
	cgroups->base = params->base;
	LIST_INIT(&cgroups->kill_watches.list);
	cgroups->spare_entry = CGROUP_ENTRY_NULL;
	cgroups->devices_fd = -1;
	*ret = cgroups;
	return 0;
}

struct cgroups *cgroups_free(struct cgroups *cgroups)
{
	if (!cgroups)
		return NULL;
	spare_remove(cgroups);
	kill_watches_done(&cgroups->kill_watches);
	(void)fd_close(cgroups->devices_fd);
	for (size_t i = 0; i < cgroups->n; i++) {
		struct hierarchy *hierarchy = &cgroups->hierarchies[i];

		/* It may have been left by a daemon before, and may still have groups in it. */
		if (hierarchy->mount_fd >= 0 && !(hierarchy->version == 2 && cgroups->v2_parent))
			(void)unlinkat(hierarchy->mount_fd, cgroups->instance, AT_REMOVEDIR);
		(void)fd_close(hierarchy->top_fd);
		(void)fd_close(hierarchy->mount_fd);
		(void)strv_free(hierarchy->controllers);
		(void)strv_free(hierarchy->refused);
		free(hierarchy->mount_point);
		free(hierarchy->top_path);
	}
	free(cgroups->v2_parent);
	free(cgroups);
	return NULL;
}

const char *cgroups_version(const struct cgroups *cgroups)
{
	bool v1 = false, v2 = false;

	for (size_t i = 0; i < cgroups->n; i++) {
		v1 |= cgroups->hierarchies[i].version == 1;
		v2 |= cgroups->hierarchies[i].version == 2;
	}
	if (v1 && v2)
		return "hybrid";
	return v1 ? "v1" : v2 ? "v2" : "none";
}

/* --- Making them ----------------------------------------------------------------------------- */

static int read_at(int fd, const char *file, char *buffer, size_t size)
{
	_cleanup_(fd_closep) int file_fd = openat(fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t n = file_fd < 0 ? -1 : fd_read_full(file_fd, buffer, size - 1);

	if (n < 0)
		return -1;
	buffer[n] = '\0';
	buffer[strcspn(buffer, "\n")] = '\0';
	return 0;
}

static int write_at(int fd, const char *file, const char *value)
{
	_cleanup_(fd_closep) int file_fd = openat(fd, file, O_WRONLY | O_CLOEXEC);

	return file_fd < 0 || write(file_fd, value, strlen(value)) < 0 ? -1 : 0;
}

static char **read_words(int fd, const char *file)
{
	char text[512], *rest = text, *word;
	char **words = NULL;

	if (read_at(fd, file, text, sizeof(text)) < 0)
		return NULL;
	while ((word = strsep(&rest, " ")))
		if (*word)
			strv_append(&words, word);
	return words;
}

static bool has_word(char *const *words, const char *word)
{
	for (; words && *words; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

static void refuse(struct hierarchy *hierarchy, int errnum, const char *path, const char *name)
{
	if (!hierarchy->why.code)
		(void)error_set_errno(&hierarchy->why, errnum, "%s/cgroup.subtree_control=+%s",
				      path, name);
	strv_append(&hierarchy->refused, name);
}

/* v2: hands controllers down to the groups below fd. All at once: a group with processes refuses
 * that (EBUSY), where it would take some one by one, and could have no groups below it then. Other
 * errors are one controller's, which must not keep the rest back.
 */
static void hand_down(struct hierarchy *hierarchy, int fd, const char *path)
{
	_cleanup_(strv_freep) char **there = read_words(fd, "cgroup.controllers");
	_cleanup_(strv_freep) char **handed = read_words(fd, "cgroup.subtree_control");
	char orders[512] = "";
	size_t n = 0;
	bool busy;

	for (char **name = there; name && *name; name++)
		if (!has_word(handed, *name) && n < sizeof(orders))
			n += (size_t)snprintf(orders + n, sizeof(orders) - n, "+%s ", *name);
	if (n == 0 || write_at(fd, "cgroup.subtree_control", orders) == 0)
		return;
	busy = errno == EBUSY;
	for (char **name = there; name && *name; name++) {
		_cleanup_(freep) char *order = alloc_printf("+%s", *name);

		if (has_word(handed, *name))
			continue;
		if (busy)
			refuse(hierarchy, EBUSY, path, *name);
		else if (write_at(fd, "cgroup.subtree_control", order) < 0)
			refuse(hierarchy, errno, path, *name);
	}
}

/* v2: only a group without processes of its own can hand down. */
static void vacate(int fd)
{
	char pids[1024], *rest = pids, *pid;
	_cleanup_(fd_closep) int keeper = -1,
				 list = openat(fd, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	ssize_t n = list < 0 ? -1 : fd_read_full(list, pids, sizeof(pids) - 1);

	if (n <= 0 || (mkdirat(fd, KEEPER, 0755) < 0 && errno != EEXIST))
		return;
	pids[n] = '\0';
	keeper = openat(fd, KEEPER, O_PATH | O_DIRECTORY | O_CLOEXEC);
	while ((pid = strsep(&rest, "\n")))
		if (*pid)
			(void)write_at(keeper, "cgroup.procs", pid);
}

/* v1: a new group has no CPUs and no memory nodes, and nothing can enter it, unless the group above
 * says that it starts with a copy of its own (Documentation/admin-guide/cgroup-v1/cpusets.rst).
 */
static int fill_cpuset(int mount_fd, int top_fd)
{
	static const char *const files[] = { "cpuset.cpus", "cpuset.mems" };
	char value[CGROUP_VALUE_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (read_at(top_fd, files[i], value, sizeof(value)) < 0)
			return -1;
		if (value[0])
			continue;
		if (read_at(mount_fd, files[i], value, sizeof(value)) < 0 ||
		    write_at(top_fd, files[i], value) < 0)
			return -1;
	}
	return write_at(top_fd, "cgroup.clone_children", "1");
}

static int make_directory(const struct cgroups *cgroups, const struct hierarchy *hierarchy)
{
	if (hierarchy->version == 2 && cgroups->v2_parent)
		return openat(hierarchy->mount_fd, cgroups->v2_parent,
			      O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(hierarchy->mount_fd, cgroups->instance, 0755) < 0 && errno != EEXIST)
		return -1;
	return openat(hierarchy->mount_fd, cgroups->instance,
		      O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void make_top(struct cgroups *cgroups, struct hierarchy *hierarchy)
{
	bool given = hierarchy->version == 2 && cgroups->v2_parent;
	_cleanup_(fd_closep) int fd = -1;

	hierarchy->top_path = alloc_printf("%s/%s", hierarchy->mount_point,
					   given ? cgroups->v2_parent + 2 : cgroups->instance);
	if (hierarchy->version == 2 && !given)
		hand_down(hierarchy, hierarchy->mount_fd, hierarchy->mount_point);
	fd = make_directory(cgroups, hierarchy);
	if (fd < 0 || (has_word(hierarchy->controllers, "cpuset") &&
		       fill_cpuset(hierarchy->mount_fd, fd) < 0)) {
		(void)error_set_errno(&hierarchy->why, errno, "%s", hierarchy->top_path);
		return;
	}
	if (given)
		vacate(fd);
	if (hierarchy->version == 2) {
		hand_down(hierarchy, fd, hierarchy->top_path);
		hierarchy->controllers = read_words(fd, "cgroup.subtree_control");
	}
	hierarchy->top_fd = TAKE_FD(fd);
}

void cgroups_ready(struct cgroups *cgroups)
{
	if (cgroups->ready)
		return;
	cgroups->ready = true;
	for (size_t i = 0; i < cgroups->n; i++)
		if (cgroups->hierarchies[i].mount_fd >= 0)
			make_top(cgroups, &cgroups->hierarchies[i]);
}

/* --- Finding controllers --------------------------------------------------------------------- */

/* What v1 has as a controller of its own and v2 under another name, or as part of every group. */
static const struct {
	const char *v1, *v2;
} aliases[] = {
	{ "blkio", "io" },
	{ "cpuacct", "cgroup" },
	{ "freezer", "cgroup" },
};

static const char *name_on(const char *controller, int version)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		if (version == 2 && strcmp(controller, aliases[i].v1) == 0)
			return aliases[i].v2;
		if (version == 1 && strcmp(controller, aliases[i].v2) == 0 &&
		    strcmp(controller, "cgroup") != 0)
			return aliases[i].v1;
	}
	return controller;
}

static bool carries(const struct hierarchy *hierarchy, const char *controller)
{
	const char *name = name_on(controller, hierarchy->version);

	if (hierarchy->version == 2 && strcmp(name, "cgroup") == 0)
		return true;
	return has_word(hierarchy->controllers, name);
}

/* v1 first: a controller that is on a v1 hierarchy is not on the unified one. */
const struct hierarchy *cgroups_find(const struct cgroups *cgroups, const char *controller)
{
	for (int version = 1; version <= 2; version++)
		for (size_t i = 0; i < cgroups->n; i++)
			if (cgroups->hierarchies[i].version == version &&
			    cgroups->hierarchies[i].top_fd >= 0 &&
			    carries(&cgroups->hierarchies[i], controller))
				return &cgroups->hierarchies[i];
	return NULL;
}

const struct hierarchy *cgroups_v2(const struct cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->n; i++)
		if (cgroups->hierarchies[i].version == 2 && cgroups->hierarchies[i].top_fd >= 0)
			return &cgroups->hierarchies[i];
	return NULL;
}

/* Whether it was there that the controller would have been. */
static bool lacks(const struct hierarchy *hierarchy, const char *controller)
{
	if (!hierarchy->why.code)
		return false;
	if (hierarchy->version == 1)
		return carries(hierarchy, controller);
	return hierarchy->top_fd < 0 || has_word(hierarchy->refused, name_on(controller, 2));
}

int cgroups_explain(const struct cgroups *cgroups, const char *controller, const char *subject,
		    struct error *err)
{
	for (size_t i = 0; i < cgroups->n; i++) {
		const struct hierarchy *hierarchy = &cgroups->hierarchies[i];

		if (!lacks(hierarchy, controller))
			continue;
		(void)error_set_subject(err, ERROR_FAILED, subject,
					"the cgroup controller %s cannot be used: %s", controller,
					hierarchy->why.message);
		err->sys_errno = hierarchy->why.sys_errno;
		return -1;
	}
	(void)error_set_subject(err, ERROR_FAILED, subject, "this host has no cgroup controller %s",
				controller);
	err->sys_errno = ENODEV;
	return -1;
}

bool cgroups_has(struct cgroups *cgroups, const char *controller)
{
	cgroups_ready(cgroups);
	return cgroups_find(cgroups, controller) != NULL;
}
