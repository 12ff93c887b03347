#include "common/mount_spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/name.h"

enum { PATH_LENGTH_MAX = 4095, SIZE_BYTES_MIN = 4096 };

static const struct json_field fields[] = {
	JSON_FIELD(struct mount_spec, type, JSON_STRING),
	JSON_FIELD(struct mount_spec, source, JSON_STRING),
	JSON_FIELD(struct mount_spec, target, JSON_STRING),
	JSON_FIELD(struct mount_spec, propagation, JSON_STRING),
	JSON_FIELD(struct mount_spec, read_only, JSON_BOOL),
	JSON_FIELD(struct mount_spec, nosuid, JSON_BOOL),
	JSON_FIELD(struct mount_spec, noexec, JSON_BOOL),
	JSON_FIELD(struct mount_spec, recursive, JSON_BOOL),
	JSON_FIELD(struct mount_spec, copy, JSON_BOOL),
	JSON_FIELD(struct mount_spec, size_bytes, JSON_INT),
	JSON_FIELD(struct mount_spec, mode, JSON_INT),
	JSON_FIELD(struct mount_spec, source_fd, JSON_INT),
};

static bool is_type(const struct mount_spec *mount, const char *type)
{
	return mount->type && strcmp(mount->type, type) == 0;
}

struct mount_spec mount_spec_new(const char *type)
{
	bool tmpfs = strcmp(type, "tmpfs") == 0;

	return (struct mount_spec){
		.type = alloc_strdup(type),
		.nosuid = tmpfs,
		.noexec = tmpfs,
		.recursive = true,
		.copy = true,
		.mode = MOUNT_MODE_DEFAULT,
		.source_fd = -1,
		.fd = -1,
	};
}

void mount_spec_done(struct mount_spec *mount)
{
	json_free_fields(fields, ARRAY_SIZE(fields), mount);
	(void)fd_close(mount->fd);
	json_object_put(mount->origin);
	*mount = MOUNT_SPEC_NULL;
}

void mount_specs_add(struct mount_specs *mounts, struct mount_spec *mount)
{
	mounts->items = alloc_resize(mounts->items, (mounts->n + 1) * sizeof(*mounts->items));
	mounts->items[mounts->n++] = *mount;
	*mount = MOUNT_SPEC_NULL;
}

void mount_specs_remove(struct mount_specs *mounts, size_t i)
{
	mount_spec_done(&mounts->items[i]);
	mounts->n--;
	(void)memmove(&mounts->items[i], &mounts->items[i + 1],
		      (mounts->n - i) * sizeof(*mounts->items));
}

void mount_specs_done(struct mount_specs *mounts)
{
	for (size_t i = 0; i < mounts->n; i++)
		mount_spec_done(&mounts->items[i]);
	free(mounts->items);
	*mounts = (struct mount_specs){ 0 };
}

/* --- Targets --------------------------------------------------------------------------------- */

