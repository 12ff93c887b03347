/* The mounts of the daemon's namespace, as /proc/self/mountinfo tells of them (proc(5)). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A line of it, cut into words; they are within text, and escaped as they are there. */
struct mountinfo {
	char *text;
	size_t size;
	const char *root, *point, *type;
	const char *optional; /* the optional fields, each with a space before it */
};

/* The mount with that id (STATX_MNT_ID); false if it is not mounted here. */
bool mountinfo_find(uint64_t id, struct mountinfo *ret);

/* Leaves it empty. */
void mountinfo_done(struct mountinfo *info);
