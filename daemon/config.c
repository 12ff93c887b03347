#include "daemon/config.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "common/address.h"
#include "common/cleanup.h"
#include "common/name.h"
#include "common/network_spec.h"
#include "common/parse.h"
#include "common/resources.h"
#include "daemon/launch/userns.h"

/* What neither systemd nor useradd(8) gives to anybody: 4,096 ranges. */
enum { IDS_FIRST = 0x70000000, IDS_COUNT = 0x10000000 };

#define CONFIG_FILE "/etc/dokrust/dokrustd.conf"

static const char help[] =
	"Usage: dokrustd [OPTIONS]\n"
	"\n"
	"Keeps named containers on this host, each with a terminal to come back to.\n"
	"Clients (dokrustctl) reach it by its socket.\n"
	"\n"
	"Options:\n"
	"      --socket PATH      where clients connect (/run/dokrust/dokrust.sock)\n"
	"      --state-dir DIR    what lasts: records, layers (/var/lib/dokrust)\n"
	"      --run-dir DIR      what dies with the boot (/run/dokrust)\n"
	"      --image-dir DIR    the built-in images\n"
	"      --config FILE      settings (" CONFIG_FILE ")\n"
	"      --default-network NAME  of containers that name none: bridge, none, or a network\n"
	"      --publish-address IP    of the host, for published ports that name none (all)\n"
	"      --keep             stay as a small parent that holds what the containers need, and\n"
	"                         start the daemon again when it dies\n"
	"      --cgroup-unit UNIT a unit of systemd's with Delegate=yes, in whose control group the\n"
	"                         containers' are made (cgroup v2); without, at the top\n"
	"      --log-level LEVEL  error, warning, info or debug (info)\n"
	"  -h, --help             show this and exit\n"
	"      --version          show the version and exit\n"
	"\n"
	"Any number of daemons run side by side, each with directories and a socket of its own:\n"
	"  dokrustd --socket /tmp/d/sock --state-dir /tmp/d/state --run-dir /tmp/d/run\n";

enum setting_kind {
	SETTING_PATH,
	SETTING_TEXT,
	SETTING_UNIT,
	SETTING_COUNT,
	SETTING_BYTES,
	SETTING_LEVEL,
	SETTING_IDS,
	SETTING_NETWORK,
	SETTING_ADDRESS,
	SETTING_SWITCH,
};

/* One table for the file's keys and the options, which have '-' for '_'. */
static const struct setting {
	const char *key;
	enum setting_kind kind;
	size_t offset;
} settings[] = {
	{ "socket", SETTING_PATH, offsetof(struct config, socket) },
	{ "state_dir", SETTING_PATH, offsetof(struct config, state_dir) },
	{ "run_dir", SETTING_PATH, offsetof(struct config, run_dir) },
	{ "image_dir", SETTING_PATH, offsetof(struct config, image_dir) },
	{ "cgroup_unit", SETTING_UNIT, offsetof(struct config, cgroup_unit) },
	{ "log_level", SETTING_LEVEL, offsetof(struct config, log_level) },
	{ "subordinate_ids", SETTING_IDS, offsetof(struct config, ids) },
	{ "group", SETTING_TEXT, offsetof(struct config, group) },
	{ "admin_group", SETTING_TEXT, offsetof(struct config, admin_group) },
	{ "subuid_file", SETTING_PATH, offsetof(struct config, subuid_file) },
	{ "subgid_file", SETTING_PATH, offsetof(struct config, subgid_file) },
	{ "user_containers_max", SETTING_COUNT, offsetof(struct config, user_containers_max) },
	{ "user_memory_max", SETTING_BYTES, offsetof(struct config, user_memory_max_bytes) },
	{ "default_network", SETTING_NETWORK, offsetof(struct config, default_network) },
	{ "publish_address", SETTING_ADDRESS, offsetof(struct config, publish_address) },
	{ "user_disk_max", SETTING_BYTES, offsetof(struct config, user_disk_max_bytes) },
	{ "firewall_exceptions", SETTING_SWITCH, offsetof(struct config, firewall_exceptions) },
	{ "connections_max", SETTING_COUNT, offsetof(struct config, connections_max) },
	{ "connections_per_user_max", SETTING_COUNT,
	  offsetof(struct config, connections_per_user_max) },
};

static int set_path(char **path, const char *value, struct error *err)
{
	_cleanup_(freep) char *directory = NULL;

	if (value[0] == '\0')
		return error_set(err, ERROR_INVALID_VALUE, "the path is empty");
	if (value[0] != '/') {
		directory = getcwd(NULL, 0);
		if (!directory)
			return error_set_errno(err, errno, "working directory");
	}
	free(*path);
	*path = directory ? alloc_printf("%s/%s", directory, value) : alloc_strdup(value);
	return 0;
}

/* systemd.unit(5) */
static int set_unit(char **unit, const char *value, struct error *err)
{
	const char *dot = strrchr(value, '.');

	if (!dot || strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				  ":-_.\\@") != strlen(value))
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.64s\" is no unit's name, as dokrust-containers.service",
				 value);
	free(*unit);
	*unit = alloc_strdup(value);
	return 0;
}

