#include "client/command.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/print.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/parse.h"
#include "common/text.h"

enum { COMMANDS_MAX = 64 };

static const struct command *const *commands_of(const struct command *family)
{
	return family ? family->family : commands;
}

/* The word that tells it from others. */
static const char *word_of(const struct command *family, const struct command *command)
{
	return family ? command->name + strlen(family->name) + 1 : command->name;
}

const struct command *command_find(const struct command *family, const char *name)
{
	for (const struct command *const *c = commands_of(family); *c; c++)
		if (strcmp(word_of(family, *c), name) == 0)
			return *c;
	return NULL;
}

int command_unknown(const struct command *family, const char *name)
{
	const struct command *const *known = commands_of(family);
	const char *names[COMMANDS_MAX + 1] = { NULL };
	const char *prefix = family ? family->name : "", *blank = family ? " " : "";
	const char *nearest;

	for (size_t i = 0; i < COMMANDS_MAX && known[i]; i++)
		names[i] = word_of(family, known[i]);
	nearest = parse_nearest(name, names);
	if (nearest)
		print_remark("unknown command \"%s%s%.64s\"; did you mean \"%s%s%s\"?", prefix,
			     blank, name, prefix, blank, nearest);
	else
		print_remark("unknown command \"%s%s%.64s\"; \"dokrustctl help%s%s\" lists them",
			     prefix, blank, name, blank, prefix);
	return EXIT_CLIENT;
}

int command_status(const struct error *err)
{
	if (err->code == ERROR_COMMAND_NOT_FOUND)
		return EXIT_NOT_FOUND;
	return err->code == ERROR_NOT_EXECUTABLE ? EXIT_NOT_EXECUTABLE : EXIT_CLIENT;
}

int command_misused(const struct command *command, const char *format, ...)
{
	char message[ERROR_MESSAGE_SIZE];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	print_remark("%s: %s", command->name, message);
	return EXIT_CLIENT;
}

static void print_family(const struct command *family)
{
	printf("Usage: dokrustctl %s COMMAND ...\n\n%s\n\nCommands:\n", family->name,
	       family->summary);
	for (const struct command *const *c = family->family; *c; c++)
		printf("  %-12s%s\n", word_of(family, *c), (*c)->summary);
	printf("\n\"dokrustctl %s COMMAND --help\" tells more of one.\n\nExample:\n  %s\n",
	       family->name, family->example);
}

void command_print_help(const struct command *command)
{
	bool options = command->options && command->options[0].name;

	if (command->family) {
		print_family(command);
		return;
	}
	printf("Usage: dokrustctl %s%s%s%s\n\n%s\n", command->name, options ? " [OPTIONS]" : "",
	       command->operands[0] ? " " : "", command->operands, command->summary);
	if (command->details)
		printf("\n%s\n", command->details);
	printf("\nOptions:\n");
	options_print(command->options);
	printf("\nExample:\n  %s\n", command->example);
}

static int run(const struct command *command, const struct client *client, char **operands,
	       void *values)
{
	size_t n = strv_length(operands);

	if (n < command->operands_min)
		return command_misused(command, "%s is missing; try --help", command->operands);
	if (n > command->operands_max)
		return command_misused(command, "\"%.64s\" is too much; try --help",
				       operands[command->operands_max]);
	return command->run(client, operands, values);
}

static int execute_in_family(const struct command *family, const struct client *client, char **argv)
{
	const struct command *command;

	if (!argv[0])
		return command_misused(family, "name a command; try --help");
	if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
		print_family(family);
		return EXIT_SUCCESS;
	}
	command = command_find(family, argv[0]);
	return command ? command_execute(command, client, argv + 1) :
			 command_unknown(family, argv[0]);
}

int command_execute(const struct command *command, const struct client *client, char **argv)
{
	_cleanup_(freep) void *values = alloc_zero(1, command->values_size);
	struct error err;
	int status = EXIT_SUCCESS;
	int r;

	if (command->family)
		return execute_in_family(command, client, argv);
	if (command->defaults)
		(void)memcpy(values, command->defaults, command->values_size);
	r = options_parse(command->options, command->options_first, argv, values, &err);
	if (r > 0)
		command_print_help(command);
	else if (r < 0)
		status = command_misused(command, "%s", err.message);
	else
		status = run(command, client, argv, values);
	if (command->done)
		command->done(values);
	options_done(command->options, values);
	return status;
}
