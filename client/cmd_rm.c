/* rm and rename. */
#include <stdio.h>
#include <stdlib.h>

#include "client/call.h"
#include "client/command.h"
#include "client/each.h"
#include "client/print.h"

/* --- rm -------------------------------------------------------------------------------------- */

struct rm_values {
	bool force, volumes;
};

static const struct option rm_options[] = {
	{ .name = "force",
	  .letter = 'f',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct rm_values, force),
	  .help = "kill those that run; what is not there is removed already" },
	{ .name = "volumes",
	  .letter = 'v',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct rm_values, volumes),
	  .help = "with the volumes that they have without a name" },
	{ 0 },
};

static void add_flags(struct json_object *parameters, const void *userdata)
{
	const struct rm_values *values = userdata;

	if (values->force)
		json_object_object_add(parameters, "force", json_object_new_boolean(true));
	if (values->volumes)
		json_object_object_add(parameters, "volumes", json_object_new_boolean(true));
}

static bool is_gone(const struct error *err, const void *userdata)
{
	const struct rm_values *values = userdata;

	return values->force && err->code == ERROR_CONTAINER_NOT_FOUND;
}

static int rm(const struct client *client, char **operands, void *values)
{
	const struct each each = {
		.verb = "rm",
		.method = CONTAINER_METHOD("Remove"),
		.add = add_flags,
		.forgive = is_gone,
		.userdata = values,
	};

	return each_container(&client->host, &each, operands) ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command command_rm = {
	.name = "rm",
	.operands = "CONTAINER...",
	.summary = "Remove containers",
	.example = "dokrustctl rm -f web",
	.options = rm_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = rm,
	.values_size = sizeof(struct rm_values),
};

/* --- rename ---------------------------------------------------------------------------------- */

static int rename_(const struct client *client, char **operands, void *values)
{
	struct json_object *parameters = call_container(operands[0]);
	struct error err;

	(void)values;
	call_add_string(parameters, "name", operands[1]);
	if (call_once(&client->host, CONTAINER_METHOD("Rename"), parameters, NULL, &err) == 0)
		return EXIT_SUCCESS;
	print_failure(&err, "rename %s", operands[0]);
	return EXIT_FAILURE;
}

static const struct option no_options[] = { { 0 } };

const struct command command_rename = {
	.name = "rename",
	.operands = "CONTAINER NAME",
	.summary = "Give a container another name",
	.example = "dokrustctl rename web web-old",
	.options = no_options,
	.operands_min = 2,
	.operands_max = 2,
	.run = rename_,
};
