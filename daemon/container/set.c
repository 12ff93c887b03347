#include <assert.h>
#include <errno.h>
#include <search.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "daemon/container/disk.h"
#include "daemon/container/kept.h"
#include "daemon/container/mounts.h"
#include "daemon/container/object.h"
#include "daemon/container/userns.h"

/* The trees hold pointers to the very strings within containers. */
static int compare_strings(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct container *find_in(void *const *tree, const char *key, size_t offset)
{
	void *node = tfind(key, tree, compare_strings);

	return node ? (struct container *)(*(char **)node - offset) : NULL;
}

static void insert_into(void **tree, char *key)
{
	if (!tsearch(key, tree, compare_strings))
		abort();
}

struct containers *containers_new(const struct containers_params *params)
{
	struct containers *set = ALLOC(struct containers);

	set->params = *params;
	set->image_dir = alloc_strdup(params->image_dir);
	set->params.image_dir = set->image_dir;
	TAILQ_INIT(&set->list);
	TAILQ_INIT(&set->unlisted);
	events_init(&set->events, params->base);
	groups_init(set);
	kills_init(set);
	return set;
}

struct containers *containers_free(struct containers *set)
{
	struct container *container;

	if (!set)
		return NULL;
	while ((container = TAILQ_FIRST(&set->list)))
		containers_unlist(container);
	while ((container = TAILQ_FIRST(&set->unlisted)))
		container_free(container);
	events_done(&set->events);
	groups_done(set);
	(void)disk_free(set->disk);
	kills_done(set);
	free(set->image_dir);
	free(set);
	return NULL;
}

struct container *container_new(struct containers *set, const char *id)
{
	struct container *container = ALLOC(struct container);
	char kept_as[PROCESS_NAME_SIZE];

	container->set = set;
	container->exit_status = -1;
	container->spec = SPEC_NULL;
	container_log_init(&container->log);
	LIST_INIT(&container->recorders);
	LIST_INIT(&container->waiters);
	TAILQ_INIT(&container->execs);
	TAILQ_INIT(&container->remounts);
	(void)snprintf(container->id, sizeof(container->id), "%s", id);
	kept_base(id, NULL, kept_as);
	process_init(&container->process, set->params.base, set->params.keep, kept_as,
		     &container_process_events);
	return container;
}

void container_free(struct container *container)
{
	container_notify_removed(container);
	if (container->unlisted)
		TAILQ_REMOVE(&container->set->unlisted, container, entry);
	container_stop_timer_clear(container);
	restart_cancel(container);
	(void)health_free(container->health);
	execs_free(&container->execs);
	remounts_free(&container->remounts);
	process_done(&container->process);
	meter_end(container);
	(void)cgroup_free(container->cgroup);
	container_release_network(container);
	recordings_end(container);
	container_log_done(container);
	container_userns_release(container);
	free(container->userns_reason);
	free(container->uid_map);
	free(container->gid_map);
	spec_done(&container->spec);
	strv_free(container->command);
	strv_free(container->made_volumes);
	free(container->error);
	free(container->unreadable);
	strv_free(container->warnings);
	free(container->summary);
	free(container);
}

void containers_add(struct containers *set, struct container *container)
{
	TAILQ_INSERT_TAIL(&set->list, container, entry);
	container->serial = ++set->last_serial;
	insert_into(&set->by_name, container->name);
	insert_into(&set->by_id, container->id);
}

void containers_unlist(struct container *container)
{
	struct containers *set = container->set;

	assert(!container->unlisted);
	(void)tdelete(container->name, &set->by_name, compare_strings);
	(void)tdelete(container->id, &set->by_id, compare_strings);
	TAILQ_REMOVE(&set->list, container, entry);
	TAILQ_INSERT_TAIL(&set->unlisted, container, entry);
	container->unlisted = true;
}

const char *container_id(const struct container *container)
{
	return container->id;
}

const char *container_name(const struct container *container)
{
	return container->name;
}

uid_t container_owner(const struct container *container)
{
	return container->owner;
}

uint64_t container_serial(const struct container *container)
{
	return container->serial;
}

const struct spec *container_spec(const struct container *container)
{
	return &container->spec;
}

char *const *container_warnings(const struct container *container)
{
	return container->warnings;
}

int container_exit_status(const struct container *container)
{
	return container->exit_status;
}

bool containers_has_name(struct containers *set, const char *name)
{
	return find_in(&set->by_name, name, offsetof(struct container, name)) != NULL;
}

void containers_set_name(struct container *container, const char *name)
{
	struct containers *set = container->set;

	(void)tdelete(container->name, &set->by_name, compare_strings);
	(void)snprintf(container->name, sizeof(container->name), "%s", name);
	insert_into(&set->by_name, container->name);
}

static struct container *find_by_prefix(struct containers *set, const char *prefix,
					bool *ret_ambiguous)
{
	struct container *container, *found = NULL;
	size_t length = strlen(prefix);

	TAILQ_FOREACH (container, &set->list, entry) {
		if (strncmp(container->id, prefix, length) != 0)
			continue;
		*ret_ambiguous = found != NULL;
		if (found)
			return NULL;
		found = container;
	}
	return found;
}

int containers_find(struct containers *set, const char *reference, struct container **ret,
		    struct error *err)
{
	struct container *container;
	bool ambiguous = false;

	container = find_in(&set->by_name, reference, offsetof(struct container, name));
	if (!container)
		container = find_in(&set->by_id, reference, offsetof(struct container, id));
	if (!container && id_prefix_is_valid(reference))
		container = find_by_prefix(set, reference, &ambiguous);
	if (ambiguous)
		return error_set_subject(err, ERROR_AMBIGUOUS_NAME, reference,
					 "several ids start with \"%s\"", reference);
	if (!container)
		return error_set_subject(err, ERROR_CONTAINER_NOT_FOUND, reference,
					 "no container named \"%.100s\"", reference);
	*ret = container;
	return 0;
}

struct container *containers_next(struct containers *set, uint64_t after)
{
	struct container *container;

	TAILQ_FOREACH (container, &set->list, entry)
		if (container->serial > after)
			return container;
	return NULL;
}

struct container *container_following(struct container *container)
{
	return TAILQ_NEXT(container, entry);
}

size_t containers_count(const struct containers *set, enum container_state state)
{
	const struct container *container;
	size_t n = 0;

	TAILQ_FOREACH (container, &set->list, entry)
		n += container->state == state;
	return n;
}

static int make_id(char id[ID_LENGTH + 1], struct error *err)
{
	unsigned char random[ID_LENGTH / 2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return error_set_errno(err, errno, "random id");
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(id + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static int choose_name(struct containers *set, const char *wanted, char name[NAME_MAX_LENGTH + 1],
		       struct error *err)
{
	unsigned int attempt = 0;

	if (!wanted) {
		do
			made_up_name(attempt++, name);
		while (containers_has_name(set, name));
		return 0;
	}
	if (name_check(wanted, err) < 0)
		return -1;
	if (containers_has_name(set, wanted))
		return error_set_subject(err, ERROR_NAME_IN_USE, wanted,
					 "the name \"%s\" is in use", wanted);
	(void)snprintf(name, NAME_MAX_LENGTH + 1, "%s", wanted);
	return 0;
}

int containers_create(struct containers *set, struct container_create_params *params,
		      struct container **ret, struct error *err)
{
	struct container *container;
	char name[NAME_MAX_LENGTH + 1], id[ID_LENGTH + 1];

	if (set->stopped)
		return error_set_subject(err, ERROR_WRONG_STATE, "stopping",
					 "the daemon is about to end");
	if (choose_name(set, params->name, name, err) < 0 || make_id(id, err) < 0 ||
	    group_check(&params->spec.resources, err) < 0 ||
	    mounts_accept_all(&params->spec.mounts, err) < 0 ||
	    container_check_networks(set, params, err) < 0)
		return -1;
	container = container_new(set, id);
	(void)memcpy(container->name, name, sizeof(name));
	container->owner = params->owner;
	container->spec = params->spec;
	if (params->ids)
		container_userns_set_ids(container, params->ids);
	if (launcher_check_rights(set->params.launcher, &container->spec.rights, err) < 0 ||
	    container_resolve_command(container, err) < 0 ||
	    container_log_check_spec(&params->spec, err) < 0 ||
	    recording_check_spec(&params->spec, err) < 0 ||
	    container_userns_take(container, err) < 0 || disk_claim(container, err) < 0) {
		container->spec = SPEC_NULL; /* still the caller's */
		container_free(container);
		return -1;
	}
	container->discard_on_failure = container->wanted = params->discard_on_failure;
	container->created_at_us = clock_realtime_us();
	containers_add(set, container);
	/* Its volumes first: the record, which comes to the disk after them, has their names. */
	if (container_make_volumes(container, 0, err) < 0) {
		container->spec = SPEC_NULL; /* still the caller's */
		containers_unlist(container);
		store_discard_layer(set->params.store, container->id);
		container_free(container);
		return -1;
	}
	params->spec = SPEC_NULL;
	container_save(container);
	if (!container->discard_on_failure)
		container_event(container, "create", NULL);
	*ret = container;
	return 0;
}
