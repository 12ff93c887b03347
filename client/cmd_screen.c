/* screen, expect: terminals for scripts. */
#include <poll.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/call.h"
#include "client/command.h"
#include "client/print.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/parse.h"

enum { LOOK_AGAIN_MS = 50, EXIT_TIMED_OUT = 1 };

/* view: "painted", "cells", or NULL for the text alone. */
static int look(struct channel *channel, const char *container, const char *view,
		struct json_object **ret, struct error *err)
{
	struct json_object *parameters = call_container(container);

	if (view)
		json_object_object_add(parameters, view, json_object_new_boolean(true));
	return call_method(channel, CONTAINER_METHOD("Screen"), parameters, ret, err);
}

/* --- screen ---------------------------------------------------------------------------------- */

struct screen_values {
	bool ansi, json;
};

static const struct option screen_options[] = {
	{ .name = "ansi",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct screen_values, ansi),
	  .help = "as bytes that paint it on a terminal of that size" },
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct screen_values, json),
	  .argument = "FORMAT",
	  .help = "json (with cells, size, cursor and title) or table (the text alone)",
	  .parse = option_format },
	{ 0 },
};

static void print_lines(struct json_object *lines)
{
	for (size_t i = 0; i < json_object_array_length(lines); i++)
		printf("%s\n", json_object_get_string(json_object_array_get_idx(lines, i)));
}

static int screen(const struct client *client, char **operands, void *values_)
{
	const struct screen_values *values = values_;
	const char *view = values->ansi ? "painted" : values->json ? "cells" : NULL;
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct json_object *painted;
	struct error err;

	if (channel_open(&channel, &client->host, &err) < 0 ||
	    look(&channel, operands[0], view, &reply, &err) < 0) {
		print_failure(&err, "screen %s", operands[0]);
		return EXIT_FAILURE;
	}
	painted = json_object_object_get(reply, "painted");
	if (values->json)
		print_json(reply, false);
	else if (values->ansi)
		(void)fwrite(json_object_get_string(painted), 1,
			     (size_t)json_object_get_string_len(painted), stdout);
	else
		print_lines(json_object_object_get(reply, "lines"));
	return EXIT_SUCCESS;
}

const struct command command_screen = {
	.name = "screen",
	.operands = "CONTAINER[/EXEC]",
	.summary = "Show what a container's terminal shows",
	.example = "dokrustctl screen web",
	.options = screen_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = screen,
	.values_size = sizeof(struct screen_values),
};

/* --- expect ---------------------------------------------------------------------------------- */

struct expect_values {
	int64_t timeout_ms;
};

static const struct expect_values expect_defaults = { .timeout_ms = 10 * 1000 };

static const struct option expect_options[] = {
	{ .name = "timeout",
	  .letter = 't',
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct expect_values, timeout_ms),
	  .argument = "SECONDS",
	  .help = "how long to wait (default 10; -1: without end)",
	  .parse = option_duration_ms },
	{ 0 },
};

/* The line that fits is printed. */
static bool find_line(struct json_object *lines, const regex_t *regex)
{
	for (size_t i = 0; i < json_object_array_length(lines); i++) {
		const char *line = json_object_get_string(json_object_array_get_idx(lines, i));

		if (regexec(regex, line, 0, NULL, 0) == 0) {
			printf("%s\n", line);
			return true;
		}
	}
	return false;
}

/* 1: it came, 0: it did not within its time, -1: there is nothing to look at. */
static int wait_for(const struct host *host, const char *container, const regex_t *regex,
		    int64_t timeout_ms, struct error *err)
{
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;
	int64_t begin_us = clock_monotonic_us();

	if (channel_open(&channel, host, err) < 0)
		return -1;
	for (;;) {
		_cleanup_(json_putp) struct json_object *reply = NULL;

		if (look(&channel, container, NULL, &reply, err) < 0)
			return -1;
		if (find_line(json_object_object_get(reply, "lines"), regex))
			return 1;
		if (timeout_ms >= 0 && clock_monotonic_us() - begin_us > timeout_ms * INT64_C(1000))
			return 0;
		(void)poll(NULL, 0, LOOK_AGAIN_MS);
	}
}

static int expect(const struct client *client, char **operands, void *values_)
{
	const struct expect_values *values = values_;
	struct error err;
	char why[128];
	regex_t regex;
	int r;

	r = regcomp(&regex, operands[1], REG_EXTENDED | REG_NOSUB);
	if (r != 0) {
		(void)regerror(r, &regex, why, sizeof(why));
		return command_misused(&command_expect, "\"%.64s\": %s", operands[1], why);
	}
	r = wait_for(&client->host, operands[0], &regex, values->timeout_ms, &err);
	regfree(&regex);
	if (r == 0)
		(void)error_set(&err, ERROR_FAILED, "no line has fitted \"%.64s\" in time",
				operands[1]);
	if (r > 0)
		return EXIT_SUCCESS;
	print_failure(&err, "expect %s", operands[0]);
	return r == 0 ? EXIT_TIMED_OUT : EXIT_CLIENT;
}

const struct command command_expect = {
	.name = "expect",
	.operands = "CONTAINER[/EXEC] REGEX",
	.summary = "Wait until a line of a container's terminal fits a regular expression",
	.details = "An extended one, as grep -E takes. The line is printed. The exit status is 1\n"
		   "when the time is over, 125 when there is no such terminal.",
	.example = "dokrustctl send web 'make' --enter && dokrustctl expect web '^ok' -t 60",
	.options = expect_options,
	.operands_min = 2,
	.operands_max = 2,
	.run = expect,
	.values_size = sizeof(struct expect_values),
	.defaults = &expect_defaults,
};
