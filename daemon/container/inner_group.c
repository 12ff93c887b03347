#include "daemon/container/inner_group.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/container/object.h"

enum { KILL_AGAIN_MS = 1 };

void inner_group_init(struct inner_group *group, const struct container *container,
		      const char *kind, const char *id)
{
	group->container = container;
	(void)snprintf(group->name, sizeof(group->name), "%s-%s", kind, id);
}

void inner_group_done(struct inner_group *group)
{
	if (inner_group_is_dying(group) && group->container->cgroup)
		cgroup_thaw_inner(group->container->cgroup, group->name);
	if (group->container)
		(void)inner_group_remove(group);
	if (group->kill_again)
		event_free(group->kill_again);
	*group = (struct inner_group){ 0 };
}

int inner_group_enter(const struct inner_group *group, struct cgroup_entry *entry,
		      struct error *err)
{
	const struct cgroup *outer = group->container->cgroup;

	return outer ? cgroup_make_inner(outer, group->name, entry, err) : 0;
}

/* All that were seen are as good as dead; but what could not be frozen yet may go on to fork. */
static void kill_again(evutil_socket_t fd, short what, void *userdata)
{
	struct error ignored;

	(void)fd;
	(void)what;
	(void)inner_group_kill(userdata, &ignored);
}

static void kill_later(struct inner_group *group)
{
	static const struct timeval later = { .tv_usec = KILL_AGAIN_MS * 1000 };

	if (!group->kill_again)
		group->kill_again =
			evtimer_new(group->container->set->params.base, kill_again, group);
	if (!group->kill_again || event_add(group->kill_again, &later) < 0)
		abort();
}

int inner_group_kill(struct inner_group *group, struct error *err)
{
	const struct cgroup *outer = group->container->cgroup;

	if (!outer)
		return error_set_errno(err, EOPNOTSUPP, "this host has no control groups");
	if (cgroup_kill_inner(outer, group->name, err) == 0)
		return 0;
	if (err->sys_errno != EAGAIN)
		return -1;
	kill_later(group);
	return 0;
}

bool inner_group_is_dying(const struct inner_group *group)
{
	return group->kill_again && event_pending(group->kill_again, EV_TIMEOUT, NULL);
}

bool inner_group_remove(const struct inner_group *group)
{
	return !group->container->cgroup ||
	       cgroup_remove_inner(group->container->cgroup, group->name);
}
