/* Reads a Varlink interface definition (UAPI.20, "Interface Definition") and checks values
 * against it. An idl owns everything in it; names handed out are borrowed from it.
 */
#pragma once

#include <stddef.h>

#include <json-c/json_object.h>

#include "common/error.h"

struct idl;

enum idl_direction { IDL_IN, IDL_OUT };

/* text is the whole .varlink file; it is copied. A definition that is not well-formed, names a
 * type that it lacks, or defines a name twice is ERROR_INVALID_VALUE with line and reason.
 */
int idl_parse(const char *text, size_t size, struct idl **ret, struct error *err);
struct idl *idl_free(struct idl *idl);

const char *idl_name(const struct idl *idl); /* "io.dokrust.Container" */
const char *idl_text(const struct idl *idl); /* the file as it was */

/* The i-th method's name, NULL past the last. */
const char *idl_method_at(const struct idl *idl, size_t i);

/* Index of a method, or -1. */
int idl_find_method(const struct idl *idl, const char *method, size_t length);

/* Checks the parameters of a call (IDL_IN) or of its reply (IDL_OUT). NULL parameters count as {}.
 * A field that is unknown, missing or of another type is ERROR_INVALID_VALUE whose subject is its
 * path ("spec.labels.tier", "spec.command[2]"); nullable fields may be absent or null.
 */
int idl_check_method(const struct idl *idl, int method, enum idl_direction direction,
		     struct json_object *parameters, struct error *err);

/* The same for the parameters of an error, named without the interface. */
int idl_check_error(const struct idl *idl, const char *name, struct json_object *parameters,
		    struct error *err);

static inline void idl_freep(struct idl **idl)
{
	*idl = idl_free(*idl);
}
