/* play: shows a recording, at the pace at which it was made. No daemon is asked. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <json-c/json_object.h>
#include <json-c/json_tokener.h>

#include "client/command.h"
#include "client/print.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/fdio.h"
#include "common/json.h"

enum { LINE_MAX_BYTES = 8 * 1024 * 1024 };

struct values {
	double speed;
	int64_t idle_limit_us; /* 0: none */
};

static const struct values defaults = { .speed = 1 };

static bool read_positive(const char *text, double *ret)
{
	char *end;

	if (!((*text >= '0' && *text <= '9') || *text == '.'))
		return false;
	*ret = strtod(text, &end);
	return end != text && !*end && *ret > 0 && *ret < 1e6;
}

static int option_speed(const char *text, void *value, struct error *err)
{
	if (read_positive(text, value))
		return 0;
	return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is no speed, as 2 or 0.5", text);
}

static int option_idle(const char *text, void *value, struct error *err)
{
	double seconds;

	if (!read_positive(text, &seconds))
		return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is no number of seconds",
				 text);
	*(int64_t *)value = (int64_t)(seconds * 1e6) + 1;
	return 0;
}

#define AT(member) .offset = offsetof(struct values, member)

static const struct option options[] = {
	{ .name = "speed",
	  .letter = 's',
	  .kind = OPTION_PARSED,
	  AT(speed),
	  .argument = "N",
	  .help = "so many times as fast (default 1)",
	  .parse = option_speed },
	{ .name = "idle-limit",
	  .letter = 'i',
	  .kind = OPTION_PARSED,
	  AT(idle_limit_us),
	  .argument = "SECONDS",
	  .help = "shorten pauses to that",
	  .parse = option_idle },
	{ 0 },
};

/* --- Reading --------------------------------------------------------------------------------- */

static int bad_line(unsigned long line, struct error *err)
{
	return error_set(err, ERROR_INVALID_VALUE, "line %lu is not as asciicast version 2 has it",
			 line);
}

static int check_header(const char *text, size_t size, struct error *err)
{
	_cleanup_(json_putp) struct json_object *header = NULL;
	struct error ignored;

	if (json_parse(text, size, &header, &ignored) < 0 ||
	    json_object_get_int(json_object_object_get(header, "version")) != 2)
		return bad_line(1, err);
	return 0;
}

/* [seconds, "type", "text"] */
static struct json_object *read_event(const char *text, size_t size)
{
	struct json_tokener *tokener = json_tokener_new_ex(4);
	struct json_object *event;

	if (!tokener || size > LINE_MAX_BYTES)
		abort();
	event = json_tokener_parse_ex(tokener, text, (int)size);
	json_tokener_free(tokener);
	if (json_object_get_type(event) == json_type_array &&
	    json_object_array_length(event) >= 3 &&
	    json_object_get_type(json_object_array_get_idx(event, 1)) == json_type_string &&
	    json_object_get_type(json_object_array_get_idx(event, 2)) == json_type_string)
		return event;
	json_object_put(event);
	return NULL;
}

/* --- Showing --------------------------------------------------------------------------------- */

struct player {
	const struct values *values;
	int64_t due_us;	   /* when the last event was due, by the monotonic clock */
	double at_seconds; /* of the recording */
};

static void wait_for(struct player *player, double seconds)
{
	double pause = (seconds - player->at_seconds) * 1e6;
	int64_t us = pause > 0 && pause < 1e15 ? (int64_t)pause : 0;
	int64_t limit = player->values->idle_limit_us, left;

	if (limit && us > limit)
		us = limit;
	player->at_seconds = seconds;
	player->due_us += (int64_t)((double)us / player->values->speed);
	while ((left = player->due_us - clock_monotonic_us()) > 0) {
		const struct timespec pause_time = { .tv_sec = left / 1000000,
						     .tv_nsec = left % 1000000 * 1000 };

		(void)nanosleep(&pause_time, NULL);
	}
}

static int show_event(struct player *player, struct json_object *event, struct error *err)
{
	struct json_object *text = json_object_array_get_idx(event, 2);

	if (strcmp(json_object_get_string(json_object_array_get_idx(event, 1)), "o") != 0)
		return 0;
	wait_for(player, json_object_get_double(json_object_array_get_idx(event, 0)));
	if (fd_write_all(STDOUT_FILENO, json_object_get_string(text),
			 (size_t)json_object_get_string_len(text)) < 0)
		return error_set_errno(err, errno, "write to standard output");
	return 0;
}

static int play(FILE *file, const struct values *values, struct error *err)
{
	struct player player = { .values = values, .due_us = clock_monotonic_us() };
	_cleanup_(freep) char *line = NULL;
	unsigned long number = 0;
	size_t capacity = 0;
	ssize_t n;

	while ((n = getline(&line, &capacity, file)) >= 0) {
		_cleanup_(json_putp) struct json_object *event = NULL;

		if (n && line[n - 1] == '\n')
			n--;
		if (n > LINE_MAX_BYTES)
			return bad_line(number + 1, err);
		if (++number == 1) {
			if (check_header(line, (size_t)n, err) < 0)
				return -1;
			continue;
		}
		if (n == 0)
			continue;
		event = read_event(line, (size_t)n);
		if (!event)
			return bad_line(number, err);
		if (show_event(&player, event, err) < 0)
			return -1;
	}
	return number ? 0 : bad_line(1, err);
}

static int run(const struct client *client, char **operands, void *values)
{
	bool standard = strcmp(operands[0], "-") == 0;
	_cleanup_(fclosep) FILE *file = standard ? stdin : fopen(operands[0], "re");
	struct error err;
	int r;

	(void)client;
	if (!file)
		r = error_set_errno(&err, errno, "open");
	else
		r = play(file, values, &err);
	if (r == 0)
		return EXIT_SUCCESS;
	print_failure(&err, "play %s", operands[0]);
	return EXIT_FAILURE;
}

const struct command command_play = {
	.name = "play",
	.operands = "FILE",
	.summary = "Play a recording (asciicast version 2) on this terminal",
	.details = "FILE may be - for standard input.",
	.example = "dokrustctl play --idle-limit 2 web.cast",
	.options = options,
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
	.values_size = sizeof(struct values),
	.defaults = &defaults,
};
