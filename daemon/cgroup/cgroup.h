/* Control groups: what a container may use, what it uses, and how to freeze and to end all of it.
 *
 * A `cgroups` is what this daemon has of the host's hierarchies: on each one a top group that is
 * named after the instance, and below that a group for each container. Which
 * controller is on which hierarchy is looked up once, per controller, so v1, v2 and any mixture of
 * them (cgroups(7)) behave alike; what a host lacks is an error only for who asks for it.
 *
 * Nothing here waits, but for one thing: while a limit of memory is lowered below what is in use, the
 * kernel reclaims what it can before the write returns. No descriptors are held for a group, unless
 * it is watched, or has a limit of memory on v1, and two or three for each hierarchy, so that thousands
 * of groups cost memory alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"
#include "daemon/cgroup/devices.h"
#include "daemon/cgroup/limits.h"

struct cgroups;
struct cgroup;
struct event_base;

enum { CGROUP_HIERARCHIES_MAX = 24 };

/* A group's name is readable, and nobody else's: "web-0123456789ab", a container's name when it was
 * started and the beginning of its id. What earlier versions made has the whole id for a name.
 */
enum { CGROUP_SHORT_ID = 12, CGROUP_NAME_MAX = 80 };
bool cgroup_is_name(const char *name);

/* --- The host -------------------------------------------------------------------------------- */

struct cgroups_params {
	/* Of the daemon, absolute; the top groups' name follows from it (common/instance.h). */
	const char *run_dir;
	/* A cgroup v2 group that was given to this daemon (systemd's Delegate=), as a path below
	 * the mount point; the containers' groups are made right in it, and it is neither made nor
	 * removed. Processes that it has of its own, which would keep controllers from being handed
	 * down, are moved into a group "keeper" inside. NULL: a top group of the daemon's own.
	 */
	const char *v2_parent;
	/* For what the kernel tells by itself (cgroup_watch_kills); NULL: nothing is listened to. */
	struct event_base *base;
	/* Instead of /proc/self/mountinfo: for tests. */
	const char *mountinfo;
};

/* Reads what is mounted; makes nothing yet. A host without cgroups is no error. */
int cgroups_new(const struct cgroups_params *params, struct cgroups **ret, struct error *err);

/* Removes the top groups, as far as nothing is left in them. NULL-safe; returns NULL. */
struct cgroups *cgroups_free(struct cgroups *cgroups);

/* "v1", "v2", "hybrid" or "none". */
const char *cgroups_version(const struct cgroups *cgroups);

/* Whether a controller ("memory", "io", ...) can be used; v1's and v2's names of one are the same
 * to it. Makes the top groups if they are not there yet.
 */
bool cgroups_has(struct cgroups *cgroups, const char *controller);

/* Kills and removes the groups below the top that have a container's group's name and that
 * `known` does not know: what a daemon that died has left. Returns how many are not gone yet, because their
 * processes are still dying; call it again a little later then.
 */
size_t cgroups_sweep(struct cgroups *cgroups, bool (*known)(const char *name, void *userdata),
		     void *userdata);

/* --- A group --------------------------------------------------------------------------------- */

/* Makes the group on all hierarchies and sets its limits, which are valid
 * (cgroup_limits_validate); the number of processes is limited even where that is unset. On failure
 * nothing is left. The name is one (cgroup_is_name); a group of that name must not be there. The
 * errors are those of cgroup_update.
 */
int cgroup_new(struct cgroups *cgroups, const char *name, const struct cgroup_limits *limits,
	       struct cgroup **ret, struct error *err);

/* Makes ahead what the next cgroup_new can use, on v1's hierarchies, where a group takes some 0.6 ms
 * to make: to be called when there is time. It holds a descriptor for each. When it fails, then
 * cgroup_new takes the time.
 */
void cgroups_prepare(struct cgroups *cgroups);

