#include "daemon/init/command.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/init/identity.h"
#include "daemon/init/limits.h"

/* --- Finding and executing it ---------------------------------------------------------------- */

static int not_found(const char *name, const char *why, struct error *err)
{
	return error_set(err, ERROR_COMMAND_NOT_FOUND, "%.200s: %s", name, why);
}

static int exec_failed(const char *name, const char *path, int errnum, struct error *err)
{
	const char *why = strerrordesc_np(errnum);
	struct stat st;

	/* The file is there: what is missing is named in its first line or its program header. */
	if (errnum == ENOENT)
		return not_found(name, "its interpreter or loader is not in the container", err);
	if (errnum == EACCES && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		why = "is a directory";
	else if (errnum == ENOEXEC)
		why = "neither a program for this machine nor a script that names its interpreter";
	(void)error_set(err, ERROR_NOT_EXECUTABLE, "%.200s: %s", name, why ? why : "unknown error");
	err->sys_errno = errnum;
	return -1;
}

/* The filter goes in once, as late as can be: when there is something to execute. */
struct attempt {
	const struct command *command;
	bool sealed;
};

/* 0: no such file, and *err is untouched. -1: there is one, and it cannot be executed. */
static int try_path(struct attempt *attempt, const char *path, struct error *err)
{
	const struct command *command = attempt->command;

	/* Cheaper than a failing exec, and tells a missing file from a missing interpreter. */
	if (faccessat(AT_FDCWD, path, F_OK, 0) < 0) {
		if (errno == ENOENT || errno == ENOTDIR)
			return 0;
		return exec_failed(command->plan->argv[0], path, errno, err);
	}
	if (!attempt->sealed && identity_seal(command->user, command->plan, err) < 0)
		return -1;
	attempt->sealed = true;
	(void)syscall(SYS_execve, path, command->plan->argv, command->plan->environment);
	return exec_failed(command->plan->argv[0], path, errno, err);
}

static const char *search_path(const struct command *command)
{
	for (const char *const *s = command->plan->environment; *s; s++)
		if (strncmp(*s, "PATH=", 5) == 0)
			return *s + 5;
	return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

/* As execvp(3) does: what is found but may not be executed is passed over for what comes later in
 * the PATH, and is the error if nothing does. An empty element is the working directory.
 */
static int search(struct attempt *attempt, struct error *err)
{
	const char *name = attempt->command->plan->argv[0], *at = search_path(attempt->command);
	bool refused = false;
	char path[PATH_MAX];

	for (;;) {
		size_t n = strcspn(at, ":");
		int length =
			snprintf(path, sizeof(path), "%.*s%s%s", (int)n, at, n ? "/" : "./", name);
		bool fits = length > 0 && (size_t)length < sizeof(path);

		if (fits && try_path(attempt, path, err) < 0) {
			if (err->sys_errno != EACCES)
				return -1;
			refused = true;
		}
		if (!at[n])
			break;
		at += n + 1;
	}
	return refused ? -1 : not_found(name, "not found in the container's PATH", err);
}

static int execute(const struct command *command, struct error *err)
{
	const char *name = command->plan->argv[0];
	struct attempt attempt = { .command = command };

	if (!strchr(name, '/'))
		return *name ? search(&attempt, err) : not_found("\"\"", "no command", err);
	if (try_path(&attempt, name, err) < 0)
		return -1;
	return not_found(name, "no such file in the container", err);
}

/* --- Its surroundings ------------------------------------------------------------------------ */

/* What the daemon ignores, or was started with ignored, the command gets back. */
static void reset_signals(void)
{
	sigset_t none;

	for (int number = 1; number < NSIG; number++)
		(void)signal(number, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static int take_terminal(const struct command *command, struct error *err)
{
	/* Of another user, so that /dev/stdout and the terminal can be opened by name. */
	for (int fd = 0; command->user->uid != 0 && fd < 3; fd++)
		if ((command->terminal || fd > 0) && fchown(fd, command->user->uid, (gid_t)-1) < 0)
			return identity_refused(command->user, errno, err);
	if (setsid() < 0)
		return error_set_errno(err, errno, "make a session");
	if (command->terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) < 0)
		return error_set_errno(err, errno, "take the terminal");
	return 0;
}

int command_become(const struct command *command, struct error *err)
{
	if (take_terminal(command, err) < 0 || limits_set(&command->plan->rights, err) < 0 ||
	    identity_assume(command->user, command->plan, err) < 0)
		return -1;
	/* After the ids, whose change clears it. */
	if (command->dies_alone && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return error_set_errno(err, errno, "tie it to the daemon");
	(void)umask(022);
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return error_set_errno(err, errno, "close descriptors");
	reset_signals();
	return execute(command, err);
}

/* --- In a child ------------------------------------------------------------------------------ */

struct child {
	const struct command *command;
	struct error *err;
	bool failed;
};

static int run_child(void *userdata)
{
	struct child *child = userdata;

	(void)command_become(child->command, child->err);
	child->failed = true;
	_exit(1);
}

int command_spawn(const struct command *command, void *stack, size_t stack_size, pid_t *ret_pid,
		  struct error *err)
{
	/* CLONE_VFORK: the child is done with this frame before it is used again. */
	struct child child = { .command = command, .err = err };
	pid_t pid = clone(run_child, (char *)stack + stack_size, CLONE_VM | CLONE_VFORK | SIGCHLD,
			  &child);

	if (pid < 0)
		return error_set_errno(err, errno, "make a process");
	if (child.failed) {
		(void)waitpid(pid, NULL, 0);
		return -1;
	}
	*ret_pid = pid;
	return 0;
}
