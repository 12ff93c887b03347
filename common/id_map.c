#include "common/id_map.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/parse.h"

static int malformed(const char *text, struct error *err)
{
	return error_set(err, ERROR_INVALID_VALUE,
			 "\"%.96s\": a user namespace is auto, host, or INSIDE:HOST:SIZE[,...], as "
			 "0:100000:65536",
			 text);
}

/* --- Reading --------------------------------------------------------------------------------- */

static bool overlap(uint32_t a, uint32_t a_size, uint32_t b, uint32_t b_size)
{
	return (uint64_t)a < (uint64_t)b + b_size && (uint64_t)b < (uint64_t)a + a_size;
}

static int parse_number(char *text, int64_t min, uint32_t *ret, struct error *err)
{
	int64_t number;

	/* The last of all ids is none: it says "no change" (setresuid(2)). */
	if (!text || parse_integer(text, min, UINT32_MAX - 1, &number, err) < 0)
		return -1;
	*ret = (uint32_t)number;
	return 0;
}

/* Cuts the text at its colons. */
static bool parse_range(char *text, struct id_range *ret)
{
	struct error ignored;
	char *inside = strsep(&text, ":"), *host = strsep(&text, ":");

	if (parse_number(inside, 0, &ret->inside, &ignored) < 0 ||
	    parse_number(host, 0, &ret->host, &ignored) < 0 ||
	    parse_number(text, 1, &ret->size, &ignored) < 0)
		return false;
	return (uint64_t)ret->inside + ret->size <= UINT32_MAX &&
	       (uint64_t)ret->host + ret->size <= UINT32_MAX;
}

static int add_range(struct id_map *map, const struct id_range *range, struct error *err)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *other = &map->ranges[i];

		if (overlap(range->inside, range->size, other->inside, other->size) ||
		    overlap(range->host, range->size, other->host, other->size))
			return error_set(err, ERROR_INVALID_VALUE,
					 "%u:%u:%u: overlaps another range", range->inside,
					 range->host, range->size);
	}
	map->ranges[map->n++] = *range;
	return 0;
}

int id_map_parse(const char *text, struct id_map *ret, struct error *err)
{
	char buffer[ID_MAP_TEXT_SIZE], *rest = buffer;
	struct id_map map = { .n = 0 };
	struct id_range range;
	uint32_t root;

	if (strlen(text) >= sizeof(buffer))
		return malformed(text, err);
	(void)strcpy(buffer, text);
	for (char *part; (part = strsep(&rest, ","));) {
		if (map.n == ID_RANGES_MAX || !parse_range(part, &range))
			return malformed(text, err);
		if (add_range(&map, &range, err) < 0)
			return -1;
	}
	if (!id_map_to_host(&map, 0, &root))
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.96s\": 0 is not among what is inside", text);
	*ret = map;
	return 0;
}

int userns_check(const char *text, struct error *err)
{
	struct id_map map;

	if (strcmp(text, "auto") == 0 || strcmp(text, "host") == 0)
		return 0;
	return id_map_parse(text, &map, err);
}

/* --- Using ----------------------------------------------------------------------------------- */

void id_map_format(const struct id_map *map, char text[ID_MAP_TEXT_SIZE])
{
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *range = &map->ranges[i];

		n += (size_t)snprintf(text + n, ID_MAP_TEXT_SIZE - n, "%s%u:%u:%u", i ? "," : "",
				      range->inside, range->host, range->size);
	}
}

bool id_map_to_host(const struct id_map *map, uint32_t inside, uint32_t *ret)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct id_range *range = &map->ranges[i];

		if (inside >= range->inside && inside - range->inside < range->size) {
			*ret = range->host + (inside - range->inside);
			return true;
		}
	}
	return false;
}