/* Takes over the group that an earlier daemon made. ERROR_FAILED, ENOENT, when there is none. */
int cgroup_adopt(struct cgroups *cgroups, const char *name, struct cgroup **ret, struct error *err);
const char *cgroup_name(const struct cgroup *cgroup);

/* Forgets the group, which stays. NULL-safe; returns NULL. */
struct cgroup *cgroup_free(struct cgroup *cgroup);

/* Removes the group, and groups that were made inside it. It needs to have no processes; those that
 * were reaped, or wait to be, are none. EBUSY otherwise, and then some of what was inside may be
 * gone; nothing else has changed. What is not there (any more) is no error.
 */
int cgroup_remove(struct cgroup *cgroup, struct error *err);

/* Changes limits: all of them, or none. A value that the kernel refuses fails with
 * "FILE=VALUE: reason", code ERROR_INVALID_VALUE where the value is to blame and ERROR_FAILED
 * otherwise; subject is the member of struct cgroup_limits, or the file. What was written before is
 * put back. A limit whose controller the host lacks fails before anything is written.
 */
int cgroup_update(struct cgroup *cgroup, const struct cgroup_limits *changes, struct error *err);

/* --- Devices --------------------------------------------------------------------------------- */

/* Which devices the group's processes may open and make nodes of: those that every container may
 * (devices.h), and these; or all there are. For a group that is new. A host without a device controller
 * allows what it allows; that is no error. ERROR_FAILED.
 */
int cgroup_allow_devices(struct cgroup *cgroup, const struct cgroup_device *more, size_t n,
			 struct error *err);
int cgroup_allow_all_devices(struct cgroup *cgroup, struct error *err);

/* --- Being born inside ----------------------------------------------------------------------- */

/* Descriptors with which a process enters the group. On v2 it is cloned into it:
 *
 *	struct clone_args args = { .flags = CLONE_INTO_CGROUP, .cgroup = (unsigned int)entry.v2_fd };
 *
 * and on v1, before it has threads or children, it calls cgroup_enter, which writes "0" to each of
 * `tasks_fds`. That is one write a hierarchy, and moves the calling thread alone without waiting
 * for others, as `cgroup.procs` does for some milliseconds (kernel/cgroup/cgroup-v1.c).
 *
 * A cgroup namespace is to be taken after that, not in the same clone: its root is the group that
 * its maker is in then (cgroup_namespaces(7)).
 */
struct cgroup_entry {
	int v2_fd; /* O_PATH; -1: there is no cgroup v2 here, so no CLONE_INTO_CGROUP */
	int tasks_fds[CGROUP_HIERARCHIES_MAX];
	size_t n_tasks;
};

#define CGROUP_ENTRY_NULL ((struct cgroup_entry){ .v2_fd = -1 })

/* All are close-on-exec and the caller's, who closes them by cgroup_entry_done. */
int cgroup_open_entry(struct cgroup *cgroup, struct cgroup_entry *ret, struct error *err);
void cgroup_entry_done(struct cgroup_entry *entry);

/* For the child, between clone and exec: allocates nothing, keeps to system calls. 0, or a positive
 * errno.
 */
int cgroup_enter(const struct cgroup_entry *entry);

/* --- Freezing and killing -------------------------------------------------------------------- */

/* Begins to freeze or thaw all processes; cgroup_is_frozen says when a freeze is complete (within a
 * millisecond, as a rule).
 */
int cgroup_freeze(struct cgroup *cgroup, bool freeze, struct error *err);
bool cgroup_is_frozen(const struct cgroup *cgroup);

/* Sends SIGKILL to every process in the group and in groups inside it, also to such as fork
 * meanwhile, and thaws them, so that they die. They may take a moment (cgroup_is_populated). Where
 * that takes freezing first (v1), it may fail with EAGAIN, when some process could not be frozen
 * yet: call it again then, after a millisecond or so. All that were seen have been killed, and die
 * when it succeeds, or by cgroup_freeze(cgroup, false).
 *
 * It is the group's end: newer kernels (seen on 6.18) also kill at birth whatever is cloned later
 * into a group that was once killed by cgroup.kill. Remove it and make a new one.
 */
