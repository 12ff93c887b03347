/* Records as JSON, and what a listing and an inspection say. */
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/container/mounts.h"
#include "daemon/container/object.h"
#include "daemon/container/userns.h"

void record_add_string(struct json_object *object, const char *key, const char *value)
{
	if (value)
		json_object_object_add(object, key, json_object_new_string(value));
}

void record_add_int(struct json_object *object, const char *key, int64_t value)
{
	json_object_object_add(object, key, json_object_new_int64(value));
}

void record_add_time(struct json_object *object, const char *key, int64_t time_us)
{
	char text[CLOCK_TEXT_SIZE];

	if (time_us)
		record_add_string(object, key, clock_format(time_us, text));
}

void record_add_strings(struct json_object *object, const char *key, char *const *strings)
{
	struct json_object *array = json_object_new_array();

	for (; strings && *strings; strings++)
		json_object_array_add(array, json_object_new_string(*strings));
	json_object_object_add(object, key, array);
}

static void add_labels(struct json_object *object, char *const *labels)
{
	struct json_object *map = json_object_new_object();

	for (; labels && *labels; labels++) {
		size_t n = strcspn(*labels, "=");
		char *key = alloc_printf("%.*s", (int)n, *labels);

		record_add_string(map, key, *labels + n + ((*labels)[n] == '='));
		free(key);
	}
	json_object_object_add(object, "labels", map);
}

/* What summary, detail and record have in common. */
static struct json_object *common_to_json(const struct container *container)
{
	struct json_object *object = json_object_new_object();

	record_add_string(object, "id", container->id);
	record_add_string(object, "name", container->name);
	record_add_int(object, "owner", container->owner);
	record_add_time(object, "created_at", container->created_at_us);
	record_add_time(object, "started_at", container->started_at_us);
	record_add_time(object, "finished_at", container->finished_at_us);
	if (container->exit_status >= 0)
		record_add_int(object, "exit_status", container->exit_status);
	if (container->oom_kills)
		json_object_object_add(object, "oom_killed", json_object_new_boolean(true));
	return object;
}

struct json_object *record_to_json(const struct container *container)
{
	struct json_object *object = common_to_json(container);

	record_add_int(object, "version", RECORD_VERSION);
	if (container->oom_kills)
		record_add_int(object, "oom_kills", container->oom_kills);
	record_add_string(object, "error", container->error);
	json_object_object_add(object, "wanted", json_object_new_boolean(container->wanted));
	json_object_object_add(object, "runs",
			       json_object_new_boolean(container_is_active(container) &&
						       container->state != CONTAINER_RESTARTING));
	record_add_int(object, "restart_count", container->restart_count);
	container_userns_to_record(container, object);
	json_object_object_add(object, "spec", spec_to_json(&container->spec));
	mounts_to_record(&container->spec.mounts, object);
	return object;
}

struct json_object *record_to_run_json(const struct container *container)
{
	struct json_object *object = container->spec.auto_remove ? record_to_json(container) :
								   json_object_new_object();

	if (!container->spec.auto_remove) {
		record_add_int(object, "version", RECORD_VERSION);
		record_add_time(object, "started_at", container->started_at_us);
		container_userns_to_record(container, object);
		if (container->oom_kills)
			record_add_int(object, "oom_kills", container->oom_kills);
	}
	record_add_string(object, "state", container_state_name(container->state));
	record_add_int(object, "pid",
		       container->process.launch ? launch_pid(container->process.launch) : 0);
	health_to_record(container->health, object);
	if (container->unhealthy)
		json_object_object_add(object, "unhealthy", json_object_new_boolean(true));
	container_networks_to_record(container, object);
	if (keep_is_active(container->set->params.keep))
		json_object_object_add(object, "execs", execs_to_record(&container->execs));
	record_add_int(object, "last_exec", container->last_exec);
	record_add_string(object, "group",
			  container->cgroup ? cgroup_name(container->cgroup) : NULL);
	return object;
}

static void add_present(struct json_object *object, const struct container *container)
{
	record_add_string(object, "state", container_state_name(container->state));
	record_add_strings(object, "command", container->command);
	record_add_int(object, "viewers", container->process.viewers);
	record_add_string(object, "health", health_status(container->health));
	if (container->process.launch &&
	    (container->state == CONTAINER_RUNNING || container->state == CONTAINER_PAUSED ||
	     container->state == CONTAINER_STOPPING))
		record_add_int(object, "pid", launch_pid(container->process.launch));
}

struct json_object *container_detail(const struct container *container)
{
	struct json_object *object = common_to_json(container);
	const char *hostname = container->spec.hostname;
	bool active = container_is_active(container);
	int64_t oom_kills = active ? kills_count(container) : container->oom_kills;

	add_present(object, container);
	if (oom_kills)
		record_add_int(object, "oom_kills", oom_kills);
	record_add_string(object, "hostname", hostname ? hostname : container->name);
	record_add_string(object, "error", container->error);
	record_add_int(object, "restart_count", container->restart_count);
	health_to_json(container->health, object);
	json_object_object_add(object, "execs", execs_to_json(&container->execs));
	container_userns_to_detail(container, object);
	if (container->warnings)
		record_add_strings(object, "warnings", container->warnings);
	container_add_network_detail(container, object);
	json_object_object_add(object, "spec", spec_to_json(&container->spec));
	return object;
}

