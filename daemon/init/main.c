/* dokrust-init: carries out a launch plan, and is then process 1 of a container.
 *
 * It is executed by the daemon in new namespaces (daemon/launch/clone.c) with one descriptor beyond
 * the daemon's standard streams: its end of the control socket.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "daemon/init/command.h"
#include "daemon/init/identity.h"
#include "daemon/init/join.h"
#include "daemon/init/limits.h"
#include "daemon/init/report.h"
#include "daemon/init/setup.h"
#include "daemon/init/supervise.h"

_Static_assert((int)PLAN_FDS_MAX + (int)PLAN_MOUNTS_MAX <= (int)FD_PASS_MAX,
	       "a plan's descriptors fit in one message");

/* False unless there are as many descriptors as the plan needs. */
static bool place_fds(struct setup *setup, const int *fds, size_t n_fds)
{
	struct plan *plan = &setup->plan;
	size_t n = plan_fds(plan->flags);

	if (n_fds < n)
		return false;
	for (size_t i = 0; i < n; i++)
		setup->fds[i] = fds[i];
	for (size_t i = 0; i < plan->n_mounts; i++) {
		if (!plan_mount_has_fd(&plan->mounts[i]))
			continue;
		if (n == n_fds)
			return false;
		plan->mounts[i].fd = fds[n++];
	}
	return n == n_fds;
}

static int receive_plan(struct setup *setup, struct error *err)
{
	struct setup_memory *memory = setup->memory;
	int fds[FD_PASS_MAX];
	size_t n_fds;
	ssize_t n;

	n = fd_receive(PLAN_CONTROL_FD, memory->plan, sizeof(memory->plan), fds, &n_fds);
	if (n < 0)
		return error_set_errno(err, errno, "receive the launch plan");
	if (plan_decode(memory->plan, (size_t)n, memory->vector, memory->mounts, &setup->plan,
			err) < 0)
		return -1;
	if (!place_fds(setup, fds, n_fds))
		return error_set(err, ERROR_PROTOCOL, "the launch plan lacks descriptors");
	return 0;
}

static void describe_command(const struct setup *setup, struct command *ret)
{
	*ret = (struct command){
		.plan = &setup->plan,
		.user = &setup->user,
		.terminal = setup->plan.flags & PLAN_TERMINAL,
		.dies_alone = !(setup->plan.flags & PLAN_INIT),
	};
}

/* The end of the socket, seen by the daemon, is the sign that the command was executed. */
static int become_command(const struct setup *setup, struct error *err)
{
	struct pollfd control = { .fd = PLAN_CONTROL_FD };
	struct command command;

	describe_command(setup, &command);
	report_started();
	/* A daemon that died before command_become ties the command to it would not be noticed. */
	if (poll(&control, 1, 0) > 0 && control.revents & POLLHUP)
		return error_set(err, ERROR_FAILED, "the daemon is gone");
	return command_become(&command, err);
}

static int spawn_command(struct setup *setup, pid_t *ret_pid, struct error *err)
{
	struct command command;

	describe_command(setup, &command);
	return command_spawn(&command, setup->memory->stack, sizeof(setup->memory->stack), ret_pid,
			     err);
}

/* Gives up whatever process 1 has no more use for. */
static int settle(struct setup_memory *memory, struct error *err)
{
	(void)munmap(memory, sizeof(*memory));
	/* The streams are the command's, whose end must be seen. */
	(void)close_range(0, PLAN_CONTROL_FD - 1, 0);
	(void)close_range(PLAN_CONTROL_FD + 1, ~0U, 0);
	if (chdir("/") < 0)
		return error_set_errno(err, errno, "leave the working directory");
	return identity_keep_kill(err);
}

static void block_signals(void)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, NULL);
}

static struct setup_memory *map_memory(struct error *err)
{
	void *memory = mmap(NULL, sizeof(struct setup_memory), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED) {
		error_set_errno(err, errno, "map memory");
		return NULL;
	}
	return memory;
}

static int remount(const struct setup *setup, struct error *err)
{
	if (join_remount(setup, err) < 0)
		return -1;
	report_started();
	return 0;
}

static int run(struct error *err)
{
	struct setup setup = SETUP_NULL;
	pid_t pid;

	setup.memory = map_memory(err);
	if (!setup.memory || receive_plan(&setup, err) < 0)
		return -1;
	if (limits_set_oom_score(&setup.plan.rights, err) < 0)
		return -1;
	if (setup.plan.flags & PLAN_EXEC)
		return join_run(&setup, err);
	if (setup.plan.flags & PLAN_REMOUNT)
		return remount(&setup, err);
	if (setup_carry_out(&setup, err) < 0)
		return -1;
	if (!(setup.plan.flags & PLAN_INIT))
		return become_command(&setup, err);
	if (spawn_command(&setup, &pid, err) < 0)
		return -1;
	report_started();
	/* It runs: a failure now ends the container, and is seen as an exit. */
	if (settle(setup.memory, err) < 0)
		_exit(1);
	supervise(PLAN_CONTROL_FD, pid);
	return 0;
}

int main(void)
{
	struct error err;

	/* Exec has made the process dumpable again; nothing inside runs yet. Without this,
	 * /proc/1/exe and /proc/1/fd would be the container's root's to open (CVE-2019-5736).
	 */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_NAME, "dokrust-init", 0, 0, 0);
	block_signals();
	(void)umask(0);
	if (run(&err) < 0) {
		report_failure(&err);
		_exit(1);
	}
	_exit(0);
}
