/* Reading and writing a group's files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/cgroup/changes.h"

enum { PATH_SIZE = CGROUP_NAME_MAX + 1 + NAME_MAX + 1 };

static int open_file(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		     const char *file, int flags)
{
	char path[PATH_SIZE];
	int n = snprintf(path, sizeof(path), "%s/%s", cgroup->name, file);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return openat(hierarchy->top_fd, path, flags | O_CLOEXEC | O_NOFOLLOW);
}

/* --- Descriptors that stay open -------------------------------------------------------------- */

enum { KEPT_MAX = 20 }; /* of one group: a few more than a sample reads */

struct kept_file {
	const struct hierarchy *hierarchy;
	char name[CHANGE_FILE_SIZE];
	int fd;
};

struct kept_files {
	struct kept_file list[KEPT_MAX];
	size_t n;
};

void group_keep_files(struct cgroup *cgroup)
{
	if (!cgroup->kept)
		cgroup->kept = ALLOC(struct kept_files);
}

void group_close_files(struct cgroup *cgroup)
{
	if (!cgroup->kept)
		return;
	for (size_t i = 0; i < cgroup->kept->n; i++)
		(void)fd_close(cgroup->kept->list[i].fd);
	cgroup->cgroups->n_kept -= cgroup->kept->n;
	free(TAKE_PTR(cgroup->kept));
}

static int find_kept(const struct kept_files *kept, const struct hierarchy *hierarchy,
		     const char *file)
{
	for (size_t i = 0; kept && i < kept->n; i++)
		if (kept->list[i].hierarchy == hierarchy && strcmp(kept->list[i].name, file) == 0)
			return kept->list[i].fd;
	return -1;
}

/* Takes fd, if it is to be kept. */
static bool keep(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
		 int fd)
{
	struct kept_files *kept = cgroup->kept;
	struct kept_file *place;

	if (!kept || kept->n == KEPT_MAX || cgroup->cgroups->n_kept == CGROUP_KEPT_FILES_MAX ||
	    strlen(file) >= sizeof(place->name))
		return false;
	place = &kept->list[kept->n++];
	cgroup->cgroups->n_kept++;
	*place = (struct kept_file){ .hierarchy = hierarchy, .fd = fd };
	(void)strcpy(place->name, file);
	return true;
}

/* --- Reading and writing --------------------------------------------------------------------- */

/* The kernel puts a whole file together for a read at its beginning, and the rest would be for the
 * next one: so one is enough.
 */
static ssize_t read_once(int fd, char *buffer, size_t size)
{
	ssize_t n;

	do
		n = pread(fd, buffer, size, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

ssize_t group_read(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
		   char *buffer, size_t size)
{
	int fd = find_kept(cgroup->kept, hierarchy, file);
	_cleanup_(fd_closep) int opened = -1;
	ssize_t n;

	if (fd < 0)
		fd = opened = open_file(cgroup, hierarchy, file, O_RDONLY);
	if (fd < 0)
		return -1;
	if (opened >= 0 && keep(cgroup, hierarchy, file, opened))
		(void)TAKE_FD(opened);
	n = read_once(fd, buffer, size - 1);
	if (n < 0)
		return -1;
	if (n > 0 && buffer[n - 1] == '\n')
		n--;
	buffer[n] = '\0';
	return n;
}

/* In one write: the kernel takes each for a whole value. */
int group_write(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
		const char *value)
{
	_cleanup_(fd_closep) int fd = open_file(cgroup, hierarchy, file, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	do
		n = write(fd, value, strlen(value));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -1 : 0;
}

bool group_has(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file)
{
	_cleanup_(fd_closep) int fd = open_file(cgroup, hierarchy, file, O_PATH);

	return fd >= 0;
}

/* v1 writes "no limit" as the largest number of whole pages. */
#define NO_LIMIT_V1 (INT64_MAX - 1024 * 1024)

int64_t group_read_number(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
			  const char *file)
{
	char text[64], *end;
	long long value;

	if (group_read(cgroup, hierarchy, file, text, sizeof(text)) <= 0)
		return -1;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end || errno || value < 0 || value > NO_LIMIT_V1)
		return -1;
	return value;
}

int64_t text_number_of(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, length) == 0 && line[length] == ' ')
			return strtoll(line + length + 1, NULL, 10);
	}
	return -1;
}
