#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/attach.h"
#include "client/call.h"
#include "client/command.h"
#include "client/print.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/exec_spec.h"
#include "common/json.h"
#include "common/parse.h"
#include "common/text.h"

struct values {
	bool detach;
	struct detach_option detach_keys;
	struct exec_spec spec; /* its strings are the options' but for environment and command */
	char **environment, **environment_files; /* texts, before they are read */
};

static const struct values defaults = { .spec = EXEC_SPEC_NULL };

static int option_on_detach(const char *text, void *value, struct error *err)
{
	static const char *const actions[] = { "keep", "hup", "kill" };

	for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
		if (strcmp(text, actions[i]) != 0)
			continue;
		*(const char **)value = actions[i];
		return 0;
	}
	return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is none of keep, hup and kill", text);
}

static const struct option options[] = {
	{ .name = "interactive",
	  .letter = 'i',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, spec.stdin_open),
	  .help = "pass standard input on" },
	{ .name = "tty",
	  .letter = 't',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, spec.terminal),
	  .help = "give it a terminal" },
	{ .name = "detach",
	  .letter = 'd',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, detach),
	  .help = "do not attach; print its number" },
	{ .name = "env",
	  .letter = 'e',
	  .kind = OPTION_TEXTS,
	  .offset = offsetof(struct values, environment),
	  .argument = "KEY=VALUE",
	  .help = "set a variable; KEY alone takes it from here" },
	{ .name = "env-file",
	  .kind = OPTION_TEXTS,
	  .offset = offsetof(struct values, environment_files),
	  .argument = "FILE",
	  .help = "read such lines from a file" },
	{ .name = "workdir",
	  .letter = 'w',
	  .kind = OPTION_TEXT,
	  .offset = offsetof(struct values, spec.workdir),
	  .argument = "DIR",
	  .help = "where it starts; without it, as the container" },
	{ .name = "user",
	  .letter = 'u',
	  .kind = OPTION_TEXT,
	  .offset = offsetof(struct values, spec.user),
	  .argument = "USER[:GROUP]",
	  .help = "who runs it; without it, as the container" },
	{ .name = "privileged",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, spec.privileged),
	  .help = "with all capabilities and no seccomp filter" },
	{ .name = "on-detach",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, spec.on_detach),
	  .argument = "ACTION",
	  .help = "when nobody is attached any more: keep (default), hup or kill",
	  .parse = option_on_detach },
	{ .name = "size-policy",
	  .kind = OPTION_TEXT,
	  .offset = offsetof(struct values, spec.size_policy),
	  .argument = "POLICY",
	  .help = "whose terminal's size counts: latest, smallest, fixed[=COLSxROWS]" },
	{ .name = "detach-keys",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, detach_keys),
	  .argument = "KEYS",
	  .help = "keys that detach, as ctrl-p,ctrl-q, or none",
	  .parse = option_detach_keys },
	{ 0 },
};

/* What the spec owns beside the options' texts. */
static void done(void *values_)
{
	struct values *values = values_;

	values->spec.environment = strv_free(values->spec.environment);
	values->spec.command = strv_free(values->spec.command);
}

static int read_environment(struct values *values, struct error *err)
{
	char ***environment = &values->spec.environment;

	for (char **file = values->environment_files; file && *file; file++)
		if (parse_environment_file(*file, environment, err) < 0)
			return -1;
	for (char **text = values->environment; text && *text; text++)
		if (parse_environment(*text, environment, err) < 0)
			return -1;
	return 0;
}

static struct json_object *make_parameters(const struct values *values, const char *container)
{
	struct json_object *parameters = call_container(container);

	json_object_object_add(parameters, "exec", exec_spec_to_json(&values->spec));
	return parameters;
}

static int exec_detached(const struct client *client, const struct values *values,
			 const char *container)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct error err;

	if (call_once(&client->host, CONTAINER_METHOD("Exec"), make_parameters(values, container),
		      &reply, &err) < 0) {
		print_failure(&err, "exec %s", container);
		return command_status(&err);
	}
	printf("%s/%s\n", call_string(reply, "name"), call_string(reply, "exec"));
	return EXIT_SUCCESS;
}

static int run(const struct client *client, char **operands, void *values_)
{
	struct values *values = values_;
	_cleanup_(freep) char *what = alloc_printf("exec %s", operands[0]);
	const struct attach_params params = {
		.what = what,
		.method = CONTAINER_METHOD("Exec"),
		.may_have_terminal = values->spec.terminal,
		.input = values->spec.stdin_open,
		.history_rows = -1,
		.reconnect_ms = ATTACH_RECONNECT_MS,
		.proxy_signals = true,
		.pipe_signal = true,
		.detach = &values->detach_keys,
	};
	struct error err;

	values->spec.command = strv_copy(operands + 1);
	if (read_environment(values, &err) < 0)
		return command_misused(&command_exec, "%s", err.message);
	if (values->detach)
		return exec_detached(client, values, operands[0]);
	if (values->spec.terminal && values->spec.stdin_open && !isatty(STDIN_FILENO))
		return command_misused(&command_exec,
				       "standard input is no terminal: -t and -i together need "
				       "one, -i alone does not");
	return attach_call(&client->host, &params, make_parameters(values, operands[0]));
}

const struct command command_exec = {
	.name = "exec",
	.operands = "CONTAINER COMMAND [ARG...]",
	.summary = "Run another command in a running container",
	.details = "It has a session of its own, which the detach keys leave and\n"
		   "\"attach CONTAINER/NUMBER\" comes back to; inspect lists them.\n"
		   "The exit status is the command's; 125: dokrust failed, 126: it cannot be\n"
		   "executed, 127: it was not found.",
	.example = "dokrustctl exec -it web sh",
	.options = options,
	.options_first = true,
	.operands_min = 2,
	.operands_max = OPERANDS_ANY,
	.run = run,
	.values_size = sizeof(struct values),
	.defaults = &defaults,
	.done = done,
};
