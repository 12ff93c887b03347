/* The device nodes in the container's /dev. */
#pragma once

#include "common/error.h"
#include "daemon/init/plan.h"

/* Makes those that every container has and those of the plan below dev_fd, which is /dev, just
 * mounted and seen by nobody else; it is nodev afterwards, unless the container is privileged.
 */
int devices_make(const struct plan *plan, int dev_fd, struct error *err);

/* Makes a node for each that is below the host's /dev (host_fd, open for reading), but for what
 * every container has of its own. dev_fd must not be nodev.
 */
int devices_copy(int host_fd, int dev_fd, struct error *err);