static int set_level(enum log_level *level, const char *value, struct error *err)
{
	static const struct {
		const char *name;
		enum log_level level;
	} levels[] = {
		{ "error", LOG_LEVEL_ERROR },
		{ "warning", LOG_LEVEL_WARNING },
		{ "info", LOG_LEVEL_INFO },
		{ "debug", LOG_LEVEL_DEBUG },
	};

	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		if (strcmp(levels[i].name, value) == 0) {
			*level = levels[i].level;
			return 0;
		}
	}
	return error_set(err, ERROR_INVALID_VALUE,
			 "\"%.32s\" is none of error, warning, info, debug", value);
}

/* START:COUNT */
static int set_ids(struct config_ids *ids, const char *value, struct error *err)
{
	const char *colon = strchr(value, ':');
	_cleanup_(freep) char *start = alloc_printf("%.*s", (int)strcspn(value, ":"), value);
	int64_t first, count;

	if (!colon || parse_integer(start, USERNS_RANGE, UINT32_MAX, &first, err) < 0 ||
	    parse_integer(colon + 1, USERNS_RANGE, UINT32_MAX, &count, err) < 0 ||
	    first + count > UINT32_MAX)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.40s\": subordinate ids are FIRST:COUNT, both at least %d",
				 value, USERNS_RANGE);
	*ids = (struct config_ids){ (uint32_t)first, (uint32_t)count };
	return 0;
}

/* NULL for none. */
static int set_network(char **network, const char *value, struct error *err)
{
	if (!name_is_valid(value) || strcmp(value, "host") == 0)
		return error_set(err, ERROR_INVALID_VALUE, "\"%.64s\" is no network, nor none",
				 value);
	free(*network);
	*network = strcmp(value, "none") == 0 ? NULL : alloc_strdup(value);
	return 0;
}

static int set_address(char **address, const char *value, struct error *err)
{
	struct address parsed;

	if (address_parse(value, 0, &parsed, err) < 0)
		return -1;
	free(*address);
	*address = alloc_strdup(value);
	return 0;
}

static int set_switch(bool *on, const char *value, struct error *err)
{
	*on = strcmp(value, "true") == 0 || strcmp(value, "yes") == 0;
	if (*on || strcmp(value, "false") == 0 || strcmp(value, "no") == 0)
		return 0;
	return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is none of true, false, yes, no",
			 value);
}

static int apply(struct config *config, const struct setting *setting, const char *value,
		 struct error *err)
{
	char *at;

	assert(setting); /* each option that has a value is one */
	at = (char *)config + setting->offset;
	switch (setting->kind) {
	case SETTING_PATH:
		return set_path((char **)(void *)at, value, err);
	case SETTING_TEXT:
		if (!*value)
			return error_set(err, ERROR_INVALID_VALUE, "it is empty");
		free(*(char **)(void *)at);
		*(char **)(void *)at = alloc_strdup(value);
		return 0;
	case SETTING_BYTES:
		return parse_size(value, (int64_t *)(void *)at, err);
	case SETTING_UNIT:
		return set_unit((char **)(void *)at, value, err);
	case SETTING_COUNT:
		return parse_integer(value, 1, 1000000, (int64_t *)(void *)at, err);
	case SETTING_NETWORK:
		return set_network((char **)(void *)at, value, err);
	case SETTING_ADDRESS:
		return set_address((char **)(void *)at, value, err);
	case SETTING_SWITCH:
		return set_switch((bool *)(void *)at, value, err);
	case SETTING_LEVEL:
		return set_level((enum log_level *)(void *)at, value, err);
	case SETTING_IDS:
		return set_ids((struct config_ids *)(void *)at, value, err);
	}
	return 0;
}

static const struct setting *find_setting(const char *key, char dash)
{
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		const char *a = settings[i].key, *b = key;

		while (*a && (*a == '_' ? dash : *a) == *b) {
			a++;
			b++;
		}
		if (!*a && !*b)
			return &settings[i];
	}
	return NULL;
}

/* --- The file -------------------------------------------------------------------------------- */

struct reading {
	struct config *config;
	struct error *err;
};

/* For inih: 1 is success, 0 an error, whose line ini_parse returns. */
static int on_file_setting(void *userdata, const char *section, const char *key, const char *value)
{
	struct reading *reading = userdata;
	const struct setting *setting = find_setting(key, '_');

	if (strcmp(section, "daemon") != 0 || !setting) {
		(void)error_set(reading->err, ERROR_INVALID_VALUE, "[%.32s] %.64s: unknown",
				section, key);
		return 0;
	}
	if (apply(reading->config, setting, value, reading->err) == 0)
		return 1;
	(void)error_prefix(reading->err, "%s", key);
	return 0;
}

