#include "daemon/launch/launch.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "daemon/launch/launcher.h"
#include "daemon/loop/fault.h"

/* --- What happens ---------------------------------------------------------------------------- */

/* Callbacks may free the launch; while it is not gone, that only makes it abandoned. */

static void on_started(struct launch *launch)
{
	if (launch->stage != STAGE_SETUP)
		return;
	launch->stage = STAGE_STARTED;
	if (!launch->abandoned)
		launch->callbacks.started(launch->userdata);
}

static void on_failed(struct launch *launch, const struct error *err)
{
	if (launch->stage != STAGE_SETUP)
		return;
	launch->stage = STAGE_ENDED;
	if (!launch->abandoned)
		launch->callbacks.failed(launch->userdata, err);
}

static void on_exited(struct launch *launch, int wait_status)
{
	if (launch->stage != STAGE_STARTED)
		return;
	launch->stage = STAGE_ENDED;
	if (!launch->abandoned)
		launch->callbacks.exited(launch->userdata, wait_status);
}

static void report_started(struct launch *launch, const struct report *report)
{
	(void)report;
	if (launch->init)
		on_started(launch);
	else
		launch->execs = true;
}

static void report_failed(struct launch *launch, const struct report *report)
{
	struct error err = report->error;

	launch->execs = false;
	if (err.code <= ERROR_NONE || err.code >= ERROR_CODE_COUNT)
		err.code = ERROR_FAILED;
	err.subject[sizeof(err.subject) - 1] = '\0';
	err.message[sizeof(err.message) - 1] = '\0';
	on_failed(launch, &err);
}

static void report_warning(struct launch *launch, const struct report *report)
{
	char message[ERROR_MESSAGE_SIZE];

	(void)memcpy(message, report->error.message, sizeof(message));
	message[sizeof(message) - 1] = '\0';
	if (launch->stage == STAGE_SETUP && !launch->abandoned)
		launch->callbacks.warned(launch->userdata, message);
}

static void report_exited(struct launch *launch, const struct report *report)
{
	on_exited(launch, report->wait_status);
}

static void report_network(struct launch *launch, const struct report *report)
{
	const struct order go = { 0 };
	struct error err;

	(void)report;
	if (launch->stage != STAGE_SETUP || launch->abandoned || !launch->callbacks.network)
		return;
	if (launch->callbacks.network(launch->userdata, &err) == 0) {
		(void)send(launch->control, &go, sizeof(go), MSG_NOSIGNAL);
		return;
	}
	(void)pidfd_send_signal(launch->pidfd, SIGKILL, NULL, 0);
	on_failed(launch, &err);
}

static void (*const report_handlers[REPORT_TYPE_COUNT])(struct launch *, const struct report *) = {
	[REPORT_STARTED] = report_started, [REPORT_FAILED] = report_failed,
	[REPORT_EXITED] = report_exited,   [REPORT_WARNING] = report_warning,
	[REPORT_NETWORK] = report_network,
};

/* The one report with descriptors; false if it is not as it has to be. */
static bool take_child(struct launch *launch, const struct report *report, int fds[], size_t n_fds)
{
	if (!launch->joins || n_fds < 1 || n_fds > 2)
		return false;
	launch_joined(launch, report->pid, TAKE_FD(fds[0]), n_fds > 1 ? TAKE_FD(fds[1]) : -1);
	return true;
}

static bool take_report(struct launch *launch, const struct report *report, int fds[], size_t n_fds)
{
	if (report->type == REPORT_CHILD)
		return take_child(launch, report, fds, n_fds);
	if (n_fds || !report_handlers[report->type])
		return false;
	report_handlers[report->type](launch, report);
	return true;
}

static void close_control(struct launch *launch)
{
	if (launch->control < 0)
		return;
	(void)event_del(&launch->readable);
	launch->control = fd_close(launch->control);
	/* The socket went with the exec: nothing else closes it after that report. */
	if (launch->execs)
		on_started(launch);
}

