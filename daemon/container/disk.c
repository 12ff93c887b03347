#include "daemon/container/disk.h"

#include <stdlib.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "daemon/container/userns.h"
#include "daemon/image/volume.h"
#include "daemon/store/project.h"
#include "daemon/store/usage.h"

enum {
	SOON_MS = 100,
	WHILE_RUNNING_MS = 60 * 1000,
	ROOM_MIN = 64 * 1024, /* the kernel never lets anybody have quite all */
	REST = 10,	      /* times as long as a count has taken is none */
};

/* A user's project: users' ids moved to where administrators hardly have any, who begin at 1. */
static const uint32_t projects_first = 0x44000000;

struct disk_user {
	LIST_ENTRY(disk_user) entry;
	struct containers *set;
	uid_t uid;
	int64_t bytes; /* at the last count; -1: it failed */
	struct usage *count;
	bool again; /* something has changed while it was counted */
	int64_t begun_us, rest_until_us, due_us;
	struct event *timer;
};

struct disk {
	int64_t max_bytes;	      /* 0: no limit */
	bool enforced;		      /* by the kernel, that is */
	LIST_HEAD(, disk_user) users; /* who are counted; or whose limits the kernel knows */
};

/* --- Counting -------------------------------------------------------------------------------- */

static bool is_of(const struct container *container, uid_t uid)
{
	return container->owner == uid && container_userns_is_owners(container);
}

static char **paths_of(struct containers *set, uid_t uid)
{
	struct volume *volume = volumes_first(set->params.volumes);
	const struct container *container;
	char **paths = NULL;

	TAILQ_FOREACH (container, &set->list, entry) {
		_cleanup_(freep) char *path = alloc_printf("containers/%s", container->id);

		if (is_of(container, uid))
			strv_append(&paths, path);
	}
	for (; volume; volume = volume_following(volume)) {
		_cleanup_(freep) char *path = alloc_printf("volumes/%s", volume_id(volume));

		if (volume_owner(volume) == uid)
			strv_append(&paths, path);
	}
	return paths;
}

static bool has_running(const struct containers *set, uid_t uid)
{
	const struct container *container;

	TAILQ_FOREACH (container, &set->list, entry)
		if (is_of(container, uid) && container_is_active(container))
			return true;
	return false;
}

static void count_in(struct disk_user *user, int64_t ms)
{
	int64_t now_us = clock_monotonic_us(), due_us = now_us + ms * 1000, us;
	struct timeval delay;

	if (due_us < user->rest_until_us)
		due_us = user->rest_until_us;
	if (evtimer_pending(user->timer, NULL) && user->due_us <= due_us)
		return;
	us = due_us - now_us;
	user->due_us = due_us;
	delay = (struct timeval){ .tv_sec = us / 1000000, .tv_usec = us % 1000000 };
	(void)event_add(user->timer, &delay);
}

static void on_counted(void *userdata, int64_t bytes)
{
	struct disk_user *user = userdata;
	int64_t now_us = clock_monotonic_us();

	user->count = usage_free(user->count);
	user->bytes = bytes;
	user->rest_until_us = now_us + REST * (now_us - user->begun_us);
	if (user->again)
		count_in(user, SOON_MS);
	else if (has_running(user->set, user->uid))
		count_in(user, WHILE_RUNNING_MS);
}

static void on_time(evutil_socket_t fd, short what, void *userdata)
{
	struct disk_user *user = userdata;
	_cleanup_(strv_freep) char **paths = paths_of(user->set, user->uid);
	struct error err;

	(void)fd;
	(void)what;
	user->again = false;
	user->begun_us = clock_monotonic_us();
	if (usage_count(user->set->params.base, store_state_fd(user->set->params.store), paths,
			on_counted, user, &user->count, &err) < 0) {
		user->set->params.complain(NULL, &err);
		count_in(user, WHILE_RUNNING_MS);
	}
}

static struct disk_user *find_user(const struct disk *disk, uid_t uid)
{
	struct disk_user *user;

	LIST_FOREACH (user, &disk->users, entry)
		if (user->uid == uid)
			return user;
	return NULL;
}

static struct disk_user *make_user(struct containers *set, uid_t uid)
{
	struct disk_user *user = ALLOC(struct disk_user);

	user->set = set;
	user->uid = uid;
	user->timer = evtimer_new(set->params.base, on_time, user);
	if (!user->timer)
		abort();
	LIST_INSERT_HEAD(&set->disk->users, user, entry);
	return user;
}

void containers_disk_changed(struct containers *set, uid_t uid)
{
	struct disk *disk = set->disk;
	struct disk_user *user;

	if (!disk || disk->enforced || !uid)
		return;
	user = find_user(disk, uid);
	if (!user)
		user = make_user(set, uid);
	if (user->count)
		user->again = true;
	else
		count_in(user, SOON_MS);
}

