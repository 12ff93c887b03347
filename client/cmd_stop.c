/* stop, restart, kill, wait: the end of a run. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/call.h"
#include "client/command.h"
#include "client/each.h"
#include "common/parse.h"

/* --- stop, restart --------------------------------------------------------------------------- */

struct stop_values {
	int64_t timeout_ms;
};

/* Not given: the container's own. */
static const struct stop_values stop_defaults = { .timeout_ms = INT64_MIN };

static const struct option stop_options[] = {
	{ .name = "timeout",
	  .letter = 't',
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct stop_values, timeout_ms),
	  .argument = "SECONDS",
	  .help = "when it is killed (-1: never); the default is its own",
	  .parse = option_duration_ms },
	{ 0 },
};

static void add_timeout(struct json_object *parameters, const void *userdata)
{
	const struct stop_values *values = userdata;

	if (values->timeout_ms != INT64_MIN)
		json_object_object_add(parameters, "timeout_ms",
				       json_object_new_int64(values->timeout_ms));
}

static int stop(const struct client *client, char **operands, void *values)
{
	const struct each each = {
		.verb = "stop",
		.method = CONTAINER_METHOD("Stop"),
		.add = add_timeout,
		.userdata = values,
	};

	return each_container(&client->host, &each, operands) ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command command_stop = {
	.name = "stop",
	.operands = "CONTAINER...",
	.summary = "End containers, and kill those that do not within their time",
	.example = "dokrustctl stop -t 3 web db",
	.options = stop_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = stop,
	.values_size = sizeof(struct stop_values),
	.defaults = &stop_defaults,
};

static int restart(const struct client *client, char **operands, void *values)
{
	const struct each each = {
		.verb = "restart",
		.method = CONTAINER_METHOD("Restart"),
		.add = add_timeout,
		.userdata = values,
	};

	return each_container(&client->host, &each, operands) ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command command_restart = {
	.name = "restart",
	.operands = "CONTAINER...",
	.summary = "Stop containers that run, and start them",
	.example = "dokrustctl restart -t 3 web",
	.options = stop_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = restart,
	.values_size = sizeof(struct stop_values),
	.defaults = &stop_defaults,
};

/* --- kill ------------------------------------------------------------------------------------ */

struct kill_values {
	int signal;
};

static const struct kill_values kill_defaults = { .signal = 9 };

static int option_signal(const char *text, void *value, struct error *err)
{
	return parse_signal(text, value, err);
}

static const struct option kill_options[] = {
	{ .name = "signal",
	  .letter = 's',
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct kill_values, signal),
	  .argument = "SIGNAL",
	  .help = "a name or number (default KILL)",
	  .parse = option_signal },
	{ 0 },
};

static void add_signal(struct json_object *parameters, const void *userdata)
{
	const struct kill_values *values = userdata;
	char name[16];

	call_add_string(parameters, "signal", signal_name(values->signal, name, sizeof(name)));
}

static int kill_(const struct client *client, char **operands, void *values)
{
	const struct each each = {
		.verb = "kill",
		.method = CONTAINER_METHOD("Kill"),
		.add = add_signal,
		.userdata = values,
	};

	return each_container(&client->host, &each, operands) ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command command_kill = {
	.name = "kill",
	.operands = "CONTAINER...",
	.summary = "Send a signal to the main process of containers",
	.example = "dokrustctl kill -s HUP web",
	.options = kill_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = kill_,
	.values_size = sizeof(struct kill_values),
	.defaults = &kill_defaults,
};

/* --- wait ------------------------------------------------------------------------------------ */

static void print_status(struct json_object *reply, const char *operand, void *userdata)
{
	int *last = userdata;

	(void)operand;
	*last = json_object_get_int(json_object_object_get(reply, "exit_status"));
	printf("%d\n", *last);
}

static int wait_(const struct client *client, char **operands, void *values)
{
	int last = 0;
	const struct each each = {
		.verb = "wait",
		.method = CONTAINER_METHOD("Wait"),
		.done = print_status,
		.again = true,
		.userdata = &last,
	};

	(void)values;
	return each_container(&client->host, &each, operands) ? EXIT_CLIENT : last;
}

static const struct option no_options[] = { { 0 } };

const struct command command_wait = {
	.name = "wait",
	.operands = "CONTAINER...",
	.summary = "Wait until containers have exited, and print their exit statuses",
	.details = "The exit status is that of the last one; 125: one could not be waited for.",
	.example = "dokrustctl wait job && echo well done",
	.options = no_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = wait_,
};
