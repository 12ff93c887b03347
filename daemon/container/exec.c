#include "daemon/container/exec.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/container/kept.h"
#include "daemon/container/object.h"
#include "daemon/container/userns.h"

static struct exec *exec_of(const struct process *process)
{
	return (struct exec *)((uintptr_t)process - offsetof(struct exec, process));
}

/* --- The list -------------------------------------------------------------------------------- */

static void exec_free(struct exec *exec)
{
	struct error err;

	TAILQ_REMOVE(&exec->container->execs, exec, entry);
	(void)error_set_subject(&err, ERROR_CONTAINER_NOT_FOUND, exec->id, "it is gone");
	waiters_notify_all(&exec->waiters, exec->container, &err);
	inner_group_done(&exec->group);
	process_done(&exec->process);
	exec_spec_done(&exec->spec);
	free(exec);
}

static bool has_ended(const struct exec *exec)
{
	return exec->state == EXEC_EXITED || exec->state == EXEC_FAILED;
}

void execs_forget(struct exec_list *execs, bool all)
{
	struct exec *exec, *next;
	unsigned int n_ended = 0;

	TAILQ_FOREACH (exec, execs, entry)
		n_ended += exec->state == EXEC_EXITED;
	for (exec = TAILQ_FIRST(execs); exec; exec = next) {
		bool counts = exec->state == EXEC_EXITED;

		next = TAILQ_NEXT(exec, entry);
		if (!has_ended(exec) || exec->process.launch || inner_group_is_dying(&exec->group))
			continue;
		if (counts && !all && n_ended <= EXECS_ENDED_MAX)
			continue;
		n_ended -= counts;
		exec_free(exec);
	}
}

bool execs_are_gone(const struct exec_list *execs)
{
	const struct exec *exec;

	TAILQ_FOREACH (exec, execs, entry)
		if (exec->process.launch)
			return false;
	return true;
}

void execs_release(struct exec_list *execs)
{
	struct exec *exec;

	TAILQ_FOREACH (exec, execs, entry)
		process_release(&exec->process);
}

void execs_free(struct exec_list *execs)
{
	struct exec *exec;

	while ((exec = TAILQ_FIRST(execs)))
		exec_free(exec);
}

/* --- Its life -------------------------------------------------------------------------------- */

/* For the next daemon, if anything is kept for it. */
static void remember(struct container *container)
{
	if (keep_is_active(container->set->params.keep) && !container->unlisted &&
	    container_is_active(container))
		container_save_run(container);
}

static void on_started(struct process *process)
{
	struct exec *exec = exec_of(process);

	exec->state = EXEC_RUNNING;
	exec->started_at_us = clock_realtime_us();
	remember(exec->container);
	container_event(exec->container, "exec_start", "exec", exec->id, "command",
			exec->spec.command[0], NULL);
	waiters_notify(&exec->waiters, exec->container, CONTAINER_EVENT_STARTED, NULL);
}

static void on_failed(struct process *process, const struct error *err)
{
	struct exec *exec = exec_of(process);

	exec->state = EXEC_FAILED;
	waiters_notify_all(&exec->waiters, exec->container, err);
}

static void on_ended(struct process *process)
{
	struct exec *exec = exec_of(process);

	exec->state = EXEC_EXITED;
	exec->exit_status = process_exit_status(process);
	remember(exec->container);
	container_event_exit(exec->container, "exec_die", exec->exit_status, "exec", exec->id,
			     NULL);
	waiters_notify(&exec->waiters, exec->container, CONTAINER_EVENT_EXITED, NULL);
	execs_forget(&exec->container->execs, false);
}

static void on_gone(struct process *process)
{
	struct container *container = exec_of(process)->container;

	(void)inner_group_remove(&exec_of(process)->group);
	execs_forget(&container->execs, false);
	if (container->unlisted)
		container_discard_check(container);
}

/* The container's start has said the same. */
static void on_warned(struct process *process, const char *message)
{
	(void)process;
	(void)message;
}

/* What is to become of it when nobody looks any more. */
static void on_viewers_changed(struct process *process)
{
	struct exec *exec = exec_of(process);
	const char *on_detach = exec->spec.on_detach;
	struct error ignored;

	if (process->viewers > 0) {
		exec->had_viewer = true;
		return;
	}
	if (!exec->had_viewer || exec->state != EXEC_RUNNING || !on_detach)
		return;
	if (strcmp(on_detach, "kill") == 0) {
		(void)exec_kill(exec, SIGKILL, &ignored);
	} else if (strcmp(on_detach, "hup") == 0) {
		(void)process_signal(process, SIGHUP, &ignored);
		(void)process_signal(process, SIGCONT, &ignored);
	}
}

static void on_viewer(struct process *process, uid_t uid, bool input, bool came)
{
	const struct exec *exec = exec_of(process);

	container_viewer_event(exec->container, exec->id, uid, input, came);
}

static int not_running(const struct process *process, struct error *err)
{
	const struct exec *exec = exec_of(process);

	return error_set_subject(err, ERROR_WRONG_STATE, "exited",
				 "\"%s/%s\" is not running any more", exec->container->name,
				 exec->id);
}

