/* What a container and the set of them are made of; private to daemon/container. */
#pragma once

#include "common/name.h"
#include "daemon/cgroup/cgroup.h"
#include "daemon/container/container.h"
#include "daemon/container/events.h"
#include "daemon/container/exec.h"
#include "daemon/container/health.h"
#include "daemon/container/logs.h"
#include "daemon/container/process.h"
#include "daemon/container/recording.h"
#include "daemon/network/network.h"
#include "daemon/network/publish.h"
#include "daemon/store/store.h"

TAILQ_HEAD(container_list, container);
TAILQ_HEAD(remount_list, remount);

struct container {
	struct containers *set;
	TAILQ_ENTRY(container) entry;
	uint64_t serial;

	char id[ID_LENGTH + 1];
	char name[NAME_MAX_LENGTH + 1];
	uid_t owner;
	struct spec spec;
	char **command; /* the effective one: entrypoint, then command or the default */

	enum container_state state;
	enum container_state state_before_start; /* where a failed start goes back to */
	int64_t created_at_us, started_at_us, finished_at_us; /* 0: never */
	int exit_status;				      /* -1: none yet */
	char *error;	  /* why it did not start, or how it was lost */
	char **warnings;  /* of the last start */
	char *unreadable; /* why its record is of no use: salvage.c; NULL: it is */

	/* Its user namespace (userns.h). */
	enum { USERNS_UNDECIDED, USERNS_HOST, USERNS_OWN } userns;
	char *userns_reason;	 /* why it has the host's, where nobody said so */
	uint32_t id_range;	 /* its first id of the pool; 0: none */
	char *uid_map, *gid_map; /* those of its owner, who may have no others; NULL: any */

	struct cgroup *cgroup; /* while it runs, and until its processes are gone */
	int64_t oom_kills;     /* in its last run, as far as they were told of; kills.c */
	bool watch_kills;      /* it is to be */
	struct endpoint *endpoints[NETWORKS_MAX]; /* while it runs; no gaps */
	size_t n_endpoints;
	char **files;			 /* that are about to be mounted (hosts.c) */
	bool has_files;			 /* its run has such mounts */
	bool renews_files, renew_again;	 /* they are being replaced; and have to be once more */
	struct publication *publication; /* what it publishes, while it runs */
	struct process
		process; /* its launch may be there after the exit, until process 1 is reaped */
	struct container_start_params start;
	struct container_log log;
	struct meter *meter; /* while its figures are watched, or NULL; stats.c */
	struct recorder_list recorders;
	unsigned int last_recording; /* its number, as far as is known */
	struct exec_list execs;
	unsigned int last_exec; /* its number */
	bool start_waits;	/* for the launch before to be gone */
	bool start_untold;	/* runs, but CONTAINER_EVENT_STARTED waits for the record */
	bool stop_waits;	/* for the start to be done */
	int64_t stop_timeout_ms;
	struct event *stop_timer;

	bool wanted;		    /* it is to run: somebody started it, and nobody stopped it */
	bool ran_at_end;	    /* of the daemon before, as its record has it */
	unsigned int restart_count; /* since somebody started it */
	int64_t restart_delay_ms;   /* the last one; 0: none yet */
	struct event *restart_timer;
	int64_t ran_from_us;   /* by the monotonic clock, as far as this daemon knows */
	struct health *health; /* while it runs; NULL: nothing is looked at */
	bool unhealthy;	       /* and stopped for that, in its last run */

	unsigned int saves; /* writes to STORE_STATE on their way */
	bool saved_once;
	bool discard_on_failure;
	bool remove_at_exit;
	bool remove_volumes;	      /* the anonymous ones, when it is removed */
	char **made_volumes;	      /* names of those that were made for it */
	struct remount_list remounts; /* under way */
	bool unlisted; /* not in the set; lives until its removal is durable, its launch gone */
	bool removed;  /* its removal is durable */

	char *summary;
	size_t summary_size;
	struct waiter_list waiters;
};

/* Who watches figures. */
struct watch {
	LIST_HEAD(, container_watcher) watchers;
	struct event *tick; /* NULL: nobody */
	uint64_t round;
};

struct containers {
	struct containers_params params;
	char *image_dir;
	struct container_list list;	/* in order of creation */
	struct container_list unlisted; /* removed, with a launch that is not gone yet */
	void *by_name, *by_id;		/* tsearch(3) trees of the strings within containers */
	uint64_t last_serial;
	struct events events;
	struct event *prepare_groups, *watch_kills;
	bool sweeping; /* groups of an earlier daemon are on their way out */
	unsigned int n_sweeps;
	struct watch watch;
	struct disk *disk;		 /* NULL: it is not limited */
	void (*stopped)(void *userdata); /* set once no more may start */
	void *stopped_userdata;
};

