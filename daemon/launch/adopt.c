/* Processes that an earlier daemon has launched. Our children they are only if that was an earlier image
 * of this process: that they have ended is seen by their pidfds, and how, from dokrust-init's report.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "daemon/launch/launcher.h"

/* Linux 6.15's struct pidfd_info (linux/pidfd.h), as far as it is of use here. */
struct pidfd_info {
	uint64_t mask;
	uint64_t cgroup_id;
	uint32_t pid, tgid, ppid;
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code; /* a wait status */
};

#define GET_INFO _IOWR(0xFF, 11, struct pidfd_info)
#define INFO_EXIT (UINT64_C(1) << 3)

_Static_assert(sizeof(struct pidfd_info) == 64, "the first version of the structure");

enum { ASK_AGAIN_MS = 20 };

static bool is_our_child(int pidfd)
{
	siginfo_t info;

	return waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Our child is reaped here or by the reaper, whichever sees it first. */
static bool reap(const struct launch *launch, int *ret_wait_status)
{
	siginfo_t info = { 0 };

	if (waitid(P_PIDFD, (id_t)launch->pidfd, &info, WEXITED | WNOHANG) < 0 || info.si_pid == 0)
		return false;
	reaper_unwatch(launch->launcher->reaper, launch->pid);
	*ret_wait_status = info.si_code == CLD_EXITED ? W_EXITCODE(info.si_status, 0) :
							W_EXITCODE(0, info.si_status);
	return true;
}

/* The kernel knows it from when somebody has reaped the process. */
static bool ask_kernel(const struct launch *launch, int *ret_wait_status)
{
	struct pidfd_info info = { .mask = INFO_EXIT };

	if (ioctl(launch->pidfd, GET_INFO, &info) < 0 || !(info.mask & INFO_EXIT))
		return false;
	*ret_wait_status = info.exit_code;
	return true;
}

static void on_died(evutil_socket_t fd, short what, void *userdata)
{
	static const struct timeval later = { .tv_usec = ASK_AGAIN_MS * 1000 };
	struct launch *launch = userdata;
	int wait_status = SIGKILL; /* where nobody knows better: a status without a report */

	(void)fd;
	(void)what;
	if (!reap(launch, &wait_status) && !ask_kernel(launch, &wait_status) && !launch->init &&
	    !launch->reaped_late) {
		launch->reaped_late = true;
		(void)event_del(&launch->died);
		(void)evtimer_assign(&launch->died, launch->launcher->base, on_died, launch);
		(void)event_add(&launch->died, &later);
		return;
	}
	launch_reaped(launch, launch->pid, wait_status);
}

/* The pidfd is of the very process, whoever else may have its number by now: the kernel says what that is
 * (proc(5), fdinfo). -1 once it is gone.
 */
static pid_t pid_of(int pidfd)
{
	char path[40], text[512] = "", *line;
	_cleanup_(fd_closep) int fd = -1;

	(void)snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	line = strstr(text, "\nPid:");
	return line ? (pid_t)atoi(line + 5) : -1;
}

int launch_adopt(struct launcher *launcher, const struct launch_adopt_params *params,
		 const struct launch_callbacks *callbacks, void *userdata, struct launch **ret,
		 struct error *err)
{
	struct launch *launch = launch_new(launcher, params->control >= 0, false, params->control);
	pid_t pid = pid_of(params->pidfd);

	launch->callbacks = *callbacks;
	launch->userdata = userdata;
	launch->pid = pid > 0 ? pid : params->pid;
	launch->stage = STAGE_STARTED;
	launch->adopted = true;
	(void)event_assign(&launch->died, launcher->base, params->pidfd, EV_READ, on_died, launch);
	if (event_add(&launch->died, NULL) < 0 ||
	    (params->control >= 0 && (fd_set_nonblocking(params->control, true) < 0 ||
				      event_add(&launch->readable, NULL) < 0))) {
		(void)event_del(&launch->died);
		launch->control = -1;
		launch->adopted = false;
		launch_destroy(launch);
		return error_set(err, ERROR_FAILED, "watch a process: out of memory");
	}
	launch->pidfd = params->pidfd;
	if (is_our_child(launch->pidfd))
		reaper_watch(launcher->reaper, launch->pid, launch_reaped, launch);
	*ret = launch;
	return 0;
}

int launch_pidfd(const struct launch *launch)
{
	return launch->pidfd;
}

int launch_control(const struct launch *launch)
{
	return launch->control;
}

void launch_leave(struct launch *launch)
{
	if (!launch)
		return;
	reaper_unwatch(launch->launcher->reaper, launch->pid);
	launch->execs = false;
	launch->abandoned = true; /* for whatever is called while it is taken down */
	LIST_INSERT_HEAD(&launch->launcher->abandoned, launch, link);
	launch_destroy(launch);
}
