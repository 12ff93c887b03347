/* What users who are no administrators have on the disk: layers, logs and recordings of their containers,
 * and volumes.
 *
 * Where the file system of the state directory has project quotas on, each user's files are of a project,
 * and the kernel bounds it: a write beyond it fails. Elsewhere they are counted, a moment after something
 * was made, started, ended or removed, and each minute while something runs; who has more than the limit
 * cannot make or start anything until they have less.
 */
#pragma once

#include "daemon/container/object.h"

/* NULL-safe; returns NULL. */
struct disk *disk_free(struct disk *disk);

/* A new container of theirs, before anything is written to its directory. ERROR_LIMIT_REACHED. */
int disk_claim(const struct container *container, struct error *err);

/* Where the kernel bounds it, what is there may be started, if only to be tidied up. ERROR_LIMIT_REACHED.
 */
int disk_check_start(const struct container *container, struct error *err);
