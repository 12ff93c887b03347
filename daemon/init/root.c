#include "daemon/init/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/init/mount.h"

static int rootfs_refused(const char *path, int errnum, struct error *err)
{
	struct error reason;

	(void)error_set_errno(&reason, errnum, "rootfs %.256s", path);
	reason.code = ERROR_INVALID_VALUE;
	(void)strcpy(reason.subject, "spec.rootfs");
	*err = reason;
	return -1;
}

/* What the host has mounted below it is read-only from the start. The top is not until all places
 * for mounts are made (root_make_read_only), unless it is so already.
 */
static int set_attributes(int fd, bool read_only, bool devices)
{
	struct mount_attr all = { .attr_set = (devices ? 0 : MOUNT_ATTR_NODEV) |
					      (read_only ? MOUNT_ATTR_RDONLY : 0) };
	struct mount_attr top = { .attr_clr = MOUNT_ATTR_RDONLY };
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0 ||
	    mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &all, sizeof(all)) < 0)
		return -1;
	if (!read_only || fs.f_flags & ST_RDONLY)
		return 0;
	return mount_setattr(fd, "", AT_EMPTY_PATH, &top, sizeof(top));
}

static int clone_rootfs(const struct plan *plan, int *ret, struct error *err)
{
	_cleanup_(fd_closep) int fd = open_tree(AT_FDCWD, plan->rootfs,
						OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return rootfs_refused(plan->rootfs, errno, err);
	if (!S_ISDIR(st.st_mode))
		return rootfs_refused(plan->rootfs, ENOTDIR, err);
	if (set_attributes(fd, plan->flags & PLAN_READ_ONLY, plan->flags & PLAN_PRIVILEGED) < 0)
		return error_set_errno(err, errno, "mount %.256s without devices", plan->rootfs);
	*ret = TAKE_FD(fd);
	return 0;
}

enum { FD_PATH_SIZE = sizeof("/proc/self/fd/") + 10 };

/* The layers are handed over as descriptors: no path needs escaping (a colon separates layers, and
 * older kernels take a comma for the end of an option), and none of the host's paths shows in the
 * container's mountinfo.
 */
static int open_layer(const char *path, int *ret, char name[FD_PATH_SIZE], struct error *err)
{
	*ret = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*ret < 0)
		return error_set_errno(err, errno, "layer %.256s", path);
	(void)snprintf(name, FD_PATH_SIZE, "/proc/self/fd/%d", *ret);
	return 0;
}

static int mount_overlay(const struct plan *plan, int *ret, struct error *err)
{
	_cleanup_(fd_closep) int lower = -1;
	_cleanup_(fd_closep) int upper = -1;
	_cleanup_(fd_closep) int work = -1;
	char lower_name[FD_PATH_SIZE], upper_name[FD_PATH_SIZE], work_name[FD_PATH_SIZE];
	const struct mount_option options[] = {
		{ "source", "overlay" },
		{ "lowerdir", lower_name },
		{ "upperdir", upper_name },
		{ "workdir", work_name },
		{ plan->flags & PLAN_VOLATILE ? "volatile" : NULL, NULL },
		{ NULL, NULL },
	};

	if (open_layer(plan->lower, &lower, lower_name, err) < 0)
		return rootfs_refused(plan->lower, err->sys_errno, err);
	if (open_layer(plan->upper, &upper, upper_name, err) < 0 ||
	    open_layer(plan->work, &work, work_name, err) < 0)
		return -1;
	return mount_new("overlay", options, plan->flags & PLAN_PRIVILEGED ? 0 : MOUNT_ATTR_NODEV,
			 ret, err);
}

/* Everything is mounted nodev: a device node that an image brings, or that root makes in the
 * container, cannot be opened, unless that is privileged. Those of /dev are mounts of their own
 * (dev.c).
 */
int root_enter(const struct plan *plan, int *ret_root, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set_errno(err, errno, "make mounts private");
	if (plan->rootfs ? clone_rootfs(plan, &fd, err) < 0 : mount_overlay(plan, &fd, err) < 0)
		return -1;
	if (mount_attach(fd, AT_FDCWD, plan->anchor) < 0)
		return error_set_errno(err, errno, "attach the root to %.256s", plan->anchor);
	/* The old root ends up on top of the new one, where "." still is. */
	if (fchdir(fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return error_set_errno(err, errno, "change the root");
	*ret_root = TAKE_FD(fd);
	return 0;
}

int root_leave_old(int root_fd, struct error *err)
{
	if (umount2(".", MNT_DETACH) < 0)
		return error_set_errno(err, errno, "detach the old root");
	if (fchdir(root_fd) < 0)
		return error_set_errno(err, errno, "enter the new root");
	return 0;
}

int root_make_read_only(int root_fd, struct error *err)
{
	if (mount_set(root_fd, MOUNT_ATTR_RDONLY) < 0)
		return error_set_errno(err, errno, "make the root read-only");
	return 0;
}
