/* Joining a container that runs (PLAN_EXEC, PLAN_REMOUNT). */
#pragma once

#include "common/error.h"
#include "daemon/init/setup.h"

/* Enters the namespaces of the plan's container and leaves a child in it, which is the daemon's own
 * (clone(2), CLONE_PARENT): there it waits for an order and executes the command. This process has
 * told the daemon of it when the function returns 0, and is of no more use. The child returns only
 * on failure: -1, like this process itself.
 */
int join_run(struct setup *setup, struct error *err);

/* Enters the mount namespace of the plan's container and changes its mounts (PLAN_REMOUNT). */
int join_remount(const struct setup *setup, struct error *err);
