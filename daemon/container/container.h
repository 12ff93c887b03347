/* Containers: the subject of the whole. A set of containers holds them all, with their records,
 * and is the only place where sessions, launches and images meet.
 *
 * Every change of state is: allowed by the transition table, then the record written, then those
 * who wait called back. Operations that take time are waited for by a `container_waiter`, which is
 * embedded in the caller's own object and may be cancelled at any time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <event2/event.h>
#include <json-c/json_object.h>
#include <sys/queue.h>

#include "common/error.h"
#include "common/spec.h"

struct containers;
struct container;
struct exec;
struct exec_spec;
struct process;
struct cgroups;
struct keep;
struct launcher;
struct launch_userns;
struct store;
struct volumes;
struct logs;
struct logs_sync;
struct userns_pool;
struct networks;
struct network_attachment;

enum container_state {
	CONTAINER_CREATED,
	CONTAINER_RESTARTING, /* has ended, and is about to be started again */
	CONTAINER_STARTING,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_STOPPING,
	CONTAINER_EXITED,
	CONTAINER_REMOVING,
	CONTAINER_STATE_COUNT
};

const char *container_state_name(enum container_state state);

/* --- The set --------------------------------------------------------------------------------- */

struct containers_params {
	struct event_base *base;
	struct store *store;
	struct launcher *launcher;
	struct keep *keep;
	struct cgroups *cgroups;
	struct volumes *volumes;
	struct logs *logs;
	struct userns_pool *userns_pool;
	const char *image_dir; /* copied */
	bool anew;	       /* no daemon before has left anything to this one */
	struct networks *networks;
	const char *default_network; /* of a spec that names none; NULL: loopback alone */
	/* Told of what no caller waits for: records that cannot be read or written, containers
	 * that were lost. id may be NULL.
	 */
	void (*complain)(const char *id, const struct error *err);
};

struct containers *containers_new(const struct containers_params *params);

/* Reads the records of an earlier daemon, and goes on with the containers whose descriptors were kept.
 * What else ran when that ended is marked as lost, and started again if its restart policy says so;
 * records that cannot be read are set aside. Fails only if the store cannot be listed.
 */
int containers_load(struct containers *containers, struct error *err);

/* Stops all that run and calls back, from the loop, when the last is gone. No container can be
 * created or started from then on. Called again, it kills what is left.
 */
void containers_stop_all(struct containers *containers, void (*stopped)(void *userdata),
			 void *userdata);

/* Lets go of all containers and leaves them to the next daemon, which finds their descriptors kept.
 * Nothing but containers_free may be called from then on.
 */
void containers_leave(struct containers *containers);

/* NULL-safe. Containers that still run are killed. */
struct containers *containers_free(struct containers *containers);

/* By name, id or unambiguous prefix of an id: ERROR_CONTAINER_NOT_FOUND, ERROR_AMBIGUOUS_NAME. */
int containers_find(struct containers *containers, const char *reference, struct container **ret,
		    struct error *err);

/* In order of creation: the first whose serial number is above `after`; NULL at the end. */
struct container *containers_next(struct containers *containers, uint64_t after);

/* The one that follows, NULL at the end. */
struct container *container_following(struct container *container);

/* Names of the containers, running or not, that have a volume: a vector, for strv_free; NULL for
 * none.
 */
char **containers_with_volume(struct containers *containers, const char *volume);

size_t containers_count(const struct containers *containers, enum container_state state);

/* --- What users have on the disk (disk.h) ---------------------------------------------------- */

/* Before containers_load: what a user who is no administrator may have; 0: no limit. ERROR_INVALID_VALUE
 * where nothing could be done about it. And when all records are read.
 */
int containers_limit_disk(struct containers *containers, int64_t max_bytes, struct error *err);
void containers_begin_disk(struct containers *containers);

/* For something new of that user's: whether it may be, and the project that its directory is to be of; 0:
 * none. ERROR_LIMIT_REACHED.
 */
int containers_claim_disk(struct containers *containers, uid_t uid, uint32_t *ret_project,
			  struct error *err);

/* Something of that user's is there, has run, or is gone. */
void containers_disk_changed(struct containers *containers, uid_t uid);

/* --- Waiting --------------------------------------------------------------------------------- */

enum container_event {
	CONTAINER_EVENT_SAVED,	 /* the record is where it outlives the daemon */
	CONTAINER_EVENT_STARTED, /* runs (and is saved), or failed to start: err */
	CONTAINER_EVENT_EXITED,	 /* at once for one that does not run */
	CONTAINER_EVENT_REMOVED, /* nothing is left of it; the container is NULL */
};

