/* To be preloaded into the daemon: system calls that fail, and a clock that is set. The file that
 * DOKRUST_SHIM names has a line "CALL ERRNO", or "clock SECONDS" by which the time of the day is off.
 *
 * The file that DOKRUST_MEMORY names is a number in the host's order, 4 bytes: so many allocations are
 * made, the last of them in vain. What is left of it can be read there.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* --- Memory ---------------------------------------------------------------------------------- */

static int *allocations_left;

/* By system calls alone: there is no allocating here. */
__attribute__((constructor)) static void open_memory(void)
{
	const char *path = getenv("DOKRUST_MEMORY");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC) : -1;
	void *memory = fd < 0 ? MAP_FAILED :
				mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd >= 0)
		(void)close(fd);
	if (memory != MAP_FAILED)
		allocations_left = memory;
}

static int is_in_vain(void)
{
	int in_vain = allocations_left && *allocations_left > 0 &&
		      __atomic_sub_fetch(allocations_left, 1, __ATOMIC_SEQ_CST) == 0;

	if (in_vain)
		errno = ENOMEM;
	return in_vain;
}

/* The daemon has a malloc of its own, which calls these of glibc (daemon/loop/memory.c). */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);

static void *next(const char *name)
{
	void *function = dlsym(RTLD_NEXT, name);

	if (!function)
		abort();
	return function;
}

void *__libc_malloc(size_t size)
{
	static void *(*real)(size_t size);

	if (!real)
		real = next("__libc_malloc");
	return is_in_vain() ? NULL : real(size);
}

void *__libc_calloc(size_t n, size_t size)
{
	static void *(*real)(size_t n, size_t size);

	if (!real)
		real = next("__libc_calloc");
	return is_in_vain() ? NULL : real(n, size);
}

void *__libc_realloc(void *memory, size_t size)
{
	static void *(*real)(void *memory, size_t size);

	if (!real)
		real = next("__libc_realloc");
	return is_in_vain() ? NULL : real(memory, size);
}

/* --- Calls ----------------------------------------------------------------------------------- */

/* The number behind the word in that file; 0: the file says something else. */
static int said(const char *word)
{
	const char *path = getenv("DOKRUST_SHIM");
	int fd = path ? (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC) : -1;
	size_t length = strlen(word);
	char text[64] = "";

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	(void)close(fd);
	return strncmp(text, word, length) == 0 && text[length] == ' ' ? atoi(text + length) : 0;
}

/* Whether it shall fail, with errno set. */
static int fails(const char *call)
{
	int saved = errno, number = said(call);

	errno = number ? number : saved;
	return number != 0;
}

int fsync(int fd)
{
	return fails("fsync") ? -1 : (int)syscall(SYS_fsync, fd);
}

/* Of calls that open a file, those that would make one. */
int openat(int at, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return flags & O_CREAT && fails("create") ? -1 :
						    (int)syscall(SYS_openat, at, path, flags, mode);
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
	return fails("socketpair") ? -1 : (int)syscall(SYS_socketpair, domain, type, protocol, fds);
}

int pipe2(int fds[2], int flags)
{
	return fails("pipe2") ? -1 : (int)syscall(SYS_pipe2, fds, flags);
}

int clock_gettime(clockid_t id, struct timespec *ret)
{
	int r = (int)syscall(SYS_clock_gettime, id, ret);

	if (r == 0 && id == CLOCK_REALTIME)
		ret->tv_sec += said("clock");
	return r;
}
