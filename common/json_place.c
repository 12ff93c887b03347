#include "common/json_place.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <json-c/linkhash.h>

#include "common/alloc.h"
#include "common/cleanup.h"

struct json_place json_place(const char *format, ...)
{
	struct json_place place;
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(place.text, sizeof(place.text), format, ap);
	va_end(ap);
	return place;
}

int json_place_check_keys(struct json_object *object, const struct json_place *place,
			  const char *const *keys, struct error *err)
{
	json_object_object_foreach (object, key, value) {
		const char *const *k = keys;

		(void)value;
		while (*k && strcmp(*k, key) != 0)
			k++;
		if (!*k)
			return json_place_error(err, place, "there is no \"%.40s\"", key);
	}
	return 0;
}

int json_place_expect(struct json_object *value, enum json_type type, struct json_place place,
		      struct error *err)
{
	static const char *const words[] = {
		[json_type_array] = "an array",
		[json_type_object] = "an object",
		[json_type_string] = "a string",
		[json_type_int] = "a whole number",
	};

	if (json_object_get_type(value) == type)
		return 0;
	return json_place_error(err, &place, "has to be %s", words[type]);
}

int json_place_string(struct json_object *object, const char *key, const struct json_place *place,
		      const char **ret, struct error *err)
{
	struct json_object *value = json_object_object_get(object, key);

	if (!value)
		return 0;
	if (json_place_expect(value, json_type_string, json_place("%s.%s", place->text, key), err) <
	    0)
		return -1;
	*ret = json_object_get_string(value);
	return 0;
}

int json_place_number(struct json_object *object, const char *key, const struct json_place *place,
		      uint64_t max, uint64_t *ret, struct error *err)
{
	struct json_object *value = json_object_object_get(object, key);
	struct json_place here = json_place("%s.%s", place->text, key);

	if (!value)
		return 0;
	if (json_place_expect(value, json_type_int, here, err) < 0)
		return -1;
	if (json_object_get_int64(value) < 0 || (uint64_t)json_object_get_int64(value) > max)
		return json_place_error(err, &here, "has to be between 0 and %" PRIu64, max);
	*ret = (uint64_t)json_object_get_int64(value);
	return 0;
}

int json_place_strings(struct json_object *object, const char *key, const struct json_place *place,
		       const char ***ret, struct error *err)
{
	struct json_object *array = json_object_object_get(object, key);
	_cleanup_(freep) const char **names = NULL;
	size_t n;

	if (!array)
		return 0;
	if (json_place_expect(array, json_type_array, json_place("%s.%s", place->text, key), err) <
	    0)
		return -1;
	n = json_object_array_length(array);
	names = n ? alloc_zero(n + 1, sizeof(*names)) : NULL;
	for (size_t i = 0; i < n; i++) {
		struct json_object *item = json_object_array_get_idx(array, i);

		if (json_place_expect(item, json_type_string,
				      json_place("%s.%s[%zu]", place->text, key, i), err) < 0)
			return -1;
		names[i] = json_object_get_string(item);
	}
	*ret = TAKE_PTR(names);
	return 0;
}
