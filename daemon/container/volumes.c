/* The volumes that containers have. */
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "daemon/container/object.h"
#include "daemon/container/userns.h"
#include "daemon/image/volume.h"

static bool is_volume(const struct mount_spec *mount)
{
	return strcmp(mount->type, "volume") == 0;
}

static bool has_volume(const struct container *container, const char *name)
{
	for (size_t i = 0; i < container->spec.mounts.n; i++) {
		const struct mount_spec *mount = &container->spec.mounts.items[i];

		if (is_volume(mount) && mount->source && strcmp(mount->source, name) == 0)
			return true;
	}
	return false;
}

static bool is_used(struct containers *set, const char *name)
{
	const struct container *container;

	TAILQ_FOREACH (container, &set->list, entry)
		if (has_volume(container, name))
			return true;
	return false;
}

char **containers_with_volume(struct containers *set, const char *volume)
{
	const struct container *container;
	char **names = NULL;

	TAILQ_FOREACH (container, &set->list, entry)
		if (has_volume(container, volume))
			strv_append(&names, container->name);
	return names;
}

/* --- Making ---------------------------------------------------------------------------------- */

static int make_volume(struct container *container, struct mount_spec *mount, struct error *err)
{
	struct volume_params params = { .name = mount->source, .owner = container->owner };
	struct volumes *volumes = container->set->params.volumes;
	struct volume *volume;
	struct error ignored;
	store_callback saved;
	void *ticket;

	if (mount->source && volumes_find(volumes, mount->source, &volume, &ignored) == 0)
		return 0;
	if (container_userns_is_owners(container) &&
	    containers_claim_disk(container->set, container->owner, &params.project, err) < 0)
		return -1;
	saved = container_save_begin(container, &ticket);
	if (volumes_create(volumes, &params, saved, ticket, &volume, err) < 0) {
		container_save_failed(container, ticket);
		return -1;
	}
	strv_append(&container->made_volumes, volume_name(volume));
	if (!mount->source)
		mount->source = alloc_strdup(volume_name(volume));
	return 0;
}

static void remove_volume(struct container *container, const char *name, bool only_anonymous)
{
	struct containers *set = container->set;
	struct volume *volume;
	struct error ignored;

	if (volumes_find(set->params.volumes, name, &volume, &ignored) < 0 || is_used(set, name) ||
	    (only_anonymous && !volume_is_anonymous(volume)))
		return;
	volume_remove(volume, NULL, NULL);
}

int container_make_volumes(struct container *container, size_t from, struct error *err)
{
	struct mount_specs *mounts = &container->spec.mounts;
	size_t n_before = strv_length(container->made_volumes);

	for (size_t i = from; i < mounts->n; i++) {
		if (!is_volume(&mounts->items[i]) ||
		    make_volume(container, &mounts->items[i], err) == 0)
			continue;
		/* The mounts name them no longer when somebody asks whether they are used. */
		for (size_t k = strv_length(container->made_volumes); k > n_before; k--) {
			struct volume *volume;
			struct error ignored;

			if (volumes_find(container->set->params.volumes,
					 container->made_volumes[k - 1], &volume, &ignored) == 0)
				volume_remove(volume, NULL, NULL);
		}
		return error_prefix(err, "volume for %.256s", mounts->items[i].target);
	}
	return 0;
}

void container_volumes_used(const struct container *container)
{
	for (size_t i = 0; i < container->spec.mounts.n; i++) {
		const struct mount_spec *mount = &container->spec.mounts.items[i];
		struct volume *volume;
		struct error ignored;

		if (is_volume(mount) && volumes_find(container->set->params.volumes, mount->source,
						     &volume, &ignored) == 0)
			volume_used(volume);
	}
}

/* --- Removing -------------------------------------------------------------------------------- */

void container_drop_made_volume(struct container *container, const char *target)
{
	ssize_t i = mount_specs_find(&container->spec.mounts, target);
	struct mount_spec *mount = i >= 0 ? &container->spec.mounts.items[i] : NULL;
	_cleanup_(freep) char *name = NULL;

	if (!mount || !is_volume(mount))
		return;
	for (char **made = container->made_volumes; made && *made; made++) {
		if (strcmp(*made, mount->source) != 0)
			continue;
		/* Not its own any more, or it would be in use. */
		name = TAKE_PTR(mount->source);
		remove_volume(container, name, false);
		return;
	}
}

/* A run that failed leaves nothing, not even the volumes that were made for it. */
void container_drop_volumes(struct container *container)
{
	const struct mount_specs *mounts = &container->spec.mounts;
	bool failed = container->discard_on_failure;

	for (char **name = container->made_volumes; failed && name && *name; name++)
		remove_volume(container, *name, false);
	if (!container->spec.auto_remove && !container->remove_volumes)
		return;
	for (size_t i = 0; i < mounts->n; i++)
		if (is_volume(&mounts->items[i]) && mounts->items[i].source)
			remove_volume(container, mounts->items[i].source, true);
}
