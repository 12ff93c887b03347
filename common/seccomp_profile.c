#include "common/seccomp_profile.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/capability.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/json_place.h"

enum { ERRNO_MAX = 4095 };

static const struct {
	const char *docker, *scmp;
} native =
#if defined(__x86_64__)
	{ "amd64", "SCMP_ARCH_X86_64" };
#elif defined(__aarch64__)
	{ "arm64", "SCMP_ARCH_AARCH64" };
#elif defined(__riscv) && __riscv_xlen == 64
	{ "riscv64", "SCMP_ARCH_RISCV64" };
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	{ "ppc64le", "SCMP_ARCH_PPC64LE" };
#elif defined(__s390x__)
	{ "s390x", "SCMP_ARCH_S390X" };
#else
/* cppcheck-suppress preprocessorErrorDirective */
#error "the names of this architecture are missing"
#endif

const char *seccomp_architecture(void)
{
	return native.docker;
}

/* A profile that was read owns its rules, and by the object their strings. */
struct parsed {
	struct seccomp_profile profile;
	struct seccomp_rule *rules;
	struct json_object *object;
};

/* --- Actions --------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	uint32_t action;
	bool has_errno;
} actions[] = {
	{ "SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD, false },
	{ "SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD, false },
	{ "SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS, false },
	{ "SCMP_ACT_TRAP", SECCOMP_RET_TRAP, false },
	{ "SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO, true },
	{ "SCMP_ACT_TRACE", SECCOMP_RET_TRACE, true },
	{ "SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW, false },
	{ "SCMP_ACT_LOG", SECCOMP_RET_LOG, false },
};

/* The name, as podman's profiles have it beside the number. */
static int parse_errno(const char *name, const struct json_place *place, uint64_t *ret,
		       struct error *err)
{
	for (int number = 1; number <= ERRNO_MAX; number++) {
		const char *known = strerrorname_np(number);

		if (known && strcmp(known, name) == 0) {
			*ret = (uint64_t)number;
			return 0;
		}
	}
	return json_place_error(err, place, "\"%.32s\" is no error", name);
}

/* keys: of the action, of errno's number and of its name. */
static int read_action(struct json_object *object, const struct json_place *place,
		       const char *const keys[3], uint32_t *ret, struct error *err)
{
	const char *name = NULL, *errno_name = NULL;
	uint64_t number = EPERM;

	if (json_place_string(object, keys[0], place, &name, err) < 0 ||
	    json_place_number(object, keys[1], place, ERRNO_MAX, &number, err) < 0 ||
	    json_place_string(object, keys[2], place, &errno_name, err) < 0)
		return -1;
	if (!name)
		return json_place_error(err, place, "%s is missing", keys[0]);
	if (errno_name && *errno_name && parse_errno(errno_name, place, &number, err) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(actions[i].name, name) != 0)
			continue;
		*ret = actions[i].action | (actions[i].has_errno ? (uint32_t)number : 0);
		return 0;
	}
	if (strcmp(name, "SCMP_ACT_NOTIFY") == 0)
		return json_place_error(err, place, "nobody here could be asked (SCMP_ACT_NOTIFY)");
	return json_place_error(err, place, "\"%.40s\" is no action, as SCMP_ACT_ERRNO is", name);
}

