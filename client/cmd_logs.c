/* logs: what a container has written. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/call.h"
#include "client/command.h"
#include "client/frames.h"
#include "client/moment.h"
#include "client/print.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/parse.h"

struct values {
	bool follow, timestamps;
	int64_t tail; /* -1: all */
	int64_t since_us, until_us;
	char *stream;
};

static const struct values defaults = { .tail = -1 };

static int option_tail(const char *text, void *value, struct error *err)
{
	if (strcmp(text, "all") == 0) {
		*(int64_t *)value = -1;
		return 0;
	}
	/* docker takes any negative number for all of it. */
	return parse_integer(text, -1, INT32_MAX, value, err);
}

#define AT(member) .offset = offsetof(struct values, member)

static const struct option options[] = {
	{ .name = "follow",
	  .letter = 'f',
	  .kind = OPTION_FLAG,
	  AT(follow),
	  .help = "go on until the container has exited" },
	{ .name = "tail",
	  .letter = 'n',
	  .kind = OPTION_PARSED,
	  AT(tail),
	  .argument = "N",
	  .help = "the last N lines (default: all)",
	  .parse = option_tail },
	{ .name = "timestamps",
	  .letter = 't',
	  .kind = OPTION_FLAG,
	  AT(timestamps),
	  .help = "put in front of each line when it was written" },
	{ .name = "since",
	  .kind = OPTION_PARSED,
	  AT(since_us),
	  .argument = "TIME",
	  .help = "from then on: RFC 3339, UNIX seconds, or how long ago, as 10m",
	  .parse = option_moment },
	{ .name = "until",
	  .kind = OPTION_PARSED,
	  AT(until_us),
	  .argument = "TIME",
	  .help = "what was written until then",
	  .parse = option_moment },
	{ .name = "stream",
	  .kind = OPTION_TEXT,
	  AT(stream),
	  .argument = "STREAM",
	  .help = "stdout or stderr alone" },
	{ 0 },
};

/* --- Printing -------------------------------------------------------------------------------- */

/* Where each stream's line is; what is said in our own words goes to standard output. */
struct printer {
	bool timestamps;
	bool within_line[3];
};

static void print_lines(struct printer *printer, FILE *to, unsigned int stream, int64_t time_us,
			const unsigned char *data, size_t n)
{
	char time[CLOCK_TEXT_SIZE];

	(void)clock_format(time_us, time);
	while (n) {
		const unsigned char *newline = memchr(data, '\n', n);
		size_t step = newline ? (size_t)(newline - data) + 1 : n;

		if (!printer->within_line[stream])
			(void)fprintf(to, "%s ", time);
		(void)fwrite(data, 1, step, to);
		printer->within_line[stream] = !newline;
		data += step;
		n -= step;
	}
}

static int print_frame(struct printer *printer, const struct frame *frame, struct error *err)
{
	int64_t time_us;
	uint8_t stream;
	const unsigned char *data = frame->payload + FRAME_LOG_OVERHEAD;
	size_t n = frame->length - FRAME_LOG_OVERHEAD;
	FILE *to;

	if (frame->type != FRAME_LOG)
		return 0; /* of a later version */
	if (frame_get_log(frame, &time_us, &stream, err) < 0)
		return -1;
	if (stream > FRAME_STDERR)
		return 0;
	to = stream == FRAME_STDERR ? stderr : stdout;
	if (printer->timestamps)
		print_lines(printer, to, stream, time_us, data, n);
	else
		(void)fwrite(data, 1, n, to);
	return 0;
}

/* What is printed is seen before more is waited for, and in the order in which it was written. */
static int print_all(struct frames *frames, bool timestamps, struct error *err)
{
	struct printer printer = { .timestamps = timestamps };
	struct frame frame;
	int r;

	while ((r = frames_next(frames, &frame, err)) > 0) {
		if (print_frame(&printer, &frame, err) < 0)
			return -1;
		if (fflush(stderr) == EOF || (!frames_ready(frames) && fflush(stdout) == EOF))
			return 0; /* nobody reads any more */
	}
	return r;
}

/* --- The command ----------------------------------------------------------------------------- */

static struct json_object *make_parameters(const char *container, const struct values *values)
{
	struct json_object *parameters = call_container(container);

	if (values->follow)
		json_object_object_add(parameters, "follow", json_object_new_boolean(true));
	if (values->tail >= 0)
		json_object_object_add(parameters, "tail", json_object_new_int64(values->tail));
	moment_add(parameters, "since", values->since_us);
	moment_add(parameters, "until", values->until_us);
	call_add_string(parameters, "stream", values->stream);
	return parameters;
}

static int show(const struct client *client, const char *container, const struct values *values,
		struct error *err)
{
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;
	_cleanup_(frames_done) struct frames frames = { 0 };

	if (channel_open(&channel, &client->host, err) < 0 ||
	    frames_open(&frames, &channel, CONTAINER_METHOD("Logs"),
			make_parameters(container, values), err) < 0)
		return -1;
	return print_all(&frames, values->timestamps, err);
}

static int run(const struct client *client, char **operands, void *values_)
{
	const struct values *values = values_;
	struct error err;

	if (values->stream && strcmp(values->stream, "stdout") != 0 &&
	    strcmp(values->stream, "stderr") != 0)
		return command_misused(&command_logs,
				       "--stream: \"%.32s\" is neither stdout nor stderr",
				       values->stream);
	if (show(client, operands[0], values, &err) == 0)
		return EXIT_SUCCESS;
	print_failure(&err, "logs %s", operands[0]);
	return EXIT_FAILURE;
}

const struct command command_logs = {
	.name = "logs",
	.operands = "CONTAINER",
	.summary = "Show what a container has written",
	.details =
		"It is shown as it was written, control characters and all. Lines that say that\n"
		"bytes are missing are of the daemon's.",
	.example = "dokrustctl logs -f -n 20 web",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
	.values_size = sizeof(struct values),
	.defaults = &defaults,
};
