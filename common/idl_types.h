/* What an interface definition is made of; private to idl.c, idl_read.c and idl_check.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/idl.h"

enum idl_kind {
	IDL_NONE,
	IDL_BOOL,
	IDL_INT,
	IDL_FLOAT,
	IDL_STRING,
	IDL_OBJECT,
	IDL_ANY,
	IDL_ARRAY,
	IDL_MAP,
	IDL_STRUCT,
	IDL_ENUM,
	IDL_ALIAS,
};

struct idl_field {
	char *name;
	struct idl_type *type; /* NULL in an enum */
};

struct idl_type {
	enum idl_kind kind;
	bool nullable;
	unsigned int line;
	struct idl_type *element; /* of an array or map */
	struct idl_field *fields; /* of a struct, or the names of an enum */
	size_t n_fields;
	char *alias;
	const struct idl_type *target; /* what the alias names; owned by its member */
};

enum idl_member_kind { IDL_MEMBER_TYPE, IDL_MEMBER_METHOD, IDL_MEMBER_ERROR };

struct idl_member {
	enum idl_member_kind kind;
	char *name;
	struct idl_type *in, *out; /* a type and an error have only the first */
};

struct idl_method {
	const struct idl_member *member;
	size_t length; /* of its name */
	int index;     /* among the methods, in the order of the text */
};

struct idl {
	char *name, *text;
	struct idl_member *members;
	size_t n_members;
	const struct idl_member **methods; /* in the order of the text */
	struct idl_method *by_name;	   /* the same, sorted: shorter names first */
	size_t n_methods;
};

/* NULL if there is none of that kind and name. */
const struct idl_member *idl_find_member(const struct idl *idl, enum idl_member_kind kind,
					 const char *name);

/* Fills methods and by_name from the members, which must not move any more. */
void idl_index_methods(struct idl *idl);

/* NULL-safe; returns NULL. */
struct idl_type *idl_type_free(struct idl_type *type);

static inline void idl_type_freep(struct idl_type **type)
{
	*type = idl_type_free(*type);
}
