#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/launch/launcher.h"

/* The child executes a few system calls on it, and a signal handler never runs in it. */
enum { STACK_SIZE = 16 * 1024 };

/* The network namespace, which takes longest, dokrust-init makes itself while this process is
 * free again; and the cgroup namespace has to be made from within the control group.
 */
enum { NAMESPACES = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC };

enum { SHARED = CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_PIDFD };

struct child {
	int init, slot;
	bool contained;
	const struct launch_cgroup *cgroup;
	const struct plan_rights *rights;
	int userns;    /* that it enters first; -1: the daemon's own */
	int sys_errno; /* why it could not be executed; written to the parent's memory */
	/* Of the process in the user namespace: */
	pid_t pid;
	int pidfd;
};

/* v1's way in. One that has no threads and children moves by `tasks` at once, where `cgroup.procs`
 * would wait for the whole machine.
 */
static int enter_groups(const struct child *child)
{
	for (size_t i = 0; i < child->cgroup->n_tasks; i++)
		if (write(child->cgroup->tasks_fds[i], "0", 1) < 0)
			return -1;
	return 0;
}

static int execute(const struct child *child)
{
	static const char *const argv[] = { "dokrust-init", NULL };
	static const char *const environment[] = { NULL };

	if (close_range((unsigned int)child->slot + 1, ~0U, CLOSE_RANGE_UNSHARE) < 0 ||
	    dup2(child->slot, PLAN_CONTROL_FD) < 0 ||
	    close_range(PLAN_CONTROL_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return -1;
	return (int)syscall(SYS_execveat, child->init, "", argv, environment, AT_EMPTY_PATH);
}

/* What only the host's root may raise, and lower. Of the score that is inherited, no process that
 * shares this memory gets to know (fs/proc/base.c, vfork).
 */
static void prepare_limits(const struct plan_rights *rights)
{
	char text[16];
	int fd;

	plan_raise_limits(rights);
	if (rights->oom_score_adj >= 0)
		return;
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)snprintf(text, sizeof(text), "%d", rights->oom_score_adj);
	(void)!write(fd, text, strlen(text));
	(void)close(fd);
}

/* In all its namespaces at once, which so belong to the user namespace. Its ids are none in there
 * until it takes its root's: executed before, it would lose all rights.
 */
static int run_inside(void *userdata)
{
	struct child *child = userdata;

	/* The C library's functions would change ids of the daemon's, too, as far as it knows. */
	if (syscall(SYS_setgroups, 0, NULL) == 0 && syscall(SYS_setresgid, 0, 0, 0) == 0 &&
	    syscall(SYS_setresuid, 0, 0, 0) == 0)
		(void)execute(child);
	child->sys_errno = errno;
	_exit(127);
}

/* Enters the user namespace and leaves a child of the daemon's in there. */
static int go_between(struct child *child)
{
	static _Alignas(16) char stack[STACK_SIZE];

	prepare_limits(child->rights);
	if (setns(child->userns, CLONE_NEWUSER) < 0)
		return -1;
	child->pid = clone(run_inside, stack + sizeof(stack),
			   (int)SHARED | CLONE_PARENT | CLONE_NEWCGROUP | (int)NAMESPACES, child,
			   &child->pidfd);
	return child->pid < 0 ? -1 : 0;
}

/* Runs in the daemon's memory while the daemon stands still (CLONE_VM | CLONE_VFORK), and shares
 * its table of descriptors until close_range(2) makes a table of those up to the slot only. So this
 * costs the same whatever the daemon has open.
 */
static int run_child(void *userdata)
{
	struct child *child = userdata;

	if (enter_groups(child) == 0) {
		if (child->userns >= 0 && go_between(child) == 0)
			_exit(0);
		if (child->userns < 0 && (!child->contained || unshare(CLONE_NEWCGROUP) == 0))
			(void)execute(child);
	}
	child->sys_errno = errno;
	_exit(127);
}

/* A go-between is in the daemon's own. */
static int namespaces_of(const struct child *child)
{
	return child->contained && child->userns < 0 ? (int)NAMESPACES : 0;
}

#ifdef __x86_64__
/* clone3(2) with a stack of the child's own, for which the C library has no function: the child calls
 * run_child, which does not return.
 */
static long clone3_onto(const struct clone_args *args, struct child *child)
{
	long r;

	__asm__ volatile("syscall\n\t"
			 "testq %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xorl %%ebp, %%ebp\n\t"
			 "movq %[child], %%rdi\n\t"
			 "call *%[run]\n\t"
			 "hlt\n"
			 "1:"
			 : "=a"(r)
			 : "a"(SYS_clone3), "D"(args),
			   "S"(sizeof(*args)), [run] "r"(run_child), [child] "r"(child)
			 : "rcx", "r11", "memory");
	return r;
}

static pid_t clone_into_group(struct child *child, char *stack, int *ret_pidfd)
{
	const int namespaces = namespaces_of(child);
	const struct clone_args args = {
		.flags = CLONE_INTO_CGROUP | (unsigned int)SHARED | (unsigned int)namespaces,
		.exit_signal = SIGCHLD,
		.pidfd = (uintptr_t)ret_pidfd,
		.stack = (uintptr_t)stack,
		.stack_size = STACK_SIZE,
		.cgroup = (unsigned int)child->cgroup->v2_fd,
	};
	long r = clone3_onto(&args, child);

	if (r >= 0)
		return (pid_t)r;
	errno = (int)-r;
	return -1;
}
#else
/* Elsewhere the child is moved when it is there, which waits for the whole machine. */
static pid_t clone_into_group(struct child *child, char *stack, int *ret_pidfd)
{
	(void)child;
	(void)stack;
	(void)ret_pidfd;
	errno = ENOSYS;
	return -1;
}
#endif

/* All signals blocked: a handler of the daemon's must not run in the child. */
static pid_t clone_blocked(struct child *child, int *ret_pidfd)
{
	static _Alignas(16) char stack[STACK_SIZE];
	const int namespaces = namespaces_of(child);
	sigset_t all, old;
	int saved;
	pid_t pid;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	if (child->cgroup->v2_fd >= 0)
		pid = clone_into_group(child, stack, ret_pidfd);
	else
		pid = clone(run_child, stack + sizeof(stack), (int)SHARED | namespaces | SIGCHLD,
			    child, ret_pidfd);
	saved = errno;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return pid;
}

/* The go-between is done for: its child, if there is one, is the process that was wanted. */
static void replace_go_between(const struct child *child, pid_t *pid, int *pidfd)
{
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		;
	(void)fd_close(*pidfd);
	*pid = child->pid;
	*pidfd = child->pidfd;
}

int launcher_clone(const struct launcher *launcher, const struct clone_params *params, int control,
		   pid_t *ret_pid, int *ret_pidfd, struct error *err)
{
	struct child child = {
		.init = launcher->init,
		.slot = launcher->child_slot,
		.contained = params->contained,
		.cgroup = params->cgroup,
		.rights = params->rights,
		.userns = params->userns_fd,
		.pid = -1,
		.pidfd = -1,
	};
	int pidfd = -1;
	pid_t pid;

	if (dup3(control, launcher->child_slot, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "place the control socket");
	pid = clone_blocked(&child, &pidfd);
	if (pid < 0)
		(void)error_set_errno(err, errno, "make a process in new namespaces");
	/* The socket must have no other holder here, or its end would not be seen. */
	(void)dup3(launcher->init, launcher->child_slot, O_CLOEXEC);
	if (pid < 0)
		return -1;
	if (child.userns >= 0)
		replace_go_between(&child, &pid, &pidfd);
	if (child.sys_errno) {
		if (pid > 0)
			(void)waitpid(pid, NULL, 0);
		(void)fd_close(pidfd);
		return error_set_errno(err, child.sys_errno, "execute dokrust-init");
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}
