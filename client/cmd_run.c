/* run and create: a new container. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/attach.h"
#include "client/call.h"
#include "client/command.h"
#include "client/print.h"
#include "client/spec_options.h"
#include "common/cleanup.h"
#include "common/json.h"

static struct json_object *make_parameters(const struct spec_options *options)
{
	struct json_object *parameters = json_object_new_object();

	json_object_object_add(parameters, "spec", spec_to_json(&options->spec));
	call_add_string(parameters, "name", options->name);
	return parameters;
}

/* Without attaching: the answer is the id. */
static int print_id(const struct client *client, const char *method,
		    const struct spec_options *options, struct error *err)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;

	if (call_once(&client->host, method, make_parameters(options), &reply, err) < 0)
		return -1;
	print_warnings(reply);
	printf("%s\n", call_string(reply, "id"));
	return 0;
}

static int run_attached(const struct client *client, const struct spec_options *options)
{
	const struct attach_params params = {
		.what = "run",
		.method = CONTAINER_METHOD("Run"),
		.may_have_terminal = options->spec.terminal,
		.input = options->spec.stdin_open,
		.history_rows = -1,
		.reconnect_ms = ATTACH_RECONNECT_MS,
		.proxy_signals = options->sig_proxy,
		.pipe_signal = true,
		.detach = &options->detach_keys,
	};

	if (options->spec.terminal && options->spec.stdin_open && !isatty(STDIN_FILENO))
		return command_misused(&command_run,
				       "standard input is no terminal: -t and -i together need "
				       "one, -i alone does not");
	return attach_call(&client->host, &params, make_parameters(options));
}

static int run(const struct client *client, char **operands, void *values)
{
	struct spec_options *options = values;
	struct error err;

	if (spec_options_finish(options, operands, &err) < 0)
		return command_misused(&command_run, "%s", err.message);
	if (!options->detach)
		return run_attached(client, options);
	if (print_id(client, CONTAINER_METHOD("Run"), options, &err) == 0)
		return EXIT_SUCCESS;
	print_failure(&err, "run");
	return command_status(&err);
}

const struct command command_run = {
	.name = "run",
	.operands = "IMAGE [COMMAND [ARG...]]",
	.summary = "Create a container, start it, and attach to it",
	.details = "With --rootfs DIR there is no IMAGE: all operands are the command.\n"
		   "The exit status is the command's; 125: dokrust failed, 126: it cannot be\n"
		   "executed, 127: it was not found.",
	.example = "dokrustctl run -it --name web busybox",
	.options = spec_options_table,
	.options_first = true,
	.operands_max = OPERANDS_ANY,
	.run = run,
	.values_size = sizeof(struct spec_options),
	.defaults = &spec_options_defaults,
	.done = spec_options_done,
};

static int create(const struct client *client, char **operands, void *values)
{
	struct spec_options *options = values;
	struct error err;

	if (spec_options_finish(options, operands, &err) < 0)
		return command_misused(&command_create, "%s", err.message);
	if (print_id(client, CONTAINER_METHOD("Create"), options, &err) == 0)
		return EXIT_SUCCESS;
	print_failure(&err, "create");
	return EXIT_FAILURE;
}

const struct command command_create = {
	.name = "create",
	.operands = "IMAGE [COMMAND [ARG...]]",
	.summary = "Create a container without starting it",
	.details = "With --rootfs DIR there is no IMAGE: all operands are the command.",
	.example = "dokrustctl create -it --name web busybox && dokrustctl start -ai web",
	.options = &spec_options_table[SPEC_OPTIONS_OF_RUN],
	.options_first = true,
	.operands_max = OPERANDS_ANY,
	.run = create,
	.values_size = sizeof(struct spec_options),
	.defaults = &spec_options_defaults,
	.done = spec_options_done,
};