static const struct process_events exec_events = {
	.started = on_started,
	.failed = on_failed,
	.ended = on_ended,
	.gone = on_gone,
	.warned = on_warned,
	.viewers_changed = on_viewers_changed,
	.viewer = on_viewer,
	.not_running = not_running,
};

/* --- Operations ------------------------------------------------------------------------------ */

static struct exec *exec_new(struct container *container, unsigned int number,
			     struct exec_spec *spec)
{
	struct exec *exec = ALLOC(struct exec);
	char kept_as[PROCESS_NAME_SIZE];

	exec->container = container;
	(void)snprintf(exec->id, sizeof(exec->id), "%u", number);
	inner_group_init(&exec->group, container, "exec", exec->id);
	kept_base(container->id, exec->id, kept_as);
	exec->spec = *spec;
	*spec = EXEC_SPEC_NULL;
	exec->exit_status = -1;
	LIST_INIT(&exec->waiters);
	process_init(&exec->process, container->set->params.base, container->set->params.keep,
		     kept_as, &exec_events);
	TAILQ_INSERT_TAIL(&container->execs, exec, entry);
	return exec;
}

int exec_plan_make(const struct container *container, const struct exec_spec *spec,
		   const struct inner_group *group, struct exec_plan *ret, struct error *err)
{
	const char *workdir = spec->workdir ? spec->workdir : container->spec.workdir;

	if (group_enter(container, &ret->entry, err) < 0 ||
	    inner_group_enter(group, &ret->entry, err) < 0)
		return -1;
	ret->environment = container_environment(container, spec->terminal, spec->environment);
	/* What it borrows from the container's, with all capabilities and no filter if it is
	 * privileged.
	 */
	ret->rights = container->spec.rights;
	ret->rights.privileged = ret->rights.privileged || spec->privileged;
	ret->params = (struct launch_exec_params){
		.container = container->process.launch,
		.userns = container_userns_maps(container, &ret->userns) ? &ret->userns : NULL,
		.cgroup = group_for_launch(&ret->entry),
		.argv = spec->command,
		.environment = ret->environment,
		.workdir = workdir ? workdir : "/",
		.user = spec->user ? spec->user : container->spec.user,
		.terminal = spec->terminal,
		.stdin_open = spec->stdin_open,
		.rights = &ret->rights,
	};
	return 0;
}

void exec_plan_done(struct exec_plan *plan)
{
	cgroup_entry_done(&plan->entry);
	strv_free(plan->environment);
}

static int launch(struct exec *exec, const struct container_start_params *start, struct error *err)
{
	struct container *container = exec->container;
	_cleanup_(exec_plan_done) struct exec_plan plan = EXEC_PLAN_NULL;

	if (exec_plan_make(container, &exec->spec, &exec->group, &plan, err) < 0)
		return -1;
	plan.params.rows = start->rows;
	plan.params.columns = start->columns;
	process_set_size(&exec->process, exec->spec.size_policy, &plan.params.rows,
			 &plan.params.columns);
	return process_exec(&exec->process, container->set->params.launcher, &plan.params,
			    start->hold_output, err);
}

static int check(struct container *container, struct error *err)
{
	const struct exec *exec;
	unsigned int n = 0;

	if (process_check_attach(&container->process, err) < 0)
		return -1;
	if (container->state == CONTAINER_PAUSED)
		return error_set_subject(err, ERROR_WRONG_STATE, "paused",
					 "container \"%s\" is paused; unpause it first",
					 container->name);
	TAILQ_FOREACH (exec, &container->execs, entry)
		n += !has_ended(exec);
	if (n >= EXECS_MAX)
		return error_set(err, ERROR_LIMIT_REACHED,
				 "%u commands are being executed in container \"%s\" already", n,
				 container->name);
	return 0;
}

int container_exec(struct container *container, struct exec_spec *spec,
		   const struct container_start_params *start, struct exec **ret, struct error *err)
{
	struct exec *exec;

	if (container_check_readable(container, err) < 0 || check(container, err) < 0)
		return -1;
	exec = exec_new(container, ++container->last_exec, spec);
	if (launch(exec, start, err) < 0) {
		exec_free(exec);
		return -1;
	}
	*ret = exec;
	return 0;
}

int container_find_exec(struct container *container, const char *id, struct exec **ret,
			struct error *err)
{
	struct exec *exec;

	TAILQ_FOREACH (exec, &container->execs, entry) {
		if (strcmp(exec->id, id) == 0 && exec->state != EXEC_FAILED) {
			*ret = exec;
			return 0;
		}
	}
	return error_set_subject(err, ERROR_CONTAINER_NOT_FOUND, id,
				 "nothing numbered \"%.20s\" is executed in container \"%s\"", id,
				 container->name);
}

struct process *exec_process(struct exec *exec)
{
	return &exec->process;
}

const char *exec_id(const struct exec *exec)
{
	return exec->id;
}

