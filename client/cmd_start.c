#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/attach.h"
#include "client/call.h"
#include "client/command.h"
#include "client/each.h"
#include "client/print.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"

struct values {
	bool attach, interactive, sig_proxy;
	struct detach_option detach_keys;
};

static const struct values defaults = { .sig_proxy = true };

static const struct option options[] = {
	{ .name = "attach",
	  .letter = 'a',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, attach),
	  .help = "show its output, and exit as it does" },
	{ .name = "interactive",
	  .letter = 'i',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, interactive),
	  .help = "the same, and pass standard input on" },
	{ .name = "detach-keys",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, detach_keys),
	  .argument = "KEYS",
	  .help = "keys that detach, as ctrl-p,ctrl-q, or none",
	  .parse = option_detach_keys },
	{ .name = "sig-proxy",
	  .negatable = true,
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, sig_proxy),
	  .help = "pass signals on to the container (default true)" },
	{ 0 },
};

/* Asked before it is started, and only where the answer matters: standard input is no terminal. */
static int check_terminal(const struct client *client, const char *name, struct error *err)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct json_object *spec;

	if (isatty(STDIN_FILENO))
		return 0;
	if (call_once(&client->host, CONTAINER_METHOD("Inspect"), call_container(name), &reply,
		      err) < 0)
		return -1;
	spec = json_object_object_get(json_object_object_get(reply, "container"), "spec");
	if (!json_object_get_boolean(json_object_object_get(spec, "terminal")))
		return 0;
	return error_set(err, ERROR_INVALID_VALUE,
			 "the container has a terminal, but standard input is none; -a only looks");
}

static int start_attached(const struct client *client, const char *name,
			  const struct values *values)
{
	_cleanup_(freep) char *what = alloc_printf("start %s", name);
	const struct attach_params params = {
		.what = what,
		.method = CONTAINER_METHOD("Start"),
		.may_have_terminal = true,
		.input = values->interactive,
		.history_rows = -1,
		.reconnect_ms = ATTACH_RECONNECT_MS,
		.proxy_signals = values->sig_proxy,
		.detach = &values->detach_keys,
	};
	struct error err;

	if (values->interactive && check_terminal(client, name, &err) < 0) {
		print_failure(&err, "%s", what);
		return EXIT_CLIENT;
	}
	return attach_call(&client->host, &params, call_container(name));
}

static void print_started(struct json_object *reply, const char *operand, void *userdata)
{
	(void)userdata;
	print_warnings(reply);
	printf("%s\n", operand);
}

static int run(const struct client *client, char **operands, void *values_)
{
	static const struct each each = {
		.verb = "start",
		.method = CONTAINER_METHOD("Start"),
		.done = print_started,
	};
	const struct values *values = values_;

	if (!values->attach && !values->interactive)
		return each_container(&client->host, &each, operands) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (operands[1])
		return command_misused(&command_start, "only one can be attached to at a time");
	return start_attached(client, operands[0], values);
}

const struct command command_start = {
	.name = "start",
	.operands = "CONTAINER...",
	.summary = "Start containers that were created, or have exited",
	.details = "With -a or -i, the exit status is the container's, as with run.",
	.example = "dokrustctl start -ai web",
	.options = options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = run,
	.values_size = sizeof(struct values),
	.defaults = &defaults,
};
