/* version and info: what is asked of the daemon itself. */
#include <stdio.h>
#include <stdlib.h>

#include "client/call.h"
#include "client/command.h"
#include "client/print.h"
#include "common/cleanup.h"
#include "common/frame.h"
#include "common/json.h"

struct values {
	bool json;
};

static const struct option options[] = {
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, json),
	  .argument = "FORMAT",
	  .help = "json or table",
	  .parse = option_format },
	{ 0 },
};

/* --- Lines ----------------------------------------------------------------------------------- */

struct line {
	const char *title, *key;
	bool bytes;
};

static void add_value(struct table *table, struct json_object *object, const struct line *line)
{
	struct json_object *value = json_object_object_get(object, line->key);
	char buffer[PRINT_BYTES_SIZE];

	if (json_object_get_type(value) == json_type_array) {
		_cleanup_(freep) char *list = print_join(value, ", ");

		table_add(table, list);
		return;
	}
	if (line->bytes)
		table_add(table, print_bytes(json_object_get_int64(value), buffer));
	else
		table_add(table, call_string(object, line->key));
}

static void print_lines(struct json_object *object, const struct line *lines, size_t n)
{
	_cleanup_(table_done) struct table table;

	table_init(&table, 2);
	for (size_t i = 0; i < n; i++) {
		if (!json_object_object_get(object, lines[i].key))
			continue;
		table_add(&table, lines[i].title);
		add_value(&table, object, &lines[i]);
	}
	table_print(&table);
}

/* --- version --------------------------------------------------------------------------------- */

static struct json_object *client_version(void)
{
	struct json_object *object = json_object_new_object();

	call_add_string(object, "version", DOKRUST_VERSION);
	json_object_object_add(object, "framing", json_object_new_int(FRAME_VERSION));
	return object;
}

static void print_version(struct json_object *ours, struct json_object *theirs)
{
	static const struct line lines[] = {
		{ " Version:", "version", false }, { " Framing:", "framing", false },
		{ " Kernel:", "kernel", false },   { " Architecture:", "architecture", false },
		{ " Process:", "pid", false },	   { " Started:", "started_at", false },
	};

	printf("Client:\n");
	print_lines(ours, lines, ARRAY_SIZE(lines));
	if (!theirs)
		return;
	printf("\nDaemon:\n");
	print_lines(theirs, lines, ARRAY_SIZE(lines));
}

static int version(const struct client *client, char **operands, void *values_)
{
	_cleanup_(json_putp) struct json_object *both = json_object_new_object();
	const struct values *values = values_;
	struct json_object *theirs = NULL;
	struct error err;
	int r;

	(void)operands;
	r = call_once(&client->host, DAEMON_METHOD("GetVersion"), NULL, &theirs, &err);
	json_object_object_add(both, "client", client_version());
	json_object_object_add(both, "daemon", theirs);
	if (values->json)
		print_json(both, false);
	else
		print_version(json_object_object_get(both, "client"), theirs);
	if (r == 0)
		return EXIT_SUCCESS;
	print_failure(&err, "version");
	return EXIT_FAILURE;
}

const struct command command_version = {
	.name = "version",
	.operands = "",
	.summary = "Show the versions of the client and the daemon",
	.example = "dokrustctl version --format json",
	.options = options,
	.run = version,
	.values_size = sizeof(struct values),
};

/* --- info ------------------------------------------------------------------------------------ */

static void print_info(struct json_object *info)
{
	static const struct line lines[] = {
		{ "Containers:", "containers", false },
		{ " Running:", "containers_running", false },
		{ " Stopped:", "containers_stopped", false },
		{ "Images:", "images", false },
		{ "Version:", "version", false },
		{ "Host name:", "hostname", false },
		{ "Operating system:", "operating_system", false },
		{ "Kernel:", "kernel", false },
		{ "Architecture:", "architecture", false },
		{ "Processors:", "cpus", false },
		{ "Memory:", "memory_bytes", true },
		{ "Control groups:", "cgroup_version", false },
		{ "Socket:", "socket", false },
		{ "State directory:", "state_directory", false },
		{ "Run directory:", "run_directory", false },
		{ "Process:", "pid", false },
		{ "Started:", "started_at", false },
		{ "Connections:", "connections", false },
		{ "You are uid:", "peer_uid", false },
	};

	print_lines(info, lines, ARRAY_SIZE(lines));
}

static int info(const struct client *client, char **operands, void *values_)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;
	const struct values *values = values_;
	struct error err;

	(void)operands;
	if (call_once(&client->host, DAEMON_METHOD("GetInfo"), NULL, &reply, &err) < 0) {
		print_failure(&err, "info");
		return EXIT_FAILURE;
	}
	if (values->json)
		print_json(reply, false);
	else
		print_info(reply);
	return EXIT_SUCCESS;
}

const struct command command_info = {
	.name = "info",
	.operands = "",
	.summary = "Show the daemon, its host, and how many containers there are",
	.example = "dokrustctl info",
	.options = options,
	.run = info,
	.values_size = sizeof(struct values),
};
