#include "client/spec_options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/resource_options.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/parse.h"
#include "common/text.h"

const struct spec_options spec_options_defaults = {
	.sig_proxy = true,
	.spec = SPEC_NULL,
};

static int parse_stop_signal(const char *text, void *value, struct error *err)
{
	char **signal = value, name[16];
	int number;

	if (parse_signal(text, &number, err) < 0)
		return -1;
	free(*signal);
	*signal = alloc_strdup(signal_name(number, name, sizeof(name)));
	return 0;
}

static int parse_rate(const char *text, void *value, struct error *err)
{
	return network_rate_parse(text, value, err);
}

/* --- Mounts */

static int parse_volume(const char *text, void *value, struct error *err)
{
	return mount_parse_volume(text, value, err);
}

static int parse_mount(const char *text, void *value, struct error *err)
{
	return mount_parse_mount(text, value, err);
}

static int parse_tmpfs(const char *text, void *value, struct error *err)
{
	return mount_parse_tmpfs(text, value, err);
}

/* --- Networks */

static int parse_network(const char *text, void *value, struct error *err)
{
	return network_spec_add_text(value, text, err);
}

/* --- The table ------------------------------------------------------------------------------- */

#define AT(member) .offset = offsetof(struct spec_options, member)

#define FLAG(name_, letter_, member, help_)                                            \
	{                                                                              \
		.name = (name_), .letter = (letter_), .kind = OPTION_FLAG, AT(member), \
		.help = (help_)                                                        \
	}

#define NEGATABLE(name_, member, help_)                                              \
	{                                                                            \
		.name = (name_), .negatable = true, .kind = OPTION_FLAG, AT(member), \
		.help = (help_)                                                      \
	}

#define TEXT(name_, letter_, kind_, member, argument_, help_)                      \
	{                                                                          \
		.name = (name_), .letter = (letter_), .kind = (kind_), AT(member), \
		.argument = (argument_), .help = (help_)                           \
	}

#define PARSED(name_, letter_, member, parse_, argument_, help_)                         \
	{                                                                                \
		.name = (name_), .letter = (letter_), .kind = OPTION_PARSED, AT(member), \
		.argument = (argument_), .help = (help_), .parse = (parse_)              \
	}

