#include "common/instance.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

/* FNV-1a of 64 bits (draft-eastlake-fnv). */
static uint64_t hash(const char *text)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	return h;
}

const char *instance_name(const char *run_dir, char buffer[INSTANCE_NAME_SIZE])
{
	_cleanup_(freep) char *resolved = realpath(run_dir, NULL);
	const char *path = resolved ? resolved : run_dir;

	if (strcmp(path, "/run/dokrust") == 0)
		(void)snprintf(buffer, INSTANCE_NAME_SIZE, "dokrust");
	else
		(void)snprintf(buffer, INSTANCE_NAME_SIZE, "dokrust-%016llx",
			       (unsigned long long)hash(path));
	return buffer;
}
