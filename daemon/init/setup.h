/* Carrying out a plan, up to the command. */
#pragma once

#include <stddef.h>

#include "common/error.h"
#include "daemon/init/plan.h"
#include "daemon/init/user.h"

enum { SETUP_STACK_SIZE = 64 * 1024 };

/* What is needed until the command runs, in one mapping, so that process 1 can give all of it back;
 * of a page that is not touched there is nothing to give.
 */
struct setup_memory {
	unsigned char plan[PLAN_SIZE_MAX];
	const char *vector[PLAN_VECTOR_MAX];
	struct plan_mount mounts[PLAN_MOUNTS_MAX];
	char scratch[USER_FILE_SIZE];
	char home[sizeof("HOME=") + USER_HOME_SIZE];
	_Alignas(4096) char stack[SETUP_STACK_SIZE];
};

struct setup {
	struct setup_memory *memory;
	struct plan plan;
	int fds[PLAN_FDS_MAX]; /* that came with it; taken */
	struct user user;      /* filled in */
};

#define SETUP_NULL ((struct setup){ .fds = { -1, -1, -1, -1, -1, -1, -1 } })

/* Makes the namespaces' inside as the plan has it: mounts, network, host name, working directory
 * and standard streams. What is left is the user's identity and the exec.
 */
int setup_carry_out(struct setup *setup, struct error *err);
