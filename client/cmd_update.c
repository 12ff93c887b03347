/* update, pause, unpause: of a container that runs. */
#include <stdlib.h>

#include "client/call.h"
#include "client/command.h"
#include "client/each.h"
#include "client/resource_options.h"
#include "common/cleanup.h"
#include "common/json.h"

struct update_values {
	char *restart;
	struct resources resources;
};

static const struct update_values update_defaults = { .resources = RESOURCES_INIT };

static const struct option update_options[] = {
	{ .name = "restart",
	  .kind = OPTION_TEXT,
	  .offset = offsetof(struct update_values, restart),
	  .argument = "POLICY",
	  .help = "when it has ended: no, on-failure[:N], on-unhealthy[:N], always, "
		  "unless-stopped" },
	RESOURCE_OPTIONS(struct update_values, resources),
	{ 0 },
};

static void add_resources(struct json_object *parameters, const void *userdata)
{
	const struct update_values *values = userdata;

	struct json_object *resources = resources_to_json(&values->resources);

	if (resources)
		json_object_object_add(parameters, "resources", resources);
	if (values->restart)
		call_add_string(parameters, "restart", values->restart);
}

static int update(const struct client *client, char **operands, void *values_)
{
	struct update_values *values = values_;
	_cleanup_(json_putp) struct json_object *resources = resources_to_json(&values->resources);
	const struct each each = {
		.verb = "update",
		.method = CONTAINER_METHOD("Update"),
		.add = add_resources,
		.userdata = values,
	};

	if (!resources && !values->restart)
		return command_misused(&command_update, "say what is to be changed");
	return each_container(&client->host, &each, operands) ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* What the table does not free: texts that its parsers made. */
static void update_done(void *values)
{
	resources_done(&((struct update_values *)values)->resources);
}

const struct command command_update = {
	.name = "update",
	.operands = "CONTAINER...",
	.summary = "Change limits and restart policy of containers, also of such as run",
	.example = "dokrustctl update --memory 1g --cpus 1.5 web",
	.options = update_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = update,
	.values_size = sizeof(struct update_values),
	.defaults = &update_defaults,
	.done = update_done,
};

static const struct option no_options[] = { { 0 } };

static int each_by(const struct client *client, char **operands, const char *verb,
		   const char *method)
{
	const struct each each = { .verb = verb, .method = method };

	return each_container(&client->host, &each, operands) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int pause_(const struct client *client, char **operands, void *values)
{
	(void)values;
	return each_by(client, operands, "pause", CONTAINER_METHOD("Pause"));
}

const struct command command_pause = {
	.name = "pause",
	.operands = "CONTAINER...",
	.summary = "Freeze all processes of containers",
	.example = "dokrustctl pause web",
	.options = no_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = pause_,
};

static int unpause(const struct client *client, char **operands, void *values)
{
	(void)values;
	return each_by(client, operands, "unpause", CONTAINER_METHOD("Unpause"));
}

const struct command command_unpause = {
	.name = "unpause",
	.operands = "CONTAINER...",
	.summary = "Let them go on",
	.example = "dokrustctl unpause web",
	.options = no_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = unpause,
};
