/* Processes of the daemon's own, forked from it, for work that may wait for a disk or a peer.
 *
 * A worker has the descriptors that it was given, and standard error; of signals it takes only
 * those that cannot be refused, since the daemon's end is told to it by what it reads from. It ends
 * by _exit(2).
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

enum { WORKER_FIRST_FD = 3, WORKER_FDS_MAX = 4 };

/* As fork(2): the worker's pid, or -1 with errno, and 0 in the worker, where fds[i] is
 * WORKER_FIRST_FD + i and all that is above is closed. The descriptors stay the caller's. name is
 * what ps(1) shows, at most 15 bytes.
 */
pid_t worker_fork(const char *name, const int *fds, size_t n_fds);
