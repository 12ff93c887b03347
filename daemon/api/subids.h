/* Subordinate ids: /etc/subuid and /etc/subgid (subuid(5)). */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "common/error.h"
#include "common/id_map.h"

/* Adds the first range that the file gives to a user, by name or number, to a map, at 1 and up to 65535
 * inside. ERROR_NOT_ALLOWED if there is none.
 */
int subids_add(const char *path, uid_t uid, struct id_map *map, struct error *err);

/* Whether an id lies in a range that somebody has. */
bool subids_has(const char *path, uint32_t id);
