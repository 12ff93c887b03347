/* What launches have in common; private to daemon/launch. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/queue.h>

#include <event2/event_struct.h>

#include "daemon/init/plan.h"
#include "daemon/launch/launch.h"
#include "daemon/launch/seccomp.h"

/* The streams of a launch: the daemon's ends, and what goes with the plan. */
struct streams {
	struct launch_stdio stdio;
	int fds[PLAN_FDS_MAX];
	size_t n_fds;
};

LIST_HEAD(launch_list, launch);

enum stage {
	STAGE_SETUP,
	STAGE_STARTED,
	STAGE_ENDED, /* failed or exited has been called */
	STAGE_GONE,  /* reaped */
};

struct launch {
	struct launcher *launcher;
	struct launch_callbacks callbacks;
	void *userdata;
	LIST_ENTRY(launch) link; /* while it is abandoned */
	pid_t pid;
	int pidfd, control;
	struct event readable;
	enum stage stage;
	bool init;
	bool execs;	/* without init: it said that it is about to execute the command */
	bool abandoned; /* launch_free was called; nobody is told anything any more */

	struct event died; /* of a process that is not our child: its pidfd */
	bool adopted;
	bool reaped_late; /* the kernel was asked again how it ended */

	/* Of launch_exec: */
	bool joins;	     /* pid is that of dokrust-init, in no namespaces of its own */
	int terminal;	     /* the pty's master, until it is taken */
	struct winsize size; /* for it */
};

struct launcher {
	struct event_base *base;
	struct reaper *reaper;
	int init;	     /* dokrust-init in a sealed memfd */
	int child_slot;	     /* the descriptor that a child finds its control socket at (clone.c) */
	unsigned char *plan; /* PLAN_SIZE_MAX bytes; used within launch_start */
	struct seccomp_cache *seccomp;
	struct launch_list abandoned; /* freed before they were gone */
};

/* A process running dokrust-init, in the new namespaces of a container or in the daemon's own, with
 * control as its socket, which stays the caller's. Its pid and a pidfd, or -1.
 */
struct clone_params {
	bool contained;
	const struct launch_cgroup *cgroup;
	int userns_fd;			  /* -1: the daemon's own */
	const struct plan_rights *rights; /* what of its limits takes the host's rights is set */
};
int launcher_clone(const struct launcher *launcher, const struct clone_params *params, int control,
		   pid_t *ret_pid, int *ret_pidfd, struct error *err);

/* What a plan borrows from rights.c. */
struct plan_storage {
	char **sysctls, **devices;
};

/* Fills the plan's part that is about rights in; its other flags are set. What it borrows is the
 * rights', the launcher's until the next call, and storage's, which is to be freed in any case.
 */
int launcher_plan_rights(struct launcher *launcher, const struct rights *rights,
			 struct plan_storage *storage, struct plan *plan, struct error *err);
void plan_storage_done(struct plan_storage *storage);

/* A plan on its way to a process that carries it out: the common end of launch_start and
 * launch_exec, which fill the rest of the launch in. streams are taken on success.
 */
int launch_make(struct launcher *launcher, const struct plan *plan,
		const struct clone_params *clone_params, struct streams *streams,
		const struct launch_callbacks *callbacks, void *userdata, struct launch **ret,
		struct launch_stdio *ret_stdio, struct error *err);

struct launch *launch_new(struct launcher *launcher, bool init, bool joins, int control);
void launch_destroy(struct launch *launch);

/* A report of launch_exec's process, REPORT_CHILD: its descriptors are taken. */
void launch_joined(struct launch *launch, pid_t pid, int pidfd, int terminal);

/* Callback of the reaper for the command's process. */
void launch_reaped(void *userdata, pid_t pid, int wait_status);

#define LAUNCH_STDIO_NULL       \
	((struct launch_stdio){ \
		.pty_master = -1, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1 })

#define STREAMS_NULL ((struct streams){ .stdio = LAUNCH_STDIO_NULL })

/* Gives a detached mount, and all below it if recursive, the ids of a user namespace: what is root's on
 * the disk is the container's root's. ERROR_INVALID_VALUE, subject LAUNCH_NO_USERNS, if a file system
 * in it cannot have that; `what` names it to people.
 */
int mount_map_ids(int mount_fd, int userns_fd, bool recursive, const char *what, struct error *err);

/* Add the root's descriptors and that of /dev to what goes with a plan. */
int root_open(const struct launch_params *params, struct streams *streams, struct error *err);
int dev_open(const struct launch_params *params, struct streams *streams, struct error *err);

/* A pty in a devpts of its own, or pipes. On failure nothing is left open. */
int streams_open(const struct launch_params *params, struct streams *ret, struct error *err);

/* The plan's form of mounts, in an array of PLAN_MOUNTS_MAX. */
void launch_plan_mounts(const struct launch_mount *mounts, size_t n, struct plan_mount *ret);

/* Adds pipes to what is there already, which are userns's root's (or NULL). On failure nothing is left
 * open.
 */
int streams_open_pipes(bool stdin_open, const struct launch_userns *userns, struct streams *streams,
		       struct error *err);

/* Closes what is still there. */
void streams_close(struct streams *streams);