/* --- set.c ----------------------------------------------------------------------------------- */

struct container *container_new(struct containers *set, const char *id);
void container_free(struct container *container);

/* Puts it into the list and both trees, and takes it out of them (onto the unlisted). */
void containers_add(struct containers *set, struct container *container);
void containers_unlist(struct container *container);

bool containers_has_name(struct containers *set, const char *name);
void containers_set_name(struct container *container, const char *name);

/* To be called whenever something ended: completes containers_stop_all. */
void containers_check_stopped(struct containers *set);

/* --- wait.c ---------------------------------------------------------------------------------- */

void waiters_add(struct waiter_list *waiters, struct container *container,
		 struct container_waiter *waiter, enum container_event event);

/* Calls back those of the waiters that wait for the event, or all of them. */
void waiters_notify(struct waiter_list *waiters, struct container *container,
		    enum container_event event, const struct error *err);
void waiters_notify_all(struct waiter_list *waiters, struct container *container,
			const struct error *err);

/* Calls back whoever waits for the event. */
void container_notify(struct container *container, enum container_event event,
		      const struct error *err);
/* The container is gone: the rest of the waiters learn it. */
void container_notify_removed(struct container *container);

/* --- state.c --------------------------------------------------------------------------------- */

/* The one way to change state: asserts that the table allows it, writes the record. */
void container_transition(struct container *container, enum container_state to);

/* Something that a listing shows has changed. */
void container_changed(struct container *container);

/* Writes the record of what dies with the boot, for the next daemon. */
void container_save_run(struct container *container);

/* Writes the durable record; CONTAINER_EVENT_SAVED when it is there. */
void container_save(struct container *container);

/* The same, for one that was started: what waits for the record waits for this only if the record
 * will have it started again.
 */
void container_save_wanted(struct container *container);

/* Something else of the container's is on its way to the disk, too: for store_write, with
 * *ret_ticket as its userdata.
 */
store_callback container_save_begin(struct container *container, void **ret_ticket);
void container_save_failed(struct container *container, void *ticket);

/* The message is copied; NULL: there is none. */
void container_set_error(struct container *container, const char *message);

/* --- record.c -------------------------------------------------------------------------------- */

enum { RECORD_VERSION = 1 };

struct json_object *record_to_json(const struct container *container);
struct json_object *record_to_run_json(const struct container *container);
int record_from_json(struct containers *set, const char *id, struct json_object *object,
		     struct container **ret, struct error *err);

/* NULL strings and times of 0 are left out. */
void record_add_string(struct json_object *object, const char *key, const char *value);
void record_add_strings(struct json_object *object, const char *key, char *const *strings);
void record_add_int(struct json_object *object, const char *key, int64_t value);
void record_add_time(struct json_object *object, const char *key, int64_t time_us);

/* --- salvage.c ------------------------------------------------------------------------------- */

/* Makes the container of a record of a later version, and puts it into the set; false if it is none. */
bool salvage_later(struct containers *set, enum store_place place, const char *id,
		   struct json_object *object, struct container **ret);

/* The same for one that runs, as its descriptors say, and that has no record any more. */
bool salvage_running(struct containers *set, const char *id, struct container **ret);

/* --- prepare.c ------------------------------------------------------------------------------- */

/* Resolves the image or rootfs, makes the layer, and launches. */
int container_launch(struct container *container, struct error *err);

/* The default variables, the container's own, and more; to be freed by strv_free. */
char **container_environment(const struct container *container, bool terminal, char *const *more);

/* Sets container->command from the spec. */
int container_resolve_command(struct container *container, struct error *err);

/* --- group.c --------------------------------------------------------------------------------- */

/* Whether limits could be set, as far as that can be said without setting them. */
int group_check(const struct resources *resources, struct error *err);

/* The next container's group is made when there is time. */
void groups_init(struct containers *set);
void groups_done(struct containers *set);

/* The group with its limits, and the way into it, which the caller closes (cgroup_entry_done). */
int group_make(struct container *container, struct cgroup_entry *ret_entry, struct error *err);
int group_enter(const struct container *container, struct cgroup_entry *ret_entry,
		struct error *err);
struct launch_cgroup group_for_launch(const struct cgroup_entry *entry);

/* Goes on with the group of an earlier daemon's. */
void group_adopt(struct container *container, const char *name);

/* Removes it, as soon as nothing is left in it. */
void group_remove(struct container *container);

/* For what is to act on a container that may be paused. */
void group_thaw(struct container *container);

/* --- kills.c --------------------------------------------------------------------------------- */

void kills_init(struct containers *set);
void kills_done(struct containers *set);

