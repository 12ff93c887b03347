#include "common/exec_spec.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "common/spec.h"
#include "common/text.h"

static const struct json_field fields[] = {
	JSON_FIELD(struct exec_spec, command, JSON_STRINGS),
	JSON_FIELD(struct exec_spec, environment, JSON_STRINGS),
	JSON_FIELD(struct exec_spec, workdir, JSON_STRING),
	JSON_FIELD(struct exec_spec, user, JSON_STRING),
	JSON_FIELD(struct exec_spec, terminal, JSON_BOOL),
	JSON_FIELD(struct exec_spec, stdin_open, JSON_BOOL),
	JSON_FIELD(struct exec_spec, privileged, JSON_BOOL),
	JSON_FIELD(struct exec_spec, on_detach, JSON_STRING),
	JSON_FIELD(struct exec_spec, size_policy, JSON_STRING),
};

static void rename_subject(struct error *err)
{
	char subject[ERROR_SUBJECT_SIZE];
	const char *field = strchr(err->subject, '.');

	(void)snprintf(subject, sizeof(subject), "exec.%.100s", field ? field + 1 : err->subject);
	(void)memcpy(err->subject, subject, sizeof(subject));
}

/* The fields mean what they mean in a container's spec, and are held to the same rules. */
static int check(const struct exec_spec *spec, struct error *err)
{
	char nowhere[] = "/nowhere";
	struct spec like = SPEC_NULL;

	like.rootfs = nowhere;
	like.command = spec->command;
	like.environment = spec->environment;
	like.workdir = spec->workdir;
	like.user = spec->user;
	like.size_policy = spec->size_policy;
	if (!strv_length(spec->command))
		return error_set_subject(err, ERROR_INVALID_VALUE, "exec.command",
					 "no command is given");
	if (spec_validate(&like, err) == 0)
		return 0;
	rename_subject(err);
	return -1;
}

int exec_spec_from_json(struct json_object *object, struct exec_spec *ret, struct error *err)
{
	_cleanup_(exec_spec_done) struct exec_spec spec = EXEC_SPEC_NULL;

	if (json_read_fields(object, fields, ARRAY_SIZE(fields), &spec, err) < 0) {
		rename_subject(err);
		return -1;
	}
	if (check(&spec, err) < 0)
		return -1;
	*ret = spec;
	spec = EXEC_SPEC_NULL;
	return 0;
}

struct json_object *exec_spec_to_json(const struct exec_spec *spec)
{
	struct json_object *object = json_object_new_object();

	json_write_fields(object, fields, ARRAY_SIZE(fields), spec);
	return object;
}

void exec_spec_done(struct exec_spec *spec)
{
	json_free_fields(fields, ARRAY_SIZE(fields), spec);
	*spec = EXEC_SPEC_NULL;
}
