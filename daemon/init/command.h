/* The container's command. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"
#include "daemon/init/plan.h"
#include "daemon/init/user.h"

struct command {
	const struct plan *plan; /* what is executed, and what it may do */
	const struct user *user;
	bool terminal;	 /* stdin is the terminal that it is to control */
	bool dies_alone; /* it is process 1, and nobody but the daemon would end it */
};

/* Becomes the command: a session and a terminal of its own, the plan's limits and rights, the
 * user's ids, default signals; open descriptors but the first three close. Returns only on failure:
 * ERROR_COMMAND_NOT_FOUND, ERROR_NOT_EXECUTABLE, or ERROR_FAILED.
 */
int command_become(const struct command *command, struct error *err);

/* The same in a child, which shares this process's memory until it has executed the command; this
 * process waits for that. stack has stack_size bytes.
 */
int command_spawn(const struct command *command, void *stack, size_t stack_size, pid_t *ret_pid,
		  struct error *err);
