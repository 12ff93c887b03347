/* Mounts as people write them. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/mount_spec.h"
#include "common/parse.h"

/* --- Options, each KEY or KEY=VALUE ---------------------------------------------------------- */

static int parse_size(const char *text, int64_t *ret, struct error *err)
{
	static const char units[] = "bkmgt";
	size_t digits = strspn(text, "0123456789");
	_cleanup_(freep) char *number = alloc_printf("%.*s", (int)digits, text);
	const char *unit = text[digits] ? strchr(units, text[digits] | 0x20) : units;
	unsigned int shift = unit ? 10 * (unsigned int)(unit - units) : 0;
	int64_t value;

	if (!unit || (text[digits] && text[digits + 1]) ||
	    parse_integer(number, 1, INT64_MAX >> shift, &value, err) < 0)
		return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is no size; write it as 64m",
				 text);
	*ret = value << shift;
	return 0;
}

static int parse_mode(const char *text, int64_t *ret, struct error *err)
{
	size_t n = strspn(text, "01234567");

	if (n == 0 || n > 5 || text[n])
		return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is no mode; write it as 1777",
				 text);
	*ret = strtol(text, NULL, 8);
	return 0;
}

static int parse_bool(const char *text, bool *ret, struct error *err)
{
	if (!text || strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0) {
		*ret = true;
		return 0;
	}
	if (strcasecmp(text, "false") != 0 && strcmp(text, "0") != 0)
		return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is neither true nor false",
				 text);
	*ret = false;
	return 0;
}

enum form { FORM_VOLUME = 1, FORM_MOUNT = 2, FORM_TMPFS = 4, FORM_ANY = 7 };

enum kind {
	SET,   /* a flag, that VALUE may set to false */
	CLEAR, /* the reverse */
	TEXT,
	SIZE,
	MODE,
	NAME,	 /* of the option itself is the value */
	REFUSED, /* would be ignored, or is not to be had */
	DEFAULT, /* how it is anyway */
};

#define AT(member) offsetof(struct mount_spec, member)

static const struct mount_option {
	const char *name;
	unsigned int forms;
	enum kind kind;
	size_t offset;
	const char *why; /* REFUSED */
} options[] = {
	{ "ro", FORM_ANY, SET, AT(read_only), NULL },
	{ "readonly", FORM_ANY, SET, AT(read_only), NULL },
	{ "rw", FORM_ANY, CLEAR, AT(read_only), NULL },
	{ "nosuid", FORM_ANY, SET, AT(nosuid), NULL },
	{ "suid", FORM_ANY, CLEAR, AT(nosuid), NULL },
	{ "noexec", FORM_ANY, SET, AT(noexec), NULL },
	{ "exec", FORM_ANY, CLEAR, AT(noexec), NULL },
	{ "nodev", FORM_ANY, DEFAULT, 0, NULL },
	{ "dev", FORM_ANY, REFUSED, 0, "no device on a mount can be opened; see --device" },
	{ "private", FORM_VOLUME, NAME, AT(propagation), NULL },
	{ "rprivate", FORM_VOLUME, NAME, AT(propagation), NULL },
	{ "slave", FORM_VOLUME, NAME, AT(propagation), NULL },
	{ "rslave", FORM_VOLUME, NAME, AT(propagation), NULL },
	{ "shared", FORM_VOLUME, NAME, AT(propagation), NULL },
	{ "rshared", FORM_VOLUME, NAME, AT(propagation), NULL },
	{ "rbind", FORM_VOLUME, SET, AT(recursive), NULL },
	{ "bind", FORM_VOLUME, CLEAR, AT(recursive), NULL },
	{ "nocopy", FORM_VOLUME, CLEAR, AT(copy), NULL },
	{ "z", FORM_VOLUME, REFUSED, 0, "labels of SELinux are not supported" },
	{ "Z", FORM_VOLUME, REFUSED, 0, "labels of SELinux are not supported" },
	{ "source", FORM_MOUNT, TEXT, AT(source), NULL },
	{ "src", FORM_MOUNT, TEXT, AT(source), NULL },
	{ "target", FORM_MOUNT, TEXT, AT(target), NULL },
	{ "destination", FORM_MOUNT, TEXT, AT(target), NULL },
	{ "dst", FORM_MOUNT, TEXT, AT(target), NULL },
	{ "bind-propagation", FORM_MOUNT, TEXT, AT(propagation), NULL },
	{ "bind-nonrecursive", FORM_MOUNT, CLEAR, AT(recursive), NULL },
	{ "volume-nocopy", FORM_MOUNT, CLEAR, AT(copy), NULL },
	{ "tmpfs-size", FORM_MOUNT, SIZE, AT(size_bytes), NULL },
	{ "tmpfs-mode", FORM_MOUNT, MODE, AT(mode), NULL },
	{ "size", FORM_TMPFS, SIZE, AT(size_bytes), NULL },
	{ "mode", FORM_TMPFS, MODE, AT(mode), NULL },
};

static int unknown(const char *name, enum form form, struct error *err)
{
	const char *names[ARRAY_SIZE(options) + 1] = { NULL };
	const char *nearest;
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].forms & form)
			names[n++] = options[i].name;
	nearest = parse_nearest(name, names);
	return error_set(err, ERROR_INVALID_VALUE, "unknown option \"%.32s\"%s%s%s", name,
			 nearest ? "; did you mean \"" : "", nearest ? nearest : "",
			 nearest ? "\"?" : "");
}