/* In place: one slash between components, none at the end, no components ".". */
static void tidy(char *path)
{
	char *to = path;
	const char *at = path;

	if (path[0] != '/')
		return;
	while (*at) {
		size_t n;

		at += strspn(at, "/");
		n = strcspn(at, "/");
		if (n && !(n == 1 && at[0] == '.')) {
			*to++ = '/';
			(void)memmove(to, at, n);
			to += n;
		}
		at += n;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

void mount_spec_tidy(struct mount_spec *mount)
{
	if (mount->target)
		tidy(mount->target);
}

ssize_t mount_specs_find(const struct mount_specs *mounts, const char *target)
{
	_cleanup_(freep) char *copy = alloc_strdup(target);

	tidy(copy);
	for (size_t i = 0; i < mounts->n; i++)
		if (strcmp(mounts->items[i].target, copy) == 0)
			return (ssize_t)i;
	return -1;
}

static size_t depth(const char *target)
{
	size_t n = 0;

	for (; *target; target++)
		n += *target == '/';
	return n;
}

/* Few, and most often in order already. */
void mount_specs_sort(const struct mount_specs *mounts, size_t order[MOUNTS_MAX])
{
	for (size_t i = 0; i < mounts->n; i++) {
		size_t at = i, own = depth(mounts->items[i].target);

		for (; at && depth(mounts->items[order[at - 1]].target) > own; at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

/* --- JSON ------------------------------------------------------------------------------------ */

int mount_spec_from_json(struct json_object *object, struct mount_spec *ret, struct error *err)
{
	const char *type = json_object_get_string(json_object_object_get(object, "type"));
	struct mount_spec mount = mount_spec_new(type ? type : "");

	if (json_read_fields(object, fields, ARRAY_SIZE(fields), &mount, err) < 0) {
		mount_spec_done(&mount);
		return -1;
	}
	mount_spec_tidy(&mount);
	*ret = mount;
	return 0;
}

int mount_spec_name_field(size_t i, struct error *err)
{
	char subject[ERROR_SUBJECT_SIZE];

	(void)snprintf(subject, sizeof(subject), "spec.mounts[%zu].%.64s", i, err->subject);
	(void)memcpy(err->subject, subject, sizeof(subject));
	return -1;
}

int mount_specs_from_json(struct json_object *array, struct mount_specs *ret, struct error *err)
{
	_cleanup_(mount_specs_done) struct mount_specs mounts = { 0 };
	bool is_array = !array || json_object_get_type(array) == json_type_array;
	size_t n = array && is_array ? json_object_array_length(array) : 0;

	if (!is_array)
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.mounts",
					 "mounts: expected an array");
	for (size_t i = 0; i < n; i++) {
		struct mount_spec mount;

		if (mount_spec_from_json(json_object_array_get_idx(array, i), &mount, err) < 0)
			return mount_spec_name_field(i, err);
		mount_specs_add(&mounts, &mount);
	}
	*ret = mounts;
	mounts = (struct mount_specs){ 0 };
	return 0;
}

/* Only what the type has, and what is not as it would be anyway. */
struct json_object *mount_spec_to_json(const struct mount_spec *mount)
{
	struct json_object *object = json_object_new_object();
	_cleanup_(mount_spec_done) struct mount_spec defaults = mount_spec_new(mount->type);

	json_write_fields(object, fields, ARRAY_SIZE(fields), mount);
	if (mount->recursive == defaults.recursive)
		json_object_object_del(object, "recursive");
	if (mount->copy == defaults.copy)
		json_object_object_del(object, "copy");
	if (!is_type(mount, "tmpfs") || !mount->size_bytes)
		json_object_object_del(object, "size_bytes");
	if (!is_type(mount, "tmpfs"))
		json_object_object_del(object, "mode");
	if (mount->source_fd < 0)
		json_object_object_del(object, "source_fd");
	return object;
}

struct json_object *mount_specs_to_json(const struct mount_specs *mounts)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < mounts->n; i++)
		json_object_array_add(array, mount_spec_to_json(&mounts->items[i]));
	return array;
}

/* --- Checks ---------------------------------------------------------------------------------- */

#define INVALID(err, field, ...) error_set_subject(err, ERROR_INVALID_VALUE, field, __VA_ARGS__)

static bool has_dotdot(const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += n + (path[n] == '/');
	}
	return false;
}

static bool is_within(const char *path, const char *directory)
{
	size_t n = strlen(directory);

	return strncmp(path, directory, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static int check_target(const char *target, struct error *err)
{
	if (!target || target[0] != '/' || strlen(target) > PATH_LENGTH_MAX)
		return INVALID(err, "target", "\"%.64s\": a target is an absolute path",
			       target ? target : "");
	if (has_dotdot(target))
		return INVALID(err, "target", "\"%.64s\": a target has no \"..\"", target);
	if (strcmp(target, "/") == 0)
		return INVALID(err, "target", "nothing can be mounted over the root");
	if (is_within(target, "/proc") || is_within(target, "/sys"))
		return INVALID(err, "target", "\"%.64s\": nothing can be mounted in /proc and /sys",
			       target);
	if (strcmp(target, "/dev") == 0 || is_within(target, "/dev/pts"))
		return INVALID(err, "target", "\"%.64s\" is the container's own", target);
	return 0;
}

static int check_source(const struct mount_spec *mount, struct error *err)
{
	const char *source = mount->source;

	if (is_type(mount, "tmpfs"))
		return source ? INVALID(err, "source", "a tmpfs has no source") : 0;
	if (is_type(mount, "volume"))
		return !source || name_is_valid(source) ?
			       0 :
			       INVALID(err, "source", "\"%.64s\" is no name of a volume", source);
	if (!source || source[0] != '/' || strlen(source) > PATH_LENGTH_MAX)
		return INVALID(err, "source", "\"%.64s\": the source of a bind is an absolute path",
			       source ? source : "");
	return 0;
}

static int check_propagation(const struct mount_spec *mount, struct error *err)
{
	static const char *const names[] = { "private",	 "slave",  "shared",
					     "rprivate", "rslave", "rshared" };

	if (mount->source_fd >= 0 && !is_type(mount, "bind"))
		return INVALID(err, "source_fd", "only a bind has a source that can be given open");
	if (!mount->propagation)
		return 0;
	if (!is_type(mount, "bind"))
		return INVALID(err, "propagation", "only a bind has a propagation");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i], mount->propagation) == 0)
			return 0;
	return INVALID(err, "propagation",
		       "\"%.32s\" is no propagation; there are private, slave and shared",
		       mount->propagation);
}

