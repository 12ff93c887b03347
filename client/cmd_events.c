/* events: what happens to containers. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/command.h"
#include "client/moment.h"
#include "client/print.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

enum { SHORT_ID = 12, WORD_SIZE = 512 };

struct values {
	int64_t since_us, until_us;
	char **filters;
	bool json;
};

#define AT(member) .offset = offsetof(struct values, member)

static const struct option options[] = {
	{ .name = "since",
	  .kind = OPTION_PARSED,
	  AT(since_us),
	  .argument = "TIME",
	  .help = "begin with those from then on, as far as they are remembered",
	  .parse = option_moment },
	{ .name = "until",
	  .kind = OPTION_PARSED,
	  AT(until_us),
	  .argument = "TIME",
	  .help = "end then (default: never)",
	  .parse = option_moment },
	{ .name = "filter",
	  .letter = 'f',
	  .kind = OPTION_TEXTS,
	  AT(filters),
	  .argument = "KEY=VALUE",
	  .help = "event, container, name, id, image" },
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  AT(json),
	  .argument = "FORMAT",
	  .help = "json (an object a line) or table",
	  .parse = option_format },
	{ 0 },
};

static void print_word(const char *text)
{
	char word[WORD_SIZE];

	text_escape(word, sizeof(word), text);
	(void)printf("%s", word);
}

/* "TIME EVENT NAME (ID, KEY=VALUE, ...)" */
static void print_event(struct json_object *event)
{
	struct json_object *attributes = json_object_object_get(event, "attributes");
	struct json_object *status = json_object_object_get(event, "exit_status");

	print_word(call_string(event, "time"));
	(void)putchar(' ');
	print_word(call_string(event, "event"));
	(void)putchar(' ');
	print_word(call_string(event, "name"));
	(void)printf(" (%.*s", SHORT_ID, call_string(event, "id"));
	if (status)
		(void)printf(", exit_status=%d", json_object_get_int(status));
	json_object_object_foreach (attributes, key, value) {
		(void)printf(", ");
		print_word(key);
		(void)putchar('=');
		print_word(json_object_get_string(value));
	}
	(void)printf(")\n");
}

static void print_reply(struct json_object *reply, bool json)
{
	struct json_object *event = json_object_object_get(reply, "event");
	struct json_object *lost = json_object_object_get(reply, "lost");

	if (lost)
		print_remark("%lld events are missing here: they were not read in time",
			     (long long)json_object_get_int64(lost));
	if (event && json)
		print_json(event, false);
	else if (event)
		print_event(event);
}

static struct json_object *make_parameters(const struct values *values)
{
	struct json_object *parameters = json_object_new_object();
	struct json_object *filters;

	moment_add(parameters, "since", values->since_us);
	moment_add(parameters, "until", values->until_us);
	if (!values->filters)
		return parameters;
	filters = json_object_new_array();
	for (char **filter = values->filters; *filter; filter++)
		json_object_array_add(filters, json_object_new_string(*filter));
	json_object_object_add(parameters, "filters", filters);
	return parameters;
}

static int follow(const struct client *client, const struct values *values, struct error *err)
{
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;
	bool continues = true;

	if (channel_open(&channel, &client->host, err) < 0 ||
	    call_send(&channel, CONTAINER_METHOD("Events"), make_parameters(values), true, false,
		      err) < 0)
		return -1;
	while (continues) {
		_cleanup_(json_putp) struct json_object *reply = NULL;

		if (call_receive(&channel, &reply, &continues, err) < 0)
			return -1;
		print_reply(reply, values->json);
		if (fflush(stdout) == EOF)
			return 0; /* nobody reads any more */
	}
	return 0;
}

static int run(const struct client *client, char **operands, void *values)
{
	struct error err;

	(void)operands;
	if (follow(client, values, &err) == 0)
		return EXIT_SUCCESS;
	print_failure(&err, "events");
	return EXIT_FAILURE;
}

const struct command command_events = {
	.name = "events",
	.operands = "",
	.summary = "Show what happens to containers, as it happens",
	.details =
		"Several filters of one key are alternatives; those of several keys must all fit.",
	.example = "dokrustctl events --since 10m --filter event=die",
	.options = options,
	.run = run,
	.values_size = sizeof(struct values),
};
