/* mount: add, rm, ls. */
#include <stdio.h>
#include <stdlib.h>

#include "client/call.h"
#include "client/command.h"
#include "client/print.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/mount_spec.h"
#include "common/text.h"

static int fail(const char *what, const char *container, struct error *err)
{
	print_failure(err, "mount %s %s", what, container);
	return EXIT_FAILURE;
}

/* --- add ------------------------------------------------------------------------------------- */

struct add_values {
	struct mount_specs mounts;
};

static int parse_mount(const char *text, void *value, struct error *err)
{
	return mount_parse_mount(text, value, err);
}

static int parse_tmpfs(const char *text, void *value, struct error *err)
{
	return mount_parse_tmpfs(text, value, err);
}

static const struct option add_options[] = {
	{ .name = "mount",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct add_values, mounts),
	  .argument = "KEY=VALUE,...",
	  .help = "as run has it",
	  .parse = parse_mount },
	{ .name = "tmpfs",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct add_values, mounts),
	  .argument = "TARGET[:OPTIONS]",
	  .help = "as run has it",
	  .parse = parse_tmpfs },
	{ 0 },
};

static void add_done(void *values)
{
	mount_specs_done(&((struct add_values *)values)->mounts);
}

static const struct command command_mount_add;

static int add(const struct client *client, char **operands, void *values)
{
	struct mount_specs *mounts = &((struct add_values *)values)->mounts;
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;
	size_t order[MOUNTS_MAX];
	struct error err;

	for (char **text = operands + 1; *text; text++)
		if (mount_parse_volume(*text, mounts, &err) < 0)
			return command_misused(&command_mount_add, "%s", err.message);
	if (!mounts->n || mounts->n > MOUNTS_MAX)
		return command_misused(&command_mount_add, "name 1 to %d mounts; try --help",
				       MOUNTS_MAX);
	mount_specs_sort(mounts, order);
	if (channel_open(&channel, &client->host, &err) < 0)
		return fail("add", operands[0], &err);
	for (size_t i = 0; i < mounts->n; i++) {
		struct json_object *parameters = call_container(operands[0]);

		json_object_object_add(parameters, "mount",
				       mount_spec_to_json(&mounts->items[order[i]]));
		if (call_method(&channel, CONTAINER_METHOD("AddMount"), parameters, NULL, &err) < 0)
			return fail("add", operands[0], &err);
	}
	return EXIT_SUCCESS;
}

static const struct command command_mount_add = {
	.name = "mount add",
	.operands = "CONTAINER [[SOURCE:]TARGET[:OPTIONS]...]",
	.summary = "Mount something in a container; if it runs, at once",
	.details =
		"Mounts are written as with run --volume, or given by the options. They stay when\n"
		"the container is started again.",
	.example = "dokrustctl mount add web /srv/new:/data:ro",
	.options = add_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = add,
	.values_size = sizeof(struct add_values),
	.done = add_done,
};

/* --- rm -------------------------------------------------------------------------------------- */

struct rm_values {
	bool lazy;
};

static const struct option rm_options[] = {
	{ .name = "lazy",
	  .letter = 'l',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct rm_values, lazy),
	  .help = "even if it is in use: whoever has it open keeps it" },
	{ 0 },
};

static int rm(const struct client *client, char **operands, void *values)
{
	const struct rm_values *rm_values = values;
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;
	struct error err;

	if (channel_open(&channel, &client->host, &err) < 0)
		return fail("rm", operands[0], &err);
	for (char **target = operands + 1; *target; target++) {
		struct json_object *parameters = call_container(operands[0]);

		call_add_string(parameters, "target", *target);
		if (rm_values->lazy)
			json_object_object_add(parameters, "lazy", json_object_new_boolean(true));
		if (call_method(&channel, CONTAINER_METHOD("RemoveMount"), parameters, NULL, &err) <
		    0)
			return fail("rm", operands[0], &err);
	}
	return EXIT_SUCCESS;
}

static const struct command command_mount_rm = {
	.name = "mount rm",
	.operands = "CONTAINER TARGET...",
	.summary = "Take mounts away from a container; if it runs, at once",
	.example = "dokrustctl mount rm web /data",
	.options = rm_options,
	.operands_min = 2,
	.operands_max = OPERANDS_ANY,
	.run = rm,
	.values_size = sizeof(struct rm_values),
};

/* --- ls -------------------------------------------------------------------------------------- */

struct ls_values {
	bool json;
};

static const struct option ls_options[] = {
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct ls_values, json),
	  .argument = "FORMAT",
	  .help = "json (an object a line) or table",
	  .parse = option_format },
	{ 0 },
};

static bool is_set(struct json_object *mount, const char *key)
{
	return json_object_get_boolean(json_object_object_get(mount, key));
}

static void add_row(struct table *table, struct json_object *mount)
{
	_cleanup_(freep) char *options = alloc_printf("%s%s%s",
						      is_set(mount, "read_only") ? "ro" : "rw",
						      is_set(mount, "nosuid") ? ",nosuid" : "",
						      is_set(mount, "noexec") ? ",noexec" : "");

	table_add(table, call_string(mount, "target"));
	table_add(table, call_string(mount, "type"));
	table_add(table, call_string(mount, "source"));
	table_add(table, options);
}

static void print_mounts(struct json_object *mounts, bool json)
{
	static const char *const titles[] = { "TARGET", "TYPE", "SOURCE", "OPTIONS" };
	size_t n = mounts ? json_object_array_length(mounts) : 0;
	_cleanup_(table_done) struct table table;

	table_init(&table, ARRAY_SIZE(titles));
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		table_add(&table, titles[i]);
	for (size_t i = 0; i < n; i++) {
		struct json_object *mount = json_object_array_get_idx(mounts, i);

		if (json)
			print_json(mount, false);
		else
			add_row(&table, mount);
	}
	if (!json)
		table_print(&table);
}

static int ls(const struct client *client, char **operands, void *values)
{
	const struct ls_values *ls_values = values;
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct json_object *spec;
	struct error err;

	if (call_once(&client->host, CONTAINER_METHOD("Inspect"), call_container(operands[0]),
		      &reply, &err) < 0)
		return fail("ls", operands[0], &err);
	spec = json_object_object_get(json_object_object_get(reply, "container"), "spec");
	print_mounts(json_object_object_get(spec, "mounts"), ls_values->json);
	return EXIT_SUCCESS;
}

static const struct command command_mount_ls = {
	.name = "mount ls",
	.operands = "CONTAINER",
	.summary = "List the mounts of a container",
	.example = "dokrustctl mount ls web",
	.options = ls_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = ls,
	.values_size = sizeof(struct ls_values),
};

static const struct command *const family[] = {
	&command_mount_add,
	&command_mount_rm,
	&command_mount_ls,
	NULL,
};

const struct command command_mount = {
	.name = "mount",
	.operands = "COMMAND ...",
	.summary = "Add and remove mounts of a container, even while it runs",
	.example = "dokrustctl mount add web /srv/new:/data",
	.family = family,
};
