#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/command.h"
#include "client/print.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/network_spec.h"
#include "common/parse.h"
#include "common/text.h"

enum { SHORT_ID = 12, SHORT_COMMAND = 20 };

struct values {
	bool all, quiet, no_trunc, json, latest;
	int64_t last;
	char **filters;
};

static int option_count(const char *text, void *value, struct error *err)
{
	return parse_integer(text, 1, INT32_MAX, value, err);
}

static const struct option options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, all),
	  .help = "those that do not run, too" },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, quiet),
	  .help = "ids alone" },
	{ .name = "no-trunc",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, no_trunc),
	  .help = "whole ids and commands" },
	{ .name = "filter",
	  .letter = 'f',
	  .kind = OPTION_TEXTS,
	  .offset = offsetof(struct values, filters),
	  .argument = "KEY=VALUE",
	  .help = "name, id, state, exit_status, image, label" },
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, json),
	  .argument = "FORMAT",
	  .help = "json (an object a line) or table",
	  .parse = option_format },
	{ .name = "last",
	  .letter = 'n',
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, last),
	  .argument = "N",
	  .help = "the N newest, running or not",
	  .parse = option_count },
	{ .name = "latest",
	  .letter = 'l',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, latest),
	  .help = "the newest, running or not" },
	{ 0 },
};

/* --- Asking ---------------------------------------------------------------------------------- */

/* Whoever asks for a state means also those that do not run. */
static bool asks_for_state(char *const *filters)
{
	static const char *const keys[] = { "state=", "status=", "exit_status=", "exited=" };

	for (; filters && *filters; filters++)
		for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
			if (strncmp(*filters, keys[i], strlen(keys[i])) == 0)
				return true;
	return false;
}

static struct json_object *make_parameters(const struct values *values)
{
	struct json_object *parameters = json_object_new_object();
	struct json_object *filters;

	if (values->all || values->last || values->latest || asks_for_state(values->filters))
		json_object_object_add(parameters, "all", json_object_new_boolean(true));
	if (!values->filters)
		return parameters;
	filters = json_object_new_array();
	for (char **filter = values->filters; *filter; filter++)
		json_object_array_add(filters, json_object_new_string(*filter));
	json_object_object_add(parameters, "filters", filters);
	return parameters;
}

static void keep(struct json_object *container, void *array)
{
	json_object_array_add(array, json_object_get(container));
}

/* The containers, oldest first. */
static int list(const struct client *client, const struct values *values,
		struct json_object *ret_array, struct error *err)
{
	return call_list(&client->host, CONTAINER_METHOD("List"), make_parameters(values),
			 "container", keep, ret_array, err);
}

/* --- Words ----------------------------------------------------------------------------------- */

/* How long ago the time under that key was, in words. */
static const char *age(struct json_object *container, const char *key,
		       char buffer[PRINT_DURATION_SIZE])
{
	int64_t at;

	if (clock_parse(call_string(container, key), &at) < 0)
		return "?";
	return print_duration(clock_realtime_us() - at, buffer);
}

static char *describe_state(struct json_object *container)
{
	const char *state = call_string(container, "state");
	char buffer[PRINT_DURATION_SIZE];

	if (strcmp(state, "running") == 0 && json_object_object_get(container, "health"))
		return alloc_printf("Up %s (%s)", age(container, "started_at", buffer),
				    call_string(container, "health"));
	if (strcmp(state, "running") == 0)
		return alloc_printf("Up %s", age(container, "started_at", buffer));
	if (strcmp(state, "exited") == 0 || strcmp(state, "restarting") == 0)
		return alloc_printf(
			"%s (%d) %s ago", state[0] == 'e' ? "Exited" : "Restarting",
			json_object_get_int(json_object_object_get(container, "exit_status")),
			age(container, "finished_at", buffer));
	buffer[0] = state[0] >= 'a' && state[0] <= 'z' ? (char)(state[0] - 'a' + 'A') : state[0];
	return alloc_printf("%c%s", buffer[0], state[0] ? state + 1 : "");
}

/* In quotation marks, as docker shows it. */
static char *describe_command(struct json_object *container, bool whole)
{
	_cleanup_(freep) char *text = print_join(json_object_object_get(container, "command"), " ");
	_cleanup_(freep) char *shown = print_shorten(text, whole ? SIZE_MAX : SHORT_COMMAND);

	return alloc_printf("\"%s\"", shown);
}

