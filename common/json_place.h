/* Reading JSON that people wrote, with the place of what is wrong in the message: for documents
 * that are no call of an interface. An absent value and null are the same everywhere, and leave
 * *ret as it is. All errors are ERROR_INVALID_VALUE.
 */
#pragma once

#include <stdint.h>

#include <json-c/json_object.h>

#include "common/error.h"

/* "syscalls[3].args[0]" */
struct json_place {
	char text[96];
};

struct json_place json_place(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "PLACE: what is wrong" */
#define json_place_error(err, place, format, ...) \
	error_set(err, ERROR_INVALID_VALUE, "%s: " format, (place)->text, ##__VA_ARGS__)

/* Every key of an object must be among `keys`, which ends with NULL. */
int json_place_check_keys(struct json_object *object, const struct json_place *place,
			  const char *const *keys, struct error *err);

/* type is one of array, object, string and int. */
int json_place_expect(struct json_object *value, enum json_type type, struct json_place place,
		      struct error *err);

/* *ret is the object's. */
int json_place_string(struct json_object *object, const char *key, const struct json_place *place,
		      const char **ret, struct error *err);

/* Between 0 and max. */
int json_place_number(struct json_object *object, const char *key, const struct json_place *place,
		      uint64_t max, uint64_t *ret, struct error *err);

/* An array of strings, which are the object's; *ret, ended by NULL, is the caller's to free, and
 * NULL if it is empty.
 */
int json_place_strings(struct json_object *object, const char *key, const struct json_place *place,
		       const char ***ret, struct error *err);
