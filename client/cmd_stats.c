/* stats: what containers use. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/call.h"
#include "client/command.h"
#include "client/print.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"

enum { SHORT_ID = 12 };

struct values {
	bool all, once, json, no_trunc;
};

static const struct option options[] = {
	{ .name = "all",
	  .letter = 'a',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, all),
	  .help = "those that do not run, too" },
	{ .name = "no-stream",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, once),
	  .help = "once, and not every second" },
	{ .name = "no-trunc",
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct values, no_trunc),
	  .help = "whole ids" },
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, json),
	  .argument = "FORMAT",
	  .help = "json (an object a line) or table",
	  .parse = option_format },
	{ 0 },
};

static struct json_object *make_parameters(const struct values *values, char **operands)
{
	struct json_object *parameters = json_object_new_object();
	struct json_object *containers;

	json_object_object_add(parameters, "all", json_object_new_boolean(values->all));
	json_object_object_add(parameters, "once", json_object_new_boolean(values->once));
	if (!*operands)
		return parameters;
	containers = json_object_new_array();
	for (; *operands; operands++)
		json_object_array_add(containers, json_object_new_string(*operands));
	json_object_object_add(parameters, "containers", containers);
	return parameters;
}

/* --- Words ----------------------------------------------------------------------------------- */

static char *percent(struct json_object *stats, const char *key)
{
	struct json_object *value = json_object_object_get(stats, key);

	return value ? alloc_printf("%.2f%%", json_object_get_double(value)) : alloc_strdup("-");
}

static const char *bytes(struct json_object *stats, const char *key, char buffer[PRINT_BYTES_SIZE])
{
	struct json_object *value = json_object_object_get(stats, key);

	return value ? print_bytes(json_object_get_int64(value), buffer) : "-";
}

/* "1.5MiB / 2GiB" */
static char *two(struct json_object *stats, const char *first, const char *second)
{
	char a[PRINT_BYTES_SIZE], b[PRINT_BYTES_SIZE];

	return alloc_printf("%s / %s", bytes(stats, first, a), bytes(stats, second, b));
}

/* What is only there because nobody else wanted the memory yet. */
static char *cache(struct json_object *stats)
{
	struct json_object *whole = json_object_object_get(stats, "memory_bytes");
	struct json_object *used = json_object_object_get(stats, "memory_used_bytes");
	char buffer[PRINT_BYTES_SIZE];

	if (!whole || !used)
		return alloc_strdup("-");
	return alloc_strdup(
		print_bytes(json_object_get_int64(whole) - json_object_get_int64(used), buffer));
}

/* Of CPU, memory and I/O: in how much of the last ten seconds something waited for it. */
static char *pressure(struct json_object *stats)
{
	static const char *const keys[] = { "cpu_pressure", "memory_pressure", "io_pressure" };
	char text[64] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		struct json_object *one = json_object_object_get(stats, keys[i]);
		struct json_object *some = json_object_object_get(one, "some_avg10_percent");

		if (some)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%.0f%%",
					      i ? " / " : "", json_object_get_double(some));
		else
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s-", i ? " / " : "");
	}
	return alloc_strdup(text);
}

static char *count(struct json_object *stats, const char *key)
{
	return alloc_strdup(json_object_object_get(stats, key) ? call_string(stats, key) : "-");
}

/* --- A round --------------------------------------------------------------------------------- */

enum { COLUMNS = 10 };

static void add_titles(struct table *table)
{
	static const char *const titles[COLUMNS] = {
		"CONTAINER ID", "NAME",	     "CPU %", "MEM USAGE / LIMIT",  "MEM %", "CACHE",
		"NET I/O",	"BLOCK I/O", "PIDS",  "PRESSURE C / M / I",
	};

	for (size_t i = 0; i < COLUMNS; i++)
		table_add(table, titles[i]);
}

static void add_row(struct table *table, struct json_object *stats, bool whole)
{
	char *cells[COLUMNS] = {
		alloc_printf("%.*s", whole ? 64 : SHORT_ID, call_string(stats, "id")),
		alloc_strdup(call_string(stats, "name")),
		percent(stats, "cpu_percent"),
		two(stats, "memory_used_bytes", "memory_limit_bytes"),
		percent(stats, "memory_percent"),
		cache(stats),
		two(stats, "network_rx_bytes", "network_tx_bytes"),
		two(stats, "io_read_bytes", "io_write_bytes"),
		count(stats, "pids"),
		pressure(stats),
	};

	for (size_t i = 0; i < COLUMNS; i++) {
		table_add(table, cells[i]);
		free(cells[i]);
	}
}

/* How many rows the terminal can show below the titles. */
static size_t rows_that_fit(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row < 3)
		return SIZE_MAX;
	return size.ws_row - 2U;
}

/* Over what is there, on a terminal: cursor home, lines cut at its edge, the rest cleared. */
static void print_round(struct json_object *round, const struct values *values, bool live)
{
	_cleanup_(table_done) struct table table;
	size_t n = json_object_array_length(round), most = live ? rows_that_fit() : SIZE_MAX;

	table_init(&table, COLUMNS);
	add_titles(&table);
	for (size_t i = 0; i < n && i < most; i++)
		add_row(&table, json_object_array_get_idx(round, i), values->no_trunc);
	if (live)
		(void)printf("\033[?7l\033[H\033[J");
	table_print(&table);
	if (live)
		(void)printf("\033[?7h");
}

static void begin_round(struct json_object **round)
{
	json_object_put(*round);
	*round = json_object_new_array();
}

static int follow(struct channel *channel, const struct values *values, struct error *err)
{
	_cleanup_(json_putp) struct json_object *round = json_object_new_array();
	bool live = !values->once && !values->json && isatty(STDOUT_FILENO);
	bool continues = true;

	while (continues) {
		_cleanup_(json_putp) struct json_object *reply = NULL;
		struct json_object *stats;

		if (call_receive(channel, &reply, &continues, err) < 0)
			return -1;
		stats = json_object_object_get(reply, "stats");
		if (stats && values->json)
			print_json(stats, false);
		else if (stats)
			json_object_array_add(round, json_object_get(stats));
		if (stats)
			continue;
		/* The end of a watch is none of a round. */
		if (!values->json && (continues || values->once))
			print_round(round, values, live);
		begin_round(&round);
		if (fflush(stdout) == EOF)
			return 0; /* nobody reads any more */
	}
	return 0;
}

static int run(const struct client *client, char **operands, void *values)
{
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;
	struct error err;

	if (channel_open(&channel, &client->host, &err) == 0 &&
	    call_send(&channel, CONTAINER_METHOD("Stats"), make_parameters(values, operands), true,
		      false, &err) == 0 &&
	    follow(&channel, values, &err) == 0)
		return EXIT_SUCCESS;
	print_failure(&err, "stats");
	return EXIT_FAILURE;
}

const struct command command_stats = {
	.name = "stats",
	.operands = "[CONTAINER...]",
	.summary = "Show what containers use, every second",
	.details = "Memory is shown without the page cache that is not in use, which CACHE is. "
		   "PRESSURE is in how\nmuch of the last ten seconds something waited for CPU, "
		   "memory and I/O.",
	.example = "dokrustctl stats --no-stream --format json web",
	.options = options,
	.operands_max = OPERANDS_ANY,
	.run = run,
	.values_size = sizeof(struct values),
};
