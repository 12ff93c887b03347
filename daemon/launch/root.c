/* The root file system, as detached copies of mounts that dokrust-init puts in their place. They are
 * made here, where the host's mounts are, for the reasons that bind.h gives; and only a process of the
 * host's may map ids of a mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/launch/launcher.h"

static int refused(const char *path, int errnum, struct error *err)
{
	(void)error_set_errno(err, errnum, "rootfs %.256s", path);
	err->code = ERROR_INVALID_VALUE;
	(void)strcpy(err->subject, "spec.rootfs");
	return -1;
}

int mount_map_ids(int mount_fd, int userns_fd, bool recursive, const char *what, struct error *err)
{
	struct mount_attr ids = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint32_t)userns_fd };

	if (mount_setattr(mount_fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &ids,
			  sizeof(ids)) == 0)
		return 0;
	if (errno != EINVAL && errno != EPERM)
		return error_set_errno(err, errno, "map the ids of %.256s", what);
	return error_set_subject(err, ERROR_INVALID_VALUE, LAUNCH_NO_USERNS,
				 "%.256s: its file system, or one that is mounted below it, cannot "
				 "have its ids mapped",
				 what);
}

/* What the host has mounted below it is read-only from the start. The top is not until all places
 * for mounts are made, by dokrust-init, unless it is so already.
 */
static int set_attributes(int fd, bool read_only, bool devices)
{
	struct mount_attr all = {
		.attr_set = (devices ? 0 : MOUNT_ATTR_NODEV) | (read_only ? MOUNT_ATTR_RDONLY : 0),
		.propagation = MS_PRIVATE,
	};
	struct mount_attr top = { .attr_clr = MOUNT_ATTR_RDONLY };
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0 ||
	    mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &all, sizeof(all)) < 0)
		return -1;
	if (!read_only || fs.f_flags & ST_RDONLY)
		return 0;
	return mount_setattr(fd, "", AT_EMPTY_PATH, &top, sizeof(top));
}

/* Everything is mounted nodev: a device node that an image brings, or that root makes in the
 * container, cannot be opened, unless that is privileged. Those of /dev are mounts of their own.
 */
static int copy_directory(const struct launch_params *params, int *ret, struct error *err)
{
	_cleanup_(fd_closep) int fd = open_tree(AT_FDCWD, params->rootfs,
						OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return refused(params->rootfs, errno, err);
	if (!S_ISDIR(st.st_mode))
		return refused(params->rootfs, ENOTDIR, err);
	if (set_attributes(fd, params->read_only, params->rights->privileged) < 0)
		return error_set_errno(err, errno, "mount %.256s without devices", params->rootfs);
	if (params->userns && mount_map_ids(fd, params->userns->fd, true, params->rootfs, err) < 0)
		return -1;
	*ret = TAKE_FD(fd);
	return 0;
}

static int copy_layer(const struct launch_params *params, const char *path, int *ret,
		      struct error *err)
{
	_cleanup_(fd_closep) int fd =
		open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	struct mount_attr alone = { .propagation = MS_PRIVATE };
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return refused(path, errno, err);
	if (!S_ISDIR(st.st_mode))
		return refused(path, ENOTDIR, err);
	if (mount_setattr(fd, "", AT_EMPTY_PATH, &alone, sizeof(alone)) < 0)
		return error_set_errno(err, errno, "make %.256s private", path);
	if (params->userns && mount_map_ids(fd, params->userns->fd, false, path, err) < 0)
		return -1;
	*ret = TAKE_FD(fd);
	return 0;
}

int root_open(const struct launch_params *params, struct streams *streams, struct error *err)
{
	_cleanup_(fd_closep) int lower = -1;
	int fd;

	if (params->rootfs) {
		if (copy_directory(params, &fd, err) < 0)
			return -1;
		streams->fds[streams->n_fds++] = fd;
		return 0;
	}
	if (copy_layer(params, params->overlay.lower, &lower, err) < 0 ||
	    copy_layer(params, params->overlay.layer, &fd, err) < 0)
		return -1;
	streams->fds[streams->n_fds++] = TAKE_FD(lower);
	streams->fds[streams->n_fds++] = fd;
	return 0;
}
