#include "daemon/init/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/init/dev.h"
#include "daemon/init/identity.h"
#include "daemon/init/inside.h"
#include "daemon/init/mounts.h"
#include "daemon/init/network.h"
#include "daemon/init/proc.h"
#include "daemon/init/root.h"
#include "daemon/init/surroundings.h"
#include "daemon/init/sysctl.h"
#include "daemon/init/thread.h"

/* What the two threads make; each descriptor has one writer. */
struct work {
	struct setup *setup;
	int root, proc, sys, last_pid, sysctls;
	int files_result;
	struct error files_err;
};

static void work_done(struct work *work)
{
	(void)fd_close(work->root);
	(void)fd_close(work->proc);
	(void)fd_close(work->sys);
	(void)fd_close(work->last_pid);
	(void)fd_close(work->sysctls);
}

static int set_hostname(const char *hostname, struct error *err)
{
	if (sethostname(hostname, strlen(hostname)) == 0)
		return 0;
	(void)error_set_errno(err, errno, "host name %.64s", hostname);
	if (err->sys_errno == EINVAL)
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.hostname",
					 "host name: longer than %d bytes", PLAN_HOSTNAME_MAX);
	return -1;
}

static int place_streams(const struct setup *setup, int dev, struct error *err)
{
	if (setup->plan.flags & PLAN_TERMINAL)
		return surroundings_terminal(setup->fds[1], err);
	return surroundings_pipes(setup->fds, setup->plan.flags & PLAN_STDIN, dev, err);
}

/* The last descriptor that is not a mount's of the user. */
static int dev_of(const struct setup *setup)
{
	return setup->fds[plan_fds(setup->plan.flags) - 1];
}

/* --- In two threads -------------------------------------------------------------------------- */

/* The set-up's own thread has used the number that the command shall have. It matters to the eye
 * only, and not every kernel can do it (CONFIG_CHECKPOINT_RESTORE). Opened before /proc/sys is
 * made read-only.
 */
static void forget_last_pid(int fd)
{
	if (fd >= 0)
		(void)!write(fd, "1", 1);
}

/* The old root last: by then the network is about to be done, and the kernel is free to see all
 * processors pass. User, working directory and the places of mounts are looked up only after it.
 */
static int leave_old_root(struct work *work, struct error *err)
{
	struct setup *setup = work->setup;

	if (root_leave_old(work->root, err) < 0 ||
	    mounts_change(work->root, work->proc, &setup->plan, err) < 0)
		return -1;
	return surroundings_user(setup, work->root, err);
}

static int make_files(struct work *work, struct error *err)
{
	struct setup *setup = work->setup;
	bool terminal = setup->plan.flags & PLAN_TERMINAL;
	int devpts = terminal ? setup->fds[0] : -1, slave = terminal ? setup->fds[1] : -1;
	int dev = dev_of(setup);

	if (root_enter(&setup->plan, setup->fds + plan_stream_fds(setup->plan.flags), &work->root,
		       err) < 0 ||
	    dev_mount(&setup->plan, dev, work->root, devpts, slave, err) < 0 ||
	    proc_mount(work->root, &work->proc, err) < 0)
		return -1;
	work->last_pid = openat(work->proc, "sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
	if (setup->plan.sysctls[0] && sysctl_open(work->proc, &work->sysctls, err) < 0)
		return -1;
	if (!(setup->plan.flags & PLAN_UNMASKED) && proc_mask(work->proc, dev, err) < 0)
		return -1;
	return setup->plan.flags & PLAN_USERNS ? 0 : leave_old_root(work, err);
}

static void make_files_beside(void *userdata)
{
	struct work *work = userdata;

	work->files_result = make_files(work, &work->files_err);
}

/* A network namespace takes the kernel as long as everything else here together; so files and
 * network are made side by side. Root, working directory and descriptors are common to the threads;
 * the network namespace is the one thing that the calling thread gets for itself.
 */
static int make_both(struct work *work, struct error *err)
{
	struct setup_memory *memory = work->setup->memory;
	struct thread files = {
		.work = make_files_beside,
		.userdata = work,
		.stack = memory->stack,
		.stack_size = sizeof(memory->stack),
	};
	int r;

	if (thread_start(&files, err) < 0)
		return -1;
	r = network_enter(work->setup, err);
	if (r == 0)
		r = sys_new(work->setup->plan.flags & PLAN_PRIVILEGED, &work->sys, err);
	if (r == 0)
		r = identity_bound(&work->setup->plan.rights, err);
	thread_join(&files);
	if (r == 0 && work->files_result < 0) {
		*err = work->files_err;
		r = -1;
	}
	/* In a user namespace, a sysfs can be mounted only where one is to be seen already. */
	if (r == 0 && work->setup->plan.flags & PLAN_USERNS)
		r = leave_old_root(work, err);
	return r;
}

int setup_carry_out(struct setup *setup, struct error *err)
{
	_cleanup_(work_done) struct work work = {
		.setup = setup,
		.root = -1,
		.proc = -1,
		.sys = -1,
		.last_pid = -1,
		.sysctls = -1,
	};

	if (make_both(&work, err) < 0 ||
	    sys_attach(work.sys, work.root, setup->plan.flags & PLAN_UNMASKED ? -1 : work.proc,
		       err) < 0 ||
	    network_wait(setup, err) < 0 ||
	    sysctl_write_all(work.sysctls, setup->plan.sysctls, err) < 0 ||
	    set_hostname(setup->plan.hostname, err) < 0 ||
	    place_streams(setup, dev_of(setup), err) < 0)
		return -1;
	for (size_t i = 0; i < plan_fds(setup->plan.flags); i++)
		setup->fds[i] = fd_close(setup->fds[i]);
	forget_last_pid(work.last_pid);
	if (surroundings_workdir(work.root, setup->plan.workdir, err) < 0)
		return -1;
	/* Last, when all places for mounts and the working directory are made. */
	return setup->plan.flags & PLAN_READ_ONLY ? root_make_read_only(work.root, err) : 0;
}
