/* The launch protocol: what the daemon and dokrust-init say to each other over a SOCK_SEQPACKET
 * pair. Both ends are built from these files and one is carried inside the other, so numbers are
 * in the machine's own form and there is no version.
 *
 *	daemon → init	one plan, with descriptors beside it; then orders
 *	init → daemon	reports
 *
 * With PLAN_EXEC, dokrust-init makes no container but joins one, in which it leaves a child to
 * execute the command; the child is the daemon's own. With PLAN_REMOUNT it enters one only to
 * change its mounts, and ends.
 *
 * A plan is: magic, flags, the strings of struct plan in their order, the vectors of arguments and of
 * variables, the number of mounts, and of each mount flags, attributes and strings; struct plan_rights
 * as it is in memory, the vectors of groups, kernel parameters and devices, the number of the filter's
 * instructions, and those. A number is a uint32_t; a string is its
 * length without the NUL, its bytes and a NUL, or PLAN_NO_STRING alone for NULL; a vector is the number
 * of its strings, and those. Nothing is aligned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

enum {
	/* An API message of 64 KiB fits in whatever way it is split, and beside it the longest
	 * filter and the most devices.
	 */
	PLAN_SIZE_MAX = 192 * 1024,
	PLAN_VECTOR_MAX = 8192, /* pointers for all vectors together */
	PLAN_HOSTNAME_MAX = 64, /* HOST_NAME_MAX, and the kernel's __NEW_UTS_LEN */
	PLAN_MOUNTS_MAX = 131,	/* with a descriptor each, below the kernel's SCM_MAX_FD, 253 */
};

enum plan_flag {
	PLAN_INIT = 1 << 0,	/* dokrust-init stays as process 1 */
	PLAN_TERMINAL = 1 << 1, /* descriptors: the devpts mount, the pty's slave */
	PLAN_STDIN = 1 << 2,	/* without a terminal: stdin comes first of the descriptors */
	PLAN_VOLATILE = 1 << 3, /* the overlay is never synced */
	PLAN_EXEC = 1 << 4, /* descriptors: a pidfd of the container's process 1 before others */
	PLAN_READ_ONLY = 1 << 5, /* the root file system, when everything else is in its place */
	PLAN_REMOUNT = 1 << 6,	 /* descriptors: a pidfd of the container's process 1; no command */
	PLAN_OVERLAY = 1 << 7,	 /* the root is one: descriptors of the lower layer, and of the
				  * directory that has `upper` and `work` */
	PLAN_USERNS = 1 << 8,	 /* the container has a user namespace of its own */
	PLAN_NETWORK = 1 << 9,	 /* REPORT_NETWORK, and an order when its network is there */
	PLAN_NETWORK_HOST = 1 << 10, /* no network namespace of its own */
	PLAN_NETWORK_JOIN = 1 << 11, /* another's, a descriptor after those of the streams */
	PLAN_FLAGS_ALL = (1 << 12) - 1,
};

/* The flags that are about rights. */
enum plan_rights_flag {
	PLAN_NO_NEW_PRIVILEGES = 1 << 16,
	PLAN_UNMASKED =
		1 << 17, /* nothing of /proc and /sys is hidden, nothing in /proc read-only */
	PLAN_PRIVILEGED = 1 << 18, /* the host's devices are there and work; /sys can be written */
	PLAN_RIGHTS_FLAGS_ALL = 7 << 16,
};

/* dokrust-init's end of the socket pair. */
enum { PLAN_CONTROL_FD = 3 };

/* Without PLAN_TERMINAL the descriptors are [stdin,] stdout, stderr. With it and PLAN_EXEC there are
 * none: the terminal is opened in the container. For a container detached mounts follow: its root
 * file system, or the two that PLAN_OVERLAY speaks of, and /dev with its nodes.
 */
enum { PLAN_FDS_MAX = 7 };

enum plan_mount_flag {
	PLAN_MOUNT_TMPFS = 1 << 0, /* a new one; all others come as a descriptor */
	PLAN_MOUNT_FILL = 1 << 1,  /* gets a copy of what is at the target, before it covers that */
	PLAN_MOUNT_DETACH = 1 << 2, /* PLAN_REMOUNT: takes away what is mounted at the target */
	PLAN_MOUNT_LAZY = 1 << 3,   /* even if it is in use (umount2(2), MNT_DETACH) */
	PLAN_MOUNT_PEERS = 1 << 4,  /* propagates, to the host or from it; all others are private */
	PLAN_MOUNT_FLAGS_ALL = (1 << 5) - 1,
};

/* They are attached in their order. Descriptors of detached mounts (open_tree(2)) follow all other
 * descriptors, in the order of their mounts.
 */
