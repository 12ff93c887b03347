#include "daemon/container/mounts.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/container/object.h"
#include "daemon/container/userns.h"
#include "daemon/image/volume.h"
#include "daemon/launch/bind.h"
#include "daemon/launch/given.h"

/* --- What was given by descriptor ------------------------------------------------------------ */

/* A container that has more is there as long as the daemon: its record has to have room. */
enum { ORIGINS_SIZE_MAX = 64 * 1024 };

static size_t origin_size(const struct mount_spec *mount)
{
	return mount->origin ? strlen(json_object_to_json_string(mount->origin)) : 0;
}

static int accept_one(struct mount_spec *mount, size_t *used, struct error *err)
{
	size_t size;

	if (mount->fd < 0)
		return 0;
	if (given_accept(mount->fd, mount->source, &mount->origin, err) < 0)
		return -1;
	size = origin_size(mount);
	if (*used + size > ORIGINS_SIZE_MAX) {
		json_object_put(mount->origin);
		mount->origin = NULL;
		size = 0;
	}
	*used += size;
	return 0;
}

int mounts_accept(const struct mount_specs *others, struct mount_spec *mount, struct error *err)
{
	size_t used = 0;

	for (size_t i = 0; mount->fd >= 0 && i < others->n; i++)
		used += origin_size(&others->items[i]);
	return accept_one(mount, &used, err);
}

int mounts_accept_all(struct mount_specs *mounts, struct error *err)
{
	size_t used = 0;

	for (size_t i = 0; i < mounts->n; i++)
		if (accept_one(&mounts->items[i], &used, err) < 0)
			return mount_spec_name_field(i, err);
	return 0;
}

/* By target, of which no two are the same. */
void mounts_to_record(const struct mount_specs *mounts, struct json_object *record)
{
	struct json_object *origins = NULL;

	for (size_t i = 0; i < mounts->n; i++) {
		if (!mounts->items[i].origin)
			continue;
		if (!origins)
			origins = json_object_new_object();
		json_object_object_add(origins, mounts->items[i].target,
				       json_object_get(mounts->items[i].origin));
	}
	if (origins)
		json_object_object_add(record, "origins", origins);
}

void mounts_from_record(struct mount_specs *mounts, struct json_object *record)
{
	struct json_object *origins = json_object_object_get(record, "origins");

	if (json_object_get_type(origins) != json_type_object)
		return;
	for (size_t i = 0; i < mounts->n; i++)
		mounts->items[i].origin =
			json_object_get(json_object_object_get(origins, mounts->items[i].target));
}

/* It was looked at when it came, and the kernel copies only what is mounted here. */
static int open_by_descriptor(const struct mount_spec *mount, int *ret, struct error *err)
{
	if (mount->fd < 0)
		return given_open(mount->origin, mount->source, ret, err);
	return given_copy(mount->fd, mount->source, ret, err);
}

/* --- Preparing ------------------------------------------------------------------------------- */

static uint64_t attributes_of(const struct mount_spec *mount)
{
	return MOUNT_ATTR_NODEV | (mount->read_only ? MOUNT_ATTR_RDONLY : 0) |
	       (mount->nosuid ? MOUNT_ATTR_NOSUID : 0) | (mount->noexec ? MOUNT_ATTR_NOEXEC : 0);
}

static uint64_t propagation_of(const struct mount_spec *mount)
{
	const char *name = mount->propagation ? mount->propagation : "private";

	if (*name == 'r')
		name++;
	if (strcmp(name, "slave") == 0)
		return MS_SLAVE;
	return strcmp(name, "shared") == 0 ? MS_SHARED : MS_PRIVATE;
}

static int open_source(const struct mount_spec *mount, const char *path, uint64_t attributes,
		       int userns_fd, struct launch_mount *ret, struct error *err)
{
	const struct bind_params params = {
		.recursive = mount->recursive,
		.attributes = attributes,
		.propagation = propagation_of(mount),
		.userns_fd = userns_fd,
		.what = path,
	};
	_cleanup_(fd_closep) int source = -1;

	ret->peers = params.propagation != MS_PRIVATE;
	if ((mount->source_fd >= 0 ? open_by_descriptor(mount, &source, err) :
				     bind_open(path, &source, err)) < 0)
		return -1;
	return bind_clone(source, &params, &ret->fd, err);
}

