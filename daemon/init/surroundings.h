/* What a command finds around it, in a new container and in one that is joined. */
#pragma once

#include <stdbool.h>

#include "common/error.h"
#include "daemon/init/setup.h"

/* The standard streams: a terminal's slave, or pipes. fds are [stdin,] stdout, stderr; without
 * stdin it is the null device of dev, a descriptor of the container's /dev. All of them stay open
 * under their own numbers, too.
 */
int surroundings_terminal(int slave, struct error *err);
int surroundings_pipes(const int *fds, bool has_stdin, int dev, struct error *err);

/* Enters the working directory below root, which is made if it is missing. ERROR_INVALID_VALUE,
 * subject "spec.workdir", if that cannot be.
 */
int surroundings_workdir(int root, const char *workdir, struct error *err);

/* Looks the plan's user up below root, and adds HOME to the plan's environment if it has none. */
int surroundings_user(struct setup *setup, int root, struct error *err);