/* --- Checking -------------------------------------------------------------------------------- */

/* -1: not known. 0 is what nobody has counted yet. */
static int64_t usage_of(const struct containers *set, uid_t uid)
{
	const struct disk_user *user;
	struct error ignored;
	int64_t bytes;

	if (set->disk->enforced)
		return project_usage(store_state_fd(set->params.store), projects_first + uid,
				     &bytes, &ignored) < 0 ?
			       -1 :
			       bytes;
	user = find_user(set->disk, uid);
	return user ? user->bytes : 0;
}

static int check(struct containers *set, uid_t uid, struct error *err)
{
	const struct disk *disk = set->disk;
	int64_t bytes, room = disk->enforced ? ROOM_MIN : 0;

	if (!disk->max_bytes)
		return 0;
	bytes = usage_of(set, uid);
	if (bytes >= 0 && bytes + room < disk->max_bytes)
		return 0;
	/* What they have removed inside of their containers meanwhile counts the next time. */
	containers_disk_changed(set, uid);
	if (bytes < 0)
		return error_set(err, ERROR_LIMIT_REACHED,
				 "what uid %u has on the disk could not be counted", uid);
	return error_set(
		err, ERROR_LIMIT_REACHED,
		"uid %u has %lld bytes on the disk, and may have %lld; removing containers "
		"and volumes, or what is in them, makes room",
		uid, (long long)bytes, (long long)disk->max_bytes);
}

int disk_check_start(const struct container *container, struct error *err)
{
	struct disk *disk = container->set->disk;

	if (!disk || disk->enforced || !container_userns_is_owners(container))
		return 0;
	return check(container->set, container->owner, err);
}

/* --- Claiming -------------------------------------------------------------------------------- */

/* The limit of a project stays where it was set; a change of the settings makes it another. */
static int set_limit(struct containers *set, uid_t uid, struct error *err)
{
	if (find_user(set->disk, uid))
		return 0;
	if (project_limit(store_state_fd(set->params.store), projects_first + uid,
			  set->disk->max_bytes, err) < 0)
		return -1;
	(void)make_user(set, uid);
	return 0;
}

int containers_claim_disk(struct containers *set, uid_t uid, uint32_t *ret_project,
			  struct error *err)
{
	struct disk *disk = set->disk;

	if (disk && (check(set, uid, err) < 0 || (disk->enforced && set_limit(set, uid, err) < 0)))
		return -1;
	*ret_project = disk && disk->enforced ? projects_first + uid : 0;
	return 0;
}

int disk_claim(const struct container *container, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;
	uint32_t project;

	if (!container_userns_is_owners(container))
		return 0;
	if (containers_claim_disk(container->set, container->owner, &project, err) < 0)
		return -1;
	if (!project)
		return 0;
	fd = store_open_dir(container->set->params.store, STORE_STATE, container->id, err);
	return fd < 0 ? -1 : project_enter(fd, project, err);
}

/* --- The beginning and the end --------------------------------------------------------------- */

int containers_limit_disk(struct containers *set, int64_t max_bytes, struct error *err)
{
	int fd = store_state_fd(set->params.store);
	bool enforced = project_is_enforced(fd);

	if (!max_bytes && !enforced)
		return 0;
	if (!enforced && !usage_can_count(fd))
		return error_set(
			err, ERROR_INVALID_VALUE,
			"user_disk_max: the file system of the state directory has neither "
			"project quotas nor handles of files");
	set->disk = ALLOC(struct disk);
	set->disk->max_bytes = max_bytes;
	set->disk->enforced = enforced;
	LIST_INIT(&set->disk->users);
	return 0;
}

static void begin_with(struct containers *set, uid_t uid)
{
	struct error err;

	if (!set->disk->enforced)
		containers_disk_changed(set, uid);
	else if (uid && set_limit(set, uid, &err) < 0)
		set->params.complain(NULL, &err);
}

void containers_begin_disk(struct containers *set)
{
	struct volume *volume = volumes_first(set->params.volumes);
	const struct container *container;

	if (!set->disk)
		return;
	TAILQ_FOREACH (container, &set->list, entry)
		if (container_userns_is_owners(container))
			begin_with(set, container->owner);
	for (; volume; volume = volume_following(volume))
		begin_with(set, volume_owner(volume));
}

struct disk *disk_free(struct disk *disk)
{
	struct disk_user *user;

	if (!disk)
		return NULL;
	while ((user = LIST_FIRST(&disk->users))) {
		LIST_REMOVE(user, entry);
		(void)usage_free(user->count);
		event_free(user->timer);
		free(user);
	}
	free(disk);
	return NULL;
}
