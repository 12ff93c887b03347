#include "daemon/init/root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/init/mount.h"

enum { FD_PATH_SIZE = sizeof("/proc/self/fd//upper") + 10 };

static void name_layer(int fd, const char *below, char name[FD_PATH_SIZE])
{
	(void)snprintf(name, FD_PATH_SIZE, "/proc/self/fd/%d%s", fd, below);
}

/* The layers go by their descriptors: no path needs escaping (a colon separates layers, and older
 * kernels take a comma for the end of an option), and none of the host's paths shows in the
 * container's mountinfo. In a user namespace an overlay keeps its notes in attributes that its owner
 * may write, too.
 */
static int mount_overlay(const struct plan *plan, const int fds[2], int *ret, struct error *err)
{
	const char *owned = plan->flags & PLAN_USERNS ? "userxattr" : NULL;
	char lower[FD_PATH_SIZE], upper[FD_PATH_SIZE], work[FD_PATH_SIZE];
	struct mount_option options[7] = {
		{ "source", "overlay" },
		{ "lowerdir", lower },
		{ "upperdir", upper },
		{ "workdir", work },
	};
	size_t n = 4;

	if (owned)
		options[n++] = (struct mount_option){ owned, NULL };
	if (plan->flags & PLAN_VOLATILE)
		options[n++] = (struct mount_option){ "volatile", NULL };
	name_layer(fds[0], "", lower);
	name_layer(fds[1], "/upper", upper);
	name_layer(fds[1], "/work", work);
	/* Only what is mounted in this namespace may be a layer (clone_private_mount). They go with
	 * the old root, of which nobody here needs this directory any more.
	 */
	if (mount_attach(fds[0], AT_FDCWD, "/dev") < 0 ||
	    mount_attach(fds[1], AT_FDCWD, "/dev") < 0)
		return error_set_errno(err, errno, "attach the layers");
	return mount_new("overlay", options, plan->flags & PLAN_PRIVILEGED ? 0 : MOUNT_ATTR_NODEV,
			 ret, err);
}

int root_enter(const struct plan *plan, const int *fds, int *ret_root, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return error_set_errno(err, errno, "make mounts private");
	if (plan->flags & PLAN_OVERLAY) {
		if (mount_overlay(plan, fds, &fd, err) < 0)
			return -1;
	} else {
		fd = openat(fds[0], ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			return error_set_errno(err, errno, "open the root");
	}
	/* On top of the old root: no other place is sure to be there. */
	if (mount_attach(fd, AT_FDCWD, "/") < 0)
		return error_set_errno(err, errno, "attach the root");
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
