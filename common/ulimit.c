#include "common/ulimit.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "common/parse.h"

static int parse_resource(const char *name, int *ret, struct error *err)
{
	const char *names[RLIMITS + 1] = { NULL }, *nearest;

	for (unsigned int i = 0; i < RLIMITS; i++) {
		names[i] = rlimit_name(i);
		if (strcmp(names[i], name) == 0) {
			*ret = (int)i;
			return 0;
		}
	}
	nearest = parse_nearest(name, names);
	if (nearest)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.32s\" is no limit; did you mean \"%s\"?", name, nearest);
	return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is no limit, as nofile or nproc are",
			 name);
}

static int parse_value(const char *text, uint64_t *ret, struct error *err)
{
	int64_t value;

	if (strcmp(text, "unlimited") == 0 || strcmp(text, "-1") == 0) {
		*ret = RLIM_INFINITY;
		return 0;
	}
	if (parse_integer(text, 0, INT64_MAX, &value, err) < 0)
		return -1;
	*ret = (uint64_t)value;
	return 0;
}

int ulimit_parse(const char *text, struct ulimit *ret, struct error *err)
{
	char name[32], soft[32], hard[32] = "";
	struct ulimit limit;
	int end = 0;

	if (sscanf(text, "%31[^=]=%31[^:]%n", name, soft, &end) != 2 ||
	    (text[end] &&
	     (text[end] != ':' || strlen(text + end + 1) >= sizeof(hard) || !text[end + 1])))
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.64s\": a limit is NAME=SOFT[:HARD], as nofile=1024:4096",
				 text);
	(void)strcpy(hard, text[end] ? text + end + 1 : soft);
	if (parse_resource(name, &limit.resource, err) < 0 ||
	    parse_value(soft, &limit.soft, err) < 0 || parse_value(hard, &limit.hard, err) < 0)
		return -1;
	if (limit.soft > limit.hard)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.64s\": the soft limit is above the hard one", text);
	*ret = limit;
	return 0;
}

int ulimits_parse(char *const *texts, struct ulimit ret[ULIMITS_MAX], size_t *ret_n,
		  struct error *err)
{
	struct ulimit limit;
	size_t n = 0;

	for (; texts && *texts; texts++) {
		if (ulimit_parse(*texts, &limit, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (ret[i].resource == limit.resource)
				return error_set(err, ERROR_INVALID_VALUE,
						 "\"%s\" is limited twice",
						 rlimit_name((unsigned int)limit.resource));
		ret[n++] = limit;
	}
	*ret_n = n;
	return 0;
}
