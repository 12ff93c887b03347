/* The system calls, under their names in the C library. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/init/bare/bare.h"

long bare_call(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long r;

	__asm__ volatile("syscall"
			 : "=a"(r)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return r;
}

static long result(long r)
{
	if (r >= 0 || r < -4095)
		return r;
	errno = (int)-r;
	return -1;
}

/* Missing arguments are zero, pointers are numbers. */
#define ARGUMENTS(a, b, c, d, e, f, ...) \
	(long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)
#define CALL(name, ...) result(bare_call(SYS_##name, ARGUMENTS(__VA_ARGS__, 0, 0, 0, 0, 0, 0)))

long syscall(long number, ...)
{
	long arguments[6];
	va_list ap;

	va_start(ap, number);
	for (size_t i = 0; i < 6; i++)
		arguments[i] = va_arg(ap, long);
	va_end(ap);
	return result(bare_call(number, arguments[0], arguments[1], arguments[2], arguments[3],
				arguments[4], arguments[5]));
}

/* --- Files ----------------------------------------------------------------------------------- */

int openat(int dir, const char *path, int flags, ...)
{
	return (int)CALL(openat, dir, path, flags);
}

int open(const char *path, int flags, ...)
{
	return (int)CALL(openat, AT_FDCWD, path, flags);
}

int close(int fd)
{
	return (int)CALL(close, fd);
}

int close_range(unsigned int first, unsigned int last, int flags)
{
	return (int)CALL(close_range, first, last, flags);
}

ssize_t read(int fd, void *data, size_t n)
{
	return CALL(read, fd, data, n);
}

ssize_t write(int fd, const void *data, size_t n)
{
	return CALL(write, fd, data, n);
}

int dup2(int from, int to)
{
	return (int)CALL(dup2, from, to);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	long argument;

	va_start(ap, request);
	argument = va_arg(ap, long);
	va_end(ap);
	return (int)CALL(ioctl, fd, request, argument);
}

int fstatat(int dir, const char *restrict path, struct stat *restrict st, int flags)
{
	return (int)CALL(newfstatat, dir, path, st, flags);
}

int fstat(int fd, struct stat *st)
{
	return fstatat(fd, "", st, AT_EMPTY_PATH);
}

int fstatfs(int fd, struct statfs *fs)
{
	return (int)CALL(fstatfs, fd, fs);
}

int stat(const char *restrict path, struct stat *restrict st)
{
	return fstatat(AT_FDCWD, path, st, 0);
}

int faccessat(int dir, const char *path, int mode, int flags)
{
	return (int)CALL(faccessat2, dir, path, mode, flags);
}

int fchown(int fd, uid_t uid, gid_t gid)
{
	return (int)CALL(fchown, fd, uid, gid);
}

int mkdirat(int dir, const char *path, mode_t mode)
{
	return (int)CALL(mkdirat, dir, path, mode);
}

int mknodat(int dir, const char *path, mode_t mode, dev_t device)
{
	return (int)CALL(mknodat, dir, path, mode, device);
}

int symlinkat(const char *target, int dir, const char *path)
{
	return (int)CALL(symlinkat, target, dir, path);
}

ssize_t readlinkat(int dir, const char *restrict path, char *restrict target, size_t n)
{
	return CALL(readlinkat, dir, path, target, n);
}

int chdir(const char *path)
{
	return (int)CALL(chdir, path);
}

int fchdir(int fd)
{
	return (int)CALL(fchdir, fd);
}

char *getcwd(char *buffer, size_t size)
{
	return CALL(getcwd, buffer, size) < 0 ? NULL : buffer;
}

mode_t umask(mode_t mask)
{
	return (mode_t)CALL(umask, mask);
}

/* --- Mounts ---------------------------------------------------------------------------------- */

int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data)
{
	return (int)CALL(mount, source, target, type, flags, data);
}

int umount2(const char *target, int flags)
{
	return (int)CALL(umount2, target, flags);
}

int fsopen(const char *type, unsigned int flags)
{
	return (int)CALL(fsopen, type, flags);
}

int fsconfig(int fd, unsigned int command, const char *key, const void *value, int aux)
{
	return (int)CALL(fsconfig, fd, command, key, value, aux);
}

int fsmount(int fd, unsigned int flags, unsigned int attributes)
{
	return (int)CALL(fsmount, fd, flags, attributes);
}

int open_tree(int dir, const char *path, unsigned int flags)
{
	return (int)CALL(open_tree, dir, path, flags);
}

int move_mount(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	return (int)CALL(move_mount, from_dir, from, to_dir, to, flags);
}