/* --- Conditions ------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	enum seccomp_comparison comparison;
} comparisons[] = {
	{ "SCMP_CMP_NE", SECCOMP_NOT_EQUAL },	     { "SCMP_CMP_LT", SECCOMP_LESS },
	{ "SCMP_CMP_LE", SECCOMP_LESS_OR_EQUAL },    { "SCMP_CMP_EQ", SECCOMP_EQUAL },
	{ "SCMP_CMP_GE", SECCOMP_GREATER_OR_EQUAL }, { "SCMP_CMP_GT", SECCOMP_GREATER },
};

static int read_comparison(const char *name, uint64_t second, const struct json_place *place,
			   struct seccomp_condition *condition, struct error *err)
{
	condition->mask = UINT64_MAX;
	for (size_t i = 0; name && i < ARRAY_SIZE(comparisons); i++) {
		if (strcmp(comparisons[i].name, name) == 0) {
			condition->comparison = comparisons[i].comparison;
			return 0;
		}
	}
	if (!name || strcmp(name, "SCMP_CMP_MASKED_EQ") != 0)
		return json_place_error(err, place, "\"%.40s\" is no comparison, as SCMP_CMP_EQ is",
					name ? name : "");
	condition->comparison = SECCOMP_EQUAL;
	condition->mask = condition->value;
	condition->value = second;
	return 0;
}

static int read_condition(struct json_object *object, const struct json_place *place,
			  struct seccomp_condition *ret, struct error *err)
{
	static const char *const keys[] = { "index", "value", "valueTwo", "op", NULL };
	struct seccomp_condition condition = { 0 };
	uint64_t index = UINT64_MAX, second = 0;
	const char *name = NULL;

	if (json_place_expect(object, json_type_object, *place, err) < 0 ||
	    json_place_check_keys(object, place, keys, err) < 0 ||
	    json_place_number(object, "index", place, 5, &index, err) < 0 ||
	    json_place_number(object, "value", place, INT64_MAX, &condition.value, err) < 0 ||
	    json_place_number(object, "valueTwo", place, INT64_MAX, &second, err) < 0 ||
	    json_place_string(object, "op", place, &name, err) < 0)
		return -1;
	if (index == UINT64_MAX)
		return json_place_error(err, place, "index is missing");
	condition.argument = (unsigned int)index;
	if (read_comparison(name, second, place, &condition, err) < 0)
		return -1;
	*ret = condition;
	return 0;
}

static int read_conditions(struct json_object *object, const struct json_place *place,
			   struct seccomp_rule *rule, struct error *err)
{
	struct json_object *array = json_object_object_get(object, "args");
	struct seccomp_condition *conditions;
	size_t n;

	if (!array)
		return 0;
	if (json_place_expect(array, json_type_array, json_place("%s.args", place->text), err) < 0)
		return -1;
	n = json_object_array_length(array);
	if (n > SECCOMP_CONDITIONS_MAX)
		return json_place_error(err, place, "more than %d conditions",
					SECCOMP_CONDITIONS_MAX);
	conditions = alloc_zero(n + 1, sizeof(*conditions));
	rule->conditions = conditions;
	rule->n_conditions = n;
	for (size_t i = 0; i < n; i++) {
		struct json_place here = json_place("%s.args[%zu]", place->text, i);

		if (read_condition(json_object_array_get_idx(array, i), &here, &conditions[i],
				   err) < 0)
			return -1;
	}
	return 0;
}

/* --- Rules ----------------------------------------------------------------------------------- */

static int read_kernel(const char *text, const struct json_place *place, uint32_t *ret,
		       struct error *err)
{
	unsigned int version, level;
	char rest;

	if (sscanf(text, "%3u.%3u%c", &version, &level, &rest) != 2 || version > 255 ||
	    level > UINT16_MAX)
		return json_place_error(err, place,
					"\"%.32s\" is no version of a kernel, as 4.8 is", text);
	*ret = (uint32_t)version << 16 | level;
	return 0;
}

static int read_scope(struct json_object *object, const char *key, const struct json_place *place,
		      struct seccomp_scope *ret, struct error *err)
{
	static const char *const keys[] = { "caps", "arches", "minKernel", NULL };
	struct json_object *scope = json_object_object_get(object, key);
	const struct json_place here = json_place("%s.%s", place->text, key);
	_cleanup_(freep) const char **capabilities = NULL;
	const char **architectures = NULL, *kernel = NULL;

