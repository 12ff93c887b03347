#include "client/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/cleanup.h"

static const int numbers[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT,
};

int signals_open(struct signals *signals, struct error *err)
{
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		(void)sigaddset(&set, numbers[i]);
	for (int number = SIGRTMIN; number <= SIGRTMAX; number++)
		(void)sigaddset(&set, number);
	signals->kept = 0;
	signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals->fd < 0)
		return error_set_errno(err, errno, "signalfd");
	(void)sigaddset(&set, SIGPIPE);
	(void)sigprocmask(SIG_BLOCK, &set, &signals->before);
	return 0;
}

void signals_release(const struct signals *signals)
{
	(void)signal(SIGPIPE, SIG_IGN); /* one may be pending */
	(void)sigprocmask(SIG_SETMASK, &signals->before, NULL);
}

void signals_done(struct signals *signals)
{
	signals->fd = fd_close(signals->fd);
}

int signals_next(struct signals *signals)
{
	struct signalfd_siginfo info;

	if (read(signals->fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

bool signals_ends(int number)
{
	return number == SIGHUP || number == SIGINT || number == SIGQUIT || number == SIGTERM;
}
