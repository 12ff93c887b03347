/* Entering a container that runs. For another process in it, dokrust-init enters it and leaves a
 * child there, which is this process's own: the launch begins as that of the one and goes on as
 * that of the other. For a change of its mounts, dokrust-init does that and ends.
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "daemon/launch/launcher.h"

/* A copy of the container's pidfd, the first of what goes with the plan. */
static int begin_streams(const struct launch *container, struct streams *ret, struct error *err)
{
	int fd;

	assert(container->pidfd >= 0);
	fd = fcntl(container->pidfd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return error_set_errno(err, errno, "copy a pidfd");
	*ret = STREAMS_NULL;
	ret->fds[ret->n_fds++] = fd;
	return 0;
}

int launch_exec(struct launcher *launcher, const struct launch_exec_params *params,
		const struct launch_callbacks *callbacks, void *userdata, struct launch **ret,
		struct launch_stdio *ret_stdio, struct error *err)
{
	struct plan plan = {
		.flags = PLAN_EXEC | (params->userns ? PLAN_USERNS : 0U) |
			 (params->terminal ? PLAN_TERMINAL : 0U) |
			 (params->stdin_open && !params->terminal ? PLAN_STDIN : 0U),
		.workdir = params->workdir,
		.user = params->user,
		.argv = (const char **)(uintptr_t)params->argv,
		.environment = (const char **)(uintptr_t)params->environment,
	};
	const struct clone_params clone_params = { .cgroup = &params->cgroup, .userns_fd = -1 };
	_cleanup_(plan_storage_done) struct plan_storage storage = { 0 };
	struct streams streams;

	assert(params->argv && params->argv[0]);
	if (launcher_plan_rights(launcher, params->rights, &storage, &plan, err) < 0 ||
	    begin_streams(params->container, &streams, err) < 0)
		return -1;
	if (!params->terminal &&
	    streams_open_pipes(params->stdin_open, params->userns, &streams, err) < 0)
		return -1;
	if (launch_make(launcher, &plan, &clone_params, &streams, callbacks, userdata, ret,
			ret_stdio, err) < 0)
		return -1;
	(*ret)->size = (struct winsize){ .ws_row = params->rows, .ws_col = params->columns };
	return 0;
}

int launch_remount(struct launcher *launcher, const struct launch *container, bool userns,
		   const struct launch_mount *mounts, size_t n_mounts,
		   const struct launch_callbacks *callbacks, void *userdata, struct launch **ret,
		   struct error *err)
{
	/* Outside of the container's group: it must not be frozen with that, nor count as its own.
	 */
	static const struct launch_cgroup none_but_ours = LAUNCH_CGROUP_NULL;
	const struct clone_params clone_params = { .cgroup = &none_but_ours, .userns_fd = -1 };
	struct plan_mount plan_mounts[PLAN_MOUNTS_MAX];
	const struct plan plan = {
		.flags = PLAN_REMOUNT | (userns ? PLAN_USERNS : 0U),
		.mounts = plan_mounts,
		.n_mounts = n_mounts,
	};
	struct launch_stdio none;
	struct streams streams;

	assert(n_mounts <= PLAN_MOUNTS_MAX);
	launch_plan_mounts(mounts, n_mounts, plan_mounts);
	if (begin_streams(container, &streams, err) < 0)
		return -1;
	return launch_make(launcher, &plan, &clone_params, &streams, callbacks, userdata, ret,
			   &none, err);
}

/* Nobody else than the reaper reaps, and it cannot have come to that yet: the child lives, or it is
 * there to be waited for. Only one that was killed within that moment may have been taken for
 * nobody's.
 */
static bool is_there(int pidfd)
{
	siginfo_t info;

	return waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Later, since the launch may be freed by it. */
static void on_lost(evutil_socket_t fd, short what, void *userdata)
{
	struct launch *launch = userdata;

	(void)fd;
	(void)what;
	launch_reaped(launch, launch->pid, SIGKILL);
}

void launch_joined(struct launch *launch, pid_t pid, int pidfd, int terminal)
{
	static const struct timeval now = { 0 };
	struct reaper *reaper = launch->launcher->reaper;
	const struct order go = { 0 };

	/* The one that joined is about to end, and nobody asks how. */
	reaper_unwatch(reaper, launch->pid);
	fd_close(launch->pidfd);
	launch->joins = false;
	launch->pid = pid;
	launch->pidfd = pidfd;
	launch->terminal = terminal;
	if (!is_there(pidfd)) {
		if (event_base_once(launch->launcher->base, -1, EV_TIMEOUT, on_lost, launch, &now) <
		    0)
			abort();
		return;
	}
	reaper_watch(reaper, pid, launch_reaped, launch);
	if (terminal >= 0) {
		(void)ioctl(terminal, TIOCSWINSZ, &launch->size);
		(void)fd_set_nonblocking(terminal, true);
	}
	/* From here on it is as without init: the end of the socket says that it was executed. */
	launch->execs = true;
	if (launch->abandoned)
		(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	else
		(void)send(launch->control, &go, sizeof(go), MSG_NOSIGNAL);
}

int launch_take_terminal(struct launch *launch)
{
	return TAKE_FD(launch->terminal);
}
