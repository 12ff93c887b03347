#include "client/command.h"

static int run(const struct client *client, char **operands, void *values)
{
	const struct command *command;

	(void)client;
	(void)values;
	if (!operands[0])
		return commands_print_help();
	command = command_find(NULL, operands[0]);
	if (!command)
		return command_unknown(NULL, operands[0]);
	if (command->family && operands[1]) {
		const struct command *family = command;

		command = command_find(family, operands[1]);
		if (!command)
			return command_unknown(family, operands[1]);
	}
	command_print_help(command);
	return 0;
}

static const struct option no_options[] = { { 0 } };

const struct command command_help = {
	.name = "help",
	.operands = "[COMMAND]",
	.summary = "List the commands, or explain one",
	.example = "dokrustctl help run",
	.options = no_options,
	.operands_max = 2,
	.run = run,
};
