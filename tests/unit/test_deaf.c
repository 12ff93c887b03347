/* Signals that a process 1 would not see: told from what /proc says of any process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/launch/deaf.h"

static void handle(int number)
{
	(void)number;
}

/* A child that handles SIGTERM, ignores SIGHUP, blocks SIGUSR1, and waits. */
static pid_t start_child(void)
{
	int pipe_fds[2];
	pid_t pid;
	char c;

	assert_int_equal(pipe(pipe_fds), 0);
	pid = fork();
	if (pid == 0) {
		sigset_t blocked;

		/* Not left behind by an assertion that fails, nor ignoring what the caller does. */
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)signal(SIGINT, SIG_DFL);
		(void)signal(SIGTERM, handle);
		(void)signal(SIGHUP, SIG_IGN);
		(void)sigemptyset(&blocked);
		(void)sigaddset(&blocked, SIGUSR1);
		(void)sigprocmask(SIG_SETMASK, &blocked, NULL);
		(void)!write(pipe_fds[1], "x", 1);
		for (;;)
			(void)pause();
	}
	assert_true(pid > 0);
	assert_int_equal(read(pipe_fds[0], &c, 1), 1);
	(void)close(pipe_fds[0]);
	(void)close(pipe_fds[1]);
	return pid;
}

static void end_child(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void what_is_handled_ignored_or_blocked_is_not_lost(void **state)
{
	pid_t pid = start_child();

	(void)state;
	assert_false(deaf_to(pid, SIGTERM));
	assert_false(deaf_to(pid, SIGHUP));
	assert_false(deaf_to(pid, SIGUSR1));
	end_child(pid);
}

static void what_would_end_the_process_by_default_is_lost(void **state)
{
	pid_t pid = start_child();

	(void)state;
	assert_true(deaf_to(pid, SIGINT));
	assert_true(deaf_to(pid, SIGUSR2));
	assert_true(deaf_to(pid, SIGRTMAX));
	end_child(pid);
}

static void what_ends_nobody_is_not_lost(void **state)
{
	pid_t pid = start_child();

	(void)state;
	assert_false(deaf_to(pid, SIGWINCH));
	assert_false(deaf_to(pid, SIGCHLD));
	assert_false(deaf_to(pid, SIGTSTP));
	end_child(pid);
}

static void nothing_is_said_of_numbers_and_processes_that_are_not_there(void **state)
{
	(void)state;
	assert_false(deaf_to(getpid(), 0));
	assert_false(deaf_to(getpid(), 65));
	assert_false(deaf_to(-1, SIGTERM));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_handled_ignored_or_blocked_is_not_lost),
		cmocka_unit_test(what_would_end_the_process_by_default_is_lost),
		cmocka_unit_test(what_ends_nobody_is_not_lost),
		cmocka_unit_test(nothing_is_said_of_numbers_and_processes_that_are_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
