/* Project quotas: what the kernel counts, and bounds, for all files of a project, wherever they are on a
 * file system (quotactl(2); ext4 and xfs mounted with prjquota). A file is of the project that the
 * directory has in which it is made; nobody in a user namespace can change that.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* fd is one of a directory of that file system in all of these.
 *
 * Whether projects are kept to their limits there.
 */
bool project_is_enforced(int fd);

/* A directory that is empty, and with it all that is made in it. */
int project_enter(int fd, uint32_t project, struct error *err);

/* 0: there is no limit. */
int project_limit(int fd, uint32_t project, int64_t max_bytes, struct error *err);
int project_usage(int fd, uint32_t project, int64_t *ret_bytes, struct error *err);