const struct exec_spec *exec_get_spec(const struct exec *exec)
{
	return &exec->spec;
}

bool exec_is_active(const struct exec *exec)
{
	return !has_ended(exec);
}

int exec_exit_status(const struct exec *exec)
{
	return exec->exit_status;
}

int exec_kill(struct exec *exec, int number, struct error *err)
{
	if (exec->state != EXEC_RUNNING)
		return not_running(&exec->process, err);
	if (number == SIGKILL && inner_group_kill(&exec->group, err) == 0)
		return 0;
	return process_signal(&exec->process, number, err);
}

void exec_wait(struct exec *exec, struct container_waiter *waiter, enum container_event event)
{
	waiters_add(&exec->waiters, exec->container, waiter, event);
}

/* --- Looking --------------------------------------------------------------------------------- */

static struct json_object *exec_to_json(const struct exec *exec)
{
	struct json_object *object = json_object_new_object();

	record_add_string(object, "id", exec->id);
	record_add_strings(object, "command", exec->spec.command);
	record_add_string(object, "state", exec->state == EXEC_EXITED ? "exited" : "running");
	if (exec->state == EXEC_RUNNING && exec->process.launch)
		record_add_int(object, "pid", launch_pid(exec->process.launch));
	if (exec->exit_status >= 0)
		record_add_int(object, "exit_status", exec->exit_status);
	record_add_time(object, "started_at", exec->started_at_us);
	json_object_object_add(object, "terminal", json_object_new_boolean(exec->spec.terminal));
	record_add_int(object, "viewers", exec->process.viewers);
	json_object_object_add(object, "privileged",
			       json_object_new_boolean(exec->spec.privileged));
	return object;
}

struct json_object *execs_to_json(const struct exec_list *execs)
{
	struct json_object *array = json_object_new_array();
	const struct exec *exec;

	TAILQ_FOREACH (exec, execs, entry)
		if (exec->state == EXEC_RUNNING || exec->state == EXEC_EXITED)
			json_object_array_add(array, exec_to_json(exec));
	return array;
}

/* --- From daemon to daemon ------------------------------------------------------------------- */

struct json_object *execs_to_record(const struct exec_list *execs)
{
	struct json_object *array = json_object_new_array(), *object;
	const struct exec *exec;

	TAILQ_FOREACH (exec, execs, entry) {
		if (exec->state != EXEC_RUNNING || !exec->process.launch)
			continue;
		object = json_object_new_object();
		record_add_int(object, "number", atoi(exec->id));
		record_add_int(object, "pid", launch_pid(exec->process.launch));
		record_add_time(object, "started_at", exec->started_at_us);
		json_object_object_add(object, "spec", exec_spec_to_json(&exec->spec));
		json_object_array_add(array, object);
	}
	return array;
}

struct raw_exec {
	int64_t number, pid;
	char *started_at;
};

static const struct json_field raw_fields[] = {
	JSON_FIELD(struct raw_exec, number, JSON_INT),
	JSON_FIELD(struct raw_exec, pid, JSON_INT),
	JSON_FIELD(struct raw_exec, started_at, JSON_STRING),
};

static void raw_exec_done(struct raw_exec *raw)
{
	json_free_fields(raw_fields, ARRAY_SIZE(raw_fields), raw);
}

static int adopt(struct container *container, struct json_object *object, struct error *err)
{
	_cleanup_(raw_exec_done) struct raw_exec raw = { 0 };
	struct json_object *spec_object = json_object_object_get(object, "spec");
	struct exec_spec spec;
	struct exec *exec;

	if (!spec_object || json_object_get_type(spec_object) != json_type_object ||
	    json_read_fields(object, raw_fields, ARRAY_SIZE(raw_fields), &raw, err) < 0 ||
	    raw.number < 1 || raw.number > UINT32_MAX || !raw.started_at)
		return error_set(err, ERROR_PROTOCOL, "the record of an exec is damaged");
	if (exec_spec_from_json(spec_object, &spec, err) < 0)
		return -1;
	exec = exec_new(container, (unsigned int)raw.number, &spec);
	if (container->last_exec < raw.number)
		container->last_exec = (unsigned int)raw.number;
	(void)clock_parse(raw.started_at, &exec->started_at_us);
	exec->state = EXEC_RUNNING;
	if (process_adopt(&exec->process, container->set->params.launcher, (pid_t)raw.pid, err) ==
	    0)
		return 0;
	exec_free(exec);
	return -1;
}

void execs_adopt(struct container *container, struct json_object *record)
{
	struct error err;

	if (!record || json_object_get_type(record) != json_type_array)
		return;
	for (size_t i = 0; i < json_object_array_length(record); i++) {
		struct json_object *object = json_object_array_get_idx(record, i);

		if (json_object_get_type(object) == json_type_object &&
		    adopt(container, object, &err) < 0)
			container->set->params.complain(container->id, &err);
	}
}

void execs_leave(struct exec_list *execs)
{
	struct exec *exec;

	TAILQ_FOREACH (exec, execs, entry)
		process_leave(&exec->process);
}
