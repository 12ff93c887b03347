#include "daemon/init/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/init/fill.h"
#include "daemon/init/inside.h"
#include "daemon/init/mount.h"

static int refuse(struct error *err, const char *why)
{
	return error_set_subject(err, ERROR_INVALID_VALUE, "mounts", "%s", why);
}

/* --- Places ---------------------------------------------------------------------------------- */

/* Where a descriptor is, as seen from this process's root. */
static int describe(int proc, int fd, char path[PATH_MAX], struct error *err)
{
	char name[sizeof("self/fd/") + 10];
	ssize_t n;

	(void)snprintf(name, sizeof(name), "self/fd/%d", fd);
	n = readlinkat(proc, name, path, PATH_MAX - 1);
	if (n < 0)
		return error_set_errno(err, errno, "look where it is");
	path[n] = '\0';
	return 0;
}

static bool is_within(const char *path, const char *directory)
{
	size_t n = strlen(directory);

	return strncmp(path, directory, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* A /proc that is not the kernel's, or a mask of it that is lifted, would undo what protects the
 * host (CVE-2019-16884). The path was checked by the daemon; this is where it leads to.
 */
static int check_place(int proc, int fd, char path[PATH_MAX], struct error *err)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return error_set_errno(err, errno, "look at the target");
	if (describe(proc, fd, path, err) < 0)
		return -1;
	if (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC || is_within(path, "/proc") ||
	    is_within(path, "/sys"))
		return refuse(err, "nothing can be mounted in /proc and /sys");
	if (strcmp(path, "/") == 0)
		return refuse(err, "nothing can be mounted over the root");
	return 0;
}

static int open_directory(int root, const char *target, int *ret, struct error *err)
{
	if (inside_directory(root, target, false, ret, err) == 0)
		return 0;
	if (err->sys_errno == ENOTDIR)
		return refuse(err, "a directory cannot be mounted over what is none");
	return error_prefix(err, "target");
}

static int open_file(int root, const char *target, int *ret, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;
	struct stat st;

	if (inside_file(root, target, &fd, err) < 0)
		return error_prefix(err, "target");
	if (fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "look at the target");
	if (S_ISDIR(st.st_mode))
		return refuse(err, "what is no directory cannot be mounted over one");
	*ret = TAKE_FD(fd);
	return 0;
}

/* --- Attaching ------------------------------------------------------------------------------- */

static int new_tmpfs(const struct plan_mount *mount, int *ret, struct error *err)
{
	struct mount_option options[] = { { "source", "tmpfs" }, { 0 }, { 0 }, { 0 } };
	size_t n = 1;

	if (mount->size)
		options[n++] = (struct mount_option){ "size", mount->size };
	if (mount->mode)
		options[n++] = (struct mount_option){ "mode", mount->mode };
	return mount_new("tmpfs", options, mount->attributes, ret, err);
}

static int complete(const struct plan_mount *mount, int target, struct error *err)
{
	struct mount_attr attributes = { .attr_set = mount->attributes };

	if (mount->flags & PLAN_MOUNT_FILL && fill(mount->fd, target, err) < 0)
		return -1;
	if (mount->attributes && mount_setattr(mount->fd, "", AT_EMPTY_PATH | AT_RECURSIVE,
					       &attributes, sizeof(attributes)) < 0)
		return error_set_errno(err, errno, "set its attributes");
	return 0;
}

static int set_propagation(int mount, uint64_t propagation)
{
	struct mount_attr attributes = { .propagation = propagation };

	return mount_setattr(mount, "", AT_EMPTY_PATH, &attributes, sizeof(attributes));
}

/* On a mount that is shared with the host, ours would show there, too, and stay when the container is
 * gone. The kernel refuses to put there what is unbindable (mount_namespaces(7)), so it is that for
 * the moment.
 */
static int move_to(int mount, int target, bool peers, struct error *err)
{
	if (!peers && set_propagation(mount, MS_UNBINDABLE) < 0)
		return error_set_errno(err, errno, "keep it from the host");
	if (mount_attach(mount, target, "") < 0) {
		if (errno == EINVAL)
			return refuse(err, "the target is on a mount that is shared with the host");
		return error_set_errno(err, errno, "attach it");
	}
	if (!peers && set_propagation(mount, MS_PRIVATE) < 0)
		return error_set_errno(err, errno, "make it private");
	return 0;
}

static int attach(int root, int proc, const struct plan_mount *mount, struct error *err)
{
	_cleanup_(fd_closep) int target = -1;
	_cleanup_(fd_closep) int tmpfs = -1;
	char path[PATH_MAX];
	struct stat st = { .st_mode = S_IFDIR };
	bool directory;

	if (mount->fd >= 0 && fstat(mount->fd, &st) < 0)
		return error_set_errno(err, errno, "look at the source");
	directory = S_ISDIR(st.st_mode);
	if ((directory ? open_directory(root, mount->target, &target, err) :
			 open_file(root, mount->target, &target, err)) < 0 ||
	    check_place(proc, target, path, err) < 0)
		return -1;
	if (mount->flags & PLAN_MOUNT_TMPFS ? new_tmpfs(mount, &tmpfs, err) < 0 :
					      complete(mount, target, err) < 0)
		return -1;
	return move_to(tmpfs >= 0 ? tmpfs : mount->fd, target, mount->flags & PLAN_MOUNT_PEERS,
		       err);
}

/* --- Detaching ------------------------------------------------------------------------------- */

static int mount_id(int dir, const char *name, uint64_t *ret, bool *ret_root)
{
	struct statx st;

	if (syscall(SYS_statx, dir, name, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_MNT_ID, &st) <
	    0)
		return -1;
	*ret = st.stx_mnt_id;
	*ret_root = st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return 0;
}

/* By the descriptor itself, which is a use of the mount: only in this way. */
static int detach_lazily(int proc, int target)
{
	char name[sizeof("self/fd/") + 10];

	(void)snprintf(name, sizeof(name), "self/fd/%d", target);
	if (fchdir(proc) < 0)
		return -1;
	return umount2(name, MNT_DETACH);
}

/* The mount must be free of uses, and so of our descriptor: its name in the directory that it is
 * mounted in is looked up again, and has to be the same mount. That directory is outside of /proc
 * and /sys, and what else could be moved to the name has mounts below it, and is busy.
 */
static int detach_if_free(int root, int *target, const char *path)
{
	_cleanup_(fd_closep) int parent = -1;
	char directory[PATH_MAX];
	const char *name = path;
	uint64_t wanted, found;
	struct error ignored;
	bool is_root;

	for (const char *at = path; *at; at++)
		if (*at == '/')
			name = at + 1;
	(void)memcpy(directory, path, (size_t)(name - path));
	directory[name - path] = '\0';
	if (mount_id(*target, "", &wanted, &is_root) < 0 ||
	    inside_directory(root, directory, true, &parent, &ignored) < 0)
		return -1;
	*target = fd_close(*target);
	if (mount_id(parent, name, &found, &is_root) < 0)
		return -1;
	if (found != wanted) {
		errno = EAGAIN;
		return -1;
	}
	return fchdir(parent) < 0 ? -1 : umount2(name, UMOUNT_NOFOLLOW);
}

static int detach(int root, int proc, const struct plan_mount *mount, struct error *err)
{
	_cleanup_(fd_closep) int target = inside_open(root, mount->target, O_PATH);
	char path[PATH_MAX];
	bool is_root = false;
	uint64_t id;
	int r;

	if (target < 0 || mount_id(target, "", &id, &is_root) < 0)
		return error_set_errno(err, errno, "target");
	if (check_place(proc, target, path, err) < 0)
		return -1;
	if (!is_root)
		return refuse(err, "nothing is mounted there");
	r = mount->flags & PLAN_MOUNT_LAZY ? detach_lazily(proc, target) :
					     detach_if_free(root, &target, path);
	if (r < 0 && errno == EBUSY)
		return error_set_errno(err, EBUSY, "in use, or something is mounted below it");
	return r < 0 ? error_set_errno(err, errno, "detach it") : 0;
}

int mounts_change(int root_fd, int proc_fd, const struct plan *plan, struct error *err)
{
	for (size_t i = 0; i < plan->n_mounts; i++) {
		struct plan_mount *mount = &plan->mounts[i];
		int r = mount->flags & PLAN_MOUNT_DETACH ? detach(root_fd, proc_fd, mount, err) :
							   attach(root_fd, proc_fd, mount, err);

		mount->fd = fd_close(mount->fd);
		if (r < 0)
			return error_prefix(err, "mount %.256s", mount->target);
	}
	return 0;
}
