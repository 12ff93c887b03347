#include "daemon/container/process.h"

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "common/cleanup.h"
#include "daemon/container/kept.h"
#include "daemon/container/kept_screen.h"
#include "daemon/container/object.h"
#include "daemon/loop/fault.h"

enum { ROWS_DEFAULT = 24, COLUMNS_DEFAULT = 80 };

void process_init(struct process *process, struct event_base *base, struct keep *keep,
		  const char *name, const struct process_events *events)
{
	*process = (struct process){ .base = base, .keep = keep, .events = events };
	(void)snprintf(process->kept_as, sizeof(process->kept_as), "%s", name);
}

int process_exit_status(const struct process *process)
{
	int status = process->wait_status;

	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* --- Its session ----------------------------------------------------------------------------- */

static void release_session(struct process *process)
{
	kept_screen_end(process);
	session_release(process->session);
	process->session = NULL;
	process->viewers = 0;
}

static void on_viewer_signal(void *userdata, int number)
{
	struct error ignored;

	/* The process may have ended by itself; the viewer is about to learn it. */
	(void)process_signal(userdata, number, &ignored);
}

static void on_viewers_changed(void *userdata, unsigned int n_viewers)
{
	struct process *process = userdata;

	process->viewers = n_viewers;
	process->events->viewers_changed(process);
}

static void on_input_closed(void *userdata)
{
	kept_forget(userdata, KEPT_INPUT);
}

static void on_viewer(void *userdata, uid_t uid, bool input, bool came)
{
	struct process *process = userdata;

	process->events->viewer(process, uid, input, came);
}

static void on_session_finished(void *userdata)
{
	struct process *process = userdata;

	release_session(process);
	process->started = false;
	process->events->ended(process);
}

static int open_session(struct process *process, const struct launch_stdio *stdio,
			struct error *err)
{
	static const struct session_callbacks callbacks = {
		.signal = on_viewer_signal,
		.viewers_changed = on_viewers_changed,
		.input_closed = on_input_closed,
		.viewer = on_viewer,
		.finished = on_session_finished,
	};
	const struct session_params params = {
		.pty_master = stdio->pty_master,
		.stdin_fd = stdio->stdin_fd,
		.stdout_fd = stdio->stdout_fd,
		.stderr_fd = stdio->stderr_fd,
		.rows = process->rows,
		.columns = process->columns,
		.size = process->size,
	};

	if (session_new(process->base, &params, &callbacks, process, &process->session, err) == 0) {
		kept_store_stdio(process, stdio);
		if (process->events->opened)
			process->events->opened(process);
		return 0;
	}
	fd_close(stdio->pty_master);
	fd_close(stdio->stdin_fd);
	fd_close(stdio->stdout_fd);
	fd_close(stdio->stderr_fd);
	return -1;
}

/* --- Its launch ------------------------------------------------------------------------------ */

static void on_failed(void *userdata, const struct error *err)
{
	struct process *process = userdata;

	if (process->released)
		return;
	release_session(process);
	process->held = false;
	process->events->failed(process, err);
}

/* A terminal that was made in the container is there only now. */
static int take_terminal(struct process *process, struct error *err)
{
	struct launch_stdio stdio = { .pty_master = launch_take_terminal(process->launch),
				      .stdin_fd = -1,
				      .stdout_fd = -1,
				      .stderr_fd = -1 };

	if (process->session)
		return 0;
	if (stdio.pty_master < 0)
		return error_set(err, ERROR_FAILED, "no terminal came of it");
	if (open_session(process, &stdio, err) < 0)
		return -1;
	kept_screen_begin(process);
	return 0;
}

static void on_started(void *userdata)
{
	struct process *process = userdata;
	struct error err, ignored;

	if (process->released)
		return;
	if (take_terminal(process, &err) < 0) {
		(void)launch_signal(process->launch, SIGKILL, &ignored);
		on_failed(process, &err);
		process->released = true;
		return;
	}
	process->started = true;
	fault_point("started");
	if (process->joins)
		kept_store_launch(process);
	if (!process->held)
		session_begin(process->session);
	process->events->started(process);
}

static void on_exited(void *userdata, int wait_status)
{
	struct process *process = userdata;

	if (process->released)
		return;
	process->wait_status = wait_status;
	fault_point("ended");
	if (process->held)
		process->exit_held = true;
	else
		session_finish(process->session, process_exit_status(process));
}

static void on_warned(void *userdata, const char *message)
{
	struct process *process = userdata;

	if (!process->released)
		process->events->warned(process, message);
}

static void on_gone(void *userdata)
{
	struct process *process = userdata;

	process->launch = launch_free(process->launch);
	kept_forget_all(process);
	fault_point("gone");
	process->events->gone(process);
}

static int on_network(void *userdata, struct error *err)
{
	struct process *process = userdata;

	return process->events->network(process, err);
}

static const struct launch_callbacks launch_callbacks = {
	.started = on_started,
	.failed = on_failed,
	.exited = on_exited,
	.gone = on_gone,
	.warned = on_warned,
	.network = on_network,
};

static void prepare(struct process *process, uint16_t rows, uint16_t columns, bool hold)
{
	process->rows = rows;
	process->columns = columns;
	process->held = hold;
	process->started = process->exit_held = process->released = false;
}

int process_launch(struct process *process, struct launcher *launcher,
		   const struct launch_params *params, bool hold, struct error *err)
{
	struct launch_stdio stdio;

	prepare(process, params->rows, params->columns, hold);
	if (launch_start(launcher, params, &launch_callbacks, process, &process->launch, &stdio,
			 err) < 0)
		return -1;
	fault_point("cloned");
	if (open_session(process, &stdio, err) == 0) {
		kept_screen_begin(process);
		fault_point("with its streams kept");
		kept_store_launch(process);
		fault_point("kept");
		return 0;
	}
	process->launch = launch_free(process->launch);
	return -1;
}

int process_exec(struct process *process, struct launcher *launcher,
		 const struct launch_exec_params *params, bool hold, struct error *err)
{
	struct launch_stdio stdio;

	prepare(process, params->rows, params->columns, hold);
	process->joins = true;
	if (launch_exec(launcher, params, &launch_callbacks, process, &process->launch, &stdio,
			err) < 0)
		return -1;
	fault_point("joining");
	if (params->terminal || open_session(process, &stdio, err) == 0)
		return 0;
	process->launch = launch_free(process->launch);
	return -1;
}

int process_signal(struct process *process, int number, struct error *err)
{
	return process->launch ? launch_signal(process->launch, number, err) : 0;
}

void process_release(struct process *process)
{
	release_session(process);
	process->released = true;
	process->started = false;
}

void process_done(struct process *process)
{
	process_release(process);
	process->launch = launch_free(process->launch);
}

void process_set_size(struct process *process, const char *policy, uint16_t *rows,
		      uint16_t *columns)
{
	struct terminal_size size = { .policy = SIZE_LATEST };
	struct error ignored;

	if (policy)
		(void)parse_terminal_size(policy, &size, &ignored);
	process->size = size.policy;
	*rows = size.rows ? size.rows : *rows ? *rows : ROWS_DEFAULT;
	*columns = size.columns ? size.columns : *columns ? *columns : COLUMNS_DEFAULT;
}

/* --- From daemon to daemon ------------------------------------------------------------------- */

int process_adopt(struct process *process, struct launcher *launcher, pid_t pid, struct error *err)
{
	struct launch_adopt_params params = { .pid = pid };
	struct launch_stdio stdio;

	prepare(process, 0, 0, false);
	if (kept_take(process, &params, &stdio, err) < 0)
		return -1;
	if (stdio.pty_master >= 0)
		kept_get_size(stdio.pty_master, &process->rows, &process->columns);
	if (launch_adopt(launcher, &params, &launch_callbacks, process, &process->launch, err) <
		    0 ||
	    open_session(process, &stdio, err) < 0) {
		process_done(process);
		kept_forget_all(process);
		return -1;
	}
	process->started = true;
	kept_screen_restore(process);
	session_begin(process->session);
	return 0;
}

void process_leave(struct process *process)
{
	struct launch_stdio stdio;

	if (process->session && process->launch) {
		session_get_fds(process->session, &stdio.pty_master, &stdio.stdin_fd,
				&stdio.stdout_fd, &stdio.stderr_fd);
		kept_store_stdio(process, &stdio);
		kept_screen_leave(process);
		kept_store_launch(process);
	}
	launch_leave(process->launch);
	process->launch = NULL;
	process_release(process);
}

/* --- Attaching ------------------------------------------------------------------------------- */

void process_begin(struct process *process)
{
	if (!process->held)
		return;
	process->held = false;
	if (!process->session || !process->started)
		return; /* begins when it has started */
	session_begin(process->session);
	if (process->exit_held) {
		process->exit_held = false;
		session_finish(process->session, process_exit_status(process));
	}
}

int process_check_attach(const struct process *process, struct error *err)
{
	if (process->session && process->started)
		return 0;
	return process->events->not_running(process, err);
}

int process_check_viewer(const struct process *process, bool steal, struct error *err)
{
	if (process_check_attach(process, err) < 0)
		return -1;
	return session_check_viewer(process->session, steal, err);
}

int process_attach(struct process *process, int socket, const struct process_attach_params *params,
		   struct error *err)
{
	const struct session_viewer_options options = {
		.input = params->input,
		.from_start = process->held,
		.steal = params->steal,
		.history_rows = params->history_rows,
		.uid = params->uid,
		.rows = params->rows,
		.columns = params->columns,
	};

	if (process_check_attach(process, err) < 0 ||
	    session_add_viewer(process->session, socket, &options, params->first,
			       params->first_bytes, params->early, params->early_bytes, err) < 0)
		return -1;
	process_begin(process);
	return 0;
}

static void add_viewer(void *userdata, const struct session_viewer_info *viewer)
{
	struct json_object *object = json_object_new_object(), *size;

	record_add_int(object, "viewer", viewer->number);
	record_add_int(object, "uid", viewer->uid);
	record_add_time(object, "since", viewer->since_us);
	json_object_object_add(object, "read_only", json_object_new_boolean(!viewer->input));
	if (viewer->rows && viewer->columns) {
		size = json_object_new_object();
		record_add_int(size, "rows", viewer->rows);
		record_add_int(size, "columns", viewer->columns);
		json_object_object_add(object, "size", size);
	}
	json_object_array_add(userdata, object);
}

struct json_object *process_viewers(const struct process *process)
{
	struct json_object *array = json_object_new_array();

	if (process->session)
		session_list_viewers(process->session, add_viewer, array);
	return array;
}

bool process_has_terminal(const struct process *process)
{
	int terminal, ignored;

	session_get_fds(process->session, &terminal, &ignored, &ignored, &ignored);
	return terminal >= 0;
}

void process_get_size(const struct process *process, uint16_t *ret_rows, uint16_t *ret_columns)
{
	*ret_rows = *ret_columns = 0;
	if (process->session)
		session_get_size(process->session, ret_rows, ret_columns);
}

int process_detach(struct process *process, unsigned int number, uid_t by_uid,
		   unsigned int *ret_detached, struct error *err)
{
	unsigned int n;

	if (process_check_attach(process, err) < 0)
		return -1;
	n = session_detach(process->session, number, by_uid);
	if (number && n == 0)
		return error_set_subject(err, ERROR_INVALID_VALUE, "viewer",
					 "no viewer has the number %u", number);
	*ret_detached = n;
	return 0;
}

int process_type(struct process *process, uid_t by_uid, const void *data, size_t n,
		 struct error *err)
{
	if (process_check_attach(process, err) < 0)
		return -1;
	return session_type(process->session, by_uid, data, n, err);
}
