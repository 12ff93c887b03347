#include "daemon/loop/worker.h"

#include <assert.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Above where the descriptors go, so that none is in the way of another. */
enum { ASIDE = 16 };

static void arrange_fds(const int *fds, size_t n_fds)
{
	int aside[WORKER_FDS_MAX];

	for (size_t i = 0; i < n_fds; i++)
		aside[i] = fcntl(fds[i], F_DUPFD, ASIDE);
	for (size_t i = 0; i < n_fds; i++)
		if (dup2(aside[i], WORKER_FIRST_FD + (int)i) < 0)
			_exit(1);
	(void)close_range(WORKER_FIRST_FD + (unsigned int)n_fds, ~0U, 0);
}

static void arrange_signals(void)
{
	static const int refused[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ };
	sigset_t none;

	for (int number = 1; number < 32; number++)
		(void)signal(number, SIG_DFL);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		(void)signal(refused[i], SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

pid_t worker_fork(const char *name, const int *fds, size_t n_fds)
{
	pid_t pid;

	assert(n_fds <= WORKER_FDS_MAX);
	pid = fork();
	if (pid)
		return pid;
	arrange_fds(fds, n_fds);
	arrange_signals();
	(void)prctl(PR_SET_NAME, name);
	return 0;
}