	if (!scope)
		return 0;
	if (json_place_expect(scope, json_type_object, here, err) < 0 ||
	    json_place_check_keys(scope, &here, keys, err) < 0 ||
	    json_place_strings(scope, "caps", &here, &capabilities, err) < 0 ||
	    json_place_strings(scope, "arches", &here, &architectures, err) < 0)
		return -1;
	ret->architectures = architectures;
	for (const char **name = capabilities; name && *name; name++) {
		uint64_t one;

		if (capability_parse(*name, &one, err) < 0)
			return error_prefix(err, "%s.caps", here.text);
		ret->capabilities |= one;
	}
	if (json_place_string(scope, "minKernel", &here, &kernel, err) < 0)
		return -1;
	return kernel && *kernel ? read_kernel(kernel, &here, &ret->kernel, err) : 0;
}

static int read_rule_names(struct json_object *object, const struct json_place *place,
			   struct seccomp_rule *rule, struct error *err)
{
	const char **names = NULL, *name = NULL;

	if (json_place_strings(object, "names", place, &names, err) < 0)
		return -1;
	rule->names = names;
	if (json_place_string(object, "name", place, &name, err) < 0)
		return -1;
	if (!names == !name)
		return json_place_error(err, place, "needs either names or a name");
	if (name) {
		names = alloc_zero(2, sizeof(*names));
		names[0] = name;
		rule->names = names;
	}
	for (size_t n = 0; names[n]; n++)
		if (n == SECCOMP_NAMES_MAX)
			return json_place_error(err, place, "more than %d names",
						SECCOMP_NAMES_MAX);
	return 0;
}

static int read_rule(struct json_object *object, const struct json_place *place,
		     struct seccomp_rule *rule, struct error *err)
{
	static const char *const keys[] = { "names", "name",	"action",   "errnoRet", "errno",
					    "args",  "comment", "includes", "excludes", NULL };
	static const char *const action_keys[] = { "action", "errnoRet", "errno" };

	if (json_place_expect(object, json_type_object, *place, err) < 0 ||
	    json_place_check_keys(object, place, keys, err) < 0 ||
	    read_rule_names(object, place, rule, err) < 0 ||
	    read_action(object, place, action_keys, &rule->action, err) < 0 ||
	    read_conditions(object, place, rule, err) < 0 ||
	    read_scope(object, "includes", place, &rule->with, err) < 0)
		return -1;
	return read_scope(object, "excludes", place, &rule->without, err);
}

static int read_rules(struct parsed *parsed, struct error *err)
{
	struct json_object *array = json_object_object_get(parsed->object, "syscalls");

	if (!array)
		return 0;
	if (json_place_expect(array, json_type_array, json_place("syscalls"), err) < 0)
		return -1;
	parsed->profile.n_rules = json_object_array_length(array);
	parsed->rules = alloc_zero(parsed->profile.n_rules + 1, sizeof(*parsed->rules));
	parsed->profile.rules = parsed->rules;
	for (size_t i = 0; i < parsed->profile.n_rules; i++) {
		struct json_place here = json_place("syscalls[%zu]", i);

		if (read_rule(json_object_array_get_idx(array, i), &here, &parsed->rules[i], err) <
		    0)
			return -1;
	}
	return 0;
}

/* --- The whole ------------------------------------------------------------------------------- */