/* Handles the reports that are there. */
static void drain_control(struct launch *launch)
{
	struct report report;
	int fds[FD_PASS_MAX];
	size_t n_fds;
	ssize_t n;

	while (launch->control >= 0) {
		n = fd_receive(launch->control, &report, sizeof(report), fds, &n_fds);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < (ssize_t)offsetof(struct report, error) ||
		    report.type >= REPORT_TYPE_COUNT || (size_t)n != report_size(report.type) ||
		    !take_report(launch, &report, fds, n_fds))
			close_control(launch);
		while (n_fds)
			fd_close(fds[--n_fds]);
	}
}

static void on_readable(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	drain_control(userdata);
}

static void died_in_setup(struct launch *launch, int wait_status)
{
	struct error err;

	if (WIFSIGNALED(wait_status))
		(void)error_set(&err, ERROR_FAILED, "killed by signal %d during the set-up",
				WTERMSIG(wait_status));
	else
		(void)error_set(&err, ERROR_FAILED, "ended with status %d during the set-up",
				WEXITSTATUS(wait_status));
	(void)error_prefix(&err, "process 1");
	on_failed(launch, &err);
}

void launch_destroy(struct launch *launch)
{
	if (launch->abandoned)
		LIST_REMOVE(launch, link);
	if (launch->adopted)
		(void)event_del(&launch->died);
	close_control(launch);
	(void)fd_close(launch->pidfd);
	(void)fd_close(launch->terminal);
	free(launch);
}

void launch_reaped(void *userdata, pid_t pid, int wait_status)
{
	struct launch *launch = userdata;

	drain_control(launch);
	/* The one that joined has ended, and its report of the child was only read now. */
	if (launch->pid != pid)
		return;
	close_control(launch);
	died_in_setup(launch, wait_status);
	on_exited(launch, wait_status);
	launch->stage = STAGE_GONE;
	if (launch->adopted)
		(void)event_del(&launch->died);
	launch->pidfd = fd_close(launch->pidfd);
	if (launch->abandoned)
		launch_destroy(launch);
	else
		launch->callbacks.gone(launch->userdata);
}

/* --- Starting -------------------------------------------------------------------------------- */

_Static_assert((int)LAUNCH_MOUNTS_MAX == (int)PLAN_MOUNTS_MAX, "one limit, told twice");

void launch_plan_mounts(const struct launch_mount *mounts, size_t n, struct plan_mount *ret)
{
	for (size_t i = 0; i < n; i++) {
		const struct launch_mount *mount = &mounts[i];

		ret[i] = (struct plan_mount){
			.flags = (mount->fill ? PLAN_MOUNT_FILL : 0U) |
				 (mount->detach ? PLAN_MOUNT_DETACH : 0U) |
				 (mount->lazy ? PLAN_MOUNT_LAZY : 0U) |
				 (mount->peers ? PLAN_MOUNT_PEERS : 0U) |
				 (mount->fd < 0 && !mount->detach ? PLAN_MOUNT_TMPFS : 0U),
			.attributes = (uint32_t)mount->attributes,
			.fd = mount->fd,
			.target = mount->target,
			.size = mount->size,
			.mode = mount->mode,
		};
	}
}

static size_t collect_fds(const struct plan *plan, const struct streams *streams,
			  int fds[FD_PASS_MAX])
{
	size_t n = 0;

	while (n < streams->n_fds) {
		fds[n] = streams->fds[n];
		n++;
	}
	for (size_t i = 0; i < plan->n_mounts; i++)
		if (plan_mount_has_fd(&plan->mounts[i]))
			fds[n++] = plan->mounts[i].fd;
	return n;
}

/* A connected pair with the plan on its way: process 1 finds it there whenever it comes to read. */
static int send_plan(const struct launcher *launcher, const struct plan *plan,
		     const struct streams *streams, int *ret_own, int *ret_theirs,
		     struct error *err)
{
	const int room = 4 * PLAN_SIZE_MAX;
	int fds[FD_PASS_MAX], pair[2];
	size_t size;

