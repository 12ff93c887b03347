#include "common/spec.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "common/parse.h"
#include "common/restart_policy.h"
#include "common/text.h"

enum {
	HOSTNAME_MAX = 64,	/* sethostname(2) */
	PATH_LENGTH_MAX = 4095, /* PATH_MAX, its NUL not counted */
	STRINGS_MAX = 4096,	/* arguments and variables together */
	STOP_TIMEOUT_MAX_MS = 24 * 3600 * 1000,
};

static const struct json_field fields[] = {
	JSON_FIELD(struct spec, image, JSON_STRING),
	JSON_FIELD(struct spec, rootfs, JSON_STRING),
	JSON_FIELD(struct spec, command, JSON_STRINGS),
	JSON_FIELD(struct spec, entrypoint, JSON_STRINGS),
	JSON_FIELD(struct spec, hostname, JSON_STRING),
	JSON_FIELD(struct spec, environment, JSON_STRINGS),
	JSON_FIELD(struct spec, workdir, JSON_STRING),
	JSON_FIELD(struct spec, user, JSON_STRING),
	JSON_FIELD(struct spec, terminal, JSON_BOOL),
	JSON_FIELD(struct spec, stdin_open, JSON_BOOL),
	JSON_FIELD(struct spec, auto_remove, JSON_BOOL),
	JSON_FIELD(struct spec, init, JSON_BOOL),
	JSON_FIELD(struct spec, labels, JSON_MAP),
	JSON_FIELD(struct spec, stop_signal, JSON_STRING),
	JSON_FIELD(struct spec, stop_timeout_ms, JSON_INT),
	JSON_FIELD(struct spec, restart, JSON_STRING),
	JSON_FIELD(struct spec, userns, JSON_STRING),
	JSON_FIELD(struct spec, size_policy, JSON_STRING),
	JSON_FIELD(struct spec, read_only, JSON_BOOL),
	JSON_FIELD(struct spec, overlay, JSON_BOOL),
	JSON_FIELD(struct spec, log_driver, JSON_STRING),
	JSON_FIELD(struct spec, log_max_bytes, JSON_INT),
	JSON_FIELD(struct spec, log_max_files, JSON_INT),
	JSON_FIELD(struct spec, log_tag, JSON_STRING),
	JSON_FIELD(struct spec, record, JSON_STRING),
};

static int in_spec(const char *within, struct error *err)
{
	char key[ERROR_SUBJECT_SIZE];

	(void)snprintf(key, sizeof(key), "spec.%s%.90s", within, err->subject);
	(void)memcpy(err->subject, key, sizeof(key));
	return -1;
}

static int read_spec(struct json_object *object, struct spec *spec, struct error *err)
{
	struct json_object *resources = json_object_object_get(object, "resources");

	if (json_read_fields(object, fields, ARRAY_SIZE(fields), spec, err) < 0)
		return in_spec("", err);
	if (mount_specs_from_json(json_object_object_get(object, "mounts"), &spec->mounts, err) < 0)
		return -1;
	if (health_spec_from_json(object, &spec->health, err) < 0)
		return -1;
	if (rights_from_json(object, &spec->rights, err) < 0 ||
	    network_spec_from_json(object, &spec->network, err) < 0)
		return in_spec("", err);
	if (!resources)
		return 0;
	if (json_object_get_type(resources) != json_type_object)
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.resources",
					 "resources: expected an object");
	if (resources_from_json(resources, &spec->resources, err) < 0)
		return in_spec("resources.", err);
	return 0;
}

int spec_from_json(struct json_object *object, struct spec *ret, struct error *err)
{
	struct spec spec = SPEC_NULL;

	if (read_spec(object, &spec, err) < 0) {
		spec_done(&spec);
		return -1;
	}
	*ret = spec;
	return 0;
}

struct json_object *spec_to_json(const struct spec *spec)
{
	struct json_object *resources = resources_to_json(&spec->resources);
	struct json_object *object = json_object_new_object();

	json_write_fields(object, fields, ARRAY_SIZE(fields), spec);
	if (resources)
		json_object_object_add(object, "resources", resources);
	if (spec->mounts.n)
		json_object_object_add(object, "mounts", mount_specs_to_json(&spec->mounts));
	health_spec_to_json(&spec->health, object);
	rights_to_json(&spec->rights, object);
	network_spec_to_json(&spec->network, object);
	return object;
}

