/* A control group inside a container's, for one command that is executed there, so that it can be killed
 * with all that it has started. Private to daemon/container.
 */
#pragma once

#include <stdbool.h>

#include "common/error.h"
#include "daemon/cgroup/cgroup.h"

enum { INNER_GROUP_NAME_SIZE = 40 };

struct container;
struct event;

struct inner_group {
	const struct container *container; /* NULL: there is none */
	char name[INNER_GROUP_NAME_SIZE];
	struct event *kill_again; /* what could not be frozen at once */
};

/* Does not make it: one that an earlier daemon has made goes by the same name. */
void inner_group_init(struct inner_group *group, const struct container *container,
		      const char *kind, const char *id);
void inner_group_done(struct inner_group *group);

/* Makes it, and the way into the container's group one into this. */
int inner_group_enter(const struct inner_group *group, struct cgroup_entry *entry,
		      struct error *err);

/* SIGKILL for all that is in it. Where the host has no such groups, or an earlier daemon has made none,
 * it fails, and nothing was done.
 */
int inner_group_kill(struct inner_group *group, struct error *err);

/* A kill has begun and is to be gone on with. */
bool inner_group_is_dying(const struct inner_group *group);

/* False if there are processes in it: then it goes with the container's, at the latest. */
bool inner_group_remove(const struct inner_group *group);
