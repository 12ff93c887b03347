/* What was executed in a container beside its main process. Private to daemon/container but for the
 * names in container.h.
 */
#pragma once

#include <sys/queue.h>

#include <event2/event.h>

#include "common/exec_spec.h"
#include "daemon/cgroup/cgroup.h"
#include "daemon/container/inner_group.h"
#include "daemon/container/process.h"

enum exec_state { EXEC_STARTING, EXEC_RUNNING, EXEC_EXITED, EXEC_FAILED };

enum {
	EXEC_ID_SIZE = 16,
	EXECS_MAX = 1000,     /* of one container, at a time */
	EXECS_ENDED_MAX = 16, /* whose exit status is kept, of one container */
};

struct exec {
	TAILQ_ENTRY(exec) entry;
	struct container *container;
	char id[EXEC_ID_SIZE];
	struct exec_spec spec;
	enum exec_state state;
	bool had_viewer;
	int64_t started_at_us;
	int exit_status; /* -1: none yet */
	struct process process;
	/* What is left in it when it ends by itself lives on, as the container's. */
	struct inner_group group;
	struct waiter_list waiters;
};

TAILQ_HEAD(exec_list, exec);

/* How a command is executed in a container that runs. spec outlives it. */
struct exec_plan {
	char **environment;
	struct cgroup_entry entry;
	struct launch_userns userns;
	struct rights rights; /* the container's, borrowed, and the exec's own */
	struct launch_exec_params params;
};

#define EXEC_PLAN_NULL ((struct exec_plan){ .entry = CGROUP_ENTRY_NULL })

/* group is made for it. */
int exec_plan_make(const struct container *container, const struct exec_spec *spec,
		   const struct inner_group *group, struct exec_plan *ret, struct error *err);
void exec_plan_done(struct exec_plan *plan);

/* For inspection: an array, of the interface's ExecSummary. */
struct json_object *execs_to_json(const struct exec_list *execs);

/* Whether none of them has a process any more. */
bool execs_are_gone(const struct exec_list *execs);

/* For the record of a run: those that run, as an array; and back, going on with those whose
 * descriptors were kept.
 */
struct json_object *execs_to_record(const struct exec_list *execs);
void execs_adopt(struct container *container, struct json_object *record);

/* Leaves them to the next daemon. */
void execs_leave(struct exec_list *execs);

/* Closes their sessions; their processes die with the container. */
void execs_release(struct exec_list *execs);

/* Frees those that are gone: all of them, or all but EXECS_ENDED_MAX that have ended. */
void execs_forget(struct exec_list *execs, bool all);

void execs_free(struct exec_list *execs);
