/* dokrustctl: the command table, and what stands in front of a command. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/print.h"
#include "common/cleanup.h"

const struct command *const commands[] = {
	&command_run,
	&command_create,
	&command_start,
	&command_attach,
	&command_update,
	&command_pause,
	&command_unpause,
	&command_exec,
	&command_sessions,
	&command_detach,
	&command_send,
	&command_screen,
	&command_expect,
	&command_stop,
	&command_kill,
	&command_restart,
	&command_wait,
	&command_rename,
	&command_rm,
	&command_ps,
	&command_logs,
	&command_events,
	&command_record,
	&command_play,
	&command_stats,
	&command_top,
	&command_inspect,
	&command_mount,
	&command_network,
	&command_port,
	&command_volume,
	&command_version,
	&command_generate,
	&command_info,
	&command_dial_stdio,
	&command_help,
	NULL,
};

struct front {
	char *host;
	bool version;
};

static const struct option front_options[] = {
	{ .name = "host",
	  .letter = 'H',
	  .kind = OPTION_TEXT,
	  .offset = offsetof(struct front, host),
	  .argument = "ADDRESS",
	  .help = "unix:///PATH or ssh://[USER@]HOST[:PORT][/PATH]" },
	{ .name = "version",
	  .letter = 'v',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct front, version),
	  .help = "show the version of this program" },
	{ 0 },
};

static void front_done(struct front *front)
{
	options_done(front_options, front);
}

/* Standard descriptors that are closed would be given to the next file that is opened. */
static void open_standard_fds(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			/* For reading: to write to it is still an error. */
			(void)open("/dev/null", O_RDONLY);
}

int commands_print_help(void)
{
	printf("Usage: dokrustctl [-H ADDRESS] COMMAND [OPTIONS] ...\n\n"
	       "Named containers, each with a terminal to come back to.\n\nCommands:\n");
	for (const struct command *const *c = commands; *c; c++)
		printf("  %-12s%s\n", (*c)->name, (*c)->summary);
	printf("\nOptions:\n");
	options_print(front_options);
	printf("\nThe address can be set by DOKRUST_HOST; without it, it is unix://%s.\n"
	       "\"dokrustctl COMMAND --help\" tells more of a command.\n"
	       "\nExample:\n  dokrustctl run -it --name web busybox\n",
	       HOST_DEFAULT);
	return EXIT_SUCCESS;
}

static int run_command(const struct front *front, char **argv)
{
	_cleanup_(host_done) struct host host = { 0 };
	const struct command *command = command_find(NULL, argv[0]);
	const char *variable = getenv("DOKRUST_HOST");
	const char *address = variable && variable[0] ? variable : HOST_DEFAULT;
	struct client client;
	struct error err;

	if (!command)
		return command_unknown(NULL, argv[0]);
	if (front->host)
		address = front->host;
	if (host_parse(address, &host, &err) < 0) {
		print_failure(&err, "%s", front->host ? "--host" : "DOKRUST_HOST");
		return EXIT_CLIENT;
	}
	client.host = host;
	return command_execute(command, &client, argv + 1);
}

static int run(char **argv)
{
	_cleanup_(front_done) struct front front = { 0 };
	struct error err;
	int r = options_parse(front_options, true, argv, &front, &err);

	if (r < 0) {
		print_remark("%s", err.message);
		return EXIT_CLIENT;
	}
	if (r > 0)
		return commands_print_help();
	if (front.version) {
		printf("dokrustctl %s\n", DOKRUST_VERSION);
		return EXIT_SUCCESS;
	}
	if (!argv[0]) {
		print_remark("name a command; \"dokrustctl help\" lists them");
		return EXIT_CLIENT;
	}
	return run_command(&front, argv);
}

int main(int argc, char **argv)
{
	int status;

	open_standard_fds();
	status = run(argv + (argc > 0));
	if (fflush(stdout) == EOF || ferror(stdout)) {
		print_remark("write to standard output: %s", strerrordesc_np(errno));
		return EXIT_CLIENT;
	}
	return status;
}
