/* Reading and writing a group's files. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "daemon/cgroup/hierarchy.h"

enum { PATH_SIZE = ID_LENGTH + 1 + NAME_MAX + 1 };

static int open_file(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		     const char *file, int flags)
{
	char path[PATH_SIZE];
	int n = snprintf(path, sizeof(path), "%s/%s", cgroup->id, file);

	if (n < 0 || (size_t)n >= sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return openat(hierarchy->top_fd, path, flags | O_CLOEXEC | O_NOFOLLOW);
}

ssize_t group_read(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
		   char *buffer, size_t size)
{
	_cleanup_(fd_closep) int fd = open_file(cgroup, hierarchy, file, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = fd_read_full(fd, buffer, size - 1);
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
