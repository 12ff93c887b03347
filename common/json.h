/* JSON beyond what json-c offers: a strict reading of untrusted text, and tables that carry
 * structures to and from objects.
 *
 * json-c 0.16 accepts duplicate keys, NUL in strings, text that is not UTF-8, NaN and Infinity and
 * numbers that overflow, and takes memory far beyond the size of hostile input. json_parse looks
 * at every byte first and lets nothing through that RFC 8259 and the limits below do not allow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json_object.h>
#include <json-c/linkhash.h>

#include "common/error.h"

enum {
	JSON_DEPTH_MAX = 16, /* arrays and objects within each other */
	/* The next two keep json-c's memory below about 2 MB: an object of its takes 760 bytes. */
	JSON_NODES_MAX = 8192,	 /* values in all */
	JSON_OBJECTS_MAX = 1024, /* objects among them */
	JSON_NUMBER_MAX = 63,	 /* characters of a number */
};

/* Parses size bytes of UTF-8 that hold one JSON object. Rejected with ERROR_PROTOCOL: anything but
 * one object, malformed UTF-8, NUL (raw or \u0000), duplicate keys, numbers that are not finite
 * or integers outside of 64 bits (signed), and more of anything than the limits.
 * *ret is the caller's (json_object_put).
 */
int json_parse(const char *text, size_t size, struct json_object **ret, struct error *err);

/* Only the look at the bytes, without building anything: all of the above but duplicate keys.
 * *ret_keys is the number of keys in it.
 */
int json_scan(const char *text, size_t size, unsigned int *ret_keys, struct error *err);

static inline void json_putp(struct json_object **object)
{
	json_object_put(*object);
}

/* --- Tables: struct <-> object ------------------------------------------------------------- */

enum json_kind {
	JSON_STRING,  /* char *, NULL is null */
	JSON_STRINGS, /* char **, a vector (common/text.h), NULL is null */
	JSON_MAP,     /* char **, a vector of KEY=VALUE; in JSON an object, no '=' in its keys */
	JSON_BOOL,    /* bool, absent or null keeps what was there */
	JSON_INT,     /* int64_t, absent or null keeps what was there */
};

struct json_field {
	const char *key;
	enum json_kind kind;
	size_t offset;
};

#define JSON_FIELD(type, member, kind_)                                           \
	{                                                                         \
		.key = #member, .kind = (kind_), .offset = offsetof(type, member) \
	}

/* Fills the fields that object has; those that it lacks, or has as null, stay as they are (a
 * caller initialises first). Strings are copied. A value of another type is ERROR_INVALID_VALUE
 * with the key as subject. Keys that the table does not have are left to the caller's IDL check.
 */
int json_read_fields(struct json_object *object, const struct json_field *fields, size_t n_fields,
		     void *structure, struct error *err);

/* Adds every field to object; NULL strings and vectors are left out. */
void json_write_fields(struct json_object *object, const struct json_field *fields, size_t n_fields,
		       const void *structure);

/* Frees what the table's strings and vectors hold and sets them to NULL. */
void json_free_fields(const struct json_field *fields, size_t n_fields, void *structure);