struct container_waiter {
	LIST_ENTRY(container_waiter) entry;
	struct container *container; /* NULL: not waiting */
	enum container_event event;
	/* err is NULL on success. The waiter is no longer waiting when this is called. A waiter for
	 * another event gets ERROR_CONTAINER_NOT_FOUND when the container is removed.
	 */
	void (*done)(struct container_waiter *waiter, struct container *container,
		     const struct error *err);
};

LIST_HEAD(waiter_list, container_waiter);

/* Calls back later, never from within: whoever waits for what is there already looks first
 * (container_is_saved, container_is_active).
 */
void container_wait(struct container *container, struct container_waiter *waiter,
		    enum container_event event);
void container_waiter_cancel(struct container_waiter *waiter);

/* --- Operations ------------------------------------------------------------------------------ */

struct container_create_params {
	struct spec spec; /* taken on success, valid (spec_validate) */
	const char *name; /* NULL: one is made up */
	uid_t owner;
	const struct launch_userns *ids; /* those that it has to have; NULL: as its spec says */
	/* Until it has run, a failure to start removes it. */
	bool discard_on_failure;
};

/* Answers at once; CONTAINER_EVENT_SAVED comes when the record is durable. Checked here: the name,
 * that it is free, the image.
 */
int containers_create(struct containers *containers, struct container_create_params *params,
		      struct container **ret, struct error *err);

struct container_start_params {
	uint16_t rows, columns; /* of the terminal; 0: 24 by 80 */
	/* Output is not read until process_attach, or process_begin. */
	bool hold_output;
};

/* For what goes by its spec, or changes it: whether its record can be used. ERROR_FAILED says why not.
 */
int container_check_readable(const struct container *container, struct error *err);

/* ERROR_WRONG_STATE unless created, exited, or restarting. CONTAINER_EVENT_STARTED tells the outcome. When this
 * fails, a container with discard_on_failure is gone.
 */
int container_start(struct container *container, const struct container_start_params *params,
		    struct error *err);

/* --- Processes with a session ---------------------------------------------------------------- */

/* The container's main one; it lives as long as the container. */
struct process *container_process(struct container *container);

/* Lets the output of a start with hold_output go, with no viewer. No effect otherwise. */
void process_begin(struct process *process);

struct process_attach_params {
	bool input;
	bool steal; /* all other viewers are detached */
	unsigned int history_rows;
	uid_t uid;
	uint16_t rows, columns; /* 0: the viewer has no terminal */
	const void *first;	/* bytes that go out before the session's; copied */
	size_t first_bytes;
	const void *early; /* frames that came already; copied */
	size_t early_bytes;
};

/* Gives a connection to the session of a running process; socket is taken on success. */
int process_attach(struct process *process, int socket, const struct process_attach_params *params,
		   struct error *err);

/* Whether it runs, and so has a session; and whether one more could attach to that. */
int process_check_attach(const struct process *process, struct error *err);
int process_check_viewer(const struct process *process, bool steal, struct error *err);

/* Who is attached, as the interface's []Viewer but for the users' names; the caller's. */
struct json_object *process_viewers(const struct process *process);

/* The present size of its terminal; zeros without one. */
void process_get_size(const struct process *process, uint16_t *ret_rows, uint16_t *ret_columns);

/* Detaches the viewer with this number, all for 0. ERROR_INVALID_VALUE, subject "viewer", if there is
 * none with that number.
 */
int process_detach(struct process *process, unsigned int number, uid_t by_uid,
		   unsigned int *ret_detached, struct error *err);

/* What its terminal shows, as the interface's Screen reply; the caller's. Lines, lines and cells, or
 * bytes that paint it. ERROR_WRONG_STATE without a terminal.
 */
enum process_view { PROCESS_VIEW_LINES, PROCESS_VIEW_CELLS, PROCESS_VIEW_PAINTED };
int process_look(struct process *process, enum process_view view, struct json_object **ret,
		 struct error *err);

/* Types n bytes. */
int process_type(struct process *process, uid_t by_uid, const void *data, size_t n,
		 struct error *err);

/* --- Execs: other processes in a running container ------------------------------------------- */

/* Numbered within the container, from 1. spec is taken on success, valid (exec_spec_from_json).
 * exec_wait for CONTAINER_EVENT_STARTED tells the outcome; one that cannot be started leaves nothing.
 * An exec lives as long as its container runs, or until it is among those that ended long ago.
 */
int container_exec(struct container *container, struct exec_spec *spec,
		   const struct container_start_params *start, struct exec **ret,
		   struct error *err);
int container_find_exec(struct container *container, const char *id, struct exec **ret,
			struct error *err);

