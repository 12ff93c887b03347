/* generate systemd: a unit for a container, so that systemd starts and stops it like any service. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/command.h"
#include "client/print.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"

enum { STOP_MORE_S = 20, STOP_DEFAULT_MS = 10000 };

static const struct option no_options[] = { { 0 } };

/* Two that start it again would be in each other's way. */
static int check_policy(struct json_object *spec, const char *name, struct error *err)
{
	const char *policy = call_string(spec, "restart");

	if (!policy[0] || strcmp(policy, "no") == 0)
		return 0;
	return error_set(err, ERROR_WRONG_STATE,
			 "container \"%s\" has a restart policy of its own (%s); take it away "
			 "first: dokrustctl update --restart no %s",
			 name, policy, name);
}

/* Where this program is, as the unit's commands have it. */
static char *own_path(void)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	return n > 0 ? alloc_printf("%.*s", (int)n, path) : alloc_strdup("/usr/bin/dokrustctl");
}

static void print_unit(const struct host *host, const char *name, int64_t stop_ms)
{
	_cleanup_(freep) char *path = own_path();
	bool is_default = strcmp(host->path, HOST_DEFAULT) == 0;

	printf("# Of a container, by dokrustctl generate systemd: /etc/systemd/system/%s.service\n"
	       "[Unit]\n"
	       "Description=Container %s\n"
	       "Documentation=man:dokrustctl(1)\n",
	       name, name);
	if (is_default)
		printf("Requires=dokrustd.socket\nAfter=dokrustd.socket\n");
	printf("\n[Service]\nType=exec\n");
	if (!is_default)
		printf("Environment=DOKRUST_HOST=%s\n", host->path);
	printf("ExecStartPre=%s start %s\n"
	       "ExecStart=%s wait %s\n"
	       "ExecStop=%s stop %s\n"
	       "Restart=on-failure\n",
	       path, name, path, name, path, name);
	if (stop_ms >= 0)
		printf("TimeoutStopSec=%lld\n", (long long)stop_ms / 1000 + STOP_MORE_S);
	else
		printf("TimeoutStopSec=infinity\n");
	printf("\n[Install]\nWantedBy=multi-user.target\n");
}

static int systemd(const struct client *client, char **operands, void *values)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct json_object *parameters = json_object_new_object(), *container, *spec, *stop;
	struct error err;

	(void)values;
	if (client->host.ssh)
		return command_misused(&command_generate, "a unit is for the daemon's own host");
	call_add_string(parameters, "container", operands[0]);
	if (call_once(&client->host, CONTAINER_METHOD("Inspect"), parameters, &reply, &err) < 0) {
		print_failure(&err, "generate systemd");
		return EXIT_FAILURE;
	}
	container = json_object_object_get(reply, "container");
	spec = json_object_object_get(container, "spec");
	stop = json_object_object_get(spec, "stop_timeout_ms");
	if (check_policy(spec, call_string(container, "name"), &err) < 0) {
		print_failure(&err, "generate systemd");
		return EXIT_FAILURE;
	}
	print_unit(&client->host, call_string(container, "name"),
		   stop ? json_object_get_int64(stop) : STOP_DEFAULT_MS);
	return EXIT_SUCCESS;
}

static const struct command command_systemd = {
	.name = "generate systemd",
	.operands = "CONTAINER",
	.summary = "Print a unit of systemd for a container",
	.details =
		"The container has to be there already. dokrust@.service is the same for any name.",
	.example = "dokrustctl generate systemd web > /etc/systemd/system/web.service",
	.options = no_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = systemd,
};

static const struct command *const family[] = { &command_systemd, NULL };

const struct command command_generate = {
	.name = "generate",
	.operands = "COMMAND ...",
	.summary = "Print what other programs read of a container",
	.example = "dokrustctl generate systemd web",
	.family = family,
};
