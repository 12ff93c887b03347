#include "daemon/image/volume.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/name.h"
#include "common/text.h"
#include "daemon/loop/fault.h"
#include "daemon/store/project.h"

enum { RECORD_VERSION = 1, VOLUME_ID_LENGTH = 32, LABELS_MAX = 256 };

struct volume {
	TAILQ_ENTRY(volume) entry;
	struct volumes *set;
	/* The directory goes by the id: a name may come again while what had it is on its way out.
	 */
	char id[VOLUME_ID_LENGTH + 1];
	char *name, *path;
	int64_t owner, created_at_us;
	bool anonymous, used;
	char **labels;
};

TAILQ_HEAD(volume_list, volume);

struct volumes {
	struct store *store;
	void (*complain)(const char *name, const struct error *err);
	struct volume_list list;
};

/* What a record has; the time is text there. */
struct record {
	int64_t version, owner;
	char *name, *created_at;
	bool anonymous, used;
	char **labels;
};

static const struct json_field fields[] = {
	JSON_FIELD(struct record, version, JSON_INT),
	JSON_FIELD(struct record, owner, JSON_INT),
	JSON_FIELD(struct record, name, JSON_STRING),
	JSON_FIELD(struct record, created_at, JSON_STRING),
	JSON_FIELD(struct record, anonymous, JSON_BOOL),
	JSON_FIELD(struct record, used, JSON_BOOL),
	JSON_FIELD(struct record, labels, JSON_MAP),
};

static void record_done(struct record *record)
{
	json_free_fields(fields, ARRAY_SIZE(fields), record);
}

/* --- The set --------------------------------------------------------------------------------- */

struct volumes *volumes_new(struct store *store,
			    void (*complain)(const char *name, const struct error *err))
{
	struct volumes *volumes = ALLOC(struct volumes);

	volumes->store = store;
	volumes->complain = complain;
	TAILQ_INIT(&volumes->list);
	return volumes;
}

static struct volume *volume_new(struct volumes *volumes, const char *id, const char *name)
{
	struct volume *volume = ALLOC(struct volume);

	volume->set = volumes;
	(void)snprintf(volume->id, sizeof(volume->id), "%s", id);
	volume->name = alloc_strdup(name);
	volume->path = store_volume_path(volumes->store, id);
	return volume;
}

static void volume_free(struct volume *volume)
{
	free(volume->name);
	free(volume->path);
	strv_free(volume->labels);
	free(volume);
}

struct volumes *volumes_free(struct volumes *volumes)
{
	struct volume *volume;

	if (!volumes)
		return NULL;
	while ((volume = TAILQ_FIRST(&volumes->list))) {
		TAILQ_REMOVE(&volumes->list, volume, entry);
		volume_free(volume);
	}
	free(volumes);
	return NULL;
}

static struct volume *find(struct volumes *volumes, const char *name)
{
	struct volume *volume;

	TAILQ_FOREACH (volume, &volumes->list, entry)
		if (strcmp(volume->name, name) == 0)
			return volume;
	return NULL;
}

int volumes_find(struct volumes *volumes, const char *name, struct volume **ret, struct error *err)
{
	struct volume *volume = find(volumes, name);

	if (!volume)
		return error_set_subject(err, ERROR_VOLUME_NOT_FOUND, name,
					 "no volume named \"%.64s\"", name);
	*ret = volume;
	return 0;
}

struct volume *volumes_first(struct volumes *volumes)
{
	return TAILQ_FIRST(&volumes->list);
}

struct volume *volume_following(struct volume *volume)
{
	return TAILQ_NEXT(volume, entry);
}

/* By time of creation, in which new ones come anyway. */
static void insert(struct volume *volume)
{
	struct volume_list *list = &volume->set->list;
	struct volume *before = TAILQ_LAST(list, volume_list);

	while (before && before->created_at_us > volume->created_at_us)
		before = TAILQ_PREV(before, volume_list, entry);
	if (before)
		TAILQ_INSERT_AFTER(list, before, volume, entry);
	else
		TAILQ_INSERT_HEAD(list, volume, entry);
}

