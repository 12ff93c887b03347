#include "daemon/api/subids.h"

#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/parse.h"
#include "daemon/api/users.h"

enum { INSIDE_FIRST = 1, INSIDE_LAST = 65535 };

struct subids {
	const char *owner;
	int64_t first, count;
};

/* Cuts the line. What is not well-formed is passed over, as newuidmap(1) does. */
static bool parse_line(char *line, struct subids *ret)
{
	char *first, *count;
	struct error ignored;

	line[strcspn(line, "\n")] = '\0';
	ret->owner = strsep(&line, ":");
	first = strsep(&line, ":");
	count = line;
	return first && count &&
	       parse_integer(first, 1, UINT32_MAX - 1, &ret->first, &ignored) == 0 &&
	       parse_integer(count, 1, UINT32_MAX - ret->first, &ret->count, &ignored) == 0;
}

int subids_add(const char *path, uid_t uid, struct id_map *map, struct error *err)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	_cleanup_(freep) char *number = alloc_printf("%u", uid);
	_cleanup_(freep) char *name = user_name(uid);
	_cleanup_(freep) char *line = NULL;
	struct subids subids;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		if (!parse_line(line, &subids) || (strcmp(subids.owner, number) != 0 &&
						   (!name || strcmp(subids.owner, name) != 0)))
			continue;
		if (subids.count > INSIDE_LAST)
			subids.count = INSIDE_LAST;
		map->ranges[map->n++] = (struct id_range){
			.inside = INSIDE_FIRST,
			.host = (uint32_t)subids.first,
			.size = (uint32_t)subids.count,
		};
		return 0;
	}
	return error_set(err, ERROR_NOT_ALLOWED,
			 "%s gives no subordinate ids to %s; root gives some by usermod "
			 "--add-subuids and --add-subgids",
			 path, name ? name : number);
}

bool subids_has(const char *path, uint32_t id)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	_cleanup_(freep) char *line = NULL;
	struct subids subids;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0)
		if (parse_line(line, &subids) && id >= subids.first &&
		    id - subids.first < subids.count)
			return true;
	return false;
}
