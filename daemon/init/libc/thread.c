#include "daemon/init/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>

_Static_assert(sizeof(cpu_set_t) == sizeof(((struct thread *)0)->processors), "a cpu_set_t fits");
_Static_assert(sizeof(pthread_t) <= sizeof(void *), "a pthread_t fits");

static void *run(void *userdata)
{
	struct thread *thread = userdata;

	thread->work(thread->userdata);
	return NULL;
}

static void keep_off(pthread_attr_t *attributes, const cpu_set_t *all)
{
	cpu_set_t others = *all;
	int here = sched_getcpu();

	if (here >= 0 && here < CPU_SETSIZE)
		CPU_CLR((size_t)here, &others);
	if (CPU_COUNT(&others) > 0)
		(void)pthread_attr_setaffinity_np(attributes, sizeof(others), &others);
}

int thread_start(struct thread *thread, struct error *err)
{
	pthread_attr_t attributes;
	pthread_t posix = 0;
	cpu_set_t all;
	int r;

	CPU_ZERO(&all);
	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return error_set_errno(err, errno, "look at the processors");
	r = pthread_attr_init(&attributes);
	if (r == 0) {
		keep_off(&attributes, &all);
		r = pthread_attr_setstack(&attributes, thread->stack, thread->stack_size);
	}
	if (r == 0)
		r = pthread_create(&posix, &attributes, run, thread);
	if (r != 0)
		return error_set_errno(err, r, "make a thread");
	(void)memcpy(thread->processors, &all, sizeof(all));
	(void)memcpy(&thread->posix, &posix, sizeof(posix));
	return 0;
}

void thread_join(struct thread *thread)
{
	cpu_set_t all;
	pthread_t posix;

	(void)memcpy(&all, thread->processors, sizeof(all));
	(void)memcpy(&posix, &thread->posix, sizeof(posix));
	(void)pthread_setaffinity_np(posix, sizeof(all), &all);
	(void)pthread_join(posix, NULL);
}
