/* The least that can stand between a program and a viewer that may come and go: what Dokrust's
 * daemon and client are measured against.
 *
 *	relay [-p] COMMAND [ARG...]
 *
 *	command <- pty -> keeper <- Unix stream socket -> viewer <- the terminal it was started on
 *
 * Keeper and viewer are two processes, as daemon and client are. Each waits with poll(2), reads
 * what there is and writes all of it, blocking. There are no frames, no copy is kept for whoever
 * comes later, nobody else is served, and a viewer that does not read stops the program. With -p
 * the command's output is a pipe in place of a pty, and it has no input.
 *
 * Exits with the command's status.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/fdio.h"

enum { BUFFER_SIZE = 64 * 1024 };

static void fail(const char *what)
{
	perror(what);
	_exit(125);
}

/* One read and what it brought; false at the end. */
static bool pass(int from, int to)
{
	static char buffer[BUFFER_SIZE];
	ssize_t n = read(from, buffer, sizeof(buffer));

	if (n < 0 && errno == EINTR)
		return true;
	return n > 0 && fd_write_all(to, buffer, (size_t)n) == 0;
}

/* What comes from near goes to far, until far has no more. to_near is near, but for a viewer,
 * whose standard streams are two.
 */
static void relay(int near, int to_near, int far)
{
	struct pollfd polled[] = {
		{ .fd = far, .events = POLLIN },
		{ .fd = near, .events = POLLIN },
	};

	for (;;) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			fail("poll");
		if (polled[0].revents && !pass(far, to_near))
			return;
		if (!polled[1].revents || pass(near, far))
			continue;
		if (near == to_near) /* the viewer has gone, and nobody else will come */
			return;
		polled[1].fd = -1;
	}
}

/* --- The keeper ------------------------------------------------------------------------------ */

static int open_master(const struct winsize *size, int *ret_slave)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), unlocked = 0;

	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlocked) < 0 ||
	    ioctl(master, TIOCSWINSZ, size) < 0)
		fail("open a pty");
	*ret_slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ret_slave < 0)
		fail("open a pty");
	return master;
}

static void become_command(char **argv, int in, int out, bool terminal)
{
	if (setsid() < 0 || dup2(in, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
		fail("place the streams");
	if (terminal && (dup2(out, STDERR_FILENO) < 0 || ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0))
		fail("take the terminal");
	(void)execvp(argv[0], argv);
	fail(argv[0]);
}

static int keep(char **argv, int viewer, bool terminal, const struct winsize *size)
{
	int fds[2], status;
	pid_t pid;

	/* As a daemon is: the end of the viewer's terminal must not be its own. */
	if (setsid() < 0)
		fail("make a session");
	if (terminal)
		fds[0] = open_master(size, &fds[1]);
	else if (pipe2(fds, O_CLOEXEC) < 0)
		fail("make a pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0)
		become_command(argv, terminal ? fds[1] : open("/dev/null", O_RDONLY | O_CLOEXEC),
			       fds[1], terminal);
	(void)close(fds[1]);
	relay(viewer, viewer, fds[0]);
	(void)close(fds[0]);
	if (waitpid(pid, &status, 0) < 0)
		fail("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* --- The viewer ------------------------------------------------------------------------------ */

static int view(int keeper, pid_t pid, bool terminal)
{
	struct termios before, raw;
	int status;

	if (terminal) {
		if (tcgetattr(STDIN_FILENO, &before) < 0)
			fail("terminal");
		raw = before;
		cfmakeraw(&raw);
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	relay(terminal ? STDIN_FILENO : -1, STDOUT_FILENO, keeper);
	if (terminal)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &before);
	(void)close(keeper);
	if (waitpid(pid, &status, 0) < 0)
		fail("wait");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	bool terminal = argc < 2 || strcmp(argv[1], "-p") != 0;
	char **command = argv + (terminal ? 1 : 2);
	struct winsize size = { 0 };
	int pair[2];
	pid_t pid;

	if (argc < (terminal ? 2 : 3)) {
		(void)fprintf(stderr, "usage: relay [-p] COMMAND [ARG...]\n");
		return 125;
	}
	if (terminal && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		fail("standard input");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		fail("socketpair");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		(void)close(pair[0]);
		_exit(keep(command, pair[1], terminal, &size));
	}
	(void)close(pair[1]);
	return view(pair[0], pid, terminal);
}