/* --- Records --------------------------------------------------------------------------------- */

static int save(struct volume *volume, store_callback saved, void *userdata, struct error *err)
{
	_cleanup_(json_putp) struct json_object *object = json_object_new_object();
	char created_at[CLOCK_TEXT_SIZE];
	struct record record = {
		.version = RECORD_VERSION,
		.owner = volume->owner,
		.name = volume->name,
		.created_at = created_at,
		.anonymous = volume->anonymous,
		.used = volume->used,
		.labels = volume->labels,
	};
	const char *text;
	size_t size;

	(void)clock_format(volume->created_at_us, created_at);
	json_write_fields(object, fields, ARRAY_SIZE(fields), &record);
	text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &size);
	return store_write(volume->set->store, STORE_VOLUME, volume->id, text, size, saved,
			   userdata, err);
}

static int read_record(struct volumes *volumes, const char *text, size_t size, struct record *ret,
		       int64_t *ret_created_at, struct error *err)
{
	_cleanup_(json_putp) struct json_object *object = NULL;

	if (json_parse(text, size, &object, err) < 0 ||
	    json_read_fields(object, fields, ARRAY_SIZE(fields), ret, err) < 0)
		return -1;
	if (ret->version != RECORD_VERSION)
		return error_set(err, ERROR_PROTOCOL,
				 "version %lld, and this program knows version %d",
				 (long long)ret->version, RECORD_VERSION);
	if (!ret->name || !name_is_valid(ret->name) || !ret->created_at ||
	    clock_parse(ret->created_at, ret_created_at) < 0 || ret->owner < 0 ||
	    ret->owner >= UINT32_MAX)
		return error_set(err, ERROR_PROTOCOL, "it is no record of a volume");
	if (find(volumes, ret->name))
		return error_set(err, ERROR_PROTOCOL, "another volume is named \"%s\"", ret->name);
	return 0;
}

static void load_record(void *userdata, const char *id, const char *text, size_t size,
			const struct error *read_err)
{
	struct volumes *volumes = userdata;
	_cleanup_(record_done) struct record record = { .owner = -1 };
	struct volume *volume;
	int64_t created_at;
	struct error err, ignored;

	if (!text) {
		volumes->complain(id, read_err);
		return;
	}
	if (strlen(id) != VOLUME_ID_LENGTH ||
	    read_record(volumes, text, size, &record, &created_at, &err) < 0) {
		if (strlen(id) != VOLUME_ID_LENGTH)
			(void)error_set(&err, ERROR_PROTOCOL, "it is no record of a volume");
		(void)error_prefix(&err, "its record is set aside");
		volumes->complain(id, &err);
		(void)store_set_aside(volumes->store, STORE_VOLUME, id, &ignored);
		return;
	}
	volume = volume_new(volumes, id, record.name);
	volume->owner = record.owner;
	volume->created_at_us = created_at;
	volume->anonymous = record.anonymous;
	volume->used = record.used;
	volume->labels = TAKE_PTR(record.labels);
	insert(volume);
}

int volumes_load(struct volumes *volumes, struct error *err)
{
	return store_load(volumes->store, STORE_VOLUME, load_record, volumes, err);
}

/* --- Operations ------------------------------------------------------------------------------ */

static int make_id(char id[VOLUME_ID_LENGTH + 1], struct error *err)
{
	unsigned char random[VOLUME_ID_LENGTH / 2];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return error_set_errno(err, errno, "random id");
	for (size_t i = 0; i < sizeof(random); i++)
		(void)snprintf(id + 2 * i, 3, "%02x", random[i]);
	return 0;
}

