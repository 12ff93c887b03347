#include <stdio.h>

#include "client/attach.h"
#include "client/call.h"
#include "client/command.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/parse.h"

struct values {
	bool read_only, no_stdin, sig_proxy, steal, reconnect;
	int64_t history_rows;
	struct detach_option detach_keys;
};

static const struct values defaults = { .sig_proxy = true, .history_rows = -1 };

static int option_rows(const char *text, void *value, struct error *err)
{
	return parse_integer(text, 0, 2000, value, err);
}

static const struct option options[] = {
	{ .name = "read-only",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, read_only),
	  .help = "look, and type nothing but the detach keys" },
	{ .name = "no-stdin",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, no_stdin),
	  .help = "do not read standard input" },
	{ .name = "steal",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, steal),
	  .help = "detach all others" },
	{ .name = "history",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, history_rows),
	  .argument = "ROWS",
	  .help = "how much of the scrollback to show (default 200, at most 2000)",
	  .parse = option_rows },
	{ .name = "detach-keys",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, detach_keys),
	  .argument = "KEYS",
	  .help = "keys that detach, as ctrl-p,ctrl-q, or none",
	  .parse = option_detach_keys },
	{ .name = "reconnect",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, reconnect),
	  .help = "when the connection is lost, try without end (else for 5 s)" },
	{ .name = "sig-proxy",
	  .negatable = true,
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, sig_proxy),
	  .help = "pass signals on to the container (default true)" },
	{ 0 },
};

static int run(const struct client *client, char **operands, void *values_)
{
	const struct values *values = values_;
	_cleanup_(freep) char *what = alloc_printf("attach %s", operands[0]);
	const struct attach_params params = {
		.what = what,
		.method = CONTAINER_METHOD("Attach"),
		.may_have_terminal = true,
		.input = !values->no_stdin,
		.read_only = values->read_only,
		.steal = values->steal,
		.history_rows = values->history_rows,
		.reconnect_ms = values->reconnect ? -1 : ATTACH_RECONNECT_MS,
		.proxy_signals = values->sig_proxy,
		.looks_only = values->no_stdin,
		.detach = &values->detach_keys,
	};

	return attach_call(&client->host, &params, call_container(operands[0]));
}

const struct command command_attach = {
	.name = "attach",
	.operands = "CONTAINER[/EXEC]",
	.summary = "Join the terminal, or the output, of a container",
	.details = "The detach keys, ctrl-p,ctrl-q by default, leave it running. They can be set\n"
		   "by DOKRUST_DETACH_KEYS, or as detach_keys in ~/.config/dokrust/client.conf.",
	.example = "dokrustctl attach --detach-keys ctrl-a,d web",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
	.values_size = sizeof(struct values),
	.defaults = &defaults,
};
