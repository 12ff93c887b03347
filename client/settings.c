#include "client/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"

enum { SETTINGS_SIZE_MAX = 64 * 1024 };

#define BLANKS " \t\r"

/* text without the blanks around it. */
static char *trim(char *text)
{
	size_t n;

	text += strspn(text, BLANKS);
	n = strlen(text);
	while (n && strchr(BLANKS, text[n - 1]))
		text[--n] = '\0';
	return text;
}

static int set(const char *key, const char *value, struct settings *settings, struct error *err)
{
	if (strcmp(key, "detach_keys") != 0)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.32s\" is no setting; there is detach_keys", key);
	if (parse_detach_keys(value, &settings->detach_keys, err) < 0)
		return error_prefix(err, "detach_keys");
	return 0;
}

static int parse_line(char *line, struct settings *settings, struct error *err)
{
	char *equals;

	line = trim(line);
	if (!line[0] || line[0] == '#' || line[0] == ';')
		return 0;
	equals = strchr(line, '=');
	if (!equals)
		return error_set(err, ERROR_INVALID_VALUE, "a setting is KEY = VALUE");
	*equals = '\0';
	return set(trim(line), trim(equals + 1), settings, err);
}

int settings_parse(char *text, const char *path, struct settings *settings, struct error *err)
{
	unsigned int number = 0;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		number++;
		if (parse_line(line, settings, err) < 0)
			return error_prefix(err, "%s:%u", path, number);
	}
	return 0;
}

/* NULL where there is no home. */
static char *settings_path(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	/* A relative one is to be ignored (XDG Base Directory Specification). */
	if (config && config[0] == '/')
		return alloc_printf("%s/dokrust/client.conf", config);
	return home && home[0] == '/' ? alloc_printf("%s/.config/dokrust/client.conf", home) : NULL;
}

int settings_detach_keys(struct detach_keys *ret, struct error *err)
{
	const char *variable = getenv("DOKRUST_DETACH_KEYS");
	_cleanup_(freep) char *path = NULL;
	_cleanup_(freep) char *text = NULL;
	struct settings settings = SETTINGS_NULL;
	size_t size;

	if (variable) {
		if (parse_detach_keys(variable, ret, err) < 0)
			return error_prefix(err, "DOKRUST_DETACH_KEYS");
		return 0;
	}
	path = settings_path();
	if (path && fd_read_file_at(AT_FDCWD, path, SETTINGS_SIZE_MAX, &text, &size, err) < 0 &&
	    err->sys_errno != ENOENT && err->sys_errno != ENOTDIR)
		return -1;
	if (text && settings_parse(text, path, &settings, err) < 0)
		return -1;
	*ret = settings.detach_keys;
	return 0;
}

int option_detach_keys(const char *text, void *value, struct error *err)
{
	struct detach_option *option = value;

	if (parse_detach_keys(text, &option->keys, err) < 0)
		return -1;
	option->given = true;
	return 0;
}
