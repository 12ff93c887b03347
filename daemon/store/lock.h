/* One daemon to a directory. Private to daemon/store. */
#pragma once

#include "common/error.h"

/* Takes the lock of a directory, which goes with the last copy of *ret_fd, the caller's. One that another
 * daemon holds is ERROR_FAILED with EWOULDBLOCK; dir is its name, for errors.
 */
int lock_directory(int dir_fd, const char *dir, int *ret_fd, struct error *err);
