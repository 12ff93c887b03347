/* Making a process contained. A launcher holds what is prepared once (dokrust-init in a sealed
 * memfd); a launch is one process tree, from clone to the reaping of its process 1.
 *
 * launch_start never blocks on the child: it sends a plan (daemon/init/plan.h) over a socket pair,
 * clones dokrust-init into new namespaces with CLONE_VM|CLONE_VFORK, and the rest is events.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <event2/event.h>

#include "common/device.h"
#include "common/error.h"
#include "common/id_map.h"
#include "common/rights.h"
#include "daemon/loop/reaper.h"

struct launcher;
struct launch;

/* The control group that a process is born in, as descriptors: a cgroup v2 directory, and the v1 files
 * `tasks` of the hierarchies that have it.
 */
struct launch_cgroup {
	int v2_fd; /* -1: none */
	const int *tasks_fds;
	size_t n_tasks;
};

#define LAUNCH_CGROUP_NULL ((struct launch_cgroup){ .v2_fd = -1 })

/* A user namespace (userns.h), with its maps. */
struct launch_userns {
	int fd; /* -1 where only the maps are asked for */
	struct id_map uids, gids;
};

/* The subject of an error that a container without a user namespace would not have had. */
#define LAUNCH_NO_USERNS "userns"

/* A mount of the container's user, or one to be taken away (launch_remount). */
struct launch_mount {
	const char *target;	 /* absolute, inside */
	int fd;			 /* detached (bind.h), or -1 for a tmpfs */
	uint64_t attributes;	 /* MOUNT_ATTR_*, of a tmpfs; set on others once they are filled */
	const char *size, *mode; /* of a tmpfs (tmpfs(5)); NULL: the kernel's defaults */
	bool peers;		 /* its propagation is not private */
	bool fill;		 /* first gets a copy of what the container has at the target */
	bool detach;		 /* is taken away; lazy: even if it is in use */
	bool lazy;
};

/* A spec's, and three files that are made for it. */
enum { LAUNCH_MOUNTS_MAX = 131 };

enum launch_network {
	LAUNCH_NETWORK_NONE, /* a namespace with a loopback interface */
	LAUNCH_NETWORK_OWN,  /* one that the callback `network` puts interfaces in */
	LAUNCH_NETWORK_HOST,
	LAUNCH_NETWORK_JOIN,
};

/* What process 1 is told to do; everything is borrowed for the time of launch_start. */
struct launch_params {
	/* The root file system: a directory used in place, or an overlay. */
	const char *rootfs; /* absolute path on the host, or NULL */
	struct {
		/* Absolute paths; lower NULL: no overlay. layer has `upper` and `work`. */
		const char *lower, *layer;
		bool is_volatile; /* no sync at unmount: the upper layer is thrown away */
	} overlay;
	bool read_only;			   /* the root file system, not what is mounted below it */
	const struct launch_mount *mounts; /* attached in this order; at most LAUNCH_MOUNTS_MAX */
	size_t n_mounts;

	struct launch_cgroup cgroup;
	const struct launch_userns *userns; /* NULL: the host's */
	enum launch_network network;
	int network_fd;		  /* LAUNCH_NETWORK_JOIN: a network namespace */
	char *const *argv;	  /* at least one */
	char *const *environment; /* complete but for HOME, which the user's passwd entry gives */
	const char *hostname;
	const char *workdir; /* absolute, inside */
	const char *user;    /* USER[:GROUP], resolved inside; NULL: 0:0 */

	bool init;	 /* false: the command is process 1 */
	bool terminal;	 /* a pty; otherwise three pipes */
	bool stdin_open; /* without a terminal: false gives /dev/null */
	uint16_t rows, columns;
	const struct rights *rights; /* valid */
};

/* The daemon's ends of the standard streams; -1 where there is none. All are O_NONBLOCK and
 * CLOEXEC and the caller's.
 */
struct launch_stdio {
	int pty_master;
	int stdin_fd, stdout_fd, stderr_fd;
};

/* Called from the loop, in this order: warned, network, (started | failed), exited (only after started),
 * gone. gone is always the last, and comes once: the process is reaped, all that it had mounted is
 * gone and the launch may be freed. Any of them may be called as soon as the loop runs.
 */
