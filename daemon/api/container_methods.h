/* The functions behind io.dokrust.Container; see interface.c's table in containers_look.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct attach_options;
struct container;
struct container_waiter;
struct error;
struct exec;
struct json_object;
struct mount_spec;
struct request;

/* The container that the call names, if the peer may act on it; NULL when answered already. */
struct container *find_container(struct request *request);

/* The same where NAME/EXEC may be given: *ret_exec is NULL if it is not. */
struct container *find_process(struct request *request, struct exec **ret_exec);

/* `attach` and the flag `upgrade` go together. 1: attach, 0: do not, -1: answered already. */
int attach_wanted(struct request *request, struct attach_options *ret);

/* The `attach` of a call that was found good. */
void attach_again(const struct request *request, struct attach_options *ret);

/* What Exec and Attach answer. exec may be NULL; with terminal and stdin_open from the
 * process's spec.
 */
struct json_object *session_reply(const struct container *container, const struct exec *exec);

/* The container's name, and its id. */
struct json_object *name_reply(const struct container *container, bool with_id);

/* What Start and Run answer: the same, and the warnings of that start. */
struct json_object *start_reply(const struct container *container);
struct json_object *start_session_reply(const struct container *container);
void container_start_recording_method(struct request *request);
void container_stop_recording_method(struct request *request);
void container_recordings_method(struct request *request);
void container_remove_recording_method(struct request *request);
void container_get_recording_method(struct request *request);

/* Gives mounts the descriptors that came with the call: each one to one of them, and all of them.
 * ERROR_INVALID_VALUE, subject "source_fd".
 */
int take_sources(struct request *request, struct mount_spec *mounts, size_t n, struct error *err);

/* Whom a change of a container is told that may take a moment, and what is answered then, once it is
 * durable. r: 1, it is waited for; 0, there was nothing to wait for; -1, with err.
 */
struct container_waiter *request_change_waiter(struct request *request);
void reply_when_changed(struct request *request, struct container *container, int r,
			const struct error *err);

/* {"framing": 1} */
struct json_object *framing_reply(void);

struct request *request_of(struct container_waiter *waiter);
const char *string_parameter(const struct request *request, const char *key);

void container_create_method(struct request *request);
void container_start_method(struct request *request);
void container_run_method(struct request *request);
void container_exec_method(struct request *request);
void container_attach_method(struct request *request);
void container_sessions_method(struct request *request);
void container_detach_method(struct request *request);
void container_screen_method(struct request *request);
void container_send_method(struct request *request);
void container_stop_method(struct request *request);
void container_restart_method(struct request *request);
void container_kill_method(struct request *request);
void container_remove_method(struct request *request);
void container_rename_method(struct request *request);
void container_update_method(struct request *request);
void container_pause_method(struct request *request);
void container_unpause_method(struct request *request);
void container_wait_method(struct request *request);
void container_connect_method(struct request *request);
void container_disconnect_method(struct request *request);
void container_add_mount_method(struct request *request);
void container_remove_mount_method(struct request *request);
void container_logs_method(struct request *request);
void container_stats_method(struct request *request);
void container_stats_some(struct request *request);
void container_top_method(struct request *request);
void container_top_some(struct request *request);
void container_events_method(struct request *request);
void container_events_some(struct request *request);