	if (plan_encode(plan, launcher->plan, PLAN_SIZE_MAX, &size, err) < 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return error_set_errno(err, errno, "make a control socket");
	/* Not left to net.core.wmem_default; without CAP_NET_ADMIN it may have to be. */
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (fd_send(pair[0], launcher->plan, size, fds, collect_fds(plan, streams, fds)) < 0) {
		(void)error_set_errno(err, errno, "send the launch plan");
		(void)close(pair[0]);
		(void)close(pair[1]);
		return -1;
	}
	*ret_own = pair[0];
	*ret_theirs = pair[1];
	return 0;
}

static void kill_and_reap(pid_t pid, int pidfd)
{
	(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

struct launch *launch_new(struct launcher *launcher, bool init, bool joins, int control)
{
	struct launch *launch = ALLOC(struct launch);

	launch->launcher = launcher;
	launch->init = init;
	launch->joins = joins;
	launch->control = control;
	launch->pidfd = launch->terminal = -1;
	(void)event_assign(&launch->readable, launcher->base, control, EV_READ | EV_PERSIST,
			   on_readable, launch);
	return launch;
}

static int start(struct launcher *launcher, const struct plan *plan,
		 const struct clone_params *clone_params, const struct streams *streams,
		 struct launch **ret, struct error *err)
{
	_cleanup_(fd_closep) int theirs = -1;
	_cleanup_(fd_closep) int own = -1;
	struct launch *launch;

	if (send_plan(launcher, plan, streams, &own, &theirs, err) < 0)
		return -1;
	fault_point("with its plan");
	if (fd_set_nonblocking(own, true) < 0)
		return error_set_errno(err, errno, "make the control socket non-blocking");
	launch = launch_new(launcher, plan->flags & PLAN_INIT,
			    plan->flags & (PLAN_EXEC | PLAN_REMOUNT), TAKE_FD(own));
	if (event_add(&launch->readable, NULL) < 0)
		(void)error_set(err, ERROR_FAILED, "watch the control socket: out of memory");
	else if (launcher_clone(launcher, clone_params, theirs, &launch->pid, &launch->pidfd,
				err) == 0) {
		*ret = launch;
		return 0;
	}
	launch_destroy(launch);
	return -1;
}

int launch_make(struct launcher *launcher, const struct plan *plan,
		const struct clone_params *clone_params, struct streams *streams,
		const struct launch_callbacks *callbacks, void *userdata, struct launch **ret,
		struct launch_stdio *ret_stdio, struct error *err)
{
	struct launch *launch;

	if (start(launcher, plan, clone_params, streams, &launch, err) < 0) {
		streams_close(streams);
		return -1;
	}
	launch->callbacks = *callbacks;
	launch->userdata = userdata;
	reaper_watch(launcher->reaper, launch->pid, launch_reaped, launch);
	*ret_stdio = streams->stdio;
	streams->stdio = LAUNCH_STDIO_NULL;
	streams_close(streams);
	*ret = launch;
	return 0;
}

static const uint32_t network_flags[] = {
	[LAUNCH_NETWORK_NONE] = 0,
	[LAUNCH_NETWORK_OWN] = PLAN_NETWORK,
	[LAUNCH_NETWORK_HOST] = PLAN_NETWORK_HOST,
	[LAUNCH_NETWORK_JOIN] = PLAN_NETWORK_JOIN,
};

int launch_start(struct launcher *launcher, const struct launch_params *params,
		 const struct launch_callbacks *callbacks, void *userdata, struct launch **ret,
		 struct launch_stdio *ret_stdio, struct error *err)
{
	struct plan_mount mounts[PLAN_MOUNTS_MAX];
	struct plan plan = {
		.flags = (params->init ? PLAN_INIT : 0U) | (params->terminal ? PLAN_TERMINAL : 0U) |
			 (params->stdin_open && !params->terminal ? PLAN_STDIN : 0U) |
			 (params->overlay.is_volatile ? PLAN_VOLATILE : 0U) |
			 (params->read_only ? PLAN_READ_ONLY : 0U) |
			 (params->overlay.lower ? PLAN_OVERLAY : 0U) |
			 (params->userns ? PLAN_USERNS : 0U) | network_flags[params->network],
		.hostname = params->hostname,
		.workdir = params->workdir,
		.user = params->user,
		.argv = (const char **)(uintptr_t)params->argv,
		.environment = (const char **)(uintptr_t)params->environment,
		.mounts = mounts,
		.n_mounts = params->n_mounts,
	};
	const struct clone_params clone_params = {
		.contained = true,
		.cgroup = &params->cgroup,
		.userns_fd = params->userns ? params->userns->fd : -1,
		.rights = &plan.rights,
	};
	_cleanup_(plan_storage_done) struct plan_storage storage = { 0 };
	struct streams streams;

	assert(params->argv && params->argv[0] && params->n_mounts <= LAUNCH_MOUNTS_MAX);
	assert(!params->rootfs != !params->overlay.lower);
	launch_plan_mounts(params->mounts, params->n_mounts, mounts);
	if (launcher_plan_rights(launcher, params->rights, &storage, &plan, err) < 0 ||
	    streams_open(params, &streams, err) < 0)
		return -1;
	if (params->network == LAUNCH_NETWORK_JOIN)
		streams.fds[streams.n_fds++] = fcntl(params->network_fd, F_DUPFD_CLOEXEC, 0);
	if (root_open(params, &streams, err) < 0 || dev_open(params, &streams, err) < 0) {
		streams_close(&streams);
		return -1;
	}
	return launch_make(launcher, &plan, &clone_params, &streams, callbacks, userdata, ret,
			   ret_stdio, err);
}

/* --- While it runs --------------------------------------------------------------------------- */

pid_t launch_pid(const struct launch *launch)
{
	return launch->pid;
}

static int send_order(const struct launch *launch, int number)
{
	const struct order order = { .signal = number };

	if (send(launch->control, &order, sizeof(order), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return -1;
	return 0;
}

int launch_signal(struct launch *launch, int number, struct error *err)
{
	bool to_init = launch->init && number != SIGKILL;
	int r;

	if (launch->stage == STAGE_GONE || (to_init && launch->control < 0))
		return 0;
	r = to_init ? send_order(launch, number) : -1;
	/* dokrust-init passes on what it gets as a signal, too, when it has not come to read orders. */
	if (!to_init || (r < 0 && errno == EAGAIN))
		r = pidfd_send_signal(launch->pidfd, number, NULL, 0);
	if (r == 0 || errno == ESRCH || errno == EPIPE || errno == ECONNRESET)
		return 0;
	return error_set_errno(err, errno, "send signal %d", number);
}

struct launch *launch_free(struct launch *launch)
{
	if (!launch || launch->abandoned)
		return NULL;
	if (launch->stage == STAGE_GONE) {
		launch_destroy(launch);
		return NULL;
	}
	launch->abandoned = true;
	LIST_INSERT_HEAD(&launch->launcher->abandoned, launch, link);
	(void)pidfd_send_signal(launch->pidfd, SIGKILL, NULL, 0);
	return NULL;
}

/* The loop will not run again: what is still dying is waited for here. */
struct launcher *launcher_free(struct launcher *launcher)
{
	struct launch *launch;

	if (!launcher)
		return NULL;
	while ((launch = LIST_FIRST(&launcher->abandoned))) {
		reaper_unwatch(launcher->reaper, launch->pid);
		kill_and_reap(launch->pid, launch->pidfd);
		launch_destroy(launch);
	}
	(void)fd_close(launcher->child_slot);
	(void)fd_close(launcher->init);
	seccomp_cache_free(launcher->seccomp);
	free(launcher->plan);
	free(launcher);
	return NULL;
}
