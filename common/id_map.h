/* Which ids of the host those of a user namespace are (user_namespaces(7)), and how people say it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

struct id_range {
	uint32_t inside, host, size;
};

enum {
	ID_RANGES_MAX = 16,
	ID_MAP_TEXT_SIZE = ID_RANGES_MAX * 3 * 11 + 1,
};

struct id_map {
	struct id_range ranges[ID_RANGES_MAX];
	size_t n;
};

/* INSIDE:HOST:SIZE[,...], as "0:100000:65536": ranges that do not overlap on either side, with 0 among
 * what is inside, which needs an owner. ERROR_INVALID_VALUE.
 */
int id_map_parse(const char *text, struct id_map *ret, struct error *err);
void id_map_format(const struct id_map *map, char text[ID_MAP_TEXT_SIZE]);

/* The host's id of one inside; false if there is none. */
bool id_map_to_host(const struct id_map *map, uint32_t inside, uint32_t *ret);

/* What a spec may say of its user namespace: "auto", "host", or a map. */
int userns_check(const char *text, struct error *err);
