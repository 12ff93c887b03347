#include "daemon/launch/mountinfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

void mountinfo_done(struct mountinfo *info)
{
	free(info->text);
	*info = (struct mountinfo){ 0 };
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [OPTIONAL...] - TYPE SOURCE SUPER */
static bool cut(char *fields, struct mountinfo *ret)
{
	char *words[5], *end = strstr(fields, " - ");

	if (!end)
		return false;
	*end = '\0';
	end += strlen(" - ");
	ret->type = strsep(&end, " ");
	fields += *fields == ' ';
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = fields ? strsep(&fields, " ") : NULL;
	ret->root = words[2];
	ret->point = words[3];
	/* Back to the space. */
	if (fields)
		*--fields = ' ';
	ret->optional = fields ? fields : "";
	return words[4];
}

bool mountinfo_find(uint64_t id, struct mountinfo *ret)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/mountinfo", "re");
	struct mountinfo info = { 0 };
	char *fields;

	while (file && getline(&info.text, &info.size, file) > 0) {
		if (strtoull(info.text, &fields, 10) != id || !cut(fields, &info))
			continue;
		*ret = info;
		return true;
	}
	mountinfo_done(&info);
	return false;
}
