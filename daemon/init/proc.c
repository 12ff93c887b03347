#include "daemon/init/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/init/inside.h"
#include "daemon/init/mount.h"

/* docker's lists, and /proc/interrupts. What a kernel does not have is passed over. */
static const char *const masked_files[] = {
	"kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug", "interrupts",
};

static const char *const masked_directories[] = { "asound", "acpi", "scsi" };

static const char *const masked_in_sys[] = { "firmware", "devices/virtual/powercap" };

static const char *const read_only[] = { "bus", "fs", "irq", "sys", "sysrq-trigger" };

enum { HARMLESS = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };

int proc_mount(int root_fd, int *ret_proc, struct error *err)
{
	static const struct mount_option options[] = { { "source", "proc" }, { NULL, NULL } };
	_cleanup_(fd_closep) int target = -1;

	if (inside_directory(root_fd, "proc", true, &target, err) < 0)
		return -1;
	return mount_new_at("proc", options, HARMLESS, target, "", ret_proc, err);
}

/* The names below are looked up in file systems of the kernel's, from the descriptors that
 * fsmount(2) returned: nobody can have put links or other mounts there.
 */
static int cover(int source_fd, const char *source, int dir_fd, const char *name, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;

	/* Looked for before: to give up a copy that was not attached costs the kernel a grace
	 * period, which is many times what all masks take.
	 */
	if (faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return 0;
	fd = mount_clone(source_fd, source);
	if (fd < 0 || mount_attach(fd, dir_fd, name) < 0)
		return error_set_errno(err, errno, "mask %s", name);
	return 0;
}

static int make_read_only(int proc_fd, const char *name, struct error *err)
{
	_cleanup_(fd_closep) int fd = mount_clone(proc_fd, name);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || mount_set(fd, MOUNT_ATTR_RDONLY) < 0 || mount_attach(fd, proc_fd, name) < 0)
		return error_set_errno(err, errno, "make /proc/%s read-only", name);
	return 0;
}

/* A mask that is not the null device would be worse than none (CVE-2025-31133). */
static int check_null(int dev_fd, struct error *err)
{
	struct stat st;

	if (fstatat(dev_fd, "null", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_set_errno(err, errno, "look at /dev/null");
	if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return error_set(err, ERROR_FAILED, "/dev/null is not the null device");
	return 0;
}

static int mask_directories(int proc_fd, int sys_fd, struct error *err)
{
	static const struct mount_option options[] = {
		{ "source", "mask" },
		{ "mode", "755" },
		{ NULL, NULL },
	};
	_cleanup_(fd_closep) int empty = -1;
	int r = 0;

	/* The first place takes the new mount itself: copies can be made of attached ones alone.
	 * sysfs has /sys/firmware on every architecture.
	 */
	if (mount_new_at("tmpfs", options, HARMLESS | MOUNT_ATTR_RDONLY, sys_fd, masked_in_sys[0],
			 &empty, err) < 0)
		return -1;
	for (size_t i = 1; i < ARRAY_SIZE(masked_in_sys) && r == 0; i++)
		r = cover(empty, "", sys_fd, masked_in_sys[i], err);
	for (size_t i = 0; i < ARRAY_SIZE(masked_directories) && r == 0; i++)
		r = cover(empty, "", proc_fd, masked_directories[i], err);
	return r;
}

int proc_mask(int proc_fd, int dev_fd, struct error *err)
{
	int r = check_null(dev_fd, err);

	for (size_t i = 0; i < ARRAY_SIZE(masked_files) && r == 0; i++)
		r = cover(dev_fd, "null", proc_fd, masked_files[i], err);
	for (size_t i = 0; i < ARRAY_SIZE(read_only) && r == 0; i++)
		r = make_read_only(proc_fd, read_only[i], err);
	return r;
}

int sys_new(bool writable, int *ret, struct error *err)
{
	static const struct mount_option options[] = { { "source", "sysfs" }, { NULL, NULL } };

	return mount_new("sysfs", options, HARMLESS | (writable ? 0 : MOUNT_ATTR_RDONLY), ret, err);
}

int sys_attach(int sys_fd, int root_fd, int proc_fd, struct error *err)
{
	_cleanup_(fd_closep) int target = -1;

	if (inside_directory(root_fd, "sys", true, &target, err) < 0)
		return -1;
	if (mount_attach(sys_fd, target, "") < 0)
		return error_set_errno(err, errno, "attach /sys");
	return proc_fd < 0 ? 0 : mask_directories(proc_fd, sys_fd, err);
}