struct launch_callbacks {
	/* The command was executed. */
	void (*started)(void *userdata);
	/* Nothing was executed: the set-up or the exec failed. */
	void (*failed)(void *userdata, const struct error *err);
	/* Before `started`, any number of times: this host does not allow something that was asked
	 * for, and it goes on without.
	 */
	void (*warned)(void *userdata, const char *message);
	/* LAUNCH_NETWORK_OWN: process 1 has its network namespace, and executes nothing before this
	 * has returned 0. An error is what `failed` tells then.
	 */
	int (*network)(void *userdata, struct error *err);
	/* The main process ended with this wait status; some of the tree may still be dying. */
	void (*exited)(void *userdata, int wait_status);
	void (*gone)(void *userdata);
};

int launcher_new(struct event_base *base, struct reaper *reaper, struct launcher **ret,
		 struct error *err);
struct launcher *launcher_free(struct launcher *launcher);

/* What can be said of rights on this host before anything starts: that the daemon has the
 * capabilities that are named, and that there are the system calls of the seccomp profile.
 * ERROR_INVALID_VALUE.
 */
int launcher_check_rights(struct launcher *launcher, const struct rights *rights,
			  struct error *err);

/* A device of the host, as a spec asks for it (common/device.h). ERROR_INVALID_VALUE, subject
 * "spec.devices", when it is not there.
 */
struct launch_device {
	struct device_option option;
	mode_t mode;
	dev_t number;
	uid_t uid;
	gid_t gid;
};
int launch_find_device(const char *text, struct launch_device *ret, struct error *err);

/* On failure nothing is left. On success *ret is the caller's, to free after `gone`. */
int launch_start(struct launcher *launcher, const struct launch_params *params,
		 const struct launch_callbacks *callbacks, void *userdata, struct launch **ret,
		 struct launch_stdio *ret_stdio, struct error *err);

/* Another process in a container that runs. What is not here is as in launch_params. */
struct launch_exec_params {
	const struct launch *container; /* started, and not gone */
	struct launch_cgroup cgroup;
	const struct launch_userns *userns; /* the container's maps; NULL: it has the host's */
	char *const *argv;
	char *const *environment;
	const char *workdir;
	const char *user;
	bool terminal;
	bool stdin_open;
	uint16_t rows, columns;
	const struct rights *rights; /* the container's, or more */
};

/* As launch_start, with the same callbacks; SIGKILL ends this process alone. A terminal is made in
 * the container, so that *ret_stdio has no pty master yet: launch_take_terminal gives it when the
 * command has started.
 */
int launch_exec(struct launcher *launcher, const struct launch_exec_params *params,
		const struct launch_callbacks *callbacks, void *userdata, struct launch **ret,
		struct launch_stdio *ret_stdio, struct error *err);

/* A process that an earlier daemon launched, which has started. */
struct launch_adopt_params {
	pid_t pid;
	int pidfd;
	int control; /* -1: it has no dokrust-init */
};

/* Goes on with it: exited (from dokrust-init's report, which may be waiting; without one, from what
 * the kernel still knows) and gone come as ever. Both descriptors are taken, on success only.
 */
int launch_adopt(struct launcher *launcher, const struct launch_adopt_params *params,
		 const struct launch_callbacks *callbacks, void *userdata, struct launch **ret,
		 struct error *err);

/* What an adoption needs; borrowed, and -1 when it is not there any more. */
int launch_pidfd(const struct launch *launch);
int launch_control(const struct launch *launch);

/* Lets go of it without ending it. No callback comes any more. NULL-safe. */
void launch_leave(struct launch *launch);

/* Changes the mounts of a container that runs, by a short-lived process: `started` says that it is
 * done, `failed` that the first that failed, and those after it, are as they were. `gone` comes
 * last, as with all launches. userns: it has a user namespace of its own.
 */
int launch_remount(struct launcher *launcher, const struct launch *container, bool userns,
		   const struct launch_mount *mounts, size_t n_mounts,
		   const struct launch_callbacks *callbacks, void *userdata, struct launch **ret,
		   struct error *err);

/* The pty master of a launch_exec with a terminal, from `started` on, once; -1 if there is none. */
int launch_take_terminal(struct launch *launch);

/* pid of process 1 in the daemon's namespace, until gone. */
pid_t launch_pid(const struct launch *launch);

/* Sends a signal to the main process; SIGKILL ends process 1 and with it the whole tree. A
 * process that is gone already is no error.
 */
int launch_signal(struct launch *launch, int number, struct error *err);

/* Frees a launch that is gone. One that is not is killed and reaped without further callbacks. */
struct launch *launch_free(struct launch *launch);