/* As docker shows it. */
static char *describe_port(const struct port_range *range, const char *address)
{
	char host[PORT_SPAN_SIZE], inside[PORT_SPAN_SIZE];

	return alloc_printf(strchr(address, ':') ? "[%s]:%s->%s/%s" : "%s:%s->%s/%s", address,
			    port_span_format(range->host, range->count, host),
			    port_span_format(range->container, range->count, inside),
			    port_protocol_name(range->protocol));
}

static void add_port(struct json_object *array, const struct port_range *range, const char *address)
{
	_cleanup_(freep) char *text = describe_port(range, address);

	json_object_array_add(array, json_object_new_string(text));
}

static char *describe_ports(struct json_object *container)
{
	struct json_object *ports = json_object_object_get(container, "ports");
	_cleanup_(json_putp) struct json_object *shown = json_object_new_array();

	for (size_t i = 0; ports && i < json_object_array_length(ports); i++) {
		const char *port = json_object_get_string(json_object_array_get_idx(ports, i));
		char address[ADDRESS_TEXT_SIZE];
		struct port_range range;
		struct error ignored;

		if (!port || port_parse(port, &range, &ignored) < 0)
			continue;
		if (range.address.family) {
			add_port(shown, &range, address_format(&range.address, address));
		} else {
			add_port(shown, &range, "0.0.0.0");
			add_port(shown, &range, "::");
		}
	}
	return print_join(shown, ", ");
}

/* --- Printing -------------------------------------------------------------------------------- */

static void add_row(struct table *table, struct json_object *container, bool whole)
{
	_cleanup_(freep) char *id =
		alloc_printf("%.*s", whole ? 64 : SHORT_ID, call_string(container, "id"));
	_cleanup_(freep) char *command = describe_command(container, whole);
	_cleanup_(freep) char *state = describe_state(container);
	_cleanup_(freep) char *ports = describe_ports(container);
	_cleanup_(freep) char *created = NULL;
	const char *image = call_string(container, "image");
	char buffer[PRINT_DURATION_SIZE];

	created = alloc_printf("%s ago", age(container, "created_at", buffer));
	table_add(table, id);
	table_add(table, call_string(container, "name"));
	table_add(table, image[0] ? image : call_string(container, "rootfs"));
	table_add(table, command);
	table_add(table, created);
	table_add(table, state);
	table_add(table, ports);
}

static void print_table(struct json_object *array, size_t n, const struct values *values)
{
	static const char *const titles[] = { "CONTAINER ID", "NAME",	"IMAGE", "COMMAND",
					      "CREATED",      "STATUS", "PORTS" };
	_cleanup_(table_done) struct table table;
	size_t length = json_object_array_length(array);

	table_init(&table, ARRAY_SIZE(titles));
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		table_add(&table, titles[i]);
	for (size_t i = 0; i < n; i++)
		add_row(&table, json_object_array_get_idx(array, length - 1 - i), values->no_trunc);
	table_print(&table);
}

static void print_list(struct json_object *array, const struct values *values)
{
	size_t length = json_object_array_length(array), n = length;

	if (values->latest || values->last)
		n = values->last ? (size_t)values->last : 1;
	n = n < length ? n : length;
	if (!values->quiet && !values->json) {
		print_table(array, n, values);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct json_object *container = json_object_array_get_idx(array, length - 1 - i);

		if (values->quiet)
			printf("%.*s\n", values->no_trunc ? 64 : SHORT_ID,
			       call_string(container, "id"));
		else
			print_json(container, false);
	}
}

static int run(const struct client *client, char **operands, void *values)
{
	_cleanup_(json_putp) struct json_object *array = json_object_new_array();
	struct error err;

	(void)operands;
	if (list(client, values, array, &err) < 0) {
		print_failure(&err, "ps");
		return EXIT_FAILURE;
	}
	print_list(array, values);
	return EXIT_SUCCESS;
}

const struct command command_ps = {
	.name = "ps",
	.operands = "",
	.summary = "List containers",
	.details =
		"Several filters of one key are alternatives; those of several keys must all fit.",
	.example = "dokrustctl ps -a --filter state=exited",
	.options = options,
	.run = run,
	.values_size = sizeof(struct values),
};
