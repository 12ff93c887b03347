/* Changes of a container's mounts: in its record, and in the container while it runs. */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/container/mounts.h"
#include "daemon/container/object.h"
#include "daemon/launch/userns.h"
#include "daemon/loop/fault.h"

/* One that is under way in a running container. What is added is in the spec from the beginning, so
 * that its target is taken, and its volume in use; what is removed is in it until the end.
 */
struct remount {
	TAILQ_ENTRY(remount) entry;
	struct container *container;
	struct launch *launch;
	char *target; /* NULL: the files about names */
	bool removes;
	bool done; /* told; the process may still be there */
	struct waiter_list waiters;
};

/* --- The list -------------------------------------------------------------------------------- */

static void remount_free(struct remount *remount)
{
	struct error err;

	TAILQ_REMOVE(&remount->container->remounts, remount, entry);
	(void)error_set_subject(&err, ERROR_CONTAINER_NOT_FOUND, remount->container->name,
				"container \"%s\" was removed", remount->container->name);
	waiters_notify_all(&remount->waiters, remount->container, &err);
	launch_free(remount->launch);
	free(remount->target);
	free(remount);
}

void remounts_free(struct remount_list *remounts)
{
	struct remount *remount;

	while ((remount = TAILQ_FIRST(remounts)))
		remount_free(remount);
}

static bool is_under_way(const struct container *container, const char *target)
{
	const struct remount *remount;

	TAILQ_FOREACH (remount, &container->remounts, entry)
		if (!remount->done && remount->target && strcmp(remount->target, target) == 0)
			return true;
	return false;
}

/* --- The record ------------------------------------------------------------------------------ */

static void drop_from_spec(struct container *container, const char *target)
{
	ssize_t i = mount_specs_find(&container->spec.mounts, target);

	if (i >= 0)
		mount_specs_remove(&container->spec.mounts, (size_t)i);
}

static void save(struct container *container)
{
	container_changed(container);
	if (!container->unlisted)
		container_save(container);
}

/* --- While it runs --------------------------------------------------------------------------- */

static void on_started(void *userdata)
{
	struct remount *remount = userdata;
	struct container *container = remount->container;

	remount->done = true;
	fault_point("remounted");
	if (remount->removes)
		drop_from_spec(container, remount->target);
	else
		container_volumes_used(container);
	save(container);
	waiters_notify_all(&remount->waiters, container, NULL);
}

static void on_failed(void *userdata, const struct error *err)
{
	struct remount *remount = userdata;
	struct container *container = remount->container;

	remount->done = true;
	if (!remount->removes) {
		container_drop_made_volume(container, remount->target);
		drop_from_spec(container, remount->target);
		save(container);
	}
	waiters_notify_all(&remount->waiters, container, err);
}

static void on_exited(void *userdata, int wait_status)
{
	(void)userdata;
	(void)wait_status;
}

static void on_gone(void *userdata)
{
	struct remount *remount = userdata;
	struct container *container = remount->container;

	remount_free(remount);
	if (container->unlisted)
		container_discard_check(container);
}

static const struct launch_callbacks callbacks = {
	.started = on_started,
	.failed = on_failed,
	.exited = on_exited,
	.gone = on_gone,
};

/* NULL: it has not begun. */
static struct remount *launch(struct container *container, const struct launch_mount *mounts,
			      size_t n, const struct launch_callbacks *calls, struct error *err)
{
	struct remount *remount = ALLOC(struct remount);

	if (launch_remount(container->set->params.launcher, container->process.launch,
			   container->userns == USERNS_OWN, mounts, n, calls, remount,
			   &remount->launch, err) < 0) {
		free(remount);
		return NULL;
	}
	fault_point("remounting");
	remount->container = container;
	LIST_INIT(&remount->waiters);
	TAILQ_INSERT_TAIL(&container->remounts, remount, entry);
	return remount;
}

static int begin(struct container *container, const struct launch_mount *mount, bool removes,
		 struct container_waiter *waiter, struct error *err)
{
	struct remount *remount = launch(container, mount, 1, &callbacks, err);

	if (!remount)
		return -1;
	remount->removes = removes;
	remount->target = alloc_strdup(mount->target);
	waiters_add(&remount->waiters, container, waiter, CONTAINER_EVENT_STARTED);
	return 0;
}

/* --- The files about names, while it runs ----------------------------------------------------- */

static void on_renewed(void *userdata)
{
	struct remount *remount = userdata;

	remount->done = true;
	waiters_notify_all(&remount->waiters, remount->container, NULL);
}

static void on_not_renewed(void *userdata, const struct error *err)
{
	struct remount *remount = userdata;

	remount->container->set->params.complain(remount->container->id, err);
	on_renewed(remount);
}

static void on_renewal_gone(void *userdata)
{
	struct remount *remount = userdata;
	struct container *container = remount->container;
	const bool again = container->renew_again && !container->unlisted;

	container->renews_files = container->renew_again = false;
	container_drop_files(container);
	if (again)
		(void)container_renew_files(container, NULL);
	on_gone(remount);
}