struct plan_mount {
	uint32_t flags;
	uint32_t attributes;	 /* MOUNT_ATTR_* to be set, recursively; once it is filled */
	int fd;			 /* or -1; not written */
	const char *target;	 /* absolute, inside */
	const char *size, *mode; /* a tmpfs's options (tmpfs(5)), or NULL */
};

enum {
	PLAN_LIMITS_MAX = 16,
	PLAN_DEVICES_MAX = 64,
	PLAN_FILTER_MAX = 4096, /* BPF_MAXINSNS */
	PLAN_INSTRUCTION_SIZE = 8,
};

/* setrlimit(2) */
struct plan_limit {
	uint32_t resource, reserved;
	uint64_t soft, hard;
};

/* What the command may do, as far as it is numbers. */
struct plan_rights {
	uint64_t capabilities; /* the bounding set, and root's */
	uint64_t ambient;      /* of another user; a part of them */
	uint64_t shm_bytes;
	int32_t oom_score_adj;
	uint32_t filter_flags; /* SECCOMP_FILTER_FLAG_* */
	uint32_t n_limits, reserved;
	struct plan_limit limits[PLAN_LIMITS_MAX];
};

/* The character devices that every container has in /dev. */
struct plan_default_device {
	const char *name;
	unsigned int major, minor;
};
extern const struct plan_default_device plan_default_devices[];
extern const size_t plan_default_devices_n;

struct plan {
	uint32_t flags;
	/* Only PLAN_EXEC has no hostname; PLAN_REMOUNT has none of them. */
	const char *hostname;
	const char *workdir;		  /* absolute, inside */
	const char *user;		  /* USER[:GROUP] or NULL */
	const char **argv, **environment; /* each ends with NULL */
	size_t n_environment;
	struct plan_mount *mounts;
	size_t n_mounts;

	struct plan_rights rights;
	const char **groups;  /* supplementary ones besides the user's own, names or numbers */
	const char **sysctls; /* PATH=VALUE, the path below /proc/sys; none for PLAN_EXEC */
	const char **devices; /* names below /dev besides the default ones, of which each is to be
			       * a mount of its own; none for PLAN_EXEC */
	const void *filter;   /* n_filter struct sock_filter, not aligned */
	size_t n_filter;      /* 0: none */
};

/* Number of descriptors that go with a plan, those of mounts not counted; and of those among them that
 * come before the root's.
 */
size_t plan_fds(uint32_t flags);
size_t plan_stream_fds(uint32_t flags);

/* Whether a mount comes as a descriptor. */
bool plan_mount_has_fd(const struct plan_mount *mount);

/* Writes a plan to buffer. ERROR_INVALID_VALUE, subject "spec.command", when it is too large. */
int plan_encode(const struct plan *plan, unsigned char *buffer, size_t size, size_t *ret_size,
		struct error *err);

/* Reads one. Its strings point into data, its vectors into vector, which has PLAN_VECTOR_MAX
 * pointers, its mounts are in mounts, PLAN_MOUNTS_MAX of them, without their descriptors; one more
 * variable can be appended to the environment (plan_add_variable). Whatever plan_encode would not
 * have written is ERROR_PROTOCOL.
 */
int plan_decode(const unsigned char *data, size_t size, const char **vector,
		struct plan_mount *mounts, struct plan *ret, struct error *err);

/* Appends a variable, KEY=VALUE, borrowed; once, after plan_decode. */
void plan_add_variable(struct plan *plan, const char *variable);

/* Raises the hard limits of this process to those that are wanted, as far as it may: in a user
 * namespace, where they are set, nobody may.
 */
void plan_raise_limits(const struct plan_rights *rights);

/* --- After the plan -------------------------------------------------------------------------- */

enum report_type {
	REPORT_STARTED, /* PLAN_INIT: the command was executed. Otherwise: it is about to be, and
			 * the end of the stream without a failure says that it was. PLAN_REMOUNT:
			 * the mounts are changed. */
	REPORT_FAILED,	/* error says why; nothing was executed */
	REPORT_EXITED,	/* wait_status of the command; only with PLAN_INIT */
	REPORT_WARNING, /* error says what this host does not allow; it goes on without */
	REPORT_CHILD,	/* PLAN_EXEC: pid of the child, which waits for an order to execute the
			 * command; descriptors: a pidfd of it and, with a terminal, the master */
	REPORT_NETWORK, /* PLAN_NETWORK: there is a namespace to be filled; nothing is executed
			 * before an order, without a signal, says that it is */
	REPORT_TYPE_COUNT
};

struct report {
	uint32_t type;
	union {
		int32_t wait_status;
		int32_t pid;
	};
	struct error error;
};

/* What is sent of a report: all of it for a failure and a warning, else what stands before the
 * error.
 */
size_t report_size(enum report_type type);

/* A signal for the command; only with PLAN_INIT. With PLAN_EXEC, the one order that there is says
 * that the child may go.
 */
struct order {
	int32_t signal;
};