static int read_flags(struct json_object *object, const struct json_place *place, uint32_t *ret,
		      struct error *err)
{
	static const struct {
		const char *name;
		uint32_t flag;
	} flags[] = {
		{ "SECCOMP_FILTER_FLAG_TSYNC", 0 }, /* there is one thread */
		{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
		{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	};
	_cleanup_(freep) const char **names = NULL;

	if (json_place_strings(object, "flags", place, &names, err) < 0)
		return -1;
	for (const char **name = names; name && *name; name++) {
		size_t i = 0;

		while (i < ARRAY_SIZE(flags) && strcmp(flags[i].name, *name) != 0)
			i++;
		if (i == ARRAY_SIZE(flags))
			return json_place_error(err, place,
						"\"%.48s\" is no flag that can be set here", *name);
		*ret |= flags[i].flag;
	}
	return 0;
}

static int no_native(struct error *err)
{
	return error_set(err, ERROR_INVALID_VALUE, "it is not for this machine (%s)", native.scmp);
}

static int check_architectures(struct json_object *object, const struct json_place *place,
			       struct error *err)
{
	_cleanup_(freep) const char **names = NULL;

	if (json_place_strings(object, "architectures", place, &names, err) < 0)
		return -1;
	for (const char **name = names; name && *name; name++)
		if (strcmp(*name, native.scmp) == 0)
			return 0;
	return names ? no_native(err) : 0;
}

static int check_map(struct json_object *object, struct error *err)
{
	static const char *const keys[] = { "architecture", "subArchitectures", NULL };
	struct json_object *map = json_object_object_get(object, "archMap");
	bool found = false;

	if (!map)
		return 0;
	if (json_place_expect(map, json_type_array, json_place("archMap"), err) < 0)
		return -1;
	if (json_object_object_get(object, "architectures"))
		return error_set(err, ERROR_INVALID_VALUE, "it has both architectures and archMap");
	for (size_t i = 0; i < json_object_array_length(map); i++) {
		struct json_object *item = json_object_array_get_idx(map, i);
		const struct json_place here = json_place("archMap[%zu]", i);
		_cleanup_(freep) const char **others = NULL;
		const char *name = "";

		if (json_place_expect(item, json_type_object, here, err) < 0 ||
		    json_place_check_keys(item, &here, keys, err) < 0 ||
		    json_place_strings(item, "subArchitectures", &here, &others, err) < 0 ||
		    json_place_string(item, "architecture", &here, &name, err) < 0)
			return -1;
		found = found || strcmp(name, native.scmp) == 0;
	}
	return found || json_object_array_length(map) == 0 ? 0 : no_native(err);
}

static int read_profile(struct parsed *parsed, struct error *err)
{
	static const char *const keys[] = { "defaultAction", "defaultErrnoRet",
					    "defaultErrno",  "archMap",
					    "architectures", "flags",
					    "syscalls",	     NULL };
	static const char *const action_keys[] = { "defaultAction", "defaultErrnoRet",
						   "defaultErrno" };
	const struct json_place top = json_place("profile");
	struct seccomp_profile *profile = &parsed->profile;

	if (json_place_check_keys(parsed->object, &top, keys, err) < 0 ||
	    read_action(parsed->object, &top, action_keys, &profile->default_action, err) < 0 ||
	    read_flags(parsed->object, &top, &profile->flags, err) < 0 ||
	    check_architectures(parsed->object, &top, err) < 0 ||
	    check_map(parsed->object, err) < 0)
		return -1;
	return read_rules(parsed, err);
}

int seccomp_profile_parse(const char *text, struct seccomp_profile **ret, struct error *err)
{
	struct parsed *parsed = ALLOC(struct parsed);

	if (json_parse(text, strlen(text), &parsed->object, err) < 0) {
		err->code = ERROR_INVALID_VALUE;
	} else if (read_profile(parsed, err) == 0) {
		*ret = &parsed->profile;
		return 0;
	}
	seccomp_profile_free(&parsed->profile);
	return error_prefix(err, "seccomp profile");
}

struct seccomp_profile *seccomp_profile_free(struct seccomp_profile *profile)
{
	struct parsed *parsed = (struct parsed *)profile;

	if (!parsed)
		return NULL;
	for (size_t i = 0; parsed->rules && i < profile->n_rules; i++) {
		free((void *)(uintptr_t)parsed->rules[i].names);
		free((void *)(uintptr_t)parsed->rules[i].conditions);
		free((void *)(uintptr_t)parsed->rules[i].with.architectures);
		free((void *)(uintptr_t)parsed->rules[i].without.architectures);
	}
	free(parsed->rules);
	json_object_put(parsed->object);
	free(parsed);
	return NULL;
}