struct process *exec_process(struct exec *exec);
const char *exec_id(const struct exec *exec);
const struct exec_spec *exec_get_spec(const struct exec *exec);
bool exec_is_active(const struct exec *exec);
int exec_exit_status(const struct exec *exec);

/* SIGKILL is for all that it has started, too. ERROR_WRONG_STATE unless it runs. */
int exec_kill(struct exec *exec, int number, struct error *err);

/* As container_wait, for CONTAINER_EVENT_STARTED and CONTAINER_EVENT_EXITED. */
void exec_wait(struct exec *exec, struct container_waiter *waiter, enum container_event event);

/* --- More operations ------------------------------------------------------------------------- */

/* Sends the stop signal and, after timeout_ms (-1: never), SIGKILL; negative values below -1 take
 * the container's own timeout. One that does not run is no error. CONTAINER_EVENT_EXITED.
 */
enum { CONTAINER_STOP_TIMEOUT_OWN = -2 };
int container_stop(struct container *container, int64_t timeout_ms, struct error *err);

/* ERROR_WRONG_STATE unless it runs. */
int container_kill(struct container *container, int number, struct error *err);

/* ERROR_WRONG_STATE if it runs and force is false. volumes: those of its volumes that are anonymous
 * go with it. CONTAINER_EVENT_REMOVED.
 */
int container_remove(struct container *container, bool force, bool volumes, struct error *err);

/* Changes limits and the restart policy, now and in the record: all of them or none. changes fits the
 * interface's Resources; either may be NULL. CONTAINER_EVENT_SAVED when the record is durable.
 */
int container_update(struct container *container, struct json_object *changes, const char *restart,
		     struct error *err);

/* Freezes and thaws all processes. ERROR_WRONG_STATE unless it runs, or is paused. */
int container_pause(struct container *container, struct error *err);
int container_unpause(struct container *container, struct error *err);

/* CONTAINER_EVENT_SAVED when the new name is durable. */
int container_rename(struct container *container, const char *name, struct error *err);

/* --- Mounts ---------------------------------------------------------------------------------- */

/* Changes the mounts of the container's record and, if it runs, of the container. Returns 1 if that
 * is under way: the waiter is called when it is done, or has failed and nothing is changed. Returns
 * 0 if it is done, since the container does not run. CONTAINER_EVENT_SAVED then tells of the
 * record.
 *
 * mount is taken on success; it need not be valid. ERROR_INVALID_VALUE, subject a field of it, or
 * for a target that there is already, or that there is not; ERROR_WRONG_STATE while the container
 * starts or stops. What is in use is not removed unless lazy: then its users keep it.
 */
int container_add_mount(struct container *container, struct mount_spec *mount,
			struct container_waiter *waiter, struct error *err);
int container_remove_mount(struct container *container, const char *target, bool lazy,
			   struct container_waiter *waiter, struct error *err);

/* --- Networks -------------------------------------------------------------------------------- */

/* Puts a container on a network, at once if it runs, and in every later run. attachment is taken on
 * success; it need not be valid. Returns 1 if waiter is to be told, when the container's files about
 * names are of the new networks as well; otherwise 0. CONTAINER_EVENT_SAVED tells of the record.
 */
int container_connect(struct container *container, struct network_attachment *attachment,
		      struct container_waiter *waiter, struct error *err);

/* The reverse. ERROR_INVALID_VALUE, subject "network", if it is not on that. */
int container_disconnect(struct container *container, const char *network,
			 struct container_waiter *waiter, struct error *err);

/* Whether its spec has that network. */
bool container_has_network(const struct container *container, const char *network);

/* The interface's []PublishedPort, of a container that runs. The caller's. */
struct json_object *container_ports(const struct container *container);

/* --- Events ---------------------------------------------------------------------------------- */

/* One that happened, in the ring of the last (events.h); valid until the loop goes on. */
struct happening;

/* Woken, from the loop, when something has happened. Embedded in the caller's object; zero: not
 * listening.
 */
struct container_listener {
	LIST_ENTRY(container_listener) entry;
	bool listening;
	void (*wake)(struct container_listener *listener);
};
void containers_listen(struct containers *containers, struct container_listener *listener);
void container_listener_cancel(struct container_listener *listener);

/* Serial numbers: of the last one, and of the last one before a time (0: none is known). */
uint64_t containers_last_event(const struct containers *containers);
uint64_t containers_events_since(const struct containers *containers, int64_t since_us);

/* The first that is still there after that serial number; *ret is NULL if nothing has happened
 * since. Returns how many are not there any more.
 */
uint64_t containers_next_event(const struct containers *containers, uint64_t after,
			       const struct happening **ret);