/* One that is to be filled first becomes read-only after that. */
static int open_volume(struct container *container, const struct mount_spec *mount, int userns_fd,
		       struct launch_mount *ret, struct error *err)
{
	uint64_t attributes = attributes_of(mount);
	struct volume *volume;

	if (volumes_find(container->set->params.volumes, mount->source, &volume, err) < 0)
		return -1;
	ret->fill = mount->copy && volume_is_fresh(volume);
	if (ret->fill) {
		ret->attributes = attributes & MOUNT_ATTR_RDONLY;
		attributes &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	}
	return open_source(mount, volume_path(volume), attributes, userns_fd, ret, err);
}

static int prepare(struct container *container, const struct mount_spec *mount, int userns_fd,
		   struct mounts *mounts, struct error *err)
{
	struct launch_mount *item = &mounts->items[mounts->n];
	char(*texts)[24] = mounts->texts[mounts->n];

	*item = (struct launch_mount){ .target = mount->target, .fd = -1 };
	mounts->n++;
	/* Root in there is somebody on the host: what is theirs on the disk is root's already. */
	if (strcmp(mount->type, "bind") == 0 && container_userns_is_owners(container))
		return open_source(mount, mount->source, attributes_of(mount) | MOUNT_ATTR_NOSUID,
				   -1, item, err);
	if (strcmp(mount->type, "bind") == 0)
		return open_source(mount, mount->source, attributes_of(mount), userns_fd, item,
				   err);
	if (strcmp(mount->type, "volume") == 0)
		return open_volume(container, mount, userns_fd, item, err);
	item->attributes = attributes_of(mount);
	if (mount->size_bytes) {
		(void)snprintf(texts[0], sizeof(texts[0]), "%lld", (long long)mount->size_bytes);
		item->size = texts[0];
	}
	(void)snprintf(texts[1], sizeof(texts[1]), "%o", (unsigned int)mount->mode);
	item->mode = texts[1];
	return 0;
}

static void reserve(struct mounts *mounts, size_t n)
{
	*mounts = (struct mounts){
		.items = alloc_zero(n, sizeof(*mounts->items)),
		.texts = alloc_zero(n, sizeof(*mounts->texts)),
	};
}

int mounts_prepare(struct container *container, int userns_fd, struct mounts *ret,
		   struct error *err)
{
	const struct mount_specs *specs = &container_spec(container)->mounts;
	_cleanup_(mounts_done) struct mounts mounts = { 0 };
	size_t order[MOUNTS_MAX];

	if (!specs->n)
		return 0;
	reserve(&mounts, specs->n);
	mount_specs_sort(specs, order);
	for (size_t i = 0; i < specs->n; i++) {
		const struct mount_spec *mount = &specs->items[order[i]];

		if (prepare(container, mount, userns_fd, &mounts, err) < 0) {
			if (strcmp(err->subject, LAUNCH_NO_USERNS) != 0)
				mount_spec_name_field(order[i], err);
			return error_prefix(err, "mount %.256s", mount->target);
		}
	}
	*ret = mounts;
	mounts = (struct mounts){ 0 };
	return 0;
}

int mounts_prepare_one(struct container *container, const struct mount_spec *mount, int userns_fd,
		       struct mounts *ret, struct error *err)
{
	_cleanup_(mounts_done) struct mounts mounts = { 0 };

	reserve(&mounts, 1);
	if (prepare(container, mount, userns_fd, &mounts, err) < 0)
		return error_prefix(err, "mount %.256s", mount->target);
	*ret = mounts;
	mounts = (struct mounts){ 0 };
	return 0;
}

void mounts_append(struct mounts *mounts, const struct launch_mount *mount)
{
	mounts->items = alloc_resize(mounts->items, (mounts->n + 1) * sizeof(*mounts->items));
	mounts->items[mounts->n++] = *mount;
}

void mounts_done(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++)
		(void)fd_close(mounts->items[i].fd);
	free(mounts->items);
	free(mounts->texts);
	*mounts = (struct mounts){ 0 };
}
