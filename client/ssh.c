#include "client/ssh.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"

enum { ERRORS_SIZE_MAX = 16 * 1024, GOODBYE_MS = 1000 };

/* --- The command ----------------------------------------------------------------------------- */

#define PLAIN_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:@%,="

int ssh_command(const char *socket_path, char **ret, struct error *err)
{
	static const char start[] = "dokrustctl dial-stdio --socket ";
	char *command, *to;

	if (!socket_path) {
		*ret = alloc_strdup("dokrustctl dial-stdio");
		return 0;
	}
	command = alloc_zero(1, sizeof(start) + 2 * strlen(socket_path));
	to = stpcpy(command, start);
	for (const char *c = socket_path; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f) {
			free(command);
			return error_set(err, ERROR_INVALID_VALUE,
					 "the socket's path has control characters, which cannot "
					 "be passed through a remote shell");
		}
		/* A backslash before any of these is understood by sh, csh and fish alike, which
		 * quotation marks are not. Bytes beyond ASCII mean nothing to a shell.
		 */
		if (!strchr(PLAIN_CHARACTERS, *c) && (unsigned char)*c < 0x80)
			*to++ = '\\';
		*to++ = *c;
	}
	*ret = command;
	return 0;
}

/* --- Starting -------------------------------------------------------------------------------- */

_Noreturn static void become_ssh(const struct host *host, const char *command, int fd, int errors,
				 int report, pid_t parent)
{
	const char *argv[8];
	size_t n = 0;
	int saved;

	argv[n++] = "ssh";
	argv[n++] = "-T"; /* no terminal there, whatever the configuration says */
	if (host->port) {
		argv[n++] = "-p";
		argv[n++] = host->port;
	}
	argv[n++] = "--";
	argv[n++] = host->destination;
	argv[n++] = command;
	argv[n] = NULL;
	/* What is typed to interrupt a command is for the command in the container. */
	(void)signal(SIGINT, SIG_IGN);
	(void)signal(SIGQUIT, SIG_IGN);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent &&
	    dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0 &&
	    dup2(errors, STDERR_FILENO) >= 0)
		(void)execvp("ssh", (char *const *)(uintptr_t)argv);
	saved = errno;
	(void)fd_write_all(report, &saved, sizeof(saved));
	_exit(127); /* as shells do */
}

static int start(const struct host *host, const char *command, int far, struct ssh *ssh,
		 struct error *err)
{
	_cleanup_(fd_closep) int report_read = -1;
	_cleanup_(fd_closep) int report_write = -1;
	pid_t parent = getpid();
	int report[2], reason;

	ssh->errors = memfd_create("ssh-errors", MFD_CLOEXEC);
	if (ssh->errors < 0 || pipe2(report, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "start ssh");
	report_read = report[0];
	report_write = report[1];
	ssh->pid = fork();
	if (ssh->pid < 0) {
		ssh->pid = 0;
		return error_set_errno(err, errno, "start ssh");
	}
	if (ssh->pid == 0)
		become_ssh(host, command, far, ssh->errors, report_write, parent);
	fd_closep(&report_write);
	/* The pipe closes when ssh is executed; it brings the reason if it cannot be. */
	if (fd_read_full(report_read, &reason, sizeof(reason)) == sizeof(reason))
		return error_set_errno(err, reason, "execute ssh");
	return 0;
}

int ssh_start(const struct host *host, struct ssh *ssh, int *ret_fd, struct error *err)
{
	_cleanup_(freep) char *command = NULL;
	_cleanup_(fd_closep) int near = -1;
	_cleanup_(fd_closep) int far = -1;
	int pair[2];

	if (ssh_command(host->path, &command, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(err, errno, "socketpair");
	near = pair[0];
	far = pair[1];
	if (start(host, command, far, ssh, err) < 0)
		return -1;
	*ret_fd = TAKE_FD(near);
	return 0;
}

/* --- Ending ---------------------------------------------------------------------------------- */

/* False if it has not ended after a moment. */
static bool wait_for(struct ssh *ssh, int *ret_status)
{
	_cleanup_(fd_closep) int pidfd = (int)syscall(SYS_pidfd_open, ssh->pid, 0);
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

	if (pidfd >= 0 && poll(&poll_fd, 1, GOODBYE_MS) <= 0)
		return false;
	if (waitpid(ssh->pid, ret_status, pidfd >= 0 ? 0 : WNOHANG) != ssh->pid)
		return false;
	ssh->pid = 0;
	return true;
}

void ssh_end(struct ssh *ssh, int fd)
{
	int status;

	fd_close(fd);
	/* One that is still connecting does not look at its standard input. */
	if (ssh->pid > 0 && !wait_for(ssh, &status) && kill(ssh->pid, SIGTERM) == 0)
		(void)wait_for(ssh, &status);
	ssh->pid = 0;
	ssh->errors = fd_close(ssh->errors);
}

/* The last line that is not empty; the caller's, NULL if there is none. */
static char *last_line(int errors)
{
	_cleanup_(freep) char *text = alloc_zero(1, ERRORS_SIZE_MAX + 1);
	off_t size = lseek(errors, 0, SEEK_END);
	off_t from = size > ERRORS_SIZE_MAX ? size - ERRORS_SIZE_MAX : 0;
	ssize_t n = pread(errors, text, ERRORS_SIZE_MAX, from);
	char *line;

	while (n > 0 && strchr("\r\n ", text[n - 1]))
		text[--n] = '\0';
	if (n <= 0)
		return NULL;
	line = strrchr(text, '\n');
	line = line ? line + 1 : text;
	/* Our own program's name and command say nothing here. */
	if (strncmp(line, "dokrustctl: ", 12) == 0)
		line += 12;
	if (strncmp(line, "dial-stdio: ", 12) == 0)
		line += 12;
	return alloc_strdup(line);
}

int ssh_explain(struct ssh *ssh, const struct host *host, struct error *err)
{
	_cleanup_(freep) char *line = NULL;
	const char *where = host->destination;
	bool ended;
	int status = 0;

	ended = wait_for(ssh, &status);
	line = last_line(ssh->errors);
	if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return error_set(err, ERROR_FAILED,
				 "%s: dokrustctl is not installed there, or not in the PATH that "
				 "its shell gives to commands%s%s",
				 where, line ? ": " : "", line ? line : "");
	if (line)
		return error_set(err, ERROR_FAILED, "%s: %s", where, line);
	if (ended && WIFEXITED(status) && WEXITSTATUS(status) == 255)
		return error_set(err, ERROR_FAILED, "%s: ssh failed, and did not say why", where);
	return error_set(err, ERROR_FAILED, "%s: the connection was cut", where);
}
