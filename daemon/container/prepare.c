/* From a spec to a launch. */
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "daemon/container/mounts.h"
#include "daemon/container/object.h"
#include "daemon/container/userns.h"
#include "daemon/image/image.h"

enum { LAYER_PATH_SIZE = 4096 };

static const char *const rootfs_command[] = { "/bin/sh", NULL };

int container_resolve_command(struct container *container, struct error *err)
{
	const struct spec *spec = &container->spec;
	const char *const *fallback = rootfs_command;
	char **command = NULL;
	struct image image;

	if (spec->image) {
		if (image_find(container->set->image_dir, spec->image, &image, err) < 0)
			return -1;
		fallback = image.command;
	}
	for (char **s = spec->entrypoint; s && *s; s++)
		strv_append(&command, *s);
	for (char **s = spec->command; s && *s; s++)
		strv_append(&command, *s);
	for (const char *const *s = fallback; !strv_length(command) && *s; s++)
		strv_append(&command, *s);
	container->command = command;
	return 0;
}

static void add_variables(char ***environment, char *const *variables)
{
	for (; variables && *variables; variables++) {
		size_t n = strcspn(*variables, "=");
		_cleanup_(freep) char *key = alloc_printf("%.*s", (int)n, *variables);

		strv_set(environment, key, *variables + n + 1);
	}
}

const char *container_hostname(const struct container *container)
{
	return container->spec.hostname ? container->spec.hostname : container->name;
}

char **container_environment(const struct container *container, bool terminal, char *const *more)
{
	char **environment = NULL;

	strv_set(&environment, "PATH",
		 "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	strv_set(&environment, "HOSTNAME", container_hostname(container));
	if (terminal)
		strv_set(&environment, "TERM", "xterm-256color");
	add_variables(&environment, container->spec.environment);
	add_variables(&environment, more);
	return environment;
}

/* The overlay's paths, kept here while the launch is made. */
struct layer {
	struct image image;
	char path[LAYER_PATH_SIZE];
};

static int prepare_root(struct container *container, struct layer *layer,
			struct launch_params *params, struct error *err)
{
	struct store *store = container->set->params.store;

	params->read_only = container->spec.read_only;
	if (container->spec.rootfs && !container->spec.overlay) {
		params->rootfs = container->spec.rootfs;
		return 0;
	}
	if ((!container->spec.rootfs && image_find(container->set->image_dir, container->spec.image,
						   &layer->image, err) < 0) ||
	    store_layer(store, container->id, layer->path, sizeof(layer->path), err) < 0)
		return -1;
	params->overlay.lower = container->spec.rootfs ? container->spec.rootfs :
							 layer->image.rootfs;
	params->overlay.layer = layer->path;
	params->overlay.is_volatile = container->spec.auto_remove;
	return 0;
}

static int launch(struct container *container, const struct launch_userns *userns,
		  struct error *err)
{
	const struct spec *spec = &container->spec;
	_cleanup_(strv_freep) char **environment =
		container_environment(container, spec->terminal, NULL);
	struct launch_params params = {
		.argv = container->command,
		.environment = environment,
		.userns = userns,
		.hostname = container_hostname(container),
		.workdir = spec->workdir ? spec->workdir : "/",
		.user = spec->user,
		.init = spec->init,
		.terminal = spec->terminal,
		.stdin_open = spec->stdin_open,
		.rows = container->start.rows,
		.columns = container->start.columns,
		.rights = &spec->rights,
	};
	_cleanup_(cgroup_entry_done) struct cgroup_entry entry = CGROUP_ENTRY_NULL;
	_cleanup_(mounts_done) struct mounts mounts = { 0 };
	_cleanup_(fd_closep) int network_fd = -1;
	struct layer layer;
	int r;

	container->warnings = strv_free(container->warnings);
	if (!container->command && container_resolve_command(container, err) < 0)
		return -1;
	params.argv = container->command;
	if (prepare_root(container, &layer, &params, err) < 0 ||
	    container_make_volumes(container, 0, err) < 0 ||
	    mounts_prepare(container, userns ? userns->fd : -1, &mounts, err) < 0 ||
	    container_prepare_network(container, &params, &network_fd, err) < 0 ||
	    container_add_files(container, &mounts, err) < 0 ||
	    group_make(container, &entry, err) < 0) {
		container_release_network(container);
		group_remove(container);
		return -1;
	}
	params.mounts = mounts.items;
	params.n_mounts = mounts.n;
	params.cgroup = group_for_launch(&entry);
	process_set_size(&container->process, spec->size_policy, &params.rows, &params.columns);
	r = process_launch(&container->process, container->set->params.launcher, &params,
			   container->process.held, err);
	if (r < 0) {
		container_release_network(container);
		group_remove(container);
	}
	return r;
}

int container_launch(struct container *container, struct error *err)
{
	struct launch_userns userns = { .fd = -1 };
	int own = container_userns_open(container, &userns, err);
	int r = own < 0 ? -1 : launch(container, own ? &userns : NULL, err);

	(void)fd_close(userns.fd);
	if (r < 0 && own && container_userns_fall_back(container, err)) {
		own = false;
		r = launch(container, NULL, err);
	}
	if (r == 0)
		container_userns_decide(container, own);
	return r;
}
