/* Scope-bound clean-up, in the manner of GCC's cleanup attribute.
 *
 *	_cleanup_(fd_closep) int fd = -1;
 *	_cleanup_(freep) char *path = NULL;
 *
 * TAKE_FD and TAKE_PTR move ownership out of such a variable and leave it empty.
 */
#pragma once

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f), unused))

#define TAKE_PTR(p)                       \
	({                                \
		__typeof__(p) *p_ = &(p); \
		__typeof__(p) v_ = *p_;   \
		*p_ = NULL;               \
		v_;                       \
	})

#define TAKE_FD(fd)               \
	({                        \
		int *fd_ = &(fd); \
		int v_ = *fd_;    \
		*fd_ = -1;        \
		v_;               \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Closes a descriptor if there is one; keeps errno. Returns -1, to be stored back. */
static inline int fd_close(int fd)
{
	if (fd >= 0) {
		int saved = errno;
		(void)close(fd);
		errno = saved;
	}
	return -1;
}

static inline void fd_closep(int *fd)
{
	*fd = fd_close(*fd);
}

/* For a pointer to anything that came from malloc. */
static inline void freep(void *p)
{
	free(*(void **)p);
}

static inline void fclosep(FILE **f)
{
	if (*f)
		(void)fclose(*f);
}
