#include "daemon/launch/userns.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/launch/launch.h"

enum { STACK_SIZE = 16 * 1024, PATH_SIZE = 48, MAP_SIZE = ID_RANGES_MAX * 3 * 11 + 1 };

/* --- Whether one is of use ------------------------------------------------------------------- */

static const char *const revealing[] = { "proc", "sysfs" };

/* The first of these that cannot be mounted, or their number. It runs in the daemon's memory while that
 * waits for it.
 */
static int try_mounts(void *userdata)
{
	size_t *at = userdata;

	for (*at = 0; *at < ARRAY_SIZE(revealing); ++*at) {
		int context = fsopen(revealing[*at], FSOPEN_CLOEXEC);

		if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0 ||
		    fsmount(context, FSMOUNT_CLOEXEC, 0) < 0)
			break;
	}
	_exit(0);
}

bool userns_is_of_use(struct error *err)
{
	_Alignas(16) char stack[STACK_SIZE];
	size_t n_mounted = ARRAY_SIZE(revealing);
	sigset_t all, old;
	pid_t pid;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = clone(try_mounts, stack + sizeof(stack),
		    CLONE_VM | CLONE_VFORK | CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
			    CLONE_NEWNET | SIGCHLD,
		    &n_mounted);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	/* What is short now may not be so later. */
	if (pid < 0)
		return true;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (n_mounted == ARRAY_SIZE(revealing))
		return true;
	(void)error_set_subject(err, ERROR_FAILED, LAUNCH_NO_USERNS,
				"this host lets nobody mount a %s in a user namespace, as what it "
				"has itself is covered in part, or not mounted: it is in a "
				"container",
				revealing[n_mounted]);
	return false;
}

/* --- Making one ------------------------------------------------------------------------------ */

/* Holds the namespace until its maps are written, and is killed then, or when the daemon dies, whose
 * descriptors it has. It runs in the daemon's memory beside the daemon, and so does nothing else.
 */
static noreturn int wait_for_the_end(void *userdata)
{
	const pid_t *parent = userdata;

	(void)syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	if (syscall(SYS_getppid) != *parent)
		(void)syscall(SYS_exit, 0);
	for (;;)
		(void)syscall(SYS_pause);
}

static int write_map(pid_t pid, const char *name, const struct id_map *map, struct error *err)
{
	char path[PATH_SIZE], text[MAP_SIZE];
	_cleanup_(fd_closep) int fd = -1;
	size_t n = 0;

	for (size_t i = 0; i < map->n; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%u %u %u\n",
				      map->ranges[i].inside, map->ranges[i].host,
				      map->ranges[i].size);
	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		return error_set_errno(err, errno, "write the map of a user namespace");
	return 0;
}

int userns_of(pid_t pid, int *ret_fd, struct error *err)
{
	char path[PATH_SIZE];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return error_set_errno(err, errno, "open a user namespace");
	*ret_fd = fd;
	return 0;
}

int userns_make(const struct id_map *uids, const struct id_map *gids, int *ret_fd,
		struct error *err)
{
	_Alignas(16) char stack[STACK_SIZE];
	pid_t pid, self = getpid();
	sigset_t all, old;
	int r;

	/* A handler of the daemon's must not run in it. */
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	pid = clone(wait_for_the_end, stack + sizeof(stack), CLONE_VM | CLONE_NEWUSER | SIGCHLD,
		    &self);
	r = errno;
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0) {
		if (r == ENOSPC)
			return error_set_errno(err, r,
					       "make a user namespace (user.max_user_namespaces)");
		return error_set_errno(err, r, "make a user namespace");
	}
	r = write_map(pid, "uid_map", uids, err) < 0 || write_map(pid, "gid_map", gids, err) < 0 ||
			    userns_of(pid, ret_fd, err) < 0 ?
		    -1 :
		    0;
	(void)kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return r;
}