uint64_t happening_serial(const struct happening *happening);
const char *happening_event(const struct happening *happening);
uid_t happening_owner(const struct happening *happening);
int64_t happening_time_us(const struct happening *happening);

/* The interface's Event; the caller's. */
struct json_object *happening_to_json(const struct happening *happening);

/* KEY=VALUE with a key of event, container, name, id, image; as in filter.h. */
int happening_check_filters(char *const *filters, struct error *err);
bool happening_matches(const struct happening *happening, char *const *filters);

/* --- Figures --------------------------------------------------------------------------------- */

/* Woken, from the loop, once a second: a round of readings. Embedded in the caller's object; zero:
 * not watching. Nothing is read while nobody watches.
 */
struct container_watcher {
	LIST_ENTRY(container_watcher) entry;
	struct containers *set;
	bool watching;
	void (*wake)(struct container_watcher *watcher);
};
void containers_watch(struct containers *containers, struct container_watcher *watcher);
void container_watcher_cancel(struct container_watcher *watcher);

/* The present round: from 1, counted for all watchers. */
uint64_t containers_round(const struct containers *containers);

/* The interface's Usage, from the reading of this round, which is taken when the first asks for it;
 * the caller's. Only while somebody watches.
 */
struct json_object *container_stats(struct container *container);

/* Takes that reading: for what is to be compared with the next round's. */
void container_measure(struct container *container);

/* --- Processes ------------------------------------------------------------------------------- */

/* Begins to read what runs in it, by a process of the daemon's own: from *ret_fd, the caller's,
 * non-blocking, come replies of the interface's Top, each with more to follow. ERROR_WRONG_STATE
 * unless it runs.
 */
int container_read_processes(struct container *container, int *ret_fd, struct error *err);

/* --- Logs ------------------------------------------------------------------------------------ */

struct container_log_selection {
	bool follow, no_stdout, no_stderr;
	int64_t tail;		    /* lines; -1: all */
	int64_t since_us, until_us; /* of the day; 0 and INT64_MAX: all */
};

/* Fails for one whose log is elsewhere, or that has none. */
int container_check_log(const struct container *container, struct error *err);

/* Calls back, from the loop, when its output until now is in the log, or a second has passed. */
void container_sync_log(struct container *container, struct logs_sync *sync,
			void (*done)(struct logs_sync *sync));

/* Sends what is selected to the socket, by a process of its own, as LOG frames behind the n bytes
 * of `first`. The socket stays the caller's, to be closed.
 */
int container_read_log(struct container *container, int socket,
		       const struct container_log_selection *selection, const void *first,
		       size_t first_bytes, struct error *err);

/* --- Recordings ------------------------------------------------------------------------------ */

enum { RECORDING_BYTES_DEFAULT = 100 * 1000 * 1000 };

/* Of the main process, from what its terminal shows now; with `input`, of what is typed, too. It
 * ends when it is stopped, with the process, or before it would get larger than max_bytes.
 * ERROR_WRONG_STATE if it does not run, or one goes on.
 */
int container_start_recording(struct container *container, bool input, int64_t max_bytes,
			      unsigned int *ret_number, struct error *err);
int container_stop_recording(struct container *container, unsigned int *ret_number,
			     struct error *err);

/* The interface's []Recording; the caller's. */
struct json_object *container_recordings(struct container *container);

/* number 0: the newest. ERROR_INVALID_VALUE, subject "recording". */
int container_remove_recording(struct container *container, unsigned int number, struct error *err);

/* As container_read_log, as DATA frames. */
int container_read_recording(struct container *container, int socket, unsigned int number,
			     const void *first, size_t first_bytes, struct error *err);

/* --- Looking --------------------------------------------------------------------------------- */

const char *container_id(const struct container *container);
const char *container_name(const struct container *container);
uid_t container_owner(const struct container *container);
uint64_t container_serial(const struct container *container);
enum container_state container_state(const struct container *container);

/* Of its process 1, in the daemon's pid namespace; 0 while there is none. */
pid_t container_pid(const struct container *container);
const struct spec *container_spec(const struct container *container);

/* restarting, starting, running, paused or stopping. */
bool container_is_active(const struct container *container);

/* Whether all that was written so far is where it outlives the daemon. */
bool container_is_saved(const struct container *container);

/* What of its spec this host did not allow at the last start; NULL if there is nothing. */
char *const *container_warnings(const struct container *container);

/* Of the last run; -1 if there was none. */
int container_exit_status(const struct container *container);

/* The interface's Summary as JSON text, from a cache; borrowed until the container changes. */
const char *container_summary(struct container *container, size_t *ret_size);

/* The interface's Detail. The caller's. */
struct json_object *container_detail(const struct container *container);
