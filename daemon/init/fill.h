/* The first content of a volume: what the container has at the place where it is mounted. */
#pragma once

#include "common/error.h"

/* Copies the directory target_fd, with owners, modes, times and extended attributes, into the root
 * of the detached mount volume_fd, which gets the directory's own, too. What is there already
 * stays. One process does this at a time, others wait (flock(2)); it can be ended at any moment and
 * done again, since each entry gets its name when it is complete. Device nodes and sockets are left
 * out, hard links become files of their own. More than FILL_DEPTH_MAX directories within each other
 * are an error.
 */
enum { FILL_DEPTH_MAX = 128 };

int fill(int volume_fd, int target_fd, struct error *err);
