/* The container's root file system. */
#pragma once

#include "common/error.h"
#include "daemon/init/plan.h"

/* Makes the detached mount fds[0], or an overlay of fds[0] and fds[1], the root of this mount namespace,
 * which must be new. *ret_root is the new root as a descriptor. Until root_leave_old, ".." at the root leads to the host's:
 * nothing that the container has a say in may be looked up.
 */
int root_enter(const struct plan *plan, const int *fds, int *ret_root, struct error *err);

/* Takes the old root, with all that the host had mounted, out of the namespace. In this the kernel
 * waits for an RCU grace period, and so for whatever the other processors do in it.
 */
int root_leave_old(int root_fd, struct error *err);

/* The container's root alone: what is mounted below stays as it is. */
int root_make_read_only(int root_fd, struct error *err);