const struct option spec_options_table[] = {
	FLAG("detach", 'd', detach, "do not attach; print the id"),
	PARSED("detach-keys", '\0', detach_keys, option_detach_keys, "KEYS",
	       "keys that detach, as ctrl-p,ctrl-q, or none"),
	NEGATABLE("sig-proxy", sig_proxy, "pass signals on to the container (default true)"),

	TEXT("name", '\0', OPTION_TEXT, name, "NAME", "its name; without it, one is made up"),
	FLAG("interactive", 'i', spec.stdin_open, "pass standard input on"),
	FLAG("tty", 't', spec.terminal, "give it a terminal"),
	FLAG("rm", '\0', spec.auto_remove, "remove it when it exits"),
	TEXT("rootfs", '\0', OPTION_TEXT, spec.rootfs, "DIR",
	     "use this directory in place of an image; it is written to"),
	TEXT("command", 'c', OPTION_TEXT, command_line, "LINE", "run a line of shell (/bin/sh -c)"),
	TEXT("entrypoint", '\0', OPTION_TEXT, entrypoint, "PROGRAM",
	     "goes in front of the command"),
	TEXT("env", 'e', OPTION_TEXTS, environment, "KEY=VALUE",
	     "set a variable; KEY alone takes it from here"),
	TEXT("env-file", '\0', OPTION_TEXTS, environment_files, "FILE",
	     "read such lines from a file"),
	TEXT("workdir", 'w', OPTION_TEXT, spec.workdir, "DIR", "where the command starts"),
	TEXT("user", 'u', OPTION_TEXT, spec.user, "USER[:GROUP]",
	     "who runs it, names or numbers there"),
	TEXT("hostname", 'h', OPTION_TEXT, spec.hostname, "NAME",
	     "its host name; without it, its name"),
	PARSED("network", '\0', spec.network, parse_network, "NETWORK",
	       "NAME[:ip=..,ip6=..,mac=..,alias=..], none, host, container:NAME"),
	TEXT("ip", '\0', OPTION_TEXT, ip, "ADDRESS", "its IPv4 address on the first network"),
	TEXT("ip6", '\0', OPTION_TEXT, ip6, "ADDRESS", "its IPv6 address there"),
	TEXT("mac-address", '\0', OPTION_TEXT, mac, "MAC", "its MAC address there"),
	TEXT("network-alias", '\0', OPTION_TEXTS, aliases, "NAME",
	     "one more name for it on its networks"),
	PARSED("network-rate", '\0', spec.network.rate_bits, parse_rate, "RATE",
	       "what passes on each network, each way, a second: 10mbit"),
	TEXT("publish", 'p', OPTION_TEXTS, spec.network.ports, "[[IP:]HOST:]PORT[/udp]",
	     "have a port of the host lead to one of its"),
	FLAG("publish-all", 'P', spec.network.publish_all, "publish what --expose names"),
	TEXT("expose", '\0', OPTION_TEXTS, spec.network.expose, "PORT[/udp]",
	     "a port that --publish-all publishes"),
	TEXT("dns", '\0', OPTION_TEXTS, spec.network.dns, "ADDRESS",
	     "whom to ask for names of elsewhere"),
	TEXT("dns-search", '\0', OPTION_TEXTS, spec.network.dns_search, "DOMAIN",
	     "domain to look names up in; . for none"),
	TEXT("dns-option", '\0', OPTION_TEXTS, spec.network.dns_options, "OPTION",
	     "an option of its resolv.conf"),
	TEXT("add-host", '\0', OPTION_TEXTS, spec.network.hosts, "NAME:ADDRESS",
	     "a line for its /etc/hosts"),
	TEXT("size-policy", '\0', OPTION_TEXT, spec.size_policy, "POLICY",
	     "whose terminal's size counts: latest, smallest, fixed[=COLSxROWS]"),
	TEXT("label", 'l', OPTION_TEXTS, labels, "KEY=VALUE", "a note about it, for filters"),
	PARSED("stop-signal", '\0', spec.stop_signal, parse_stop_signal, "SIGNAL",
	       "what stop sends first"),
	PARSED("stop-timeout", '\0', spec.stop_timeout_ms, option_duration_ms, "SECONDS",
	       "when stop kills (default 10; -1 never)"),
	TEXT("restart", '\0', OPTION_TEXT, spec.restart, "POLICY",
	     "when it has ended: no, on-failure[:N], on-unhealthy[:N], always, unless-stopped"),
	TEXT("health-cmd", '\0', OPTION_TEXT, health_command, "LINE",
	     "a line of shell that tells by its status whether all is well"),
	PARSED("health-interval", '\0', spec.health.interval_ms, option_duration_ms, "SECONDS",
	       "how often (default 30)"),
	PARSED("health-timeout", '\0', spec.health.timeout_ms, option_duration_ms, "SECONDS",
	       "what takes longer has failed (default 30)"),
	PARSED("health-retries", '\0', spec.health.retries, option_count, "N",
	       "failures in a row that make it unhealthy (default 3)"),
	PARSED("health-start-period", '\0', spec.health.start_period_ms, option_duration_ms,
	       "SECONDS", "for so long failures do not count at first"),
	FLAG("no-healthcheck", '\0', no_health, "do not look at its health"),
	RESOURCE_OPTIONS(struct spec_options, spec.resources),
	PARSED("volume", 'v', spec.mounts, parse_volume, "[SOURCE:]TARGET[:OPTIONS]",
	       "mount a directory, a file or a volume there"),
	PARSED("mount", '\0', spec.mounts, parse_mount, "KEY=VALUE,...",
	       "the same in full: type, source, target, readonly, ..."),
	PARSED("tmpfs", '\0', spec.mounts, parse_tmpfs, "TARGET[:OPTIONS]",
	       "mount an empty file system in memory there"),
	FLAG("read-only", '\0', spec.read_only, "make its root file system read-only"),
	FLAG("overlay", '\0', spec.overlay, "with --rootfs: leave that directory as it is"),

	TEXT("userns", '\0', OPTION_TEXT, spec.userns, "auto|host|MAP",
	     "whose ids it has: its own, the host's, INSIDE:HOST:SIZE,..."),
	TEXT("cap-add", '\0', OPTION_TEXTS, spec.rights.cap_add, "NAME",
	     "give it a capability, as NET_ADMIN, or ALL"),
	TEXT("cap-drop", '\0', OPTION_TEXTS, spec.rights.cap_drop, "NAME",
	     "take a capability away, or ALL"),
	FLAG("privileged", '\0', spec.rights.privileged,
	     "all capabilities and devices, nothing filtered or hidden"),
	TEXT("security-opt", '\0', OPTION_TEXTS, rights.security, "OPTION",
	     "no-new-privileges[=BOOL], seccomp=FILE|unconfined, systempaths=unconfined"),
	TEXT("device", '\0', OPTION_TEXTS, spec.rights.devices, "HOST[:CONTAINER[:rwm]]",
	     "give it a device of the host"),
	TEXT("device-cgroup-rule", '\0', OPTION_TEXTS, spec.rights.device_rules,
	     "TYPE MAJOR:MINOR rwm", "let it use devices of some numbers"),
	TEXT("group-add", '\0', OPTION_TEXTS, spec.rights.groups, "GROUP",
	     "one more supplementary group"),
	TEXT("ulimit", '\0', OPTION_TEXTS, spec.rights.ulimits, "NAME=SOFT[:HARD]",
	     "limit a resource, as nofile=1024"),
	TEXT("sysctl", '\0', OPTION_TEXTS, rights.sysctls, "KEY=VALUE",
	     "set a kernel parameter of its namespaces"),
	PARSED("shm-size", '\0', spec.rights.shm_bytes, rights_option_bytes, "SIZE",
	       "size of its /dev/shm (default 64m)"),
	PARSED("oom-score-adj", '\0', spec.rights.oom_score_adj, rights_option_oom_score, "N",
	       "-1000 to 1000: who is killed first for memory"),

	TEXT("log-driver", '\0', OPTION_TEXT, spec.log_driver, "DRIVER",
	     "where output is kept: local (default), journald, none"),
	TEXT("log-opt", '\0', OPTION_TEXTS, log_options, "KEY=VALUE",
	     "local: max-size (10m), max-file (3); journald: tag"),
	TEXT("record", '\0', OPTION_TEXT, record, "FILE",
	     "record each run to FILE on the daemon's host (asciicast)"),
	NEGATABLE("init", spec.init, "have an init as process 1 (default true)"),
	{ 0 },
};

