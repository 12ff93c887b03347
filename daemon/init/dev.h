/* The container's /dev. */
#pragma once

#include "common/error.h"
#include "daemon/init/plan.h"

/* Mounts /dev with its devices, devpts, shm and mqueue. devpts_fd is a detached devpts with the
 * pty's slave in it, slave_fd that slave, which becomes /dev/console as well; both -1 without a
 * terminal. dev_fd is /dev with its nodes, detached. umask must be 0.
 */
int dev_mount(const struct plan *plan, int dev_fd, int root_fd, int devpts_fd, int slave_fd,
	      struct error *err);
