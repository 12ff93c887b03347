/* A process that shares all but its identity; it is reaped, and its number free again, when
 * thread_join returns.
 */
#include "daemon/init/thread.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/init/bare/bare.h"

static int run(void *userdata)
{
	struct thread *thread = userdata;

	thread->work(thread->userdata);
	return 0;
}

static void set_processors(const struct thread *thread, const unsigned long *processors)
{
	(void)syscall(SYS_sched_setaffinity, thread->id, sizeof(thread->processors), processors);
}

static void keep_off(const struct thread *thread)
{
	enum { BITS = 8 * sizeof(unsigned long) };
	unsigned long others[sizeof(thread->processors) / sizeof(unsigned long)], any = 0;
	unsigned int here = 0;

	(void)syscall(SYS_getcpu, &here, NULL, NULL);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		others[i] = thread->processors[i];
		if (here / BITS == i)
			others[i] &= ~(1UL << here % BITS);
		any |= others[i];
	}
	if (any)
		set_processors(thread, others);
}

int thread_start(struct thread *thread, struct error *err)
{
	char *top = (char *)thread->stack + thread->stack_size;
	long r;

	(void)memset(thread->processors, 0, sizeof(thread->processors));
	if (syscall(SYS_sched_getaffinity, 0, sizeof(thread->processors), thread->processors) < 0)
		return error_set_errno(err, errno, "look at the processors");
	bare_set_second_stack(thread->stack, thread->stack_size);
	r = bare_clone(run, top, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND, thread);
	if (r < 0)
		return error_set_errno(err, (int)-r, "make a thread");
	thread->id = (pid_t)r;
	keep_off(thread);
	return 0;
}

void thread_join(struct thread *thread)
{
	set_processors(thread, thread->processors);
	/* No signal tells of its end. */
	while (waitpid(thread->id, NULL, __WALL) < 0 && errno == EINTR)
		;
}
