#include "daemon/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"

enum { WAIT_MS = 5000 };

static pid_t lock_holder(int fd)
{
	char text[16] = "";

	return pread(fd, text, sizeof(text) - 1, 0) > 0 ? (pid_t)atoi(text) : 0;
}

/* A daemon that was killed may have left its writer, which shares its lock until it has written
 * what it was given. That is worth a moment's wait; a daemon that lives is not.
 */
int lock_directory(int dir_fd, const char *dir, int *ret_fd, struct error *err)
{
	_cleanup_(fd_closep) int fd = openat(dir_fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	char text[16];
	int n;

	if (fd < 0)
		return error_set_errno(err, errno, "%s/lock", dir);
	for (int waited_ms = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; waited_ms += 10) {
		pid_t holder = lock_holder(fd);
		bool alive = holder <= 0 || kill(holder, 0) == 0 || errno != ESRCH;

		if (alive || waited_ms >= WAIT_MS) {
			(void)error_set(err, ERROR_FAILED,
					"%s is in use by another dokrustd, pid %d", dir, holder);
			err->sys_errno = EWOULDBLOCK;
			return -1;
		}
		(void)nanosleep(&pause, NULL);
	}
	n = snprintf(text, sizeof(text), "%d\n", getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) != n)
		return error_set_errno(err, errno, "write %s/lock", dir);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
