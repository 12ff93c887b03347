/* A group and the groups that were made inside it. How many and how deep is decided in there, so
 * this goes level by level, without recursion, and only so far.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "daemon/cgroup/hierarchy.h"

enum { GROUPS_MAX = 16 * 1024, ROOM_FIRST = 16 };

/* strv_append looks for the end each time, which would be felt here. */
struct list {
	char **paths;
	size_t n, room;
};

static void append(struct list *list, char *path)
{
	if (list->n + 1 >= list->room) {
		size_t room = list->room ? 2 * list->room : ROOM_FIRST;
		char **paths = alloc_zero(room, sizeof(*paths));

		if (list->n)
			(void)memcpy(paths, list->paths, list->n * sizeof(*paths));
		free(list->paths);
		list->paths = paths;
		list->room = room;
	}
	list->paths[list->n++] = path;
}

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static DIR *open_directory(int top_fd, const char *path)
{
	int fd = openat(top_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir)
		(void)fd_close(fd);
	return dir;
}

/* False if the group at path is not there. */
static bool list_inside(struct list *list, int top_fd, const char *path)
{
	_cleanup_(closedirp) DIR *dir = open_directory(top_fd, path);
	const struct dirent *entry;

	if (!dir)
		return false;
	while ((entry = readdir(dir)) && list->n < GROUPS_MAX)
		if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			append(list, alloc_printf("%s/%s", path, entry->d_name));
	return true;
}

char **tree_list(int top_fd, const char *name)
{
	struct list list = { 0 };

	append(&list, alloc_strdup(name));
	if (!list_inside(&list, top_fd, name))
		return strv_free(list.paths);
	for (size_t i = 1; i < list.n; i++)
		(void)list_inside(&list, top_fd, list.paths[i]);
	return list.paths;
}

int tree_remove(int top_fd, const char *name)
{
	_cleanup_(strv_freep) char **paths = NULL;
	int failed = 0;

	/* As a rule there is nothing inside. */
	if (unlinkat(top_fd, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -1;
	/* What can go goes, so that the next try gets further where there were too many to list. */
	paths = tree_list(top_fd, name);
	for (size_t i = strv_length(paths); i-- > 0;)
		if (unlinkat(top_fd, paths[i], AT_REMOVEDIR) < 0 && errno != ENOENT)
			failed = errno;
	errno = failed;
	return failed ? -1 : 0;
}

static size_t group_processes(int top_fd, const char *path,
			      void (*found)(pid_t pid, void *userdata), void *userdata)
{
	_cleanup_(freep) char *procs = alloc_printf("%s/cgroup.procs", path);
	_cleanup_(fclosep) FILE *file = NULL;
	int fd = openat(top_fd, procs, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = 0;
	long pid;

	file = fd < 0 ? NULL : fdopen(fd, "r");
	if (!file) {
		(void)fd_close(fd);
		return 0;
	}
	/* 0 is a process of another PID namespace, which this one has no name for. */
	for (; fscanf(file, "%ld", &pid) == 1; n++)
		if (found && pid > 0)
			found((pid_t)pid, userdata);
	return n;
}

size_t tree_processes(int top_fd, const char *name, void (*found)(pid_t pid, void *userdata),
		      void *userdata)
{
	_cleanup_(strv_freep) char **paths = tree_list(top_fd, name);
	size_t n = 0;

	for (char **path = paths; path && *path; path++)
		n += group_processes(top_fd, *path, found, userdata);
	return n;
}
