/* The nodes of a container's /dev, on a file system of their own that dokrust-init puts in its place.
 * In a user namespace nobody can make a node; and here their owners can be those inside.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/launch/launcher.h"

enum { DEPTH_MAX = 8 };

struct dev {
	const struct launch_userns *userns; /* or NULL */
	int fd;
};

/* Who is not in the container's map has nobody's node there. */
static int give(const struct dev *dev, int dir_fd, const char *name, uid_t uid, gid_t gid)
{
	uint32_t host_uid = uid, host_gid = gid;

	if (dev->userns && (!id_map_to_host(&dev->userns->uids, uid, &host_uid) ||
			    !id_map_to_host(&dev->userns->gids, gid, &host_gid)))
		return 0;
	if (host_uid == 0 && host_gid == 0)
		return 0;
	return fchownat(dir_fd, name, host_uid, host_gid, AT_SYMLINK_NOFOLLOW);
}

static int make_node(const struct dev *dev, int dir_fd, const char *name, const struct stat *st)
{
	if (mknodat(dir_fd, name, st->st_mode, st->st_rdev) < 0)
		return -1;
	return give(dev, dir_fd, name, st->st_uid, st->st_gid);
}

static int make_directory(const struct dev *dev, int dir_fd, const char *name)
{
	if (mkdirat(dir_fd, name, 0755) < 0)
		return errno == EEXIST ? 0 : -1;
	return give(dev, dir_fd, name, 0, 0);
}

/* --- Every container's, and the spec's ------------------------------------------------------- */

/* It is new and nobody else's: what the parts of a name lead to was made here. */
static int make_parents(const struct dev *dev, const char *name)
{
	char path[DEVICE_PATH_SIZE];

	for (size_t n = strcspn(name, "/"); name[n]; n += 1 + strcspn(name + n + 1, "/")) {
		(void)memcpy(path, name, n);
		path[n] = '\0';
		if (make_directory(dev, dev->fd, path) < 0)
			return -1;
	}
	return 0;
}

static int make_defaults(const struct dev *dev, struct error *err)
{
	for (size_t i = 0; i < plan_default_devices_n; i++) {
		const struct plan_default_device *device = &plan_default_devices[i];
		const struct stat st = {
			.st_mode = S_IFCHR | 0666,
			.st_rdev = makedev(device->major, device->minor),
		};

		if (make_node(dev, dev->fd, device->name, &st) < 0)
			return error_set_errno(err, errno, "make /dev/%s", device->name);
	}
	return 0;
}

static int make_given(const struct dev *dev, const struct rights *rights, struct error *err)
{
	for (char **text = rights->devices; text && *text; text++) {
		struct launch_device device;
		const char *name;
		struct stat st;

		if (launch_find_device(*text, &device, err) < 0)
			return -1;
		name = device.option.container + strlen("/dev/");
		st = (struct stat){
			.st_mode = device.mode,
			.st_rdev = device.number,
			.st_uid = device.uid,
			.st_gid = device.gid,
		};
		if (make_parents(dev, name) == 0 && make_node(dev, dev->fd, name, &st) == 0)
			continue;
		if (errno == EEXIST)
			return error_set_subject(err, ERROR_INVALID_VALUE, "spec.devices",
						 "/dev/%s is given twice", name);
		return error_set_errno(err, errno, "make /dev/%s", name);
	}
	return 0;
}

/* --- The host's ------------------------------------------------------------------------------ */

static bool is_own(const char *name)
{
	static const char *const own[] = {
		".",  "..",   "console", "mqueue", "pts",    "shm",
		"fd", "ptmx", "stdin",	 "stdout", "stderr",
	};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (strcmp(name, own[i]) == 0)
			return true;
	return false;
}

static int copy_directory(const struct dev *dev, int from, int to, unsigned int depth,
			  struct error *err);

static int copy_below(const struct dev *dev, int from, int to, const char *name, unsigned int depth,
		      struct error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_(fd_closep) int below = -1;
	int source;

	if (depth == DEPTH_MAX)
		return 0;
	source = openat(from, name, flags);
	if (source < 0)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "open /dev/%s", name);
	if (make_directory(dev, to, name) < 0 || (below = openat(to, name, flags)) < 0) {
		(void)error_set_errno(err, errno, "make /dev/%s", name);
		(void)fd_close(source);
		return -1;
	}
	return copy_directory(dev, source, below, depth + 1, err);
}

static int copy_entry(const struct dev *dev, int from, int to, const char *name, unsigned int depth,
		      struct error *err)
{
	struct stat st;

	if (is_own(name))
		return 0;
	/* Devices come and go. */
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "look at /dev/%s", name);
	if (S_ISDIR(st.st_mode))
		return copy_below(dev, from, to, name, depth, err);
	if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
		return 0;
	if (make_node(dev, to, name, &st) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "make /dev/%s", name);
	return 0;
}

/* from is taken. */
static int copy_directory(const struct dev *dev, int from, int to, unsigned int depth,
			  struct error *err)
{
	DIR *dir = fdopendir(from);
	const struct dirent *entry;
	int r = 0;

	if (!dir) {
		(void)error_set_errno(err, errno, "list /dev");
		(void)fd_close(from);
		return -1;
	}
	while (r == 0 && (entry = readdir(dir)))
		r = copy_entry(dev, dirfd(dir), to, entry->d_name, depth, err);
	(void)closedir(dir);
	return r;
}

static int copy_hosts(const struct dev *dev, struct error *err)
{
	int from = open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (from < 0)
		return error_set_errno(err, errno, "open /dev");
	return copy_directory(dev, from, dev->fd, 0, err);
}

/* --- The file system ------------------------------------------------------------------------- */

static int set_number(int context, const char *key, uint32_t number)
{
	char text[16];

	(void)snprintf(text, sizeof(text), "%u", number);
	return fsconfig(context, FSCONFIG_SET_STRING, key, text, 0);
}

static int set_owner(int context, const struct launch_userns *userns)
{
	uint32_t uid, gid;

	if (!userns || !id_map_to_host(&userns->uids, 0, &uid) ||
	    !id_map_to_host(&userns->gids, 0, &gid))
		return 0;
	return set_number(context, "uid", uid) < 0 ? -1 : set_number(context, "gid", gid);
}

static int mount_tmpfs(const struct launch_userns *userns, int *ret, struct error *err)
{
	_cleanup_(fd_closep) int context = fsopen("tmpfs", FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_SET_STRING, "source", "tmpfs", 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "mode", "755", 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "size", "64k", 0) < 0 ||
	    set_owner(context, userns) < 0 ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return error_set_errno(err, errno, "mount /dev");
	*ret = fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);
	return *ret < 0 ? error_set_errno(err, errno, "mount /dev") : 0;
}

static int make_all(const struct dev *dev, const struct rights *rights, struct error *err)
{
	if (make_defaults(dev, err) < 0 || make_given(dev, rights, err) < 0)
		return -1;
	return rights->privileged ? copy_hosts(dev, err) : 0;
}

int dev_open(const struct launch_params *params, struct streams *streams, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;
	struct dev dev = { .userns = params->userns };
	mode_t umask_before;
	int r;

	if (mount_tmpfs(params->userns, &fd, err) < 0)
		return -1;
	dev.fd = fd;
	umask_before = umask(0);
	r = make_all(&dev, params->rights, err);
	(void)umask(umask_before);
	if (r < 0)
		return -1;
	streams->fds[streams->n_fds++] = TAKE_FD(fd);
	return 0;
}
