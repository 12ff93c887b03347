#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
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
	int sys_errno; /* why it could not be executed; written to the parent's memory */
};

/* v1's way in. One that has no threads and children moves by `tasks` at once, where `cgroup.procs`
 * would wait for the whole machine.
 */
static int enter_groups(const struct child *child)
{
	for (size_t i = 0; i < child->cgroup->n_tasks; i++)
		if (write(child->cgroup->tasks_fds[i], "0", 1) < 0)
			return -1;
	return child->contained ? unshare(CLONE_NEWCGROUP) : 0;
}

/* Runs in the daemon's memory while the daemon stands still (CLONE_VM | CLONE_VFORK), and shares
 * its table of descriptors until close_range(2) makes a table of those up to the slot only. So this
 * costs the same whatever the daemon has open.
 */
static int run_child(void *userdata)
{
	static const char *const argv[] = { "dokrust-init", NULL };
	static const char *const environment[] = { NULL };
	struct child *child = userdata;

	if (enter_groups(child) == 0 &&
	    close_range((unsigned int)child->slot + 1, ~0U, CLOSE_RANGE_UNSHARE) == 0 &&
	    dup2(child->slot, PLAN_CONTROL_FD) >= 0 &&
	    close_range(PLAN_CONTROL_FD + 1, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		(void)syscall(SYS_execveat, child->init, "", argv, environment, AT_EMPTY_PATH);
	child->sys_errno = errno;
	_exit(127);
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
	const int namespaces = child->contained ? (int)NAMESPACES : 0;
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
	const int namespaces = child->contained ? (int)NAMESPACES : 0;
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

int launcher_clone(const struct launcher *launcher, bool contained,
		   const struct launch_cgroup *cgroup, int control, pid_t *ret_pid, int *ret_pidfd,
		   struct error *err)
{
	struct child child = {
		.init = launcher->init,
		.slot = launcher->child_slot,
		.contained = contained,
		.cgroup = cgroup,
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
	if (child.sys_errno) {
		(void)waitpid(pid, NULL, 0);
		(void)fd_close(pidfd);
		return error_set_errno(err, child.sys_errno, "execute dokrust-init");
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}