int mount_setattr(int dir, const char *path, unsigned int flags, struct mount_attr *attributes,
		  size_t size)
{
	return (int)CALL(mount_setattr, dir, path, flags, attributes, size);
}

/* --- Processes ------------------------------------------------------------------------------- */

void _exit(int status)
{
	(void)CALL(exit_group, status);
	/* A filter may have refused it. */
	for (;;)
		__builtin_trap();
}

int clone(int (*function)(void *), void *stack_top, int flags, void *userdata, ...)
{
	return (int)result(bare_clone(function, stack_top, (unsigned int)flags, userdata));
}

pid_t waitpid(pid_t pid, int *status, int options)
{
	return (pid_t)CALL(wait4, pid, status, options);
}

int unshare(int flags)
{
	return (int)CALL(unshare, (unsigned int)flags);
}

int setns(int fd, int flags)
{
	return (int)CALL(setns, fd, (unsigned int)flags);
}

pid_t setsid(void)
{
	return (pid_t)CALL(setsid, 0);
}

int sethostname(const char *name, size_t n)
{
	return (int)CALL(sethostname, name, n);
}

int prctl(int option, ...)
{
	long arguments[4];
	va_list ap;

	va_start(ap, option);
	for (size_t i = 0; i < 4; i++)
		arguments[i] = va_arg(ap, long);
	va_end(ap);
	return (int)CALL(prctl, option, arguments[0], arguments[1], arguments[2], arguments[3]);
}

int getrlimit(__rlimit_resource_t resource, struct rlimit *limit)
{
	return (int)CALL(prlimit64, 0, resource, NULL, limit);
}

int setrlimit(__rlimit_resource_t resource, const struct rlimit *limit)
{
	return (int)CALL(prlimit64, 0, resource, limit);
}

void *mmap(void *address, size_t n, int protection, int flags, int fd, off_t offset)
{
	return (void *)CALL(mmap, address, n, protection, flags, fd, offset);
}

int munmap(void *address, size_t n)
{
	return (int)CALL(munmap, address, n);
}

/* --- Signals, in sets of the kernel's size ---------------------------------------------------- */

enum { KERNEL_SIGSET_SIZE = 8 };

int kill(pid_t pid, int number)
{
	return (int)CALL(kill, pid, number);
}

/* Only the standard dispositions: a handler would need a way back. */
__sighandler_t signal(int number, __sighandler_t disposition)
{
	const struct {
		__sighandler_t handler;
		unsigned long flags;
		void *restorer;
		uint64_t mask;
	} action = { .handler = disposition };

	if (CALL(rt_sigaction, number, &action, NULL, KERNEL_SIGSET_SIZE) < 0)
		return SIG_ERR;
	return SIG_DFL;
}

int sigemptyset(sigset_t *set)
{
	(void)memset(set, 0, sizeof(*set));
	return 0;
}

int sigfillset(sigset_t *set)
{
	(void)memset(set, 0xff, sizeof(*set));
	return 0;
}

int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	return (int)CALL(rt_sigprocmask, how, set, old, KERNEL_SIGSET_SIZE);
}

int signalfd(int fd, const sigset_t *set, int flags)
{
	return (int)CALL(signalfd4, fd, set, KERNEL_SIGSET_SIZE, flags);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	return (int)CALL(poll, fds, n, timeout);
}

/* --- Sockets --------------------------------------------------------------------------------- */

int socket(int domain, int type, int protocol)
{
	return (int)CALL(socket, domain, type, protocol);
}

ssize_t send(int fd, const void *data, size_t n, int flags)
{
	return CALL(sendto, fd, data, n, flags);
}

ssize_t recv(int fd, void *data, size_t n, int flags)
{
	return CALL(recvfrom, fd, data, n, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	return CALL(recvmsg, fd, message, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return CALL(sendmsg, fd, message, flags);
}

/* cmsg(3). The kernel wrote what is read here. */
struct cmsghdr *__cmsg_nxthdr(struct msghdr *message, struct cmsghdr *header)
{
	char *end = (char *)message->msg_control + message->msg_controllen;
	char *next = (char *)header + CMSG_ALIGN(header->cmsg_len);

	if (header->cmsg_len < sizeof(*header) || next + sizeof(*header) > end)
		return NULL;
	return (struct cmsghdr *)(void *)next;
}

dev_t gnu_dev_makedev(unsigned int major, unsigned int minor)
{
	/* As the kernel has it, and as glibc has it below 4096 and 2^20 (linux/kdev_t.h). */
	return (dev_t)(minor & 0xff) | (dev_t)major << 8 | (dev_t)(minor & ~0xffU) << 12;
}
