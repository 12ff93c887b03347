#include "daemon/init/join.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "daemon/init/command.h"
#include "daemon/init/identity.h"
#include "daemon/init/inside.h"
#include "daemon/init/mounts.h"
#include "daemon/init/surroundings.h"

enum {
	NAMESPACES = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET |
		     CLONE_NEWCGROUP,
};

/* --- The container's terminals and null device ------------------------------------------------ */

static bool is_device(int fd, unsigned int major_number, unsigned int minor_number)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(major_number, minor_number);
}

/* Nothing at these names is trusted: it has to be the device that it is for. */
static int open_dev(int root, struct error *err)
{
	_cleanup_(fd_closep) int dev = -1;
	_cleanup_(fd_closep) int null = -1;

	if (inside_directory(root, "dev", true, &dev, err) < 0)
		return -1;
	null = openat(dev, "null", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (null < 0 || !is_device(null, 1, 3))
		return error_set(err, ERROR_FAILED,
				 "the container's /dev/null is not the null device");
	return TAKE_FD(dev);
}

static int open_master(int root, struct error *err)
{
	_cleanup_(fd_closep) int pts = -1;
	_cleanup_(fd_closep) int master = -1;
	struct statfs fs;
	int locked = 0;

	if (inside_directory(root, "dev/pts", true, &pts, err) < 0)
		return -1;
	if (fstatfs(pts, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC)
		return error_set(err, ERROR_FAILED, "the container's /dev/pts is no devpts");
	master = openat(pts, "ptmx", O_RDWR | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
	if (master < 0 || !is_device(master, 5, 2) || ioctl(master, TIOCSPTLCK, &locked) < 0)
		return error_set_errno(err, errno, "open a terminal in the container");
	return TAKE_FD(master);
}

static int place_streams(const struct setup *setup, int root, int *ret_master, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;

	if (!(setup->plan.flags & PLAN_TERMINAL)) {
		fd = open_dev(root, err);
		return fd < 0 ? -1 :
				surroundings_pipes(setup->fds + 1, setup->plan.flags & PLAN_STDIN,
						   fd, err);
	}
	*ret_master = open_master(root, err);
	if (*ret_master < 0)
		return -1;
	fd = ioctl(*ret_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, errno, "open a terminal in the container");
	return surroundings_terminal(fd, err);
}

/* --- The child ------------------------------------------------------------------------------- */

static int become_child(const struct setup *setup, struct error *err)
{
	const struct command command = {
		.plan = &setup->plan,
		.user = &setup->user,
		.terminal = setup->plan.flags & PLAN_TERMINAL,
	};
	struct order order;
	ssize_t n;

	do
		n = recv(PLAN_CONTROL_FD, &order, sizeof(order), 0);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(order))
		return error_set(err, ERROR_FAILED, "the daemon is gone");
	return command_become(&command, err);
}

static int tell(pid_t pid, int pidfd, int master, struct error *err)
{
	const struct report report = { .type = REPORT_CHILD, .pid = pid };
	const int fds[] = { pidfd, master };

	if (fd_send(PLAN_CONTROL_FD, &report, report_size(REPORT_CHILD), fds, master < 0 ? 1 : 2) ==
	    0)
		return 0;
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	return error_set_errno(err, errno, "tell the daemon");
}

/* A copy of this process, whose memory is small: the daemon is its parent, so that this one, which
 * could enter the PID namespace only by its children, need not stay.
 */
static int leave_child(const struct setup *setup, int master, struct error *err)
{
	_cleanup_(fd_closep) int pidfd = -1;
	long pid = syscall(SYS_clone, CLONE_PARENT | CLONE_PIDFD | SIGCHLD, NULL, &pidfd, NULL, 0L);

	if (pid < 0)
		return error_set_errno(err, errno, "make a process in the container");
	if (pid == 0) {
		pidfd = -1;
		return become_child(setup, err);
	}
	return tell((pid_t)pid, pidfd, master, err);
}

/* With the user namespace, its root's ids, or nothing could be made that is somebody's there. */
static int enter(const struct setup *setup, int namespaces, struct error *err)
{
	const bool userns = setup->plan.flags & PLAN_USERNS;

	if (setns(setup->fds[0], namespaces | (userns ? CLONE_NEWUSER : 0)) < 0)
		return error_set_errno(err, errno, "enter the container");
	return userns ? identity_become_root(err) : 0;
}

int join_run(struct setup *setup, struct error *err)
{
	_cleanup_(fd_closep) int root = -1;
	_cleanup_(fd_closep) int master = -1;

	plan_raise_limits(&setup->plan.rights);
	if (enter(setup, NAMESPACES, err) < 0)
		return -1;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_set_errno(err, errno, "open the container's root");
	if (surroundings_user(setup, root, err) < 0 ||
	    place_streams(setup, root, &master, err) < 0 ||
	    surroundings_workdir(root, setup->plan.workdir, err) < 0 ||
	    identity_bound(&setup->plan.rights, err) < 0)
		return -1;
	return leave_child(setup, master, err);
}

int join_remount(const struct setup *setup, struct error *err)
{
	/* The host's, opened before it is out of sight: the container's knows other processes. */
	_cleanup_(fd_closep) int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(fd_closep) int root = -1;

	if (proc < 0)
		return error_set_errno(err, errno, "open /proc");
	if (enter(setup, CLONE_NEWNS, err) < 0)
		return -1;
	root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_set_errno(err, errno, "open the container's root");
	return mounts_change(root, proc, &setup->plan, err);
}
