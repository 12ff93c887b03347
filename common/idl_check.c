/* Values against their definition. The recursion is as deep as the value, which is bounded. */
#include "common/idl.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <json-c/linkhash.h>

#include "common/idl_types.h"
#include "common/text.h"

/* Where the check is: a chain on the stack, written out only when something is wrong. */
struct step {
	const struct step *up;
	const char *name; /* of a field, or NULL for an element of an array */
	size_t index;
};

struct path {
	char text[ERROR_SUBJECT_SIZE];
	size_t length;
};

/* Keys come from peers and go to logs and terminals: escaped, and never cut inside a character. */
static void append(struct path *path, const char *text)
{
	text_escape(path->text + path->length, sizeof(path->text) - path->length, text);
	path->length += strlen(path->text + path->length);
}

static void append_step(struct path *path, const struct step *step)
{
	char index[32];

	if (step->up)
		append_step(path, step->up);
	if (step->name) {
		append(path, path->length ? "." : "");
		append(path, step->name);
	} else {
		(void)snprintf(index, sizeof(index), "[%zu]", step->index);
		append(path, index);
	}
}

static int mismatch(const struct step *step, const char *why, struct error *err)
{
	struct path path = { .length = 0 };

	if (!step)
		return error_set(err, ERROR_INVALID_VALUE, "parameters: %s", why);
	append_step(&path, step);
	return error_set_subject(err, ERROR_INVALID_VALUE, path.text, "%s: %s", path.text, why);
}

static int check(const struct idl_type *type, struct json_object *value, const struct step *step,
		 struct error *err);

static bool has_field(const struct idl_type *type, const char *name)
{
	for (size_t i = 0; i < type->n_fields; i++)
		if (strcmp(type->fields[i].name, name) == 0)
			return true;
	return false;
}

static int reject_unknown_field(const struct idl_type *type, struct json_object *value,
				const struct step *up, struct error *err)
{
	json_object_object_foreach (value, key, member) {
		(void)member;
		if (!has_field(type, key))
			return mismatch(&(struct step){ .up = up, .name = key },
					"there is no such field", err);
	}
	return 0;
}

/* A value of NULL has no fields. */
static int check_struct(const struct idl_type *type, struct json_object *value,
			const struct step *up, struct error *err)
{
	size_t found = 0;

	if (value && json_object_get_type(value) != json_type_object)
		return mismatch(up, "expected an object", err);
	for (size_t i = 0; i < type->n_fields; i++) {
		const struct step step = { .up = up, .name = type->fields[i].name };
		struct json_object *member = NULL;

		found += value && json_object_object_get_ex(value, step.name, &member);
		if (check(type->fields[i].type, member, &step, err) < 0)
			return -1;
	}
	if (value && found < (size_t)json_object_object_length(value))
		return reject_unknown_field(type, value, up, err);
	return 0;
}

static int check_array(const struct idl_type *type, struct json_object *value,
		       const struct step *up, struct error *err)
{
	size_t n;

	if (json_object_get_type(value) != json_type_array)
		return mismatch(up, "expected an array", err);
	n = json_object_array_length(value);
	for (size_t i = 0; i < n; i++) {
		const struct step step = { .up = up, .index = i };

		if (check(type->element, json_object_array_get_idx(value, i), &step, err) < 0)
			return -1;
	}
	return 0;
}

static int check_map(const struct idl_type *type, struct json_object *value, const struct step *up,
		     struct error *err)
{
	if (json_object_get_type(value) != json_type_object)
		return mismatch(up, "expected an object", err);
	json_object_object_foreach (value, key, member) {
		const struct step step = { .up = up, .name = key };

		if (check(type->element, member, &step, err) < 0)
			return -1;
	}
	return 0;
}

static int check_enum(const struct idl_type *type, struct json_object *value,
		      const struct step *step, struct error *err)
{
	if (json_object_get_type(value) != json_type_string)
		return mismatch(step, "expected a string", err);
	if (!has_field(type, json_object_get_string(value)))
		return mismatch(step, "not one of the values that it can have", err);
	return 0;
}

static int check_basic(const struct idl_type *type, struct json_object *value,
		       const struct step *step, struct error *err)
{
	static const struct {
		enum json_type json;
		const char *wanted;
	} basics[] = {
		[IDL_BOOL] = { json_type_boolean, "expected a boolean" },
		[IDL_INT] = { json_type_int, "expected an integer" },
		[IDL_FLOAT] = { json_type_double, "expected a number" },
		[IDL_STRING] = { json_type_string, "expected a string" },
		[IDL_OBJECT] = { json_type_object, "expected an object" },
	};
	enum json_type json = json_object_get_type(value);

	if (type->kind == IDL_ANY || json == basics[type->kind].json ||
	    (type->kind == IDL_FLOAT && json == json_type_int))
		return 0;
	return mismatch(step, basics[type->kind].wanted, err);
}

static int check(const struct idl_type *type, struct json_object *value, const struct step *step,
		 struct error *err)
{
	if (!value)
		return type->nullable ? 0 : mismatch(step, "a value is required", err);
	if (type->kind == IDL_ALIAS)
		type = type->target;
	switch (type->kind) {
	case IDL_STRUCT:
		return check_struct(type, value, step, err);
	case IDL_ARRAY:
		return check_array(type, value, step, err);
	case IDL_MAP:
		return check_map(type, value, step, err);
	case IDL_ENUM:
		return check_enum(type, value, step, err);
	default:
		return check_basic(type, value, step, err);
	}
}

int idl_check_method(const struct idl *idl, int method, enum idl_direction direction,
		     struct json_object *parameters, struct error *err)
{
	const struct idl_member *member;

	assert(method >= 0 && (size_t)method < idl->n_methods);
	member = idl->methods[method];
	return check_struct(direction == IDL_IN ? member->in : member->out, parameters, NULL, err);
}

int idl_check_error(const struct idl *idl, const char *name, struct json_object *parameters,
		    struct error *err)
{
	const struct idl_member *member = idl_find_member(idl, IDL_MEMBER_ERROR, name);

	if (!member)
		return error_set_subject(err, ERROR_INVALID_VALUE, name, "no error is named %s",
					 name);
	return check_struct(member->in, parameters, NULL, err);
}