void spec_done(struct spec *spec)
{
	json_free_fields(fields, ARRAY_SIZE(fields), spec);
	resources_done(&spec->resources);
	mount_specs_done(&spec->mounts);
	health_spec_done(&spec->health);
	rights_done(&spec->rights);
	network_spec_done(&spec->network);
	*spec = SPEC_NULL;
}

/* --- Validation ------------------------------------------------------------------------------ */

#define INVALID(err, field, ...) \
	error_set_subject(err, ERROR_INVALID_VALUE, "spec." field, __VA_ARGS__)

static bool has_control_character(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

static int check_root(const struct spec *spec, struct error *err)
{
	if (!spec->image && !spec->rootfs)
		return INVALID(err, "image", "name an image, or a root file system (rootfs)");
	if (spec->image && spec->rootfs)
		return INVALID(err, "rootfs", "an image and a rootfs exclude each other");
	if (spec->image)
		return spec->image[0] ? 0 : INVALID(err, "image", "the image's name is empty");
	if (spec->rootfs[0] != '/' || strlen(spec->rootfs) > PATH_LENGTH_MAX)
		return INVALID(err, "rootfs", "the path of a rootfs is absolute");
	if (strspn(spec->rootfs, "/.") == strlen(spec->rootfs))
		return INVALID(err, "rootfs", "the host's own root cannot be a container's");
	return 0;
}

static int check_hostname(const char *hostname, struct error *err)
{
	size_t length = hostname ? strlen(hostname) : 1;

	if (!hostname)
		return 0;
	if (length == 0 || length > HOSTNAME_MAX || hostname[0] == '-' || hostname[0] == '.' ||
	    strspn(hostname, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "0123456789.-_") != length)
		return INVALID(err, "hostname",
			       "a host name is 1 to %d letters, digits, '.', '-' and '_', and "
			       "starts with a letter, digit or '_'",
			       HOSTNAME_MAX);
	return 0;
}

static int check_strings(const struct spec *spec, struct error *err)
{
	char field[48];

	if (strv_length(spec->command) + strv_length(spec->entrypoint) +
		    strv_length(spec->environment) >
	    STRINGS_MAX)
		return INVALID(err, "command", "more than %d arguments and variables", STRINGS_MAX);
	if (spec->entrypoint && spec->entrypoint[0] && !spec->entrypoint[0][0])
		return INVALID(err, "entrypoint", "the program's name is empty");
	if (!strv_length(spec->entrypoint) && spec->command && spec->command[0] &&
	    !spec->command[0][0])
		return INVALID(err, "command", "the program's name is empty");
	for (size_t i = 0; spec->environment && spec->environment[i]; i++) {
		const char *equals = strchr(spec->environment[i], '=');

		if (equals && equals != spec->environment[i])
			continue;
		(void)snprintf(field, sizeof(field), "spec.environment[%zu]", i);
		return error_set_subject(err, ERROR_INVALID_VALUE, field,
					 "\"%.64s\": a variable is KEY=VALUE",
					 spec->environment[i]);
	}
	for (size_t i = 0; spec->labels && spec->labels[i]; i++)
		if (spec->labels[i][0] == '=')
			return INVALID(err, "labels", "a label's key is empty");
	return 0;
}

static int check_user(const char *user, struct error *err)
{
	const char *colon = user ? strchr(user, ':') : NULL;

	if (!user)
		return 0;
	if (!user[0] || colon == user || (colon && (!colon[1] || strchr(colon + 1, ':'))) ||
	    strlen(user) > 128 || has_control_character(user))
		return INVALID(err, "user", "a user is USER or USER:GROUP, names or numbers");
	return 0;
}

static int check_stop(const struct spec *spec, struct error *err)
{
	struct error ignored;
	int number;

	if (spec->stop_signal && parse_signal(spec->stop_signal, &number, &ignored) < 0)
		return INVALID(err, "stop_signal", "\"%.32s\" is no signal", spec->stop_signal);
	if (spec->stop_timeout_ms < -1 || spec->stop_timeout_ms > STOP_TIMEOUT_MAX_MS)
		return INVALID(err, "stop_timeout_ms",
			       "a timeout is between 0 and a day, or -1 for none");
	return 0;
}

static int check_restart(const struct spec *spec, struct error *err)
{
	struct restart_policy policy;
	char field[] = "spec.restart";

	if (parse_restart_policy(spec->restart, &policy, err) < 0) {
		(void)memcpy(err->subject, field, sizeof(field));
		return -1;
	}
	if (policy.when != RESTART_NO && spec->auto_remove)
		return INVALID(err, "restart",
			       "a container that is removed when it exits (--rm) cannot be started "
			       "again");
	if (policy.when == RESTART_ON_UNHEALTHY && !spec->health.command)
		return INVALID(err, "restart", "on-unhealthy: nothing says how healthy it is");
	return 0;
}

static int check_size_policy(const struct spec *spec, struct error *err)
{
	struct terminal_size size;
	char field[] = "spec.size_policy";

	if (!spec->size_policy || parse_terminal_size(spec->size_policy, &size, err) == 0)
		return 0;
	(void)memcpy(err->subject, field, sizeof(field));
	return -1;
}

static int check_log(const struct spec *spec, struct error *err)
{
	const char *driver = spec->log_driver ? spec->log_driver : "local";
	bool journald = strcmp(driver, "journald") == 0, local = strcmp(driver, "local") == 0;

	if (!journald && !local && strcmp(driver, "none") != 0)
		return INVALID(err, "log_driver",
			       "\"%.32s\" is no log driver; there are local, journald and none",
			       driver);
	if (spec->log_max_bytes && (!local || spec->log_max_bytes < SPEC_LOG_BYTES_MIN))
		return INVALID(err, "log_max_bytes",
			       "a file of a local log has at least %d bytes; other drivers have "
			       "no files",
			       SPEC_LOG_BYTES_MIN);
	if (spec->log_max_files &&
	    (!local || spec->log_max_files < 1 || spec->log_max_files > SPEC_LOG_FILES_MAX))
		return INVALID(err, "log_max_files",
			       "a local log has 1 to %d files; other drivers have none",
			       SPEC_LOG_FILES_MAX);
	if (spec->record && (spec->record[0] != '/' || strlen(spec->record) > PATH_LENGTH_MAX))
		return INVALID(err, "record", "the path of a recording is absolute");
	if (spec->log_tag && (!journald || strlen(spec->log_tag) > SPEC_LOG_TAG_MAX ||
			      has_control_character(spec->log_tag)))
		return INVALID(
			err, "log_tag",
			"a tag is for journald alone: at most %d bytes, no control characters",
			SPEC_LOG_TAG_MAX);
	return 0;
}

static int check_userns(const struct spec *spec, struct error *err)
{
	static const char field[] = "spec.userns";

	if (!spec->userns || userns_check(spec->userns, err) == 0)
		return 0;
	(void)memcpy(err->subject, field, sizeof(field));
	return -1;
}

int spec_validate(const struct spec *spec, struct error *err)
{
	if (check_log(spec, err) < 0 || check_userns(spec, err) < 0)
		return -1;
	if (check_root(spec, err) < 0 || check_hostname(spec->hostname, err) < 0 ||
	    check_strings(spec, err) < 0 || check_user(spec->user, err) < 0 ||
	    check_stop(spec, err) < 0 || check_restart(spec, err) < 0 ||
	    health_spec_validate(&spec->health, err) < 0 || check_size_policy(spec, err) < 0 ||
	    mount_specs_check(&spec->mounts, err) < 0)
		return -1;
	if (spec->overlay && !spec->rootfs)
		return INVALID(err, "overlay",
			       "an image has a layer above it anyway: overlay is for a "
			       "rootfs");
	if (spec->workdir && (spec->workdir[0] != '/' || strlen(spec->workdir) > PATH_LENGTH_MAX))
		return INVALID(err, "workdir", "\"%.64s\": a working directory is absolute",
			       spec->workdir);
	if (network_spec_validate(&spec->network, err) < 0)
		return in_spec("", err);
	if (spec->network.mode && strcmp(spec->network.mode, "none") != 0 && spec->userns &&
	    strcmp(spec->userns, "host") != 0)
		return INVALID(err, "userns",
			       "\"%.64s\" is the network of other users: it needs --userns host",
			       spec->network.mode);
	return rights_validate(&spec->rights, err);
}
