#include "common/device.h"

#include <string.h>

#include "common/parse.h"

/* What every container has there already. */
static const char *const taken[] = {
	"console", "fd",     "full",  "mqueue", "null", "ptmx",	   "pts",  "random",
	"shm",	   "stderr", "stdin", "stdout", "tty",	"urandom", "zero", NULL,
};

static int malformed(const char *text, struct error *err)
{
	return error_set(err, ERROR_INVALID_VALUE,
			 "\"%.96s\": a device is HOST[:CONTAINER[:rwm]], as /dev/fuse or "
			 "/dev/sdc:/dev/xvdc:r",
			 text);
}

static bool has_dots(const char *path)
{
	for (const char *at = path; (at = strstr(at, "/.")); at += 2)
		if (at[2 + (at[2] == '.')] == '/' || !at[2 + (at[2] == '.')])
			return true;
	return strstr(path, "//") != NULL;
}

static int check_place(const char *path, struct error *err)
{
	const char *name = path + strlen("/dev/");

	if (strncmp(path, "/dev/", 5) != 0 || !*name || has_dots(path) ||
	    path[strlen(path) - 1] == '/')
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.96s\": a device's place in the container is below /dev",
				 path);
	for (size_t i = 0; taken[i]; i++) {
		size_t n = strlen(taken[i]);

		if (strncmp(name, taken[i], n) == 0 && (!name[n] || name[n] == '/'))
			return error_set(err, ERROR_INVALID_VALUE,
					 "/dev/%s is every container's own already", taken[i]);
	}
	return 0;
}

static bool parse_access(const char *text, struct device_option *device)
{
	device->read = strchr(text, 'r') != NULL;
	device->write = strchr(text, 'w') != NULL;
	device->make = strchr(text, 'm') != NULL;
	return strspn(text, "rwm") == strlen(text) && strlen(text) <= 3;
}

/* Cuts buffer, a copy of text, at its colons into one to three parts that are not empty. */
static bool cut(char *buffer, char *parts[3])
{
	size_t n = 0;

	for (char *part; (part = strsep(&buffer, ":"));) {
		if (n == 3 || !*part || strlen(part) >= DEVICE_PATH_SIZE)
			return false;
		parts[n++] = part;
	}
	return true;
}

int device_parse(const char *text, struct device_option *ret, struct error *err)
{
	struct device_option device = { .read = true, .write = true, .make = true };
	char buffer[2 * DEVICE_PATH_SIZE + 8], *parts[3] = { NULL };

	if (strlen(text) >= sizeof(buffer))
		return malformed(text, err);
	(void)strcpy(buffer, text);
	if (text[0] != '/' || !cut(buffer, parts))
		return malformed(text, err);
	/* HOST:ACCESS, as docker has it. */
	if (parts[1] && parts[1][0] != '/' && !parts[2]) {
		parts[2] = parts[1];
		parts[1] = NULL;
	}
	if (parts[2] && !parse_access(parts[2], &device))
		return malformed(text, err);
	(void)strcpy(device.host, parts[0]);
	(void)strcpy(device.container, parts[1] ? parts[1] : parts[0]);
	if (check_place(device.container, err) < 0)
		return -1;
	*ret = device;
	return 0;
}

/* --- Rules ----------------------------------------------------------------------------------- */

static bool parse_device_number(const char *text, int64_t *ret)
{
	struct error ignored;

	*ret = -1;
	return strcmp(text, "*") == 0 || parse_integer(text, 0, UINT32_MAX, ret, &ignored) == 0;
}

int device_rule_parse(const char *text, struct device_rule *ret, struct error *err)
{
	struct device_rule rule = { .type = text[0], .major = -1, .minor = -1 };
	char buffer[64] = "", *rest = buffer, *type, *major, *minor;
	struct device_option access = { .read = false };

	if (strlen(text) < sizeof(buffer))
		(void)strcpy(buffer, text);
	type = strsep(&rest, " ");
	major = strsep(&rest, ":");
	minor = strsep(&rest, " ");
	if (!rest || !*rest || strlen(type) != 1 || !strchr("abc", type[0]) ||
	    !parse_device_number(major, &rule.major) || !parse_device_number(minor, &rule.minor) ||
	    !parse_access(rest, &access))
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.48s\": a rule for devices is TYPE MAJOR:MINOR ACCESS, as "
				 "\"c 10:229 rwm\"",
				 text);
	rule.read = access.read;
	rule.write = access.write;
	rule.make = access.make;
	*ret = rule;
	return 0;
}