/* How many processes the kernel has killed in it, in this run, for want of memory. */
int64_t kills_count(const struct container *container);

/* An event for each that is new; false if none is. To be called when its run is over: its group may be gone
 * before the output is drained, or after. Meanwhile what is watched is told of as it happens.
 */
bool kills_tell(struct container *container);

/* Watches it, a little later: it has begun to run, or has other limits. */
void kills_watch(struct container *container);

/* --- restart.c ------------------------------------------------------------------------------- */

bool restart_has_policy(const struct container *container);

/* It has ended, or not started: whether it is to be started again. */
bool restart_is_due(const struct container *container);

/* Starts it when its delay is over, which grows each time. */
void restart_later(struct container *container);

/* No start is to come any more; and it has exited for good. */
void restart_cancel(struct container *container);
void restart_give_up(struct container *container);

/* Its health check has failed for good. */
void restart_unhealthy(struct container *container);

/* Another policy, which is to be checked first. ERROR_INVALID_VALUE. */
int restart_check_change(const struct container *container, const char *text, struct error *err);
void restart_change(struct container *container, const char *text);

/* After the records are read. */
void restart_lost(struct containers *set);

/* --- stats.c --------------------------------------------------------------------------------- */

/* Its group is about to be gone. */
void meter_end(struct container *container);

/* --- start.c, remove.c, stop.c --------------------------------------------------------------- */

extern const struct process_events container_process_events;

/* For one that is restarting. */
void container_start_again(struct container *container);

/* Ends the waiting for an earlier launch to be gone (container->start_waits). */
void container_start_cancel(struct container *container, const char *why);

/* Takes a container that does not run (any more) out of the world. The pointer is the set's from
 * then on; it may be dead already.
 */
void container_discard(struct container *container);
/* Frees a discarded container once nothing needs it any more. */
void container_discard_check(struct container *container);

void container_stop_timer_clear(struct container *container);
void container_stop_begin(struct container *container);

/* It does not get well: stops it, to be started again. */
void container_stop_unhealthy(struct container *container);

/* --- volumes.c ------------------------------------------------------------------------------- */

/* Makes the volumes that the mounts from the given one on name and that are not there (any more),
 * and gives those without a name one. On failure none is left.
 */
int container_make_volumes(struct container *container, size_t from, struct error *err);

/* It runs: none of its volumes is to be filled any more. */
void container_volumes_used(const struct container *container);

/* The volume at that target, if it was made for it: what it was made for has failed. */
void container_drop_made_volume(struct container *container, const char *target);

/* It is about to be gone: removes those of its volumes that go with it. */
void container_drop_volumes(struct container *container);

/* --- network.c ------------------------------------------------------------------------------- */

/* What a spec asks for, as far as it can be said before a start: that the networks are there. One that
 * names none gets the default.
 */
int container_check_networks(struct containers *set, struct container_create_params *params,
			     struct error *err);

/* Leases addresses and binds ports; fills the launch's part in. *ret_fd is the caller's to close. */
int container_prepare_network(struct container *container, struct launch_params *params,
			      int *ret_fd, struct error *err);

/* The namespace is there: makes the interfaces. */
int container_wire(struct container *container, struct error *err);

/* It has ended, or did not start: gives all of that back. */
void container_release_network(struct container *container);

/* For the record of a run, and from it. */
void container_networks_to_record(const struct container *container, struct json_object *object);
void container_adopt_networks(struct container *container, struct json_object *record);

/* It has another name. */
void container_rename_endpoints(struct container *container);

void container_add_network_detail(const struct container *container, struct json_object *object);

/* --- hosts.c --------------------------------------------------------------------------------- */

/* /etc/hosts, /etc/resolv.conf and /etc/hostname, as mounts over whatever the root file system has
 * there, unless the spec mounts something there.
 */
struct mounts;
int container_add_files(struct container *container, struct mounts *mounts, struct error *err);

/* They are mounted, or not needed. */
void container_drop_files(struct container *container);

/* What takes them away from a container that runs. */
void container_remove_files(const struct container *container, struct mounts *mounts);

/* What it calls itself. */
const char *container_hostname(const struct container *container);

/* --- remount.c ------------------------------------------------------------------------------- */

/* No callback comes any more. */
void remounts_free(struct remount_list *remounts);

/* Has the files about names of a container that runs replaced. 1 if waiter is to be told when that is
 * done, or has failed, which the log tells; 0 if there is nothing to do.
 */
int container_renew_files(struct container *container, struct container_waiter *waiter);

/* --- names.c --------------------------------------------------------------------------------- */

/* A readable name, which may be in use; `attempt` above a few makes it longer. */
void made_up_name(unsigned int attempt, char buffer[NAME_MAX_LENGTH + 1]);
