/* Being told of kills for want of memory.
 *
 * v2 says that memory.events has changed (cgroup-v2.rst, "Core Interface Files"), by inotify(7), for all
 * groups through one descriptor. v1 has an eventfd for each group (cgroup-v1/memory.rst, "OOM
 * Control"), and writes to that before it looks for whom to kill.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/cgroup/changes.h"
#include "daemon/cgroup/hierarchy.h"

/* v1: when the kill will have been counted, and when it will have been on a host that is short of
 * everything.
 */
enum { SOON_MS = 5, LATER_MS = 200 };

struct kill_watch {
	LIST_ENTRY(kill_watch) entry; /* v2 */
	struct cgroups *cgroups;
	int wd;			 /* v2 */
	struct event *announced; /* v1; its descriptor is its own */
	struct event *look_soon; /* v1 */
	bool looked;		 /* v1: once since it was announced */
	void (*look)(void *userdata);
	void *userdata;
};

/* --- v2 -------------------------------------------------------------------------------------- */

static void tell(const struct kill_watches *watches, const struct inotify_event *event)
{
	const struct kill_watch *watch, *next;

	for (watch = LIST_FIRST(&watches->list); watch; watch = next) {
		next = LIST_NEXT(watch, entry);
		if ((event->mask & IN_Q_OVERFLOW) ||
		    (watch->wd == event->wd && (event->mask & IN_MODIFY)))
			watch->look(watch->userdata);
	}
}

static void on_modified(evutil_socket_t fd, short what, void *userdata)
{
	_Alignas(struct inotify_event) char buffer[4096];
	const struct inotify_event *event;
	ssize_t n = read(fd, buffer, sizeof(buffer));

	(void)what;
	for (ssize_t at = 0; at < n; at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const struct inotify_event *)(const void *)(buffer + at);
		tell(userdata, event);
	}
}

static int inotify_of(struct cgroups *cgroups)
{
	struct kill_watches *watches = &cgroups->kill_watches;
	int fd;

	if (watches->modified)
		return event_get_fd(watches->modified);
	fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (fd < 0)
		return -1;
	watches->modified =
		event_new(cgroups->base, fd, EV_READ | EV_PERSIST, on_modified, watches);
	if (!watches->modified || event_add(watches->modified, NULL) < 0)
		abort();
	return fd;
}

static bool watch_v2(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		     struct kill_watch *watch)
{
	char path[sizeof("/proc/self/fd/-2147483648//memory.events") + CGROUP_NAME_MAX];
	int fd = inotify_of(cgroup->cgroups);

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/%s/memory.events", hierarchy->top_fd,
		       cgroup->name);
	watch->wd = fd < 0 ? -1 : inotify_add_watch(fd, path, IN_MODIFY);
	if (watch->wd < 0)
		return false;
	LIST_INSERT_HEAD(&cgroup->cgroups->kill_watches.list, watch, entry);
	return true;
}

/* --- v1 -------------------------------------------------------------------------------------- */

static void look_after(struct kill_watch *watch, int ms)
{
	const struct timeval time = { .tv_usec = ms * 1000 };

	if (event_add(watch->look_soon, &time) < 0)
		abort();
}

static void on_announced(evutil_socket_t fd, short what, void *userdata)
{
	struct kill_watch *watch = userdata;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) < 0)
		return;
	watch->looked = false;
	look_after(watch, SOON_MS);
}

static void on_look_soon(evutil_socket_t fd, short what, void *userdata)
{
	struct kill_watch *watch = userdata;

	(void)fd;
	(void)what;
	if (!watch->looked)
		look_after(watch, LATER_MS);
	watch->looked = true;
	watch->look(watch->userdata);
}

/* "<descriptor of the eventfd> <descriptor of the file> <arguments>", of which there are none here. */
static int order_eventfd(const struct cgroup *cgroup, const struct hierarchy *hierarchy)
{
	_cleanup_(fd_closep) int eventfd_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	_cleanup_(fd_closep) int file = -1;
	char path[CGROUP_NAME_MAX + sizeof("/memory.oom_control")], order[32];

	(void)snprintf(path, sizeof(path), "%s/memory.oom_control", cgroup->name);
	file = openat(hierarchy->top_fd, path, O_RDONLY | O_CLOEXEC);
	if (eventfd_fd < 0 || file < 0)
		return -1;
	(void)snprintf(order, sizeof(order), "%d %d", eventfd_fd, file);
	return group_write(cgroup, hierarchy, "cgroup.event_control", order) < 0 ?
		       -1 :
		       TAKE_FD(eventfd_fd);
}

/* Without a limit of its own it is never short of memory; the host is, which v1 does not tell. */
static bool watch_v1(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
		     struct kill_watch *watch)
{
	struct event_base *base = cgroup->cgroups->base;
	int fd;

	if (group_read_number(cgroup, hierarchy, "memory.limit_in_bytes") < 0)
		return false;
	fd = order_eventfd(cgroup, hierarchy);
	if (fd < 0)
		return false;
	watch->announced = event_new(base, fd, EV_READ | EV_PERSIST, on_announced, watch);
	watch->look_soon = evtimer_new(base, on_look_soon, watch);
	if (!watch->announced || !watch->look_soon || event_add(watch->announced, NULL) < 0)
		abort();
	return true;
}

/* --- Whichever ------------------------------------------------------------------------------- */

void cgroup_watch_kills(struct cgroup *cgroup, void (*look)(void *userdata), void *userdata)
{
	const struct hierarchy *hierarchy = cgroups_find(cgroup->cgroups, "memory");
	struct kill_watch *watch;

	if (cgroup->kill_watch || !hierarchy || !cgroup->cgroups->base)
		return;
	watch = ALLOC(struct kill_watch);
	*watch = (struct kill_watch){
		.cgroups = cgroup->cgroups,
		.wd = -1,
		.look = look,
		.userdata = userdata,
	};
	if (hierarchy->version == 1 ? watch_v1(cgroup, hierarchy, watch) :
				      watch_v2(cgroup, hierarchy, watch))
		cgroup->kill_watch = watch;
	else
		free(watch);
}

void cgroup_unwatch_kills(struct cgroup *cgroup)
{
	struct kill_watch *watch = TAKE_PTR(cgroup->kill_watch);

	if (!watch)
		return;
	if (watch->wd >= 0) {
		/* It is gone already where its group is. */
		(void)inotify_rm_watch(event_get_fd(watch->cgroups->kill_watches.modified),
				       watch->wd);
		LIST_REMOVE(watch, entry);
	}
	if (watch->announced) {
		(void)close(event_get_fd(watch->announced));
		event_free(watch->announced);
		event_free(watch->look_soon);
	}
	free(watch);
}

void kill_watches_done(struct kill_watches *watches)
{
	if (!watches->modified)
		return;
	(void)close(event_get_fd(watches->modified));
	event_free(watches->modified);
}
