/* volume: create, ls, inspect, rm, prune. */
#include <stdio.h>
#include <stdlib.h>

#include "client/call.h"
#include "client/command.h"
#include "client/each.h"
#include "client/print.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

static const struct option no_options[] = { { 0 } };

static int fail(const char *what, struct error *err)
{
	print_failure(err, "volume %s", what);
	return EXIT_FAILURE;
}

/* --- create ---------------------------------------------------------------------------------- */

struct create_values {
	char **labels;
};

static const struct option create_options[] = {
	{ .name = "label",
	  .letter = 'l',
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct create_values, labels),
	  .argument = "KEY=VALUE",
	  .help = "a note about it",
	  .parse = option_label },
	{ 0 },
};

static void create_done(void *values)
{
	strv_freep(&((struct create_values *)values)->labels);
}

static int create(const struct client *client, char **operands, void *values)
{
	static const struct json_field fields[] = {
		JSON_FIELD(struct create_values, labels, JSON_MAP),
	};
	struct json_object *parameters = json_object_new_object();
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct error err;

	call_add_string(parameters, "name", operands[0]);
	json_write_fields(parameters, fields, ARRAY_SIZE(fields), values);
	if (call_once(&client->host, VOLUME_METHOD("Create"), parameters, &reply, &err) < 0)
		return fail("create", &err);
	printf("%s\n", call_string(reply, "name"));
	return EXIT_SUCCESS;
}

static const struct command command_volume_create = {
	.name = "volume create",
	.operands = "[NAME]",
	.summary = "Make a volume; without a name, one is made up",
	.details = "One that is there already is left as it is.",
	.example = "dokrustctl volume create data && dokrustctl run -v data:/data busybox",
	.options = create_options,
	.operands_max = 1,
	.run = create,
	.values_size = sizeof(struct create_values),
	.done = create_done,
};

/* --- ls -------------------------------------------------------------------------------------- */

struct ls_values {
	bool quiet, json;
};

static const struct option ls_options[] = {
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct ls_values, quiet),
	  .help = "names alone" },
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct ls_values, json),
	  .argument = "FORMAT",
	  .help = "json (an object a line) or table",
	  .parse = option_format },
	{ 0 },
};

struct output {
	const struct ls_values *values;
	struct table table;
};

static void show(struct json_object *volume, void *userdata)
{
	struct output *output = userdata;
	_cleanup_(freep) char *users = NULL;

	if (output->values->json) {
		print_json(volume, false);
		return;
	}
	if (output->values->quiet) {
		printf("%s\n", call_string(volume, "name"));
		return;
	}
	users = print_join(json_object_object_get(volume, "used_by"), ", ");
	table_add(&output->table, call_string(volume, "name"));
	table_add(&output->table, users);
	table_add(&output->table, call_string(volume, "created_at"));
}

static int ls(const struct client *client, char **operands, void *values)
{
	const struct ls_values *ls_values = values;
	struct output output = { .values = ls_values };
	struct error err;
	int r;

	(void)operands;
	table_init(&output.table, 3);
	table_add(&output.table, "NAME");
	table_add(&output.table, "USED BY");
	table_add(&output.table, "CREATED");
	r = call_list(&client->host, VOLUME_METHOD("List"), json_object_new_object(), "volume",
		      show, &output, &err);
	if (r == 0 && !ls_values->quiet && !ls_values->json)
		table_print(&output.table);
	table_done(&output.table);
	return r < 0 ? fail("ls", &err) : EXIT_SUCCESS;
}

static const struct command command_volume_ls = {
	.name = "volume ls",
	.operands = "",
	.summary = "List volumes",
	.example = "dokrustctl volume ls -q",
	.options = ls_options,
	.run = ls,
	.values_size = sizeof(struct ls_values),
};

/* --- inspect --------------------------------------------------------------------------------- */

static void add_volume(struct json_object *reply, const char *operand, void *userdata)
{
	(void)operand;
	json_object_array_add(userdata, json_object_get(json_object_object_get(reply, "volume")));
}

static int inspect(const struct client *client, char **operands, void *values)
{
	_cleanup_(json_putp) struct json_object *array = json_object_new_array();
	const struct each each = {
		.verb = "volume inspect",
		.method = VOLUME_METHOD("Inspect"),
		.key = "volume",
		.done = add_volume,
		.userdata = array,
	};
	unsigned int failed = each_container(&client->host, &each, operands);

	(void)values;
	print_json(array, json_object_array_length(array) > 0);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct command command_volume_inspect = {
	.name = "volume inspect",
	.operands = "VOLUME...",
	.summary = "Show all that is known of volumes, as a JSON array",
	.example = "dokrustctl volume inspect data",
	.options = no_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = inspect,
};

/* --- rm -------------------------------------------------------------------------------------- */

struct rm_values {
	bool force;
};

static const struct option rm_options[] = {
	{ .name = "force",
	  .letter = 'f',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct rm_values, force),
	  .help = "what is not there is removed already" },
	{ 0 },
};

static bool is_gone(const struct error *err, const void *userdata)
{
	const struct rm_values *values = userdata;

	return values->force && err->code == ERROR_VOLUME_NOT_FOUND;
}

static int rm(const struct client *client, char **operands, void *values)
{
	const struct each each = {
		.verb = "volume rm",
		.method = VOLUME_METHOD("Remove"),
		.key = "volume",
		.forgive = is_gone,
		.userdata = values,
	};

	return each_container(&client->host, &each, operands) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct command command_volume_rm = {
	.name = "volume rm",
	.operands = "VOLUME...",
	.summary = "Remove volumes that no container has, with all that is in them",
	.example = "dokrustctl volume rm data",
	.options = rm_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = rm,
	.values_size = sizeof(struct rm_values),
};

/* --- prune ----------------------------------------------------------------------------------- */

struct prune_values {
	bool all;
};

static const struct option prune_options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct prune_values, all),
	  .help = "those that have a name of their own, too" },
	{ 0 },
};

static int prune(const struct client *client, char **operands, void *values)
{
	const struct prune_values *prune_values = values;
	struct json_object *parameters = json_object_new_object(), *names;
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct error err;

	(void)operands;
	if (prune_values->all)
		json_object_object_add(parameters, "all", json_object_new_boolean(true));
	if (call_once(&client->host, VOLUME_METHOD("Prune"), parameters, &reply, &err) < 0)
		return fail("prune", &err);
	names = json_object_object_get(reply, "volumes");
	for (size_t i = 0; i < json_object_array_length(names); i++)
		printf("%s\n", json_object_get_string(json_object_array_get_idx(names, i)));
	return EXIT_SUCCESS;
}

static const struct command command_volume_prune = {
	.name = "volume prune",
	.operands = "",
	.summary = "Remove the volumes without a name that no container has",
	.details = "Prints the names of those that were removed. It does not ask.",
	.example = "dokrustctl volume prune",
	.options = prune_options,
	.run = prune,
	.values_size = sizeof(struct prune_values),
};

static const struct command *const family[] = {
	&command_volume_create, &command_volume_ls,    &command_volume_inspect,
	&command_volume_rm,	&command_volume_prune, NULL,
};

const struct command command_volume = {
	.name = "volume",
	.operands = "COMMAND ...",
	.summary = "Make, list and remove volumes",
	.example = "dokrustctl volume ls",
	.family = family,
};