const char *container_summary(struct container *container, size_t *ret_size)
{
	if (!container->summary) {
		_cleanup_(json_putp) struct json_object *object = common_to_json(container);

		add_present(object, container);
		record_add_string(object, "image", container->spec.image);
		record_add_string(object, "rootfs", container->spec.rootfs);
		json_object_object_add(object, "terminal",
				       json_object_new_boolean(container->spec.terminal));
		if (container->publication)
			json_object_object_add(object, "ports",
					       publication_to_text(container->publication));
		add_labels(object, container->spec.labels);
		container->summary = alloc_strdup(json_object_to_json_string_length(
			object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
			&container->summary_size));
	}
	*ret_size = container->summary_size;
	return container->summary;
}

/* --- Reading --------------------------------------------------------------------------------- */

/* The record's own scalars; the table reads into this. */
struct raw_record {
	int64_t version, owner, exit_status, restart_count, oom_kills;
	bool oom_killed, wanted, runs;
	char *id, *name, *created_at, *started_at, *finished_at, *error;
};

static const struct json_field raw_fields[] = {
	JSON_FIELD(struct raw_record, version, JSON_INT),
	JSON_FIELD(struct raw_record, owner, JSON_INT),
	JSON_FIELD(struct raw_record, exit_status, JSON_INT),
	JSON_FIELD(struct raw_record, oom_killed, JSON_BOOL),
	JSON_FIELD(struct raw_record, wanted, JSON_BOOL),
	JSON_FIELD(struct raw_record, runs, JSON_BOOL),
	JSON_FIELD(struct raw_record, restart_count, JSON_INT),
	JSON_FIELD(struct raw_record, id, JSON_STRING),
	JSON_FIELD(struct raw_record, name, JSON_STRING),
	JSON_FIELD(struct raw_record, created_at, JSON_STRING),
	JSON_FIELD(struct raw_record, started_at, JSON_STRING),
	JSON_FIELD(struct raw_record, finished_at, JSON_STRING),
	JSON_FIELD(struct raw_record, error, JSON_STRING),
};

static void raw_record_done(struct raw_record *raw)
{
	json_free_fields(raw_fields, ARRAY_SIZE(raw_fields), raw);
}

static int read_time(const char *text, int64_t *ret, struct error *err)
{
	if (!text || clock_parse(text, ret) == 0)
		return 0;
	return error_set(err, ERROR_PROTOCOL, "\"%.40s\" is no time", text);
}

static int check_raw(struct containers *set, const char *id, const struct raw_record *raw,
		     struct error *err)
{
	if (raw->version != RECORD_VERSION)
		return error_set(err, ERROR_PROTOCOL,
				 "version %lld, and this program knows version %d",
				 (long long)raw->version, RECORD_VERSION);
	if (!raw->id || strcmp(raw->id, id) != 0)
		return error_set(err, ERROR_PROTOCOL, "it is not the record of this container");
	if (!raw->name || !raw->created_at)
		return error_set(err, ERROR_PROTOCOL, "it has no name or no time of creation");
	if (name_check(raw->name, err) < 0)
		return -1;
	if (containers_has_name(set, raw->name))
		return error_set(err, ERROR_PROTOCOL, "another container is named \"%s\"",
				 raw->name);
	if (raw->owner < 0 || raw->owner >= UINT32_MAX || raw->exit_status < -1 ||
	    raw->exit_status > 255 || raw->restart_count < 0 || raw->restart_count > UINT32_MAX)
		return error_set(err, ERROR_PROTOCOL, "a number in it is out of range");
	return 0;
}

int record_from_json(struct containers *set, const char *id, struct json_object *object,
		     struct container **ret, struct error *err)
{
	_cleanup_(raw_record_done) struct raw_record raw = { .exit_status = -1, .owner = -1 };
	struct json_object *spec = json_object_object_get(object, "spec");
	struct container *container;

	if (!spec || json_object_get_type(spec) != json_type_object)
		return error_set(err, ERROR_PROTOCOL, "it has no spec");
	if (json_read_fields(object, raw_fields, ARRAY_SIZE(raw_fields), &raw, err) < 0 ||
	    check_raw(set, id, &raw, err) < 0)
		return -1;
	container = container_new(set, id);
	if (read_time(raw.created_at, &container->created_at_us, err) < 0 ||
	    read_time(raw.started_at, &container->started_at_us, err) < 0 ||
	    read_time(raw.finished_at, &container->finished_at_us, err) < 0 ||
	    spec_from_json(spec, &container->spec, err) < 0 ||
	    spec_validate(&container->spec, err) < 0 ||
	    container_userns_from_record(container, object, err) < 0) {
		container_free(container);
		return -1;
	}
	mounts_from_record(&container->spec.mounts, object);
	(void)snprintf(container->name, sizeof(container->name), "%s", raw.name);
	container->owner = (uid_t)raw.owner;
	container->exit_status = (int)raw.exit_status;
	container->oom_kills = raw.oom_kills > 0 ? raw.oom_kills : raw.oom_killed;
	container->error = TAKE_PTR(raw.error);
	container->wanted = raw.wanted;
	container->ran_at_end = raw.wanted && (raw.runs || !container->finished_at_us);
	container->restart_count = (unsigned int)raw.restart_count;
	container->state = container->finished_at_us ? CONTAINER_EXITED : CONTAINER_CREATED;
	container->saved_once = true;
	*ret = container;
	return 0;
}
