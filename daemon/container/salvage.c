/* Containers whose record this program cannot use: of a later version, or damaged while the container
 * runs. They are there, with what is known of them, and can be got rid of; but nothing is started or
 * changed by a spec that is not understood, and their records are not written.
 */
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "daemon/container/kept.h"
#include "daemon/container/object.h"

int container_check_readable(const struct container *container, struct error *err)
{
	if (!container->unreadable)
		return 0;
	return error_set(err, ERROR_FAILED,
			 "container \"%s\": %.600s; it can be attached to, stopped and removed",
			 container->name, container->unreadable);
}

/* reason is taken. */
static void add(struct containers *set, struct container *container, char *reason)
{
	container->unreadable = reason;
	container_set_error(container, reason);
	container->saved_once = true;
	containers_add(set, container);
}

/* --- Of a later version ---------------------------------------------------------------------- */

struct raw_identity {
	int64_t version, owner, exit_status;
	char *id, *name, *created_at, *started_at, *finished_at;
};

static const struct json_field identity_fields[] = {
	JSON_FIELD(struct raw_identity, version, JSON_INT),
	JSON_FIELD(struct raw_identity, owner, JSON_INT),
	JSON_FIELD(struct raw_identity, exit_status, JSON_INT),
	JSON_FIELD(struct raw_identity, id, JSON_STRING),
	JSON_FIELD(struct raw_identity, name, JSON_STRING),
	JSON_FIELD(struct raw_identity, created_at, JSON_STRING),
	JSON_FIELD(struct raw_identity, started_at, JSON_STRING),
	JSON_FIELD(struct raw_identity, finished_at, JSON_STRING),
};

static void raw_identity_done(struct raw_identity *raw)
{
	json_free_fields(identity_fields, ARRAY_SIZE(identity_fields), raw);
}

static int64_t time_of(const char *text)
{
	int64_t us = 0;

	return text && clock_parse(text, &us) == 0 ? us : 0;
}

static bool is_of_later_version(struct containers *set, const char *id,
				const struct raw_identity *raw)
{
	struct error ignored;

	return raw->version > RECORD_VERSION && raw->id && strcmp(raw->id, id) == 0 && raw->name &&
	       name_check(raw->name, &ignored) == 0 && !containers_has_name(set, raw->name) &&
	       raw->owner >= 0 && raw->owner < UINT32_MAX;
}

bool salvage_later(struct containers *set, enum store_place place, const char *id,
		   struct json_object *object, struct container **ret)
{
	_cleanup_(raw_identity_done) struct raw_identity raw = { .exit_status = -1, .owner = -1 };
	struct json_object *spec = json_object_object_get(object, "spec");
	_cleanup_(freep) char *path = NULL;
	struct container *container;
	struct error ignored;

	if (json_read_fields(object, identity_fields, ARRAY_SIZE(identity_fields), &raw, &ignored) <
		    0 ||
	    !is_of_later_version(set, id, &raw))
		return false;
	container = container_new(set, id);
	/* What is in it may be as it is today: then it can be looked at. */
	if (json_object_get_type(spec) == json_type_object)
		(void)spec_from_json(spec, &container->spec, &ignored);
	(void)snprintf(container->name, sizeof(container->name), "%s", raw.name);
	container->owner = (uid_t)raw.owner;
	container->exit_status =
		raw.exit_status >= 0 && raw.exit_status <= 255 ? (int)raw.exit_status : -1;
	container->created_at_us = time_of(raw.created_at);
	container->started_at_us = time_of(raw.started_at);
	container->finished_at_us = time_of(raw.finished_at);
	container->state = container->started_at_us ? CONTAINER_EXITED : CONTAINER_CREATED;
	path = store_record_path(set->params.store, place, id);
	add(set, container,
	    alloc_printf("its record, %s, is of version %lld, and this program knows version %d",
			 path, (long long)raw.version, RECORD_VERSION));
	*ret = container;
	return true;
}

/* --- Damaged --------------------------------------------------------------------------------- */

static bool is_kept(struct containers *set, const char *id)
{
	char base[PROCESS_NAME_SIZE];
	const char *name;

	kept_base(id, NULL, base);
	for (size_t i = 0; (name = keep_left(set->params.keep, i)); i++)
		if (kept_is_pidfd(name) && strncmp(name, base, strlen(base)) == 0 &&
		    !name[strlen(base) + 1])
			return true;
	return false;
}

bool salvage_running(struct containers *set, const char *id, struct container **ret)
{
	struct container *container;
	char name[NAME_MAX_LENGTH + 1];

	(void)snprintf(name, sizeof(name), "recovered-%.12s", id);
	if (!is_kept(set, id) || containers_has_name(set, name))
		return false;
	container = container_new(set, id);
	(void)snprintf(container->name, sizeof(container->name), "%s", name);
	container->created_at_us = clock_realtime_us();
	container->state = CONTAINER_EXITED;
	add(set, container, alloc_strdup("its record was damaged, and is set aside"));
	*ret = container;
	return true;
}