int container_renew_files(struct container *container, struct container_waiter *waiter)
{
	static const struct launch_callbacks calls = {
		.started = on_renewed,
		.failed = on_not_renewed,
		.exited = on_exited,
		.gone = on_renewal_gone,
	};
	_cleanup_(mounts_done) struct mounts mounts = { 0 };
	struct remount *remount;
	struct error err;

	if (container->renews_files) {
		container->renew_again = true;
		return 0;
	}
	if (!container->process.launch)
		return 0;
	container_remove_files(container, &mounts);
	if (container_add_files(container, &mounts, &err) < 0)
		container->set->params.complain(container->id, &err);
	if (!mounts.n)
		return 0;
	remount = launch(container, mounts.items, mounts.n, &calls, &err);
	if (!remount) {
		container->set->params.complain(container->id, &err);
		return 0;
	}
	container->renews_files = true;
	if (!waiter)
		return 0;
	waiters_add(&remount->waiters, container, waiter, CONTAINER_EVENT_STARTED);
	return 1;
}

/* Whether it is to be done in the container, too. -1: it is neither at rest nor running. */
static int runs(const struct container *container, struct error *err)
{
	if (container_check_readable(container, err) < 0)
		return -1;
	if (!container_is_active(container) && container->state != CONTAINER_REMOVING)
		return 0;
	if ((container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED) &&
	    container->process.launch)
		return 1;
	return error_set_subject(err, ERROR_WRONG_STATE, container_state_name(container->state),
				 "container \"%s\" is %s", container->name,
				 container_state_name(container->state));
}

/* --- Operations ------------------------------------------------------------------------------ */

static bool is_below(const char *path, const char *directory)
{
	size_t n = strlen(directory);

	return strncmp(path, directory, n) == 0 && path[n] == '/';
}

/* What is there already would be hidden, and would not be after a restart. */
static int check_below(const struct container *container, const char *target, struct error *err)
{
	for (size_t i = 0; i < container->spec.mounts.n; i++) {
		const char *other = container->spec.mounts.items[i].target;

		if (is_below(other, target))
			return error_set_subject(
				err, ERROR_INVALID_VALUE, "target",
				"%.128s is mounted below %.128s: remove that first", other, target);
	}
	return 0;
}

static int check_new(const struct container *container, const struct mount_spec *mount,
		     struct error *err)
{
	if (mount_spec_check(mount, err) < 0)
		return -1;
	if (mount_specs_find(&container->spec.mounts, mount->target) >= 0)
		return error_set_subject(err, ERROR_INVALID_VALUE, "target",
					 "container \"%s\" has a mount at %.256s already",
					 container->name, mount->target);
	if (container->spec.mounts.n >= MOUNTS_MAX)
		return error_set(err, ERROR_LIMIT_REACHED, "container \"%s\" has %d mounts already",
				 container->name, MOUNTS_MAX);
	if (mount_specs_check_place(&container->spec.mounts, mount->target, err) < 0)
		return -1;
	return check_below(container, mount->target, err);
}

static int add_at_once(struct container *container, size_t i, struct container_waiter *waiter,
		       struct error *err)
{
	_cleanup_(mounts_done) struct mounts mounts = { 0 };
	_cleanup_(fd_closep) int userns = -1;

	/* Not reaped, since its launch is there. */
	if (container->userns == USERNS_OWN &&
	    userns_of(launch_pid(container->process.launch), &userns, err) < 0)
		return -1;
	if (mounts_prepare_one(container, &container->spec.mounts.items[i], userns, &mounts, err) <
	    0)
		return -1;
	return begin(container, mounts.items, false, waiter, err);
}

int container_add_mount(struct container *container, struct mount_spec *mount,
			struct container_waiter *waiter, struct error *err)
{
	struct mount_specs *mounts = &container->spec.mounts;
	int running = runs(container, err);
	size_t i = mounts->n;

	if (running < 0 || check_new(container, mount, err) < 0 ||
	    mounts_accept(mounts, mount, err) < 0)
		return -1;
	mount_specs_add(mounts, mount);
	if (container_make_volumes(container, i, err) < 0) {
		mount_specs_remove(mounts, i);
		return -1;
	}
	if (running && add_at_once(container, i, waiter, err) < 0) {
		container_drop_made_volume(container, mounts->items[i].target);
		mount_specs_remove(mounts, i);
		return -1;
	}
	if (!running)
		save(container);
	return running;
}

int container_remove_mount(struct container *container, const char *target, bool lazy,
			   struct container_waiter *waiter, struct error *err)
{
	struct launch_mount mount = { .fd = -1, .detach = true, .lazy = lazy };
	ssize_t i = mount_specs_find(&container->spec.mounts, target);
	int running = runs(container, err);

	if (running < 0)
		return -1;
	if (i < 0)
		return error_set_subject(err, ERROR_INVALID_VALUE, "target",
					 "container \"%s\" has no mount at %.256s", container->name,
					 target);
	mount.target = container->spec.mounts.items[i].target;
	if (is_under_way(container, mount.target))
		return error_set_subject(err, ERROR_WRONG_STATE, "changing",
					 "the mount at %.256s is being changed", mount.target);
	if (check_below(container, mount.target, err) < 0)
		return -1;
	if (running)
		return begin(container, &mount, true, waiter, err) < 0 ? -1 : 1;
	mount_specs_remove(&container->spec.mounts, (size_t)i);
	save(container);
	return 0;
}
