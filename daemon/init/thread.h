/* One piece of work beside this one, for as long as the set-up takes. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

struct thread {
	void (*work)(void *userdata);
	void *userdata;
	void *stack;
	size_t stack_size;
	pid_t id;		      /* bare/ */
	void *posix;		      /* libc/: the pthread_t */
	unsigned long processors[16]; /* that the caller may run on; as a cpu_set_t */
};

/* Runs thread->work beside the calling thread, on thread->stack; the rest is filled in. It is kept
 * off the processor that the caller runs on: the kernel would often put it there, since a virtual
 * machine's halted processors do not count as idle to it, to wait for what it should run beside.
 * Descriptors, root and working directory are common, and so is memory but for errno.
 */
int thread_start(struct thread *thread, struct error *err);

/* Waits for its end. If it has not come to run yet, it may now have the caller's processor. */
void thread_join(struct thread *thread);