static int read_file(const char *path, bool must_exist, struct config *config, struct error *err)
{
	struct reading reading = { config, err };
	struct stat st;
	int line;

	if (stat(path, &st) < 0)
		return errno == ENOENT && !must_exist ? 0 : error_set_errno(err, errno, "%s", path);
	*err = ERROR_NULL;
	line = ini_parse(path, on_file_setting, &reading);
	if (line == 0)
		return 0;
	if (line < 0)
		return error_set_errno(err, errno, "%s", path);
	if (err->code == ERROR_NONE)
		(void)error_set(err, ERROR_INVALID_VALUE, "neither [SECTION] nor KEY = VALUE");
	return error_prefix(err, "%s:%d", path, line);
}

/* --- The command line ------------------------------------------------------------------------ */

static const struct option options[] = {
	{ "socket", required_argument, NULL, 's' },
	{ "state-dir", required_argument, NULL, 's' },
	{ "run-dir", required_argument, NULL, 's' },
	{ "image-dir", required_argument, NULL, 's' },
	{ "cgroup-unit", required_argument, NULL, 's' },
	{ "log-level", required_argument, NULL, 's' },
	{ "default-network", required_argument, NULL, 's' },
	{ "publish-address", required_argument, NULL, 's' },
	{ "config", required_argument, NULL, 'c' },
	{ "keep", no_argument, NULL, 'k' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'v' },
	{ 0 },
};

/* Walks the options; config NULL only looks for --config. */
static int read_options(int argc, char **argv, struct config *config, const char **config_file,
			enum config_outcome *outcome, struct error *err)
{
	int option, i;

	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":h", options, &i)) != -1) {
		if (option == 'c') {
			*config_file = optarg;
		} else if (option == 'k') {
			if (config)
				config->keep = true;
		} else if (option == 'h' || option == 'v') {
			*outcome = CONFIG_SHOWED_HELP;
			if (!config)
				(void)fputs(option == 'h' ? help : "dokrustd " DOKRUST_VERSION "\n",
					    stdout);
			return 0;
		} else if (option != 's') {
			return error_set(err, ERROR_INVALID_VALUE, "%s: %s; see dokrustd --help",
					 argv[optind - 1],
					 option == ':' ? "needs a value" : "no such option");
		} else if (config &&
			   apply(config, find_setting(options[i].name, '-'), optarg, err) < 0) {
			return error_prefix(err, "--%s", options[i].name);
		}
	}
	if (optind < argc)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%s\": no arguments are taken; see dokrustd --help",
				 argv[optind]);
	return 0;
}

/* NULL if there is no saying. */
static char *executable_path(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (n <= 0)
		return NULL;
	path[n] = '\0';
	return alloc_strdup(path);
}

/* Built-in images lie beside an executable that runs from its build tree; beside its own directory's
 * share, when it is installed, under whatever prefix.
 */
static char *default_image_dir(void)
{
	static const char *const places[] = { "images", "../images", "../share/dokrust/images" };
	_cleanup_(freep) char *executable = executable_path();
	struct stat st;

	if (executable)
		*strrchr(executable, '/') = '\0';
	for (size_t i = 0; executable && i < ARRAY_SIZE(places); i++) {
		char *path = alloc_printf("%s/%s", executable, places[i]);

		if (stat(path, &st) == 0)
			return path;
		free(path);
	}
	return alloc_strdup(DOKRUST_PREFIX "/share/dokrust/images");
}

int config_read(int argc, char **argv, struct config *ret, enum config_outcome *ret_outcome,
		struct error *err)
{
	struct config config = { .connections_max = 10000,
				 .connections_per_user_max = 8000,
				 .log_level = LOG_LEVEL_INFO,
				 .ids = { IDS_FIRST, IDS_COUNT } };
	const char *file = NULL;

	*ret_outcome = CONFIG_RUN;
	if (read_options(argc, argv, NULL, &file, ret_outcome, err) < 0)
		return -1;
	if (*ret_outcome == CONFIG_SHOWED_HELP)
		return 0;
	config.socket = alloc_strdup("/run/dokrust/dokrust.sock");
	config.state_dir = alloc_strdup("/var/lib/dokrust");
	config.run_dir = alloc_strdup("/run/dokrust");
	config.image_dir = default_image_dir();
	config.group = alloc_strdup("dokrust");
	config.admin_group = alloc_strdup("dokrust-admin");
	config.subuid_file = alloc_strdup("/etc/subuid");
	config.subgid_file = alloc_strdup("/etc/subgid");
	config.firewall_exceptions = true;
	config.default_network = alloc_strdup(NETWORK_DEFAULT);
	config.executable = executable_path();
	if (read_file(file ? file : CONFIG_FILE, file != NULL, &config, err) < 0 ||
	    read_options(argc, argv, &config, &file, ret_outcome, err) < 0) {
		config_done(&config);
		return -1;
	}
	*ret = config;
	return 0;
}

void config_done(struct config *config)
{
	free(config->socket);
	free(config->state_dir);
	free(config->run_dir);
	free(config->image_dir);
	free(config->default_network);
	free(config->publish_address);
	free(config->executable);
	free(config->group);
	free(config->admin_group);
	free(config->subuid_file);
	free(config->subgid_file);
	free(config->cgroup_unit);
	*config = (struct config){ 0 };
}
