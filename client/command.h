/* What a command of dokrustctl is: a table entry with its options, from which its --help is made,
 * and a function. One file has one command or a family of small ones; main.c lists them all.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "client/host.h"
#include "client/options.h"
#include "common/error.h"

/* Exit statuses that are no container's own. */
enum {
	EXIT_CLIENT = 125, /* usage; and, where a container's status is passed on, any failure */
	EXIT_NOT_EXECUTABLE = 126,
	EXIT_NOT_FOUND = 127,
};

/* What the options in front of the command decided. */
struct client {
	struct host host;
};

struct command {
	const char *name;
	const char *operands; /* as the usage line shows them: "IMAGE [COMMAND [ARG...]]" */
	const char *summary;  /* one line; --help and the list of commands */
	const char *details;  /* more lines for --help, or NULL */
	const char *example;
	const struct option *options; /* ends with an empty one */
	bool options_first;	      /* what follows the first operand is the container's */
	size_t operands_min, operands_max;

	/* operands ends with NULL; values is what the options filled, values_size bytes that
	 * were a copy of *defaults (zero without). Returns the exit status.
	 */
	int (*run)(const struct client *client, char **operands, void *values);
	size_t values_size;
	const void *defaults;
	void (*done)(void *values); /* frees what parsers of options made, or NULL */

	/* Instead of all from `options` on: the commands of a family, whose names are this one's
	 * and another word. Ends with NULL.
	 */
	const struct command *const *family;
};

enum { OPERANDS_ANY = 100000 };

extern const struct command command_events, command_logs, command_play, command_record;
extern const struct command command_attach, command_create, command_detach, command_dial_stdio,
	command_exec, command_expect, command_screen, command_help, command_info, command_inspect,
	command_kill, command_pause, command_ps, command_rename, command_restart, command_rm,
	command_run, command_send, command_sessions, command_start, command_stop, command_unpause,
	command_update, command_version, command_wait;
extern const struct command command_generate, command_mount, command_network, command_port,
	command_stats, command_top, command_volume;

/* All of them, in the order of the list; ends with NULL (main.c). */
extern const struct command *const commands[];

/* The help that lists them (main.c). Returns EXIT_SUCCESS. */
int commands_print_help(void);

/* By one word, or in a family (NULL: none) by its second; NULL if there is none. */
const struct command *command_find(const struct command *family, const char *name);

/* An unknown command, told with the nearest one. Returns EXIT_CLIENT. */
int command_unknown(const struct command *family, const char *name);

/* Reads the options and runs it; argv begins after its name. Returns the exit status. */
int command_execute(const struct command *command, const struct client *client, char **argv);

/* --help, to standard output. */
void command_print_help(const struct command *command);

/* The exit status of a command that passes on a container's, for an error. */
int command_status(const struct error *err);

/* A usage error of a command, printed. Returns EXIT_CLIENT. */
int command_misused(const struct command *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