int mount_spec_check(const struct mount_spec *mount, struct error *err)
{
	bool tmpfs = is_type(mount, "tmpfs");

	if (!tmpfs && !is_type(mount, "bind") && !is_type(mount, "volume"))
		return INVALID(err, "type",
			       "\"%.32s\" is no type; there are bind, volume and tmpfs",
			       mount->type ? mount->type : "");
	if (check_target(mount->target, err) < 0 || check_source(mount, err) < 0 ||
	    check_propagation(mount, err) < 0)
		return -1;
	if (mount->size_bytes && (!tmpfs || mount->size_bytes < SIZE_BYTES_MIN))
		return INVALID(err, "size_bytes",
			       "a size is that of a tmpfs, and at least %d bytes", SIZE_BYTES_MIN);
	if (mount->mode != MOUNT_MODE_DEFAULT && (!tmpfs || mount->mode < 0 || mount->mode > 07777))
		return INVALID(err, "mode", "a mode is that of a tmpfs, and at most 07777");
	if (!mount->recursive && !is_type(mount, "bind"))
		return INVALID(err, "recursive", "only a bind can be recursive or not");
	if (!mount->copy && !is_type(mount, "volume"))
		return INVALID(err, "copy", "only a volume gets a copy of what the target has");
	return 0;
}

static bool is_shared(const struct mount_spec *mount)
{
	return mount->propagation &&
	       strcmp(mount->propagation + (mount->propagation[0] == 'r'), "shared") == 0;
}

int mount_specs_check_place(const struct mount_specs *mounts, const char *target, struct error *err)
{
	for (size_t i = 0; i < mounts->n; i++)
		if (is_shared(&mounts->items[i]) && strcmp(mounts->items[i].target, target) != 0 &&
		    is_within(target, mounts->items[i].target))
			return INVALID(err, "target",
				       "\"%.64s\" is below \"%.64s\", which is shared with the "
				       "host: it would show there",
				       target, mounts->items[i].target);
	return 0;
}

int mount_specs_check(const struct mount_specs *mounts, struct error *err)
{
	if (mounts->n > MOUNTS_MAX)
		return INVALID(err, "spec.mounts", "more than %d mounts", MOUNTS_MAX);
	for (size_t i = 0; i < mounts->n; i++) {
		if (mount_spec_check(&mounts->items[i], err) < 0 ||
		    mount_specs_check_place(mounts, mounts->items[i].target, err) < 0)
			return mount_spec_name_field(i, err);
		if (mount_specs_find(mounts, mounts->items[i].target) != (ssize_t)i) {
			(void)INVALID(err, "target", "\"%.64s\" is the target of two mounts",
				      mounts->items[i].target);
			return mount_spec_name_field(i, err);
		}
	}
	return 0;
}
