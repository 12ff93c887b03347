/* What can be asked of a definition; idl_read.c makes one, idl_check.c applies it. */
#include "common/idl.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/idl_types.h"

const struct idl_member *idl_find_member(const struct idl *idl, enum idl_member_kind kind,
					 const char *name)
{
	for (size_t i = 0; i < idl->n_members; i++)
		if (idl->members[i].kind == kind && strcmp(idl->members[i].name, name) == 0)
			return &idl->members[i];
	return NULL;
}

/* By length first: it is at hand, and settles most comparisons. */
static int compare_names(const char *a, size_t a_length, const char *b, size_t b_length)
{
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return memcmp(a, b, a_length);
}

static int compare_methods(const void *a, const void *b)
{
	const struct idl_method *left = a, *right = b;

	return compare_names(left->member->name, left->length, right->member->name, right->length);
}

void idl_index_methods(struct idl *idl)
{
	size_t n = 0;

	for (size_t i = 0; i < idl->n_members; i++)
		n += idl->members[i].kind == IDL_MEMBER_METHOD;
	idl->methods = alloc_zero(n, sizeof(*idl->methods));
	idl->by_name = alloc_zero(n, sizeof(*idl->by_name));
	for (size_t i = 0; i < idl->n_members; i++) {
		const struct idl_member *member = &idl->members[i];

		if (member->kind != IDL_MEMBER_METHOD)
			continue;
		idl->by_name[idl->n_methods] = (struct idl_method){
			.member = member,
			.length = strlen(member->name),
			.index = (int)idl->n_methods,
		};
		idl->methods[idl->n_methods++] = member;
	}
	qsort(idl->by_name, n, sizeof(*idl->by_name), compare_methods);
}

int idl_find_method(const struct idl *idl, const char *method, size_t length)
{
	size_t low = 0, high = idl->n_methods;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct idl_method *candidate = &idl->by_name[middle];
		int order =
			compare_names(method, length, candidate->member->name, candidate->length);

		if (order == 0)
			return candidate->index;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -1;
}

const char *idl_name(const struct idl *idl)
{
	return idl->name;
}

const char *idl_text(const struct idl *idl)
{
	return idl->text;
}

const char *idl_method_at(const struct idl *idl, size_t i)
{
	return i < idl->n_methods ? idl->methods[i]->name : NULL;
}

struct idl_type *idl_type_free(struct idl_type *type)
{
	if (!type)
		return NULL;
	idl_type_free(type->element);
	for (size_t i = 0; i < type->n_fields; i++) {
		free(type->fields[i].name);
		idl_type_free(type->fields[i].type);
	}
	free(type->fields);
	free(type->alias);
	free(type);
	return NULL;
}

struct idl *idl_free(struct idl *idl)
{
	if (!idl)
		return NULL;
	for (size_t i = 0; i < idl->n_members; i++) {
		free(idl->members[i].name);
		idl_type_free(idl->members[i].in);
		idl_type_free(idl->members[i].out);
	}
	free(idl->members);
	free(idl->methods);
	free(idl->by_name);
	free(idl->name);
	free(idl->text);
	free(idl);
	return NULL;
}