static void set_text(char **at, const char *text)
{
	free(*at);
	*at = alloc_strdup(text);
}

static int set_option(const struct mount_option *option, const char *value,
		      struct mount_spec *mount, struct error *err)
{
	void *at = (char *)mount + option->offset;
	bool needs_value = option->kind == TEXT || option->kind == SIZE || option->kind == MODE;
	bool on = true;

	if (option->kind == REFUSED)
		return error_set(err, ERROR_INVALID_VALUE, "%s", option->why);
	if (needs_value && (!value || !*value))
		return error_set(err, ERROR_INVALID_VALUE, "\"%s\" needs a value", option->name);
	if (option->kind == TEXT)
		set_text(at, value);
	else if (option->kind == NAME)
		set_text(at, option->name);
	else if (option->kind == SIZE)
		return parse_size(value, at, err);
	else if (option->kind == MODE)
		return parse_mode(value, at, err);
	else if (parse_bool(value, &on, err) < 0)
		return -1;
	else if (option->kind == SET || option->kind == CLEAR)
		*(bool *)at = on == (option->kind == SET);
	return 0;
}

static int read_option(char *text, enum form form, struct mount_spec *mount, struct error *err)
{
	char *equals = strchr(text, '=');

	if (equals)
		*equals = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].forms & form && strcmp(options[i].name, text) == 0)
			return set_option(&options[i], equals ? equals + 1 : NULL, mount, err);
	return unknown(text, form, err);
}

static int read_options(char *text, enum form form, struct mount_spec *mount, struct error *err)
{
	char *option;

	while ((option = strsep(&text, ",")))
		if (*option && read_option(option, form, mount, err) < 0)
			return -1;
	return 0;
}

/* --- The forms ------------------------------------------------------------------------------- */

/* mount is taken on success. */
static int complete(struct mount_spec *mount, struct mount_specs *mounts, struct error *err)
{
	mount_spec_tidy(mount);
	if (mount_spec_check(mount, err) < 0)
		return -1;
	if (mount_specs_find(mounts, mount->target) >= 0)
		return error_set(err, ERROR_INVALID_VALUE, "\"%.64s\" is the target of two mounts",
				 mount->target);
	mount_specs_add(mounts, mount);
	return 0;
}

/* A path where a name could stand is told from it by its slash. */
static int read_source(const char *source, struct mount_spec *mount, struct error *err)
{
	if (!*source)
		return error_set(err, ERROR_INVALID_VALUE, "the source is empty");
	if (source[0] != '/' && (strchr(source, '/') || source[0] == '.' || source[0] == '~'))
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.64s\": a source is an absolute path, or the name of a volume",
				 source);
	set_text(&mount->source, source);
	if (source[0] == '/')
		set_text(&mount->type, "bind");
	return 0;
}

int mount_parse_volume(const char *text, struct mount_specs *mounts, struct error *err)
{
	_cleanup_(mount_spec_done) struct mount_spec mount = mount_spec_new("volume");
	_cleanup_(freep) char *copy = alloc_strdup(text);
	char *rest = copy, *first = strsep(&rest, ":");
	char *target = rest ? strsep(&rest, ":") : first;

	if (rest && strchr(rest, ':'))
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.64s\": more than SOURCE:TARGET:OPTIONS", text);
	if (target != first && read_source(first, &mount, err) < 0)
		return -1;
	set_text(&mount.target, target);
	if (rest && read_options(rest, FORM_VOLUME, &mount, err) < 0)
		return -1;
	return complete(&mount, mounts, err);
}

int mount_parse_tmpfs(const char *text, struct mount_specs *mounts, struct error *err)
{
	_cleanup_(mount_spec_done) struct mount_spec mount = mount_spec_new("tmpfs");
	_cleanup_(freep) char *copy = alloc_strdup(text);
	char *rest = copy;

	set_text(&mount.target, strsep(&rest, ":"));
	if (rest && read_options(rest, FORM_TMPFS, &mount, err) < 0)
		return -1;
	return complete(&mount, mounts, err);
}

/* The next part of a line of CSV, in place; NULL at the end. */
static char *next_part(char **at)
{
	char *start = *at, *from = *at, *to = *at;
	bool quoted = false;

	if (!start)
		return NULL;
	for (; *from && (quoted || *from != ','); from++) {
		if (*from != '"')
			*to++ = *from;
		else if (quoted && from[1] == '"')
			*to++ = *++from;
		else
			quoted = !quoted;
	}
	*at = *from ? from + 1 : NULL;
	*to = '\0';
	return start;
}

/* The type comes first, whatever the order: the defaults of others depend on it. */
static char *find_type(const char *text)
{
	_cleanup_(freep) char *copy = alloc_strdup(text);
	char *rest = copy, *part;

	while ((part = next_part(&rest)))
		if (strncmp(part, "type=", 5) == 0)
			return alloc_strdup(part + 5);
	return alloc_strdup("volume");
}

int mount_parse_mount(const char *text, struct mount_specs *mounts, struct error *err)
{
	_cleanup_(freep) char *type = find_type(text);
	_cleanup_(mount_spec_done) struct mount_spec mount = mount_spec_new(type);
	_cleanup_(freep) char *copy = alloc_strdup(text);
	char *rest = copy, *part;

	while ((part = next_part(&rest)))
		if (strncmp(part, "type=", 5) != 0 && *part &&
		    read_option(part, FORM_MOUNT, &mount, err) < 0)
			return -1;
	return complete(&mount, mounts, err);
}
