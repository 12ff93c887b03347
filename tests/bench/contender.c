#include "tests/bench/contender.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"

extern char **environ;

void die(const char *format, ...)
{
	va_list ap;

	(void)fflush(stdout);
	(void)fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(ap, format);
	(void)vfprintf(stderr, format, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

size_t contenders_parse(char **argv, struct contender contenders[CONTENDERS_MAX])
{
	size_t n = 0;

	for (char **at = argv; *at; at++) {
		if (strcmp(*at, "--vs") != 0)
			continue;
		if (n == CONTENDERS_MAX)
			die("more than %d contenders", CONTENDERS_MAX);
		*at = NULL; /* ends the one before */
		if (!at[1] || !at[2])
			die("--vs takes a name and a command");
		contenders[n].name = at[1];
		contenders[n++].argv = at + 2;
		at++;
	}
	if (n == 0)
		die("nothing to measure: --vs NAME COMMAND [ARG...]");
	return n;
}

uint64_t number_parse(const char *what, const char *text, uint64_t min, uint64_t max)
{
	char *end = NULL;
	unsigned long long number;

	errno = 0;
	number = strtoull(text ? text : "", &end, 10);
	if (!text || errno || end == text || *end || number < min || number > max)
		die("%s: \"%s\" is no number within %llu and %llu", what, text ? text : "",
		    (unsigned long long)min, (unsigned long long)max);
	return number;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(address.sun_path))
		die("%s: too long", path);
	(void)strcpy(address.sun_path, path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		die("connect to %s: %s", path, strerror(errno));
	return fd;
}

void sleep_us(uint64_t us)
{
	struct timespec ts = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000,
	};

	while (nanosleep(&ts, &ts) < 0 && errno == EINTR)
		;
}

/* --- Processes ------------------------------------------------------------------------------- */

static pid_t spawn(const struct contender *contender, const posix_spawn_file_actions_t *actions,
		   const posix_spawnattr_t *attributes)
{
	pid_t pid;
	int errnum = posix_spawnp(&pid, contender->argv[0], actions, attributes, contender->argv,
				  environ);

	if (errnum)
		die("%s: execute %s: %s", contender->name, contender->argv[0], strerror(errnum));
	return pid;
}

pid_t contender_spawn(const struct contender *contender, int stdin_fd, int stdout_fd)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	if (posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_adddup2(&actions, stdin_fd, STDIN_FILENO) ||
	    posix_spawn_file_actions_adddup2(&actions, stdout_fd, STDOUT_FILENO))
		die("out of memory");
	pid = spawn(contender, &actions, NULL);
	(void)posix_spawn_file_actions_destroy(&actions);
	return pid;
}

pid_t contender_spawn_on_pty(const struct contender *contender, int *ret_master)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	char slave[64];
	pid_t pid;

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
	    ptsname_r(master, slave, sizeof(slave)) || ioctl(master, TIOCSWINSZ, &size) < 0)
		die("open a terminal: %s", strerror(errno));
	/* The leader of a session without a terminal gets the first that it opens. */
	if (posix_spawnattr_init(&attributes) ||
	    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID) ||
	    posix_spawn_file_actions_init(&actions) ||
	    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, slave, O_RDWR, 0) ||
	    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO) ||
	    posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO))
		die("out of memory");
	pid = spawn(contender, &actions, &attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	(void)posix_spawnattr_destroy(&attributes);
	*ret_master = master;
	return pid;
}

void contender_wait(const struct contender *contender, pid_t pid)
{
	int status;

	while (wait4(pid, &status, 0, NULL) < 0)
		if (errno != EINTR)
			die("%s: wait: %s", contender->name, strerror(errno));
	if (WIFSIGNALED(status))
		die("%s: killed by signal %d", contender->name, WTERMSIG(status));
	if (WEXITSTATUS(status))
		die("%s: exit status %d", contender->name, WEXITSTATUS(status));
}