/* --- Completion ------------------------------------------------------------------------------ */

/* Files first, then what was given one by one: the nearer wins. */
static int finish_environment(struct spec_options *options, struct error *err)
{
	char ***environment = &options->spec.environment;

	for (char **file = options->environment_files; file && *file; file++)
		if (parse_environment_file(*file, environment, err) < 0)
			return error_prefix(err, "--env-file");
	for (char **text = options->environment; text && *text; text++)
		if (parse_environment(*text, environment, err) < 0)
			return error_prefix(err, "--env");
	return 0;
}

static int finish_labels(struct spec_options *options, struct error *err)
{
	for (char **text = options->labels; text && *text; text++)
		if (option_label(*text, &options->spec.labels, err) < 0)
			return error_prefix(err, "--label");
	return 0;
}

static int finish_log_option(struct spec *spec, const char *option, struct error *err)
{
	const char *value = strchr(option, '=');

	if (value && strncmp(option, "max-size=", 9) == 0)
		return parse_size(value + 1, &spec->log_max_bytes, err);
	if (value && strncmp(option, "max-file=", 9) == 0)
		return parse_integer(value + 1, 1, SPEC_LOG_FILES_MAX, &spec->log_max_files, err);
	if (!value || strncmp(option, "tag=", 4) != 0)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.64s\": there are max-size=SIZE, max-file=N and tag=TEXT",
				 option);
	free(spec->log_tag);
	spec->log_tag = alloc_strdup(value + 1);
	return 0;
}

static int finish_log(struct spec_options *options, struct error *err)
{
	for (char **option = options->log_options; option && *option; option++)
		if (finish_log_option(&options->spec, *option, err) < 0)
			return error_prefix(err, "--log-opt");
	return 0;
}

/* The file need not be there. Over ssh, it is on the other side. */
static int finish_record(struct spec_options *options, struct error *err)
{
	_cleanup_(freep) char *directory = NULL;

	if (!options->record)
		return 0;
	if (!options->record[0])
		return error_set(err, ERROR_INVALID_VALUE, "--record: the file's name is empty");
	if (options->record[0] == '/') {
		options->spec.record = alloc_strdup(options->record);
		return 0;
	}
	directory = getcwd(NULL, 0);
	if (!directory)
		return error_set_errno(err, errno, "--record %s", options->record);
	options->spec.record = alloc_printf("%s/%s", directory, options->record);
	return 0;
}

