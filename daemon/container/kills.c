/* Kills for want of memory, which are told of as they happen. */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/container/object.h"

/* A container that has ended by then costs nothing. */
enum { WATCH_AFTER_MS = 50 };

/* Of what comes at once: every event has the number of all until then. */
enum { TOLD_MAX = 64 };

int64_t kills_count(const struct container *container)
{
	int64_t n = container->cgroup ? cgroup_oom_kills(container->cgroup) : -1;

	/* Not fewer than were told of, where there is no group to ask any more. */
	return n > container->oom_kills ? n : container->oom_kills;
}

bool kills_tell(struct container *container)
{
	int64_t before = container->oom_kills;
	char number[24];

	container->oom_kills = kills_count(container);
	if (container->oom_kills == before)
		return false;
	if (container->oom_kills - before > TOLD_MAX)
		before = container->oom_kills - TOLD_MAX;
	/* Before it runs it is not there for anybody. */
	while (container->state > CONTAINER_STARTING && before < container->oom_kills) {
		(void)snprintf(number, sizeof(number), "%lld", (long long)++before);
		container_event(container, "oom", "oom_kills", number, NULL);
	}
	container_changed(container);
	return true;
}

static void look(void *userdata)
{
	struct container *container = userdata;

	if (kills_tell(container))
		container_save_run(container);
}

static void watch(evutil_socket_t fd, short what, void *userdata)
{
	struct containers *set = userdata;
	struct container *container;

	(void)fd;
	(void)what;
	TAILQ_FOREACH (container, &set->list, entry) {
		if (!container->watch_kills)
			continue;
		container->watch_kills = false;
		if (!container->cgroup || !container_is_active(container))
			continue;
		cgroup_watch_kills(container->cgroup, look, container);
		look(container);
	}
}

void kills_init(struct containers *set)
{
	set->watch_kills = evtimer_new(set->params.base, watch, set);
	if (!set->watch_kills)
		abort();
}

void kills_done(struct containers *set)
{
	event_free(set->watch_kills);
}

void kills_watch(struct container *container)
{
	static const struct timeval later = { .tv_usec = WATCH_AFTER_MS * 1000 };
	struct event *event = container->set->watch_kills;

	container->watch_kills = true;
	if (!event_pending(event, EV_TIMEOUT, NULL) && event_add(event, &later) < 0)
		abort();
}
