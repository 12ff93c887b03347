#include "daemon/init/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/cleanup.h"

/* The kernel's own words, where it left any in the context ("e overlay: ..."; fsopen(2)). */
static int creation_failed(int context, const char *type, int errnum, struct error *err)
{
	char reason[256];
	ssize_t n = read(context, reason, sizeof(reason) - 1);

	(void)error_set_errno(err, errnum, "mount %s", type);
	if (n <= 2)
		return -1;
	reason[n] = '\0';
	reason[strcspn(reason, "\n")] = '\0';
	return error_prefix(err, "%s", reason + 2);
}

int mount_new(const char *type, const struct mount_option *options, unsigned int attributes,
	      int *ret, struct error *err)
{
	_cleanup_(fd_closep) int context = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (context < 0)
		return error_set_errno(err, errno, "mount %s", type);
	for (; options && options->key; options++) {
		unsigned int command = options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG;

		if (fsconfig(context, command, options->key, options->value, 0) < 0)
			return creation_failed(context, type, errno, err);
	}
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return creation_failed(context, type, errno, err);
	fd = fsmount(context, FSMOUNT_CLOEXEC, attributes);
	if (fd < 0)
		return creation_failed(context, type, errno, err);
	*ret = fd;
	return 0;
}

int mount_clone(int dir_fd, const char *path)
{
	return open_tree(dir_fd, path,
			 OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW |
				 (*path ? 0 : AT_EMPTY_PATH));
}

int mount_attach(int mount_fd, int dir_fd, const char *path)
{
	return move_mount(mount_fd, "", dir_fd, path,
			  MOVE_MOUNT_F_EMPTY_PATH | (*path ? 0 : MOVE_MOUNT_T_EMPTY_PATH));
}

int mount_set(int mount_fd, uint64_t attributes)
{
	struct mount_attr set = { .attr_set = attributes };

	return mount_setattr(mount_fd, "", AT_EMPTY_PATH, &set, sizeof(set));
}

int mount_new_at(const char *type, const struct mount_option *options, unsigned int attributes,
		 int dir_fd, const char *path, int *ret_fd, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;

	if (mount_new(type, options, attributes, &fd, err) < 0)
		return -1;
	if (mount_attach(fd, dir_fd, path) < 0)
		return error_set_errno(err, errno, "attach %s at /%s", type, path);
	if (ret_fd)
		*ret_fd = TAKE_FD(fd);
	return 0;
}
