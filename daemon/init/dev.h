/* The container's /dev. */
#pragma once

#include "common/error.h"
#include "daemon/init/plan.h"

/* Mounts /dev with its devices, devpts, shm and mqueue. devpts_fd is a detached devpts with the
 * pty's slave in it, slave_fd that slave, which becomes /dev/console as well; both -1 without a
 * terminal. The plan has the devices besides those that every container has; a privileged one gets
 * all that host_fd has, the host's own /dev (-1: none). umask must be 0. *ret_dev is /dev as a
 * descriptor.
 */
int dev_mount(const struct plan *plan, int host_fd, int root_fd, int devpts_fd, int slave_fd,
	      int *ret_dev, struct error *err);
