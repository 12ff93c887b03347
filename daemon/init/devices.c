#include "daemon/init/devices.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/init/mount.h"

enum { DEPTH_MAX = 8 };

static int make_node(int dir_fd, const char *name, mode_t mode, dev_t number, uid_t uid, gid_t gid)
{
	if (mknodat(dir_fd, name, mode, number) < 0)
		return -1;
	if (uid == 0 && gid == 0)
		return 0;
	return (int)syscall(SYS_fchownat, dir_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW);
}

/* --- Every container's, and the plan's ------------------------------------------------------- */

/* Documentation/admin-guide/devices.txt */
static const struct plan_device defaults[] = {
	{ .name = "null", .major = 1, .minor = 3, .mode = S_IFCHR | 0666 },
	{ .name = "zero", .major = 1, .minor = 5, .mode = S_IFCHR | 0666 },
	{ .name = "full", .major = 1, .minor = 7, .mode = S_IFCHR | 0666 },
	{ .name = "random", .major = 1, .minor = 8, .mode = S_IFCHR | 0666 },
	{ .name = "urandom", .major = 1, .minor = 9, .mode = S_IFCHR | 0666 },
	{ .name = "tty", .major = 5, .minor = 0, .mode = S_IFCHR | 0666 },
};

static size_t count(const struct plan *plan)
{
	return ARRAY_SIZE(defaults) + plan->rights.n_devices;
}

static void get(const struct plan *plan, size_t i, struct plan_device *ret)
{
	if (i < ARRAY_SIZE(defaults))
		*ret = defaults[i];
	else
		plan_get_device(plan, i - ARRAY_SIZE(defaults), ret);
}

/* /dev is new and nobody else's: what the parts of a name lead to was made here. */
static int make_parents(int dev_fd, const char *name)
{
	char path[PLAN_DEVICE_NAME_SIZE];

	for (size_t n = strcspn(name, "/"); name[n]; n += 1 + strcspn(name + n + 1, "/")) {
		(void)memcpy(path, name, n);
		path[n] = '\0';
		if (mkdirat(dev_fd, path, 0755) < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

/* *ret_fd is a copy of the node as a mount of its own, or -1 if it shall work as it is. */
static int make(const struct plan *plan, size_t i, int dev_fd, int *ret_fd, struct error *err)
{
	const bool works = plan->flags & PLAN_PRIVILEGED;
	struct plan_device device;

	get(plan, i, &device);
	*ret_fd = -1;
	if (make_parents(dev_fd, device.name) < 0 ||
	    make_node(dev_fd, device.name, device.mode, makedev(device.major, device.minor),
		      device.uid, device.gid) < 0 ||
	    (!works && (*ret_fd = mount_clone(dev_fd, device.name)) < 0))
		return error_set_errno(err, errno, "make /dev/%s", device.name);
	return 0;
}

static int attach(const struct plan *plan, size_t i, int dev_fd, int node_fd, struct error *err)
{
	struct plan_device device;

	get(plan, i, &device);
	if (mount_attach(node_fd, dev_fd, device.name) < 0)
		return error_set_errno(err, errno, "attach /dev/%s", device.name);
	return 0;
}

/* Root in the container has CAP_MKNOD, as with docker, and could make a node for the host's disk.
 * No node that it makes can be opened, since /dev is nodev as all its mounts are; each device that
 * it shall have is a mount of its own, copied before that, and attached to its own place. Not so in
 * a privileged container, which has the nodes themselves.
 */
int devices_make(const struct plan *plan, int dev_fd, struct error *err)
{
	int nodes[ARRAY_SIZE(defaults) + PLAN_DEVICES_MAX];
	size_t n = 0;
	int r = 0;

	while (n < count(plan) && r == 0) {
		r = make(plan, n, dev_fd, &nodes[n], err);
		n++;
	}
	if (r == 0 && !(plan->flags & PLAN_PRIVILEGED) && mount_set(dev_fd, MOUNT_ATTR_NODEV) < 0)
		r = error_set_errno(err, errno, "mount /dev without devices");
	for (size_t i = 0; i < n; i++) {
		if (r == 0 && nodes[i] >= 0)
			r = attach(plan, i, dev_fd, nodes[i], err);
		(void)fd_close(nodes[i]);
	}
	return r;
}

/* --- The host's ------------------------------------------------------------------------------ */

static bool is_own(const char *name)
{
	static const char *const own[] = { ".", "..", "console", "mqueue", "pts", "shm", "fd" };

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strcmp(name, own[i]) == 0)
			return true;
	return false;
}

static int copy_directory(int host_fd, int dev_fd, unsigned int depth, struct error *err);

static int copy_below(int host_fd, int dev_fd, const char *name, unsigned int depth,
		      struct error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_(fd_closep) int from = -1;
	_cleanup_(fd_closep) int to = -1;

	if (depth == DEPTH_MAX)
		return 0;
	from = openat(host_fd, name, flags);
	if (from < 0)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "open /dev/%s", name);
	if ((mkdirat(dev_fd, name, 0755) < 0 && errno != EEXIST) ||
	    (to = openat(dev_fd, name, flags)) < 0)
		return error_set_errno(err, errno, "make /dev/%s", name);
	return copy_directory(from, to, depth + 1, err);
}

static int copy_entry(int host_fd, int dev_fd, const char *name, unsigned int depth,
		      struct error *err)
{
	struct stat st;

	if (is_own(name))
		return 0;
	/* Devices come and go. */
	if (fstatat(host_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "look at /dev/%s", name);
	if (S_ISDIR(st.st_mode))
		return copy_below(host_fd, dev_fd, name, depth, err);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return 0;
	if (make_node(dev_fd, name, st.st_mode, st.st_rdev, st.st_uid, st.st_gid) < 0 &&
	    errno != EEXIST)
		return error_set_errno(err, errno, "make /dev/%s", name);
	return 0;
}

static int copy_directory(int host_fd, int dev_fd, unsigned int depth, struct error *err)
{
	_Alignas(struct dirent64) char buffer[4096];
	long n;

	while ((n = syscall(SYS_getdents64, host_fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + n;) {
			const struct dirent64 *entry = (const struct dirent64 *)(void *)at;

			if (copy_entry(host_fd, dev_fd, entry->d_name, depth, err) < 0)
				return -1;
			at += entry->d_reclen;
		}
	}
	return n < 0 ? error_set_errno(err, errno, "list /dev") : 0;
}

int devices_copy(int host_fd, int dev_fd, struct error *err)
{
	return copy_directory(host_fd, dev_fd, 0, err);
}
