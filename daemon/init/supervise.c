#include "daemon/init/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/init/plan.h"

/* True when the command is among those that have died. */
static bool reap(int control, pid_t main_pid)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct report report = { .type = REPORT_EXITED, .wait_status = status };

		if (pid != main_pid)
			continue;
		(void)send(control, &report, report_size(REPORT_EXITED), MSG_NOSIGNAL);
		return true;
	}
	return false;
}

/* Signals to this process, from the host or from inside, are meant for the command. */
static bool on_signals(int signals, int control, pid_t main_pid)
{
	struct signalfd_siginfo info;
	bool died = false;

	while (read(signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			died = true;
		else
			(void)kill(main_pid, (int)info.ssi_signo);
	}
	return died && reap(control, main_pid);
}

/* False when the daemon has closed its end. */
static bool on_orders(int control, pid_t main_pid)
{
	struct order order;
	ssize_t n;

	while ((n = recv(control, &order, sizeof(order), MSG_DONTWAIT)) == (ssize_t)sizeof(order))
		(void)kill(main_pid, order.signal);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

void supervise(int control, pid_t main_pid)
{
	_cleanup_(fd_closep) int signals = -1;
	sigset_t all;

	(void)sigfillset(&all);
	signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return;
	for (;;) {
		struct pollfd polled[] = {
			{ .fd = signals, .events = POLLIN },
			{ .fd = control, .events = POLLIN },
		};

		if (poll(polled, ARRAY_SIZE(polled), -1) < 0 && errno != EINTR)
			return;
		/* Orders first: one that was sent before the command ended must not outlive it. */
		if (polled[1].revents && !on_orders(control, main_pid))
			return;
		if (polled[0].revents && on_signals(signals, control, main_pid))
			return;
	}
}
