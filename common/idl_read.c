/* The reader of interface definitions: a recursive descent over text that ships with the program.
 *
 *	interface = "interface" name member*
 *	member    = "type" Name (struct | enum)
 *	          | "method" Name struct "->" struct
 *	          | "error" Name struct
 *	struct    = "(" [field ":" type ("," field ":" type)*] ")"
 *	enum      = "(" field ("," field)* ")"
 *	type      = ["?"] ("[]" type | "[string]" type | struct | enum | basic | Name)
 *
 * White space and comments may stand between any two tokens.
 */
#include "common/idl.h"

#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/idl_types.h"

enum { TYPE_DEPTH_MAX = 16 };

struct reader {
	const char *at, *end;
	unsigned int line;
	struct idl *idl;
	struct error *err;
};

static int fail_at(struct reader *reader, unsigned int line, const char *why, const char *what)
{
	return error_set(reader->err, ERROR_INVALID_VALUE, "line %u: %s%s%.64s", line, why,
			 *what ? " " : "", what);
}

static int fail(struct reader *reader, const char *why)
{
	return fail_at(reader, reader->line, why, "");
}

/* --- Tokens ---------------------------------------------------------------------------------- */

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
	return is_upper(c) || (c >= 'a' && c <= 'z');
}

static bool is_alphanumeric(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

/* White space and comments. */
static void skip(struct reader *reader)
{
	bool comment = false;

	for (; reader->at < reader->end; reader->at++) {
		char c = *reader->at;

		if (c == '#')
			comment = true;
		else if (c == '\n')
			comment = false;
		else if (!comment && c != ' ' && c != '\t' && c != '\r')
			return;
		reader->line += c == '\n';
	}
}

static bool take(struct reader *reader, const char *token)
{
	size_t n = strlen(token);

	skip(reader);
	if ((size_t)(reader->end - reader->at) < n || memcmp(reader->at, token, n) != 0)
		return false;
	reader->at += n;
	return true;
}

/* A run of letters, digits and the joining characters; those stand neither first nor last, and,
 * unless they may repeat, not next to each other. NULL if there is no such run.
 */
static char *take_word(struct reader *reader, const char *joining, bool repeat)
{
	const char *start, *at;

	skip(reader);
	start = at = reader->at;
	while (at < reader->end && *at && (is_alphanumeric(*at) || strchr(joining, *at))) {
		if (!is_alphanumeric(*at) && (at == start || (!repeat && !is_alphanumeric(at[-1]))))
			return NULL;
		at++;
	}
	if (at == start || !is_alphanumeric(at[-1]))
		return NULL;
	reader->at = at;
	return alloc_printf("%.*s", (int)(at - start), start);
}

static bool take_keyword(struct reader *reader, const char *keyword)
{
	const char *before = reader->at;
	unsigned int line = reader->line;
	_cleanup_(freep) char *word = take_word(reader, "", false);

	if (word && strcmp(word, keyword) == 0)
		return true;
	reader->at = before;
	reader->line = line;
	return false;
}

/* --- Types ----------------------------------------------------------------------------------- */

static int read_type(struct reader *reader, unsigned int depth, struct idl_type **ret);

/* Appends a field to the type. */
static int read_field_name(struct reader *reader, struct idl_type *type)
{
	_cleanup_(freep) char *name = take_word(reader, "_", false);

	if (!name || !is_letter(name[0]))
		return fail(reader, "expected the name of a field");
	for (size_t i = 0; i < type->n_fields; i++)
		if (strcmp(type->fields[i].name, name) == 0)
			return fail_at(reader, reader->line, "a second field", name);
	type->fields = alloc_resize(type->fields, (type->n_fields + 1) * sizeof(*type->fields));
	type->fields[type->n_fields++] = (struct idl_field){ .name = TAKE_PTR(name) };
	return 0;
}

/* What stands between parentheses: fields with types are a struct, bare names an enum. */
static int read_fields(struct reader *reader, unsigned int depth, struct idl_type *type)
{
	type->kind = IDL_STRUCT;
	if (!take(reader, "("))
		return fail(reader, "expected \"(\"");
	while (!take(reader, ")")) {
		struct idl_field *field;
		bool typed;

		if (type->n_fields && !take(reader, ","))
			return fail(reader, "expected \",\" or \")\"");
		if (read_field_name(reader, type) < 0)
			return -1;
		typed = take(reader, ":");
		if (type->n_fields == 1 && !typed)
			type->kind = IDL_ENUM;
		if (typed != (type->kind == IDL_STRUCT))
			return fail(reader, "either all fields have a type or none");
		field = &type->fields[type->n_fields - 1];
		if (typed && read_type(reader, depth + 1, &field->type) < 0)
			return -1;
	}
	return 0;
}

static int read_named_type(struct reader *reader, struct idl_type *type)
{
	static const struct {
		const char *name;
		enum idl_kind kind;
	} basics[] = {
		{ "bool", IDL_BOOL },	  { "int", IDL_INT },	    { "float", IDL_FLOAT },
		{ "string", IDL_STRING }, { "object", IDL_OBJECT }, { "any", IDL_ANY },
	};
	_cleanup_(freep) char *word = take_word(reader, "", false);

	if (!word)
		return fail(reader, "expected a type");
	for (size_t i = 0; i < ARRAY_SIZE(basics); i++) {
		if (strcmp(basics[i].name, word) == 0) {
			type->kind = basics[i].kind;
			return 0;
		}
	}
	if (!is_upper(word[0]))
		return fail_at(reader, reader->line, "there is no type", word);
	type->kind = IDL_ALIAS;
	type->alias = TAKE_PTR(word);
	return 0;
}

static int read_type(struct reader *reader, unsigned int depth, struct idl_type **ret)
{
	_cleanup_(idl_type_freep) struct idl_type *type = ALLOC(struct idl_type);
	int r;

	if (depth > TYPE_DEPTH_MAX)
		return fail(reader, "types are nested too deeply");
	type->nullable = take(reader, "?");
	skip(reader);
	type->line = reader->line;
	if (take(reader, "[]"))
		type->kind = IDL_ARRAY;
	else if (take(reader, "[string]"))
		type->kind = IDL_MAP;
	if (type->kind == IDL_ARRAY || type->kind == IDL_MAP)
		r = read_type(reader, depth + 1, &type->element);
	else if (reader->at < reader->end && *reader->at == '(')
		r = read_fields(reader, depth, type);
	else
		r = read_named_type(reader, type);
	if (r == 0)
		*ret = TAKE_PTR(type);
	return r;
}

/* --- Members --------------------------------------------------------------------------------- */

/* A struct or, where the member is a type, an enum. */
static int read_body(struct reader *reader, enum idl_member_kind kind, struct idl_type **ret)
{
	_cleanup_(idl_type_freep) struct idl_type *type = ALLOC(struct idl_type);

	type->line = reader->line;
	if (read_fields(reader, 0, type) < 0)
		return -1;
	if (kind != IDL_MEMBER_TYPE && type->kind != IDL_STRUCT)
		return fail(reader, "parameters have a type each");
	*ret = TAKE_PTR(type);
	return 0;
}

/* Adds a member that has no more than its kind and name. */
static struct idl_member *add_member(struct reader *reader, enum idl_member_kind kind)
{
	struct idl *idl = reader->idl;
	_cleanup_(freep) char *name = take_word(reader, "", false);

	if (!name || !is_upper(name[0])) {
		(void)fail(reader, "a member's name starts with a capital letter");
		return NULL;
	}
	for (size_t i = 0; i < idl->n_members; i++) {
		if (strcmp(idl->members[i].name, name) == 0) {
			(void)fail_at(reader, reader->line, "a second definition of", name);
			return NULL;
		}
	}
	idl->members = alloc_resize(idl->members, (idl->n_members + 1) * sizeof(*idl->members));
	idl->members[idl->n_members] = (struct idl_member){ .kind = kind, .name = TAKE_PTR(name) };
	return &idl->members[idl->n_members++];
}

static int read_member(struct reader *reader)
{
	static const char *const keywords[] = {
		[IDL_MEMBER_TYPE] = "type",
		[IDL_MEMBER_METHOD] = "method",
		[IDL_MEMBER_ERROR] = "error",
	};
	struct idl_member *member;
	size_t kind = 0;

	while (kind < ARRAY_SIZE(keywords) && !take_keyword(reader, keywords[kind]))
		kind++;
	if (kind == ARRAY_SIZE(keywords))
		return fail(reader, "expected type, method or error");
	member = add_member(reader, (enum idl_member_kind)kind);
	if (!member || read_body(reader, member->kind, &member->in) < 0)
		return -1;
	if (member->kind != IDL_MEMBER_METHOD)
		return 0;
	if (!take(reader, "->"))
		return fail(reader, "expected \"->\"");
	return read_body(reader, member->kind, &member->out);
}

/* Binds every alias to the type that it names, which may stand further down. */
static int resolve(struct reader *reader, struct idl_type *type)
{
	const struct idl_member *member;

	if (!type)
		return 0;
	if (type->kind == IDL_ALIAS) {
		member = idl_find_member(reader->idl, IDL_MEMBER_TYPE, type->alias);
		if (!member)
			return fail_at(reader, type->line, "there is no type", type->alias);
		type->target = member->in;
	}
	if (resolve(reader, type->element) < 0)
		return -1;
	for (size_t i = 0; i < type->n_fields; i++)
		if (resolve(reader, type->fields[i].type) < 0)
			return -1;
	return 0;
}

/* Parts of letters, digits and dashes, with dots between them; at least two parts. */
static bool interface_name_is_valid(const char *name)
{
	if (!is_letter(name[0]) || !strchr(name, '.'))
		return false;
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
		if (!is_alphanumeric(dot[-1]) || !is_alphanumeric(dot[1]))
			return false;
	return true;
}

static int read_interface(struct reader *reader)
{
	struct idl *idl = reader->idl;

	if (!take_keyword(reader, "interface"))
		return fail(reader, "expected interface");
	idl->name = take_word(reader, ".-", true);
	if (!idl->name || !interface_name_is_valid(idl->name))
		return fail(reader, "an interface's name is like org.example.name");
	for (skip(reader); reader->at < reader->end; skip(reader))
		if (read_member(reader) < 0)
			return -1;
	for (size_t i = 0; i < idl->n_members; i++)
		if (resolve(reader, idl->members[i].in) < 0 ||
		    resolve(reader, idl->members[i].out) < 0)
			return -1;
	return 0;
}

int idl_parse(const char *text, size_t size, struct idl **ret, struct error *err)
{
	_cleanup_(idl_freep) struct idl *idl = ALLOC(struct idl);
	struct reader reader = { .line = 1, .idl = idl, .err = err };

	if (memchr(text, '\0', size))
		return error_set(err, ERROR_INVALID_VALUE, "a definition with a NUL in it");
	idl->text = alloc_zero(1, size + 1);
	(void)memcpy(idl->text, text, size);
	reader.at = idl->text;
	reader.end = idl->text + size;
	if (read_interface(&reader) < 0)
		return -1;
	idl_index_methods(idl);
	*ret = TAKE_PTR(idl);
	return 0;
}
