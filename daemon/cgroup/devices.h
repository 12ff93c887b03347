/* Which devices the processes of a group may open and make nodes of. v1 has a controller with files
 * (Documentation/admin-guide/cgroup-v1/devices.rst); v2 a program of the kernel's virtual machine
 * that is asked each time (Documentation/admin-guide/cgroup-v2.rst, "Device controller"; bpf(2),
 * BPF_PROG_TYPE_CGROUP_DEVICE), which is made and loaded here without a library.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum {
	CGROUP_DEVICE_MAKE = 1 << 0, /* mknod(2); the numbers are BPF_DEVCG_ACC_* */
	CGROUP_DEVICE_READ = 1 << 1,
	CGROUP_DEVICE_WRITE = 1 << 2,
	CGROUP_DEVICE_ALL = 7,

	CGROUP_DEVICES_MAX = 256,
};

enum { CGROUP_DEVICE_ANY = -1 };

struct cgroup_device {
	char type;	      /* 'b', 'c', or 'a' for both */
	int64_t major, minor; /* or CGROUP_DEVICE_ANY */
	unsigned int access;  /* what of CGROUP_DEVICE_* is allowed */
};

/* What every container may: make nodes, which the mounts do not let it open (nodev), and use null,
 * zero, full, random, urandom, tty, ptmx and its terminals.
 */
extern const struct cgroup_device cgroup_devices_default[];
extern const size_t cgroup_devices_default_n;

/* Allows these and nothing else to a group, whose directory is group_fd (O_PATH will do) and which
 * has no groups inside. On v2 what was allowed before holds until this does; on v1 it ends first.
 * At most CGROUP_DEVICES_MAX. ERROR_FAILED.
 */
int cgroup_devices_set_v1(int group_fd, const struct cgroup_device *allowed, size_t n,
			  struct error *err);
int cgroup_devices_set_v2(int group_fd, const struct cgroup_device *allowed, size_t n,
			  struct error *err);

/* The two halves of the latter: a program can serve many groups. */
int cgroup_devices_load_v2(const struct cgroup_device *allowed, size_t n, int *ret_fd,
			   struct error *err);
int cgroup_devices_use_v2(int group_fd, int program_fd, struct error *err);
