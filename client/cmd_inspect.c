#include <stdio.h>
#include <stdlib.h>

#include "client/call.h"
#include "client/command.h"
#include "client/each.h"
#include "client/print.h"
#include "common/cleanup.h"
#include "common/json.h"

struct values {
	bool json;
};

static const struct option options[] = {
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, json),
	  .argument = "json",
	  .help = "an array; there is no other",
	  .parse = option_format },
	{ 0 },
};

static void add_container(struct json_object *reply, const char *operand, void *userdata)
{
	struct json_object *array = userdata;

	(void)operand;
	json_object_array_add(array, json_object_get(json_object_object_get(reply, "container")));
}

static int run(const struct client *client, char **operands, void *values)
{
	_cleanup_(json_putp) struct json_object *array = json_object_new_array();
	const struct each each = {
		.verb = "inspect",
		.method = CONTAINER_METHOD("Inspect"),
		.done = add_container,
		.userdata = array,
	};
	unsigned int failed = each_container(&client->host, &each, operands);

	(void)values;
	print_json(array, json_object_array_length(array) > 0);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

const struct command command_inspect = {
	.name = "inspect",
	.operands = "CONTAINER...",
	.summary = "Show all that is known of containers, as a JSON array",
	.example = "dokrustctl inspect web",
	.options = options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = run,
	.values_size = sizeof(struct values),
};
