/* The nodes of a container's /dev. */
#pragma once

#include "common/error.h"
#include "daemon/init/plan.h"

/* For a container without a user namespace, which is not privileged: /dev is mounted with its nodes, and
 * only these work from then on.
 */
int devices_wall(const struct plan *plan, int dev_fd, struct error *err);
