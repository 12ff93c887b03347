/* The mounts that a container's user asked for, in a new container and in one that runs. */
#pragma once

#include "common/error.h"
#include "daemon/init/plan.h"

/* Attaches the plan's mounts below root_fd, or takes them away, in their order. The descriptor of a
 * place is what its mount is attached to: what is renamed meanwhile leads nowhere else. Places that
 * are missing are made, as directories or files as the source is one. Nothing is attached in or
 * below /proc and /sys, whatever links lead there. proc_fd is a procfs that knows this process.
 * Errors are ERROR_INVALID_VALUE, subject "mounts", for what another source or target would help.
 */
int mounts_change(int root_fd, int proc_fd, const struct plan *plan, struct error *err);
