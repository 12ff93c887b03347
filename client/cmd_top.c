/* top: the processes of a container, in the columns of ps(1). */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/call.h"
#include "client/command.h"
#include "client/print.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"

struct values {
	bool json;
};

static const struct option options[] = {
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct values, json),
	  .argument = "FORMAT",
	  .help = "json (an object a line) or table",
	  .parse = option_format },
	{ 0 },
};

/* --- Cells ----------------------------------------------------------------------------------- */

static int64_t number(struct json_object *process, const char *key)
{
	return json_object_get_int64(json_object_object_get(process, key));
}

static char *show_value(struct json_object *process, const char *key)
{
	const char *text = call_string(process, key);

	return alloc_strdup(text[0] ? text : "?");
}

static char *show_user(struct json_object *process, const char *key)
{
	return show_value(process, json_object_object_get(process, key) ? key : "uid");
}

static char *show_kib(struct json_object *process, const char *key)
{
	return alloc_printf("%lld", (long long)number(process, key) / 1024);
}

/* How long it is there, in microseconds; at least one. */
static int64_t age_us(struct json_object *process)
{
	int64_t started_us, age;

	if (clock_parse(call_string(process, "started_at"), &started_us) < 0)
		return 1;
	age = clock_realtime_us() - started_us;
	return age > 0 ? age : 1;
}

/* Of its whole life, as ps has it. */
static char *show_cpu_percent(struct json_object *process, const char *key)
{
	return alloc_printf("%.1f", (double)number(process, key) * 100 / (double)age_us(process));
}

static char *show_cpu_share(struct json_object *process, const char *key)
{
	return alloc_printf("%lld", (long long)(number(process, key) * 100 / age_us(process)));
}

/* [DD-]HH:MM:SS */
static char *show_duration(int64_t us)
{
	long long s = us / 1000000, days = s / 86400;
	_cleanup_(freep) char *time =
		alloc_printf("%02lld:%02lld:%02lld", s / 3600 % 24, s / 60 % 60, s % 60);

	return days ? alloc_printf("%lld-%s", days, time) : TAKE_PTR(time);
}

static char *show_cpu_time(struct json_object *process, const char *key)
{
	return show_duration(number(process, key));
}

static char *show_age(struct json_object *process, const char *key)
{
	(void)key;
	return show_duration(age_us(process));
}

static char *show_start(struct json_object *process, const char *key)
{
	char text[16] = "?";
	int64_t us;
	struct tm tm;
	time_t seconds;

	if (clock_parse(call_string(process, key), &us) == 0) {
		seconds = (time_t)(us / 1000000);
		(void)localtime_r(&seconds, &tm);
		(void)strftime(text, sizeof(text),
			       clock_realtime_us() - us < 86400 * INT64_C(1000000) ? "%H:%M" :
										     "%b%d",
			       &tm);
	}
	return alloc_strdup(text);
}

static char *show_name(struct json_object *process, const char *key)
{
	return alloc_strdup(call_string(process, key));
}

/* The arguments, or in brackets the name of one that has none. */
static char *show_command(struct json_object *process, const char *key)
{
	_cleanup_(freep) char *text = print_join(json_object_object_get(process, key), " ");

	return text[0] ? TAKE_PTR(text) : alloc_printf("[%s]", call_string(process, "name"));
}

static const struct column {
	const char *name; /* as for ps -o */
	const char *title;
	char *(*show)(struct json_object *process, const char *key);
	const char *key;
} columns[] = {
	{ "pid", "PID", show_value, "pid" },
	{ "ppid", "PPID", show_value, "parent_pid" },
	{ "nspid", "NSPID", show_value, "inner_pid" },
	{ "uid", "UID", show_value, "uid" },
	{ "user", "USER", show_user, "user" },
	{ "euser", "UID", show_user, "user" }, /* the title that -f gives it */
	{ "stat", "STAT", show_value, "state" },
	{ "state", "S", show_value, "state" },
	{ "s", "S", show_value, "state" },
	{ "c", "C", show_cpu_share, "cpu_time_us" },
	{ "pcpu", "%CPU", show_cpu_percent, "cpu_time_us" },
	{ "%cpu", "%CPU", show_cpu_percent, "cpu_time_us" },
	{ "time", "TIME", show_cpu_time, "cpu_time_us" },
	{ "etime", "ELAPSED", show_age, NULL },
	{ "stime", "STIME", show_start, "started_at" },
	{ "start", "START", show_start, "started_at" },
	{ "tty", "TTY", show_value, "terminal" },
	{ "tname", "TTY", show_value, "terminal" },
	{ "vsz", "VSZ", show_kib, "virtual_bytes" },
	{ "rss", "RSS", show_kib, "resident_bytes" },
	{ "nlwp", "NLWP", show_value, "threads" },
	{ "thcount", "THCNT", show_value, "threads" },
	{ "ni", "NI", show_value, "nice" },
	{ "nice", "NI", show_value, "nice" },
	{ "comm", "COMMAND", show_name, "name" },
	{ "ucmd", "CMD", show_name, "name" },
	{ "cmd", "CMD", show_command, "command" },
	{ "args", "COMMAND", show_command, "command" },
	{ "command", "COMMAND", show_command, "command" },
};

/* --- What ps is asked for -------------------------------------------------------------------- */

