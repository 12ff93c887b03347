/* record: recordings of a container's terminal, which are kept with it. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/command.h"
#include "client/frames.h"
#include "client/print.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/json.h"
#include "common/parse.h"
#include "common/resources.h"

struct values {
	bool input, quiet, json;
	int64_t max_bytes; /* 0: the daemon's default */
};

#define AT(member) .offset = offsetof(struct values, member)

static int option_size(const char *text, void *value, struct error *err)
{
	return parse_size(text, value, err);
}

static const struct option options[] = {
	{ .name = "input",
	  .kind = OPTION_FLAG,
	  AT(input),
	  .help = "start: record what is typed, too, passwords among it" },
	{ .name = "max-size",
	  .kind = OPTION_PARSED,
	  AT(max_bytes),
	  .argument = "SIZE",
	  .help = "start: end before it gets larger (default 100 MB)",
	  .parse = option_size },
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPTION_FLAG,
	  AT(quiet),
	  .help = "ls: numbers alone" },
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  AT(json),
	  .argument = "FORMAT",
	  .help = "ls: json (an object a line) or table",
	  .parse = option_format },
	{ 0 },
};

/* --- start, stop, rm ------------------------------------------------------------------------- */

static int print_number(const struct client *client, const char *method,
			struct json_object *parameters, struct error *err)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;

	if (call_once(&client->host, method, parameters, &reply, err) < 0)
		return -1;
	printf("%lld\n",
	       (long long)json_object_get_int64(json_object_object_get(reply, "recording")));
	return 0;
}

static int start(const struct client *client, struct json_object *parameters,
		 const struct values *values, struct error *err)
{
	if (values->input)
		json_object_object_add(parameters, "input", json_object_new_boolean(true));
	if (values->max_bytes)
		json_object_object_add(parameters, "max_bytes",
				       json_object_new_int64(values->max_bytes));
	return print_number(client, CONTAINER_METHOD("StartRecording"), parameters, err);
}

static int stop(const struct client *client, struct json_object *parameters,
		const struct values *values, struct error *err)
{
	(void)values;
	return print_number(client, CONTAINER_METHOD("StopRecording"), parameters, err);
}

static int remove_(const struct client *client, struct json_object *parameters,
		   const struct values *values, struct error *err)
{
	(void)values;
	return call_once(&client->host, CONTAINER_METHOD("RemoveRecording"), parameters, NULL, err);
}

/* --- ls -------------------------------------------------------------------------------------- */

static void add_row(struct table *table, struct json_object *recording)
{
	int64_t number = json_object_get_int64(json_object_object_get(recording, "recording"));
	int64_t bytes = json_object_get_int64(json_object_object_get(recording, "size_bytes"));
	bool active = json_object_get_boolean(json_object_object_get(recording, "active"));
	_cleanup_(freep) char *number_text = alloc_printf("%lld", (long long)number);
	char size[PRINT_BYTES_SIZE];

	table_add(table, number_text);
	table_add(table, print_bytes(bytes, size));
	table_add(table, call_string(recording, "changed_at"));
	table_add(table, active ? "recording" : "complete");
}

static void print_list(struct json_object *array, const struct values *values)
{
	static const char *const titles[] = { "RECORDING", "SIZE", "CHANGED", "STATUS" };
	_cleanup_(table_done) struct table table;

	table_init(&table, ARRAY_SIZE(titles));
	for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
		table_add(&table, titles[i]);
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		struct json_object *recording = json_object_array_get_idx(array, i);

		if (values->json)
			print_json(recording, false);
		else if (values->quiet)
			printf("%lld\n", (long long)json_object_get_int64(
						 json_object_object_get(recording, "recording")));
		else
			add_row(&table, recording);
	}
	if (!values->json && !values->quiet)
		table_print(&table);
}

static int list(const struct client *client, struct json_object *parameters,
		const struct values *values, struct error *err)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;

	if (call_once(&client->host, CONTAINER_METHOD("Recordings"), parameters, &reply, err) < 0)
		return -1;
	print_list(json_object_object_get(reply, "recordings"), values);
	return 0;
}

/* --- get ------------------------------------------------------------------------------------- */

static int get(const struct client *client, struct json_object *parameters,
	       const struct values *values, struct error *err)
{
	_cleanup_(json_putp) struct json_object *owned = parameters;
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;
	_cleanup_(frames_done) struct frames frames = { 0 };
	struct frame frame;
	int r;

	(void)values;
	if (channel_open(&channel, &client->host, err) < 0 ||
	    frames_open(&frames, &channel, CONTAINER_METHOD("GetRecording"), TAKE_PTR(owned), err) <
		    0)
		return -1;
	while ((r = frames_next(&frames, &frame, err)) > 0)
		if (frame.type == FRAME_DATA && frame.length > 1 &&
		    fd_write_all(STDOUT_FILENO, frame.payload + 1, frame.length - 1) < 0)
			return error_set_errno(err, errno, "write to standard output");
	return r;
}

/* --- The command ----------------------------------------------------------------------------- */

enum number { NUMBER_NONE, NUMBER_OPTIONAL, NUMBER_NEEDED };

static const struct {
	const char *name;
	enum number number;
	/* parameters are taken */
	int (*run)(const struct client *client, struct json_object *parameters,
		   const struct values *values, struct error *err);
} actions[] = {
	{ "start", NUMBER_NONE, start },  { "stop", NUMBER_NONE, stop },
	{ "ls", NUMBER_NONE, list },	  { "get", NUMBER_OPTIONAL, get },
	{ "rm", NUMBER_NEEDED, remove_ },
};

static int run(const struct client *client, char **operands, void *values)
{
	struct json_object *parameters;
	int64_t number = 0;
	size_t i = 0;
	struct error err;

	while (i < ARRAY_SIZE(actions) && strcmp(actions[i].name, operands[0]) != 0)
		i++;
	if (i == ARRAY_SIZE(actions))
		return command_misused(&command_record,
				       "\"%.32s\" is none of start, stop, ls, get and rm",
				       operands[0]);
	if (operands[2] && actions[i].number == NUMBER_NONE)
		return command_misused(&command_record, "\"%.64s\" is too much", operands[2]);
	if (!operands[2] && actions[i].number == NUMBER_NEEDED)
		return command_misused(&command_record, "which one? its number is missing");
	if (operands[2] && parse_integer(operands[2], 1, INT32_MAX, &number, &err) < 0)
		return command_misused(&command_record, "%s", err.message);
	parameters = call_container(operands[1]);
	if (number)
		json_object_object_add(parameters, "recording", json_object_new_int64(number));
	if (actions[i].run(client, parameters, values, &err) == 0)
		return EXIT_SUCCESS;
	print_failure(&err, "record %s %s", operands[0], operands[1]);
	return EXIT_FAILURE;
}

const struct command command_record = {
	.name = "record",
	.operands = "start|stop|ls|get|rm CONTAINER [NUMBER]",
	.summary = "Record a container's terminal, and get the recordings",
	.details = "start begins one, with what the terminal shows now, and prints its number; it\n"
		   "ends with stop, or with the container. get writes one (the newest by default)\n"
		   "to standard output, as asciicast version 2. They are kept with the container,\n"
		   "and go with it.",
	.example = "dokrustctl record start web; dokrustctl record get web > web.cast",
	.options = options,
	.operands_min = 2,
	.operands_max = 3,
	.run = run,
	.values_size = sizeof(struct values),
};