static int check_params(struct volumes *volumes, const struct volume_params *params,
			const char *name, struct error *err)
{
	if (name_check(name, err) < 0)
		return -1;
	if (find(volumes, name))
		return error_set_subject(err, ERROR_INVALID_VALUE, "name",
					 "there is a volume named \"%s\" already", name);
	if (strv_length(params->labels) > LABELS_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "labels", "more than %d labels",
					 LABELS_MAX);
	return 0;
}

/* The volume's own directory first, so that what is made in it is of the project, too. */
static int make_directory(struct volumes *volumes, const char *id, uint32_t project,
			  struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;

	if (project) {
		fd = store_open_dir(volumes->store, STORE_VOLUME, id, err);
		if (fd < 0 || project_enter(fd, project, err) < 0)
			return -1;
	}
	return store_volume_dir(volumes->store, id, err);
}

int volumes_create(struct volumes *volumes, const struct volume_params *params,
		   store_callback saved, void *userdata, struct volume **ret, struct error *err)
{
	char id[VOLUME_ID_LENGTH + 1];
	struct volume *volume;
	struct error ignored;

	if (make_id(id, err) < 0 ||
	    check_params(volumes, params, params->name ? params->name : id, err) < 0 ||
	    make_directory(volumes, id, params->project, err) < 0)
		return -1;
	fault_point("with a volume's directory");
	volume = volume_new(volumes, id, params->name ? params->name : id);
	volume->owner = params->owner;
	volume->created_at_us = clock_realtime_us();
	volume->anonymous = !params->name;
	volume->labels = strv_copy(params->labels);
	if (save(volume, saved, userdata, err) < 0) {
		(void)store_remove(volumes->store, STORE_VOLUME, id, NULL, NULL, &ignored);
		volume_free(volume);
		return -1;
	}
	fault_point("with a volume's record under way");
	insert(volume);
	*ret = volume;
	return 0;
}

void volume_remove(struct volume *volume, store_callback removed, void *userdata)
{
	struct volumes *volumes = volume->set;
	struct error ignored; /* of STORE_VOLUME it comes by the callback */

	TAILQ_REMOVE(&volumes->list, volume, entry);
	fault_point("without a volume");
	(void)store_remove(volumes->store, STORE_VOLUME, volume->id, removed, userdata, &ignored);
	fault_point("with a volume's removal under way");
	volume_free(volume);
}

uid_t volume_owner(const struct volume *volume)
{
	return (uid_t)volume->owner;
}

const char *volume_name(const struct volume *volume)
{
	return volume->name;
}

bool volume_is_anonymous(const struct volume *volume)
{
	return volume->anonymous;
}

const char *volume_id(const struct volume *volume)
{
	return volume->id;
}

const char *volume_path(const struct volume *volume)
{
	return volume->path;
}

bool volume_is_fresh(const struct volume *volume)
{
	return !volume->used;
}

static void on_saved(void *userdata, const struct error *err)
{
	struct volumes *volumes = userdata;

	if (err)
		volumes->complain("", err);
}

void volume_used(struct volume *volume)
{
	struct error err;

	if (volume->used)
		return;
	volume->used = true;
	if (save(volume, on_saved, volume->set, &err) < 0)
		volume->set->complain(volume->name, &err);
}

struct json_object *volume_to_json(const struct volume *volume)
{
	static const struct json_field shown[] = {
		JSON_FIELD(struct volume, name, JSON_STRING),
		JSON_FIELD(struct volume, path, JSON_STRING),
		JSON_FIELD(struct volume, owner, JSON_INT),
		JSON_FIELD(struct volume, anonymous, JSON_BOOL),
		JSON_FIELD(struct volume, labels, JSON_MAP),
	};
	struct json_object *object = json_object_new_object();
	char created_at[CLOCK_TEXT_SIZE];

	json_write_fields(object, shown, ARRAY_SIZE(shown), volume);
	json_object_object_add(
		object, "created_at",
		json_object_new_string(clock_format(volume->created_at_us, created_at)));
	if (!volume->labels)
		json_object_object_add(object, "labels", json_object_new_object());
	return object;
}
