/* Which hierarchies are mounted, and where. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "daemon/cgroup/hierarchy.h"

/* Options of a cgroup v1 mount that are no controllers (cgroup1_show_options in the kernel). */
static bool is_controller(const char *option)
{
	static const char *const others[] = {
		"rw", "ro", "noprefix", "xattr", "cpuset_v2_mode", "favordynmods", "clone_children",
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if (strcmp(option, others[i]) == 0)
			return false;
	return option[0] && !strchr(option, '=');
}

static char **parse_controllers(char *options)
{
	char **controllers = NULL;
	char *option;

	while ((option = strsep(&options, ",")))
		if (is_controller(option))
			strv_append(&controllers, option);
	return controllers;
}

/* White space and backslashes in a path are written as \ooo. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		if (from[0] == '\\' && strspn(from + 1, "01234567") >= 3) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/* The same hierarchy may be mounted more than once (in a chroot, say): the first is taken. */
static bool is_known(const struct hierarchy *hierarchies, size_t n, const struct hierarchy *other)
{
	for (size_t i = 0; i < n; i++)
		if (hierarchies[i].version == other->version &&
		    (other->version == 2 ||
		     strcmp(hierarchies[i].controllers[0], other->controllers[0]) == 0))
			return true;
	return false;
}

/* 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue (mountinfo(5)) */
static bool parse_line(char *line, struct hierarchy *ret)
{
	enum { MOUNT_POINT = 4, FIELDS };
	char *fields[FIELDS], *tail = strstr(line, " - ");
	char *type, *options;

	if (!tail)
		return false;
	*tail = '\0';
	tail += strlen(" - ");
	for (size_t i = 0; i < FIELDS; i++)
		if (!(fields[i] = strsep(&line, " ")))
			return false;
	type = strsep(&tail, " ");
	(void)strsep(&tail, " ");
	options = tail ? tail : type + strlen(type);
	*ret = (struct hierarchy){ .mount_fd = -1, .top_fd = -1 };
	if (strcmp(type, "cgroup2") == 0)
		ret->version = 2;
	else if (strcmp(type, "cgroup") == 0 && (ret->controllers = parse_controllers(options)))
		ret->version = 1;
	else
		return false;
	unescape(fields[MOUNT_POINT]);
	ret->mount_point = alloc_strdup(fields[MOUNT_POINT]);
	return true;
}

size_t hierarchies_parse(char *mountinfo, struct hierarchy hierarchies[CGROUP_HIERARCHIES_MAX])
{
	struct hierarchy found;
	size_t n = 0;
	char *line;

	while ((line = strsep(&mountinfo, "\n")) && n < CGROUP_HIERARCHIES_MAX) {
		if (!parse_line(line, &found))
			continue;
		if (is_known(hierarchies, n, &found)) {
			free(found.mount_point);
			(void)strv_free(found.controllers);
			continue;
		}
		hierarchies[n++] = found;
	}
	return n;
}

void host_open(struct cgroups *cgroups)
{
	for (size_t i = 0; i < cgroups->n; i++) {
		struct hierarchy *hierarchy = &cgroups->hierarchies[i];
		long magic = hierarchy->version == 2 ? CGROUP2_SUPER_MAGIC : CGROUP_SUPER_MAGIC;
		struct statfs fs;
		int fd = open(hierarchy->mount_point, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == magic) {
			hierarchy->mount_fd = fd;
			continue;
		}
		(void)error_set_errno(&hierarchy->why, fd < 0 ? errno : ENODEV, "%s",
				      hierarchy->mount_point);
		(void)fd_close(fd);
	}
}
