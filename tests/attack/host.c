/* Files and devices through which the host could be read or changed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "tests/attack/attack.h"

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno;
	n = write(fd, text, strlen(text));
	return n < 0 ? errno : 0;
}

/* ENODATA: it is empty, as a mask is. */
static int read_of(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char byte;
	ssize_t n;

	if (fd < 0)
		return errno;
	n = read(fd, &byte, 1);
	return n < 0 ? errno : n == 0 ? ENODATA : 0;
}

/* --- /proc and /sys -------------------------------------------------------------------------- */

static int write_core_pattern(void)
{
	return write_to("/proc/sys/kernel/core_pattern", "|/bin/true");
}

static int write_core_pattern_of_self(void)
{
	return write_to("/proc/self/root/proc/sys/kernel/core_pattern", "|/bin/true");
}

static int write_modprobe(void)
{
	return write_to("/proc/sys/kernel/modprobe", "/bin/true");
}

static int press_sysrq(void)
{
	/* "h" prints a help text to the kernel's log: an attack that does no harm. */
	return write_to("/proc/sysrq-trigger", "h");
}

static int write_uevent_helper(void)
{
	return write_to("/sys/kernel/uevent_helper", "/bin/true");
}

static int write_irq(void)
{
	return write_to("/proc/irq/default_smp_affinity", "1");
}

static int read_kcore(void)
{
	return read_of("/proc/kcore");
}

static int read_keys(void)
{
	return read_of("/proc/keys");
}

static int read_timer_list(void)
{
	return read_of("/proc/timer_list");
}

static int read_interrupts(void)
{
	return read_of("/proc/interrupts");
}

/* cgroup v1's way to run a program on the host (CVE-2022-0492): whatever hierarchies can be seen.
 */
static int release_agent(void)
{
	static const char *const paths[] = {
		"/sys/fs/cgroup/release_agent",
		"/sys/fs/cgroup/memory/release_agent",
		"/sys/fs/cgroup/rdma/release_agent",
		"/sys/fs/cgroup/systemd/release_agent",
	};

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int r = write_to(paths[i], "/bin/true");

		if (r != ENOENT)
			return r;
	}
	return ENOENT;
}

/* --- Devices --------------------------------------------------------------------------------- */

static int open_node(mode_t type, unsigned int major_number, unsigned int minor_number)
{
	static const char path[] = "/tmp/node";
	int r;

	(void)unlink(path);
	if (mknod(path, type | 0600, makedev(major_number, minor_number)) < 0)
		return errno;
	r = outcome(open(path, O_RDONLY | O_NONBLOCK));
	(void)unlink(path);
	return r;
}

static int open_block_device(void)
{
	return open_node(S_IFBLK, 7, 0); /* /dev/loop0 */
}

static int open_memory(void)
{
	return open_node(S_IFCHR, 1, 1); /* /dev/mem */
}

static int open_fuse(void)
{
	return open_node(S_IFCHR, 10, 229);
}

static int open_node_in_dev(void)
{
	int r;

	if (mknod("/dev/node", S_IFCHR | 0600, makedev(1, 11)) < 0) /* /dev/kmsg */
		return errno;
	r = outcome(open("/dev/node", O_RDONLY | O_NONBLOCK));
	(void)unlink("/dev/node");
	return r;
}

static int open_node_in_shm(void)
{
	int r;

	if (mknod("/dev/shm/node", S_IFCHR | 0600, makedev(1, 11)) < 0)
		return errno;
	r = outcome(open("/dev/shm/node", O_RDONLY | O_NONBLOCK));
	(void)unlink("/dev/shm/node");
	return r;
}

/* --- Mounts ---------------------------------------------------------------------------------- */

/* 0: some mount shares its events with the host (mount_namespaces(7)). */
static int find_shared_mount(void)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");
	char line[4096];
	int r = ENOENT;

	if (!file)
		return errno;
	while (fgets(line, sizeof(line), file))
		if (strstr(line, " shared:") || strstr(line, " master:"))
			r = 0;
	(void)fclose(file);
	return r;
}

const struct attack attacks_on_host[] = {
	{ "core-pattern", write_core_pattern },
	{ "core-pattern-of-self", write_core_pattern_of_self },
	{ "modprobe", write_modprobe },
	{ "sysrq", press_sysrq },
	{ "uevent-helper", write_uevent_helper },
	{ "irq", write_irq },
	{ "kcore", read_kcore },
	{ "keys", read_keys },
	{ "timer-list", read_timer_list },
	{ "interrupts", read_interrupts },
	{ "release-agent", release_agent },
	{ "block-device", open_block_device },
	{ "memory-device", open_memory },
	{ "fuse-device", open_fuse },
	{ "node-in-dev", open_node_in_dev },
	{ "node-in-shm", open_node_in_shm },
	{ "shared-mount", find_shared_mount },
	{ 0 },
};