/* realpath(3) finds out, on the way, that it is there; over ssh, it is there on the other side. */
static int finish_rootfs(struct spec *spec, struct error *err)
{
	char *path;

	if (spec->rootfs[0] == '/')
		return 0;
	path = realpath(spec->rootfs, NULL);
	if (!path)
		return error_set_errno(err, errno, "--rootfs %s", spec->rootfs);
	free(spec->rootfs);
	spec->rootfs = path;
	return 0;
}

static int finish_command(struct spec_options *options, char *const *operands, struct error *err)
{
	struct spec *spec = &options->spec;

	if (options->command_line && operands[0])
		return error_set(err, ERROR_INVALID_VALUE,
				 "--command is the whole command: \"%.64s\" is too much",
				 operands[0]);
	if (options->command_line) {
		strv_append(&spec->command, "/bin/sh");
		strv_append(&spec->command, "-c");
		strv_append(&spec->command, options->command_line);
	} else if (operands[0]) {
		spec->command = strv_copy(operands);
	}
	/* An empty one takes the image's away. */
	if (options->entrypoint && options->entrypoint[0])
		strv_append(&spec->entrypoint, options->entrypoint);
	else if (options->entrypoint)
		spec->entrypoint = ALLOC(char *);
	return 0;
}

static int finish_health(struct spec_options *options, struct error *err)
{
	struct health_spec *health = &options->spec.health;
	const struct health_spec none = HEALTH_SPEC_NULL;
	bool more = health->interval_ms != none.interval_ms ||
		    health->timeout_ms != none.timeout_ms || health->retries != none.retries ||
		    health->start_period_ms != none.start_period_ms;

	if (options->no_health && options->health_command)
		return error_set(err, ERROR_INVALID_VALUE,
				 "--health-cmd and --no-healthcheck exclude each other");
	if (!options->health_command && more)
		return error_set(err, ERROR_INVALID_VALUE,
				 "give a --health-cmd, too, that says how healthy it is");
	if (!options->health_command)
		return 0;
	strv_append(&health->command, "/bin/sh");
	strv_append(&health->command, "-c");
	strv_append(&health->command, options->health_command);
	return 0;
}

/* What docker says apart from the network that it is about. */
static int finish_network(struct spec_options *options, struct error *err)
{
	struct network_spec *spec = &options->spec.network;
	struct network_attachment first = { 0 };

	if (!options->ip && !options->ip6 && !options->mac && !options->aliases)
		return 0;
	if (spec->mode)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.64s\" is no network that it could have addresses on",
				 spec->mode);
	if (!spec->networks.n) {
		first.network = alloc_strdup(NETWORK_DEFAULT);
		network_attachments_add(&spec->networks, &first);
	}
	for (size_t i = 0; i < spec->networks.n; i++)
		for (char **alias = options->aliases; alias && *alias; alias++)
			strv_append(&spec->networks.items[i].aliases, *alias);
	if (options->ip) {
		free(spec->networks.items[0].ipv4_address);
		spec->networks.items[0].ipv4_address = alloc_strdup(options->ip);
	}
	if (options->ip6) {
		free(spec->networks.items[0].ipv6_address);
		spec->networks.items[0].ipv6_address = alloc_strdup(options->ip6);
	}
	if (options->mac) {
		free(spec->networks.items[0].mac_address);
		spec->networks.items[0].mac_address = alloc_strdup(options->mac);
	}
	return 0;
}

int spec_options_finish(struct spec_options *options, char *const *operands, struct error *err)
{
	struct spec *spec = &options->spec;

	if (spec->rootfs) {
		if (finish_rootfs(spec, err) < 0)
			return -1;
	} else {
		if (!operands[0])
			return error_set(err, ERROR_INVALID_VALUE,
					 "name an image, as busybox, or a --rootfs DIR");
		spec->image = alloc_strdup(*operands++);
	}
	if (finish_command(options, operands, err) < 0 || finish_environment(options, err) < 0 ||
	    finish_labels(options, err) < 0 || finish_network(options, err) < 0 ||
	    rights_options_finish(&options->rights, &spec->rights, err) < 0 ||
	    finish_health(options, err) < 0 || finish_log(options, err) < 0 ||
	    finish_record(options, err) < 0)
		return -1;
	return spec_validate(spec, err);
}

void spec_options_done(void *options)
{
	spec_done(&((struct spec_options *)options)->spec);
}
