/* sessions, detach, send: what can be done to a session from beside it. */
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
#include "common/parse.h"

static int fail(const char *verb, const char *operand, const struct error *err)
{
	print_failure(err, "%s %s", verb, operand);
	return EXIT_FAILURE;
}

/* --- sessions -------------------------------------------------------------------------------- */

struct sessions_values {
	bool json;
};

static const struct option sessions_options[] = {
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct sessions_values, json),
	  .argument = "FORMAT",
	  .help = "json (an object a line) or table",
	  .parse = option_format },
	{ 0 },
};

static void add_number(struct table *table, struct json_object *viewer, const char *key)
{
	int64_t number = json_object_get_int64(json_object_object_get(viewer, key));
	_cleanup_(freep) char *text = alloc_printf("%lld", (long long)number);

	table_add(table, text);
}

static void add_size(struct table *table, struct json_object *viewer)
{
	struct json_object *size = json_object_object_get(viewer, "size");
	_cleanup_(freep) char *text = NULL;

	if (size)
		text = alloc_printf("%dx%d",
				    json_object_get_int(json_object_object_get(size, "columns")),
				    json_object_get_int(json_object_object_get(size, "rows")));
	table_add(table, text ? text : "-");
}

static void add_since(struct table *table, struct json_object *viewer)
{
	char duration[PRINT_DURATION_SIZE];
	_cleanup_(freep) char *text = NULL;
	int64_t since;

	if (clock_parse(call_string(viewer, "since"), &since) == 0)
		text = alloc_printf("%s ago",
				    print_duration(clock_realtime_us() - since, duration));
	table_add(table, text ? text : "-");
}

static void add_row(struct table *table, struct json_object *viewer)
{
	const char *user = call_string(viewer, "user");
	bool read_only = json_object_get_boolean(json_object_object_get(viewer, "read_only"));

	add_number(table, viewer, "viewer");
	if (user[0])
		table_add(table, user);
	else
		add_number(table, viewer, "uid");
	add_since(table, viewer);
	add_size(table, viewer);
	table_add(table, read_only ? "read-only" : "read-write");
}

static void print_viewers(struct json_object *viewers)
{
	static const char *const heads[] = { "VIEWER", "USER", "SINCE", "SIZE", "MODE" };
	_cleanup_(table_done) struct table table;

	table_init(&table, ARRAY_SIZE(heads));
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		table_add(&table, heads[i]);
	for (size_t i = 0; i < json_object_array_length(viewers); i++)
		add_row(&table, json_object_array_get_idx(viewers, i));
	table_print(&table);
}

static int sessions(const struct client *client, char **operands, void *values_)
{
	const struct sessions_values *values = values_;
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct json_object *viewers;
	struct error err;

	if (call_once(&client->host, CONTAINER_METHOD("Sessions"), call_container(operands[0]),
		      &reply, &err) < 0)
		return fail("sessions", operands[0], &err);
	viewers = json_object_object_get(reply, "viewers");
	if (!values->json)
		print_viewers(viewers);
	for (size_t i = 0; values->json && i < json_object_array_length(viewers); i++)
		print_json(json_object_array_get_idx(viewers, i), false);
	return EXIT_SUCCESS;
}

const struct command command_sessions = {
	.name = "sessions",
	.operands = "CONTAINER[/EXEC]",
	.summary = "List who is attached",
	.example = "dokrustctl sessions web",
	.options = sessions_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = sessions,
	.values_size = sizeof(struct sessions_values),
};

/* --- detach ---------------------------------------------------------------------------------- */

static const struct option no_options[] = { { 0 } };

static int detach(const struct client *client, char **operands, void *values)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct json_object *parameters;
	int64_t number = 0;
	struct error err;

	(void)values;
	if (operands[1] && parse_integer(operands[1], 1, UINT32_MAX, &number, &err) < 0)
		return command_misused(&command_detach, "VIEWER: %s", err.message);
	parameters = call_container(operands[0]);
	if (number)
		json_object_object_add(parameters, "viewer", json_object_new_int64(number));
	if (call_once(&client->host, CONTAINER_METHOD("Detach"), parameters, &reply, &err) < 0)
		return fail("detach", operands[0], &err);
	return EXIT_SUCCESS;
}

const struct command command_detach = {
	.name = "detach",
	.operands = "CONTAINER[/EXEC] [VIEWER]",
	.summary = "Detach a viewer, or all; the container goes on",
	.details = "\"sessions\" lists the viewers.",
	.example = "dokrustctl detach web 2",
	.options = no_options,
	.operands_min = 1,
	.operands_max = 2,
	.run = detach,
};

/* --- send ------------------------------------------------------------------------------------ */

struct send_values {
	bool enter;
};

static const struct option send_options[] = {
	{ .name = "enter",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct send_values, enter),
	  .help = "and the Enter key behind it" },
	{ 0 },
};

static int send_(const struct client *client, char **operands, void *values_)
{
	const struct send_values *values = values_;
	struct json_object *parameters = call_container(operands[0]);
	struct error err;

	call_add_string(parameters, "text", operands[1]);
	if (values->enter)
		json_object_object_add(parameters, "enter", json_object_new_boolean(true));
	if (call_once(&client->host, CONTAINER_METHOD("Send"), parameters, NULL, &err) < 0)
		return fail("send", operands[0], &err);
	return EXIT_SUCCESS;
}

const struct command command_send = {
	.name = "send",
	.operands = "CONTAINER[/EXEC] TEXT",
	.summary = "Type text into a container's terminal, or standard input",
	.example = "dokrustctl send web 'make test' --enter",
	.options = send_options,
	.operands_min = 2,
	.operands_max = 2,
	.run = send_,
	.values_size = sizeof(struct send_values),
};