int cgroup_kill(struct cgroup *cgroup, struct error *err);

/* Whether a process lives in it. Zombies do not. */
bool cgroup_is_populated(const struct cgroup *cgroup);

/* The processes in the group and in groups inside it: calls back for each, in no order, and returns
 * their number. How many there are is decided in there, so this is for a process of the daemon's own
 * (daemon/loop/worker.h), with a copy of the descriptor (-1: the host has no cgroups).
 */
int cgroup_tree_fd(const struct cgroup *cgroup);
size_t cgroup_processes(const struct cgroup *cgroup, int tree_fd,
			void (*found)(pid_t pid, void *userdata), void *userdata);

/* --- A group inside -------------------------------------------------------------------------- */

/* For some of a group's processes, so that they and what they start can be killed by themselves. It is
 * where freezing and killing is done, and on no other hierarchy; it has no limits, and all that is done
 * to the outer group is done to it. No controllers are handed down to it, or else the outer one could
 * have no processes of its own (cgroups(7), "no internal processes").
 */

/* Makes it, or takes one of that name that is there, and makes the entry, one into the outer group, one
 * into this. A host without a place for it is no error: the entry stays as it is then.
 */
int cgroup_make_inner(const struct cgroup *outer, const char *name, struct cgroup_entry *entry,
		      struct error *err);

/* As cgroup_kill. ENOENT where there is none. */
int cgroup_kill_inner(const struct cgroup *outer, const char *name, struct error *err);

/* For who does not go on with a kill that was not complete: what was frozen for it dies. */
void cgroup_thaw_inner(const struct cgroup *outer, const char *name);

/* False if it has processes; then it goes with the outer one, at the latest. */
bool cgroup_remove_inner(const struct cgroup *outer, const char *name);

/* --- Figures --------------------------------------------------------------------------------- */

/* Share of the time in which some, or all, tasks waited (Documentation/accounting/psi.rst). */
struct cgroup_pressure {
	int64_t some_avg10_percent_hundredths, full_avg10_percent_hundredths; /* of 10 s */
	int64_t some_total_us, full_total_us;
};

/* Since the group was made. What the host cannot tell is -1. */
struct cgroup_figures {
	int64_t cpu_usage_us;
	int64_t memory_bytes;	    /* with page cache */
	int64_t memory_used_bytes;  /* without cache that is not in use: what docker stats shows */
	int64_t memory_limit_bytes; /* CGROUP_UNLIMITED (-1) if there is none */
	int64_t oom_kills;
	int64_t pids; /* threads */
	int64_t io_read_bytes, io_write_bytes;
	int64_t io_reads, io_writes;
	struct cgroup_pressure cpu_pressure, memory_pressure, io_pressure;
};

/* Reads each file once. A group that is gone has no figures: all -1. */
void cgroup_sample(const struct cgroup *cgroup, struct cgroup_figures *ret);

/* While it is watched, the descriptors that samples take stay open, which saves half of their time;
 * but for all groups together no more than CGROUP_KEPT_FILES_MAX.
 */
enum { CGROUP_KEPT_FILES_MAX = 4096 };
void cgroup_watch(struct cgroup *cgroup, bool watch);

/* How many processes the kernel has killed in it for want of memory; -1 if it cannot be told. On v1
 * those in groups that were made inside it are not counted.
 */
int64_t cgroup_oom_kills(const struct cgroup *cgroup);

/* Calls look from the loop soon after a process was killed in it for want of memory, and at times when
 * none was: cgroup_oom_kills tells. What was before is not told of. The callback must not free the
 * group, with which it ends. v1 tells only of groups with a limit of memory, and not when it is the host
 * that is short of it; so this is to be called again when a limit was set, and does nothing where it is
 * not needed.
 */
void cgroup_watch_kills(struct cgroup *cgroup, void (*look)(void *userdata), void *userdata);
void cgroup_unwatch_kills(struct cgroup *cgroup);