enum { SHOWN_MAX = 32 };

struct shown {
	const struct column *list[SHOWN_MAX];
	size_t n;
};

static int add_columns(struct shown *shown, const char *list, struct error *err)
{
	_cleanup_(freep) char *copy = alloc_strdup(list);
	char *rest = copy, *name;

	while ((name = strsep(&rest, ", "))) {
		size_t i = 0;

		while (i < ARRAY_SIZE(columns) && strcmp(columns[i].name, name) != 0)
			i++;
		if (i == ARRAY_SIZE(columns))
			return error_set(err, ERROR_INVALID_VALUE,
					 "\"%.40s\" is no column; there are pid, ppid, nspid, uid, "
					 "user, stat, pcpu, time, etime, stime, tty, vsz, rss, "
					 "nlwp, ni, comm, args",
					 name);
		if (shown->n == SHOWN_MAX)
			return error_set(err, ERROR_INVALID_VALUE, "these are too many columns");
		shown->list[shown->n++] = &columns[i];
	}
	return 0;
}

/* What letters of ps that choose processes, or how wide it prints, mean nothing here: a container's
 * processes are chosen, and whole lines printed.
 */
static bool is_known(const char *letters, const char *known)
{
	return letters[0] && strspn(letters, known) == strlen(letters);
}

static int unknown_option(const char *option, struct error *err)
{
	return error_set(err, ERROR_INVALID_VALUE,
			 "\"%.40s\" is none of the options of ps that are known here: -ef, aux, "
			 "ax, -o COLUMNS",
			 option);
}

/* One word, and perhaps the next. Returns how many it took, or -1. */
static int read_option(char *const *words, struct shown *shown, struct error *err)
{
	const char *word = words[0], *letters = word + (word[0] == '-'), *o = strchr(letters, 'o');
	const char *list;

	if (o && strspn(letters, "eAaxw") == (size_t)(o - letters)) {
		list = o[1] ? o + 1 : words[1];
		if (!list)
			return error_set(err, ERROR_INVALID_VALUE, "\"%.40s\" needs columns", word);
		return add_columns(shown, list, err) < 0 ? -1 : o[1] ? 1 : 2;
	}
	if (word[0] == '-' && is_known(letters, "eAfaxw"))
		return strchr(letters, 'f') &&
				       add_columns(shown, "euser,pid,ppid,c,stime,tty,time,cmd",
						   err) < 0 ?
			       -1 :
			       1;
	if (is_known(letters, "auxw"))
		return add_columns(shown,
				   strchr(letters, 'u') ?
					   "user,pid,pcpu,vsz,rss,tty,stat,start,time,args" :
					   "pid,tty,stat,time,args",
				   err) < 0 ?
			       -1 :
			       1;
	return unknown_option(word, err);
}

static int read_options(char *const *words, struct shown *shown, struct error *err)
{
	const char *usual = words[0] ? "pid,tty,time,ucmd" : "euser,pid,ppid,c,stime,tty,time,cmd";

	while (*words) {
		int n = read_option(words, shown, err);

		if (n < 0)
			return -1;
		words += n;
	}
	return shown->n ? 0 : add_columns(shown, usual, err);
}

/* --- Asking and printing --------------------------------------------------------------------- */

static void add_row(struct table *table, const struct shown *shown, struct json_object *process)
{
	for (size_t i = 0; i < shown->n; i++) {
		_cleanup_(freep) char *cell = shown->list[i]->show(process, shown->list[i]->key);

		table_add(table, cell);
	}
}

struct output {
	const struct shown *shown;
	struct table *table; /* NULL: JSON */
};

static void show(struct json_object *process, void *userdata)
{
	const struct output *output = userdata;

	if (output->table)
		add_row(output->table, output->shown, process);
	else
		print_json(process, false);
}

static int ask(const struct client *client, const char *container, const struct shown *shown,
	       bool json, struct error *err)
{
	_cleanup_(table_done) struct table table;
	struct output output = { shown, json ? NULL : &table };

	table_init(&table, shown->n);
	for (size_t i = 0; i < shown->n; i++)
		table_add(&table, shown->list[i]->title);
	if (call_list(&client->host, CONTAINER_METHOD("Top"), call_container(container), "process",
		      show, &output, err) < 0)
		return -1;
	if (!json)
		table_print(&table);
	return 0;
}

static int run(const struct client *client, char **operands, void *values_)
{
	const struct values *values = values_;
	struct shown shown = { 0 };
	struct error err;

	if (read_options(operands + 1, &shown, &err) < 0) {
		print_failure(&err, "top");
		return EXIT_CLIENT;
	}
	if (ask(client, operands[0], &shown, values->json, &err) == 0)
		return EXIT_SUCCESS;
	print_failure(&err, "top %s", operands[0]);
	return EXIT_FAILURE;
}

const struct command command_top = {
	.name = "top",
	.operands = "CONTAINER [PS OPTIONS]",
	.summary = "Show the processes of a container",
	.details = "Of the options of ps, -ef (the default), aux, ax and -o COLUMNS are known. "
		   "Pids and users are\nthose of the host; nspid is the pid in the container.",
	.example = "dokrustctl top web -o pid,nspid,user,rss,args",
	.options = options,
	.options_first = true,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = run,
	.values_size = sizeof(struct values),
};
