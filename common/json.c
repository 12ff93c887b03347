#include "common/json.h"

#include <limits.h>
#include <stdint.h>
#include <string.h>

#include <json-c/json_tokener.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"

/* Members of all objects in a tree that the scan has bounded in depth. */
static unsigned int count_members(struct json_object *object)
{
	unsigned int n = 0;

	if (json_object_get_type(object) == json_type_array) {
		for (size_t i = 0; i < json_object_array_length(object); i++)
			n += count_members(json_object_array_get_idx(object, i));
	} else if (json_object_get_type(object) == json_type_object) {
		json_object_object_foreach (object, key, value) {
			(void)key;
			n += 1 + count_members(value);
		}
	}
	return n;
}

int json_parse(const char *text, size_t size, struct json_object **ret, struct error *err)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct json_tokener *tokener;
	unsigned int keys;

	if (size > INT_MAX)
		return error_set(err, ERROR_PROTOCOL, "JSON: too large");
	if (json_scan(text, size, &keys, err) < 0)
		return -1;
	/* json-c counts the value inside the innermost array or object as one more level. */
	tokener = json_tokener_new_ex(JSON_DEPTH_MAX + 1);
	if (!tokener)
		abort();
	object = json_tokener_parse_ex(tokener, text, (int)size);
	json_tokener_free(tokener);
	if (!object)
		return error_set(err, ERROR_PROTOCOL, "JSON: not understood");
	/* json-c lets a later key win: then it holds fewer members than there were keys. */
	if (count_members(object) != keys)
		return error_set(err, ERROR_PROTOCOL, "JSON: a key comes twice in one object");
	*ret = TAKE_PTR(object);
	return 0;
}

/* --- Tables ---------------------------------------------------------------------------------- */

static int wrong_type(const char *key, const char *wanted, struct error *err)
{
	return error_set_subject(err, ERROR_INVALID_VALUE, key, "%s: expected %s", key, wanted);
}

static int read_string(struct json_object *value, const char *key, char **ret, struct error *err)
{
	if (json_object_get_type(value) != json_type_string)
		return wrong_type(key, "a string", err);
	free(*ret);
	*ret = alloc_strdup(json_object_get_string(value));
	return 0;
}

static int read_strings(struct json_object *value, const char *key, char ***ret, struct error *err)
{
	_cleanup_(strv_freep) char **strings = NULL;
	size_t n;

	if (json_object_get_type(value) != json_type_array)
		return wrong_type(key, "an array of strings", err);
	n = json_object_array_length(value);
	strings = alloc_zero(n + 1, sizeof(*strings));
	for (size_t i = 0; i < n; i++) {
		struct json_object *item = json_object_array_get_idx(value, i);

		if (json_object_get_type(item) != json_type_string)
			return wrong_type(key, "an array of strings", err);
		strings[i] = alloc_strdup(json_object_get_string(item));
	}
	strv_free(*ret);
	*ret = TAKE_PTR(strings);
	return 0;
}

static int read_map(struct json_object *value, const char *key, char ***ret, struct error *err)
{
	_cleanup_(strv_freep) char **entries = NULL;
	size_t n = 0;

	if (json_object_get_type(value) != json_type_object)
		return wrong_type(key, "an object of strings", err);
	entries = alloc_zero((size_t)json_object_object_length(value) + 1, sizeof(*entries));
	json_object_object_foreach (value, name, item) {
		if (json_object_get_type(item) != json_type_string)
			return wrong_type(key, "an object of strings", err);
		if (strchr(name, '='))
			return wrong_type(key, "keys without \"=\"", err);
		entries[n++] = alloc_printf("%s=%s", name, json_object_get_string(item));
	}
	strv_free(*ret);
	*ret = TAKE_PTR(entries);
	return 0;
}

static int read_field(struct json_object *value, const struct json_field *field, void *structure,
		      struct error *err)
{
	void *at = (char *)structure + field->offset;

	switch (field->kind) {
	case JSON_STRING:
		return read_string(value, field->key, at, err);
	case JSON_STRINGS:
		return read_strings(value, field->key, at, err);
	case JSON_MAP:
		return read_map(value, field->key, at, err);
	case JSON_BOOL:
		if (json_object_get_type(value) != json_type_boolean)
			return wrong_type(field->key, "a boolean", err);
		*(bool *)at = json_object_get_boolean(value);
		return 0;
	case JSON_INT:
		if (json_object_get_type(value) != json_type_int)
			return wrong_type(field->key, "an integer", err);
		*(int64_t *)at = json_object_get_int64(value);
		return 0;
	}
	return 0;
}

int json_read_fields(struct json_object *object, const struct json_field *fields, size_t n_fields,
		     void *structure, struct error *err)
{
	for (size_t i = 0; i < n_fields; i++) {
		struct json_object *value = json_object_object_get(object, fields[i].key);

		if (value && read_field(value, &fields[i], structure, err) < 0)
			return -1;
	}
	return 0;
}

static struct json_object *write_map(char *const *entries)
{
	struct json_object *map;

	if (!entries)
		return NULL;
	map = json_object_new_object();
	for (; *entries; entries++) {
		size_t n = strcspn(*entries, "=");
		const char *value = *entries + n + ((*entries)[n] == '=');
		_cleanup_(freep) char *key = alloc_printf("%.*s", (int)n, *entries);

		json_object_object_add(map, key, json_object_new_string(value));
	}
	return map;
}

static struct json_object *write_strings(char *const *strings)
{
	struct json_object *array;

	if (!strings)
		return NULL;
	array = json_object_new_array();
	for (; *strings; strings++)
		json_object_array_add(array, json_object_new_string(*strings));
	return array;
}

static struct json_object *write_string(const char *string)
{
	return string ? json_object_new_string(string) : NULL;
}

/* NULL for a field that is to be left out. */
static struct json_object *write_field(const struct json_field *field, const void *structure)
{
	const void *at = (const char *)structure + field->offset;

	switch (field->kind) {
	case JSON_STRING:
		return write_string(*(const char *const *)at);
	case JSON_STRINGS:
		return write_strings(*(char *const *const *)at);
	case JSON_MAP:
		return write_map(*(char *const *const *)at);
	case JSON_BOOL:
		return json_object_new_boolean(*(const bool *)at);
	case JSON_INT:
		return json_object_new_int64(*(const int64_t *)at);
	}
	return NULL;
}

void json_write_fields(struct json_object *object, const struct json_field *fields, size_t n_fields,
		       const void *structure)
{
	for (size_t i = 0; i < n_fields; i++) {
		struct json_object *value = write_field(&fields[i], structure);

		if (value)
			json_object_object_add(object, fields[i].key, value);
	}
}

void json_free_fields(const struct json_field *fields, size_t n_fields, void *structure)
{
	for (size_t i = 0; i < n_fields; i++) {
		void *at = (char *)structure + fields[i].offset;

		if (fields[i].kind == JSON_STRING)
			free(TAKE_PTR(*(char **)at));
		else if (fields[i].kind == JSON_STRINGS || fields[i].kind == JSON_MAP)
			*(char ***)at = strv_free(*(char ***)at);
	}
}
