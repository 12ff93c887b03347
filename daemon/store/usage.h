/* What trees take on the disk, counted by a process of its own and of the lowest priority. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <event2/event.h>

#include "common/error.h"

struct usage;

/* Directories are opened by their handles, so that neither their depth nor their names matter, nor what
 * is renamed meanwhile. Whether the file system of this one has any.
 */
bool usage_can_count(int dir_fd);

/* Counts what is below these directories, which are paths below dir_fd without links; one that is not
 * there is nothing. bytes is -1 when it could not be done. Called from the loop, once, unless the count
 * is freed before; it is to be freed then.
 */
typedef void (*usage_callback)(void *userdata, int64_t bytes);
int usage_count(struct event_base *base, int dir_fd, char *const *paths, usage_callback done,
		void *userdata, struct usage **ret, struct error *err);

/* NULL-safe; returns NULL. */
struct usage *usage_free(struct usage *usage);
