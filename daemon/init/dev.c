#include "daemon/init/dev.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/init/devices.h"
#include "daemon/init/inside.h"
#include "daemon/init/mount.h"

static const struct {
	const char *name, *target;
} links[] = {
	{ "ptmx", "pts/ptmx" },		 { "fd", "/proc/self/fd" },
	{ "stdin", "/proc/self/fd/0" },	 { "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" },
};

static const struct mount_option pts_options[] = {
	{ "source", "devpts" }, { "newinstance", NULL }, { "ptmxmode", "0666" },
	{ "mode", "0620" },	{ "gid", "5" },		 { NULL, NULL },
};

static const struct mount_option mqueue_options[] = {
	{ "source", "mqueue" },
	{ NULL, NULL },
};

enum { HARMLESS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };

static int make_links(int dev, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i].target, dev, links[i].name) < 0)
			return error_set_errno(err, errno, "make /dev/%s", links[i].name);
	return 0;
}

static int make_console(int dev, int slave, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;

	if (mknodat(dev, "console", S_IFREG | 0600, 0) < 0 || (fd = mount_clone(slave, "")) < 0 ||
	    mount_attach(fd, dev, "console") < 0)
		return error_set_errno(err, errno, "make /dev/console");
	return 0;
}

static int make_directory(int dev, const char *name, struct error *err)
{
	if (mkdirat(dev, name, 0755) < 0)
		return error_set_errno(err, errno, "make /dev/%s", name);
	return 0;
}

static int mount_pts(int dev, int devpts, struct error *err)
{
	if (make_directory(dev, "pts", err) < 0)
		return -1;
	if (devpts < 0)
		return mount_new_at("devpts", pts_options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC,
				    dev, "pts", NULL, err);
	if (mount_attach(devpts, dev, "pts") < 0)
		return error_set_errno(err, errno, "attach /dev/pts");
	return 0;
}

static int mount_below(int dev, const char *type, const struct mount_option *options,
		       const char *name, struct error *err)
{
	if (make_directory(dev, name, err) < 0)
		return -1;
	return mount_new_at(type, options, HARMLESS, dev, name, NULL, err);
}

static int mount_shm(const struct plan *plan, int dev, struct error *err)
{
	char size[24];
	const struct mount_option options[] = {
		{ "source", "shm" },
		{ "mode", "1777" },
		{ "size", size },
		{ NULL, NULL },
	};

	(void)snprintf(size, sizeof(size), "%lu", (unsigned long)plan->rights.shm_bytes);
	return mount_below(dev, "tmpfs", options, "shm", err);
}

int dev_mount(const struct plan *plan, int dev, int root_fd, int devpts_fd, int slave_fd,
	      struct error *err)
{
	const bool walled = !(plan->flags & (PLAN_USERNS | PLAN_PRIVILEGED));
	_cleanup_(fd_closep) int target = -1;

	if (inside_directory(root_fd, "dev", true, &target, err) < 0)
		return -1;
	if (mount_attach(dev, target, "") < 0)
		return error_set_errno(err, errno, "attach /dev");
	if ((walled && devices_wall(plan, dev, err) < 0) || make_links(dev, err) < 0 ||
	    mount_pts(dev, devpts_fd, err) < 0 ||
	    (slave_fd >= 0 && make_console(dev, slave_fd, err) < 0) ||
	    mount_shm(plan, dev, err) < 0)
		return -1;
	return mount_below(dev, "mqueue", mqueue_options, "mqueue", err);
}
