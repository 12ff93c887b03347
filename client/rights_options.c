#include "client/rights_options.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/json.h"
#include "common/parse.h"
#include "common/resources.h"
#include "common/seccomp_profile.h"
#include "common/text.h"

enum { PROFILE_SIZE_MAX = 256 * 1024 };

int rights_option_bytes(const char *text, void *value, struct error *err)
{
	return parse_size(text, value, err);
}

int rights_option_oom_score(const char *text, void *value, struct error *err)
{
	return parse_integer(text, -1000, 1000, value, err);
}

/* --- --security-opt -------------------------------------------------------------------------- */

/* The profile's text as it goes into the spec, after a look at it here, where its name is known. */
static int read_profile(const char *path, char **ret, struct error *err)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	_cleanup_(freep) char *text = NULL;
	struct seccomp_profile *profile;
	size_t size;

	if (fd_read_file_at(AT_FDCWD, path, PROFILE_SIZE_MAX, &text, &size, err) < 0 ||
	    json_parse(text, size, &object, err) < 0)
		return error_prefix(err, "%.200s", path);
	free(*ret);
	*ret = alloc_strdup(json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
	if (seccomp_profile_parse(*ret, &profile, err) < 0)
		return error_prefix(err, "%.200s", path);
	seccomp_profile_free(profile);
	return 0;
}

static int set_no_new_privileges(const char *value, struct rights *rights, struct error *err)
{
	if (*value && strcmp(value, "true") != 0 && strcmp(value, "false") != 0)
		return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is neither true nor false",
				 value);
	rights->no_new_privileges = strcmp(value, "false") != 0;
	return 0;
}

static int set_seccomp(const char *value, struct rights *rights, struct error *err)
{
	if (strcmp(value, "unconfined") != 0)
		return read_profile(value, &rights->seccomp, err);
	free(rights->seccomp);
	rights->seccomp = alloc_strdup(value);
	return 0;
}

static int set_system_paths(const char *value, struct rights *rights, struct error *err)
{
	if (strcmp(value, "unconfined") != 0)
		return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\": there is unconfined only",
				 value);
	rights->unmasked_paths = true;
	return 0;
}

static const struct {
	const char *name;
	bool bare; /* without a value, too */
	int (*set)(const char *value, struct rights *rights, struct error *err);
} security[] = {
	{ "no-new-privileges", true, set_no_new_privileges },
	{ "seccomp", false, set_seccomp },
	{ "systempaths", false, set_system_paths },
};

/* KEY=VALUE, or KEY:VALUE as docker once had it. */
static int set_security(const char *text, struct rights *rights, struct error *err)
{
	size_t n = strcspn(text, "=:");
	const char *value = text[n] ? text + n + 1 : text + n;

	for (size_t i = 0; i < ARRAY_SIZE(security); i++) {
		if (strlen(security[i].name) != n || memcmp(security[i].name, text, n) != 0)
			continue;
		if (!*value && !security[i].bare)
			return error_set(err, ERROR_INVALID_VALUE, "%s needs a value",
					 security[i].name);
		return security[i].set(value, rights, err);
	}
	return error_set(err, ERROR_INVALID_VALUE,
			 "\"%.64s\": there are no-new-privileges[=true|false], "
			 "seccomp=FILE|unconfined and systempaths=unconfined",
			 text);
}

/* --- Completion ------------------------------------------------------------------------------ */

static int add_sysctl(const char *text, struct rights *rights, struct error *err)
{
	_cleanup_(freep) char *key = NULL;
	const char *equals = strchr(text, '=');

	if (!equals || equals == text)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.64s\": a kernel parameter is KEY=VALUE", text);
	key = alloc_printf("%.*s", (int)(equals - text), text);
	strv_set(&rights->sysctls, key, equals + 1);
	return 0;
}

int rights_options_finish(const struct rights_options *options, struct rights *rights,
			  struct error *err)
{
	for (char **text = options->security; text && *text; text++)
		if (set_security(*text, rights, err) < 0)
			return error_prefix(err, "--security-opt");
	for (char **text = options->sysctls; text && *text; text++)
		if (add_sysctl(*text, rights, err) < 0)
			return error_prefix(err, "--sysctl");
	return 0;
}
