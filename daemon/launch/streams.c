#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <termios.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "daemon/launch/launcher.h"

void streams_close(struct streams *streams)
{
	struct launch_stdio *stdio = &streams->stdio;

	stdio->pty_master = fd_close(stdio->pty_master);
	stdio->stdin_fd = fd_close(stdio->stdin_fd);
	stdio->stdout_fd = fd_close(stdio->stdout_fd);
	stdio->stderr_fd = fd_close(stdio->stderr_fd);
	while (streams->n_fds)
		(void)fd_close(streams->fds[--streams->n_fds]);
}

enum { GROUP_TTY = 5 }; /* of every distribution */

/* The host's ids of the user namespace's root, and of its group tty (-1: it has none). */
static void find_owner(const struct launch_userns *userns, uint32_t *uid, uint32_t *gid,
		       int64_t *tty)
{
	uint32_t group = GROUP_TTY;

	*uid = *gid = 0;
	*tty = GROUP_TTY;
	if (!userns)
		return;
	(void)id_map_to_host(&userns->uids, 0, uid);
	(void)id_map_to_host(&userns->gids, 0, gid);
	*tty = id_map_to_host(&userns->gids, GROUP_TTY, &group) ? (int64_t)group : -1;
}

/* A devpts that is mounted nowhere yet (Documentation/filesystems/devpts.rst). */
static int new_devpts(int64_t tty)
{
	_cleanup_(fd_closep) int context = fsopen("devpts", FSOPEN_CLOEXEC);
	char gid[16];

	(void)snprintf(gid, sizeof(gid), "%u", (unsigned int)tty);
	if (context < 0 || fsconfig(context, FSCONFIG_SET_FLAG, "newinstance", NULL, 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "ptmxmode", "0666", 0) < 0 ||
	    fsconfig(context, FSCONFIG_SET_STRING, "mode", "0620", 0) < 0 ||
	    (tty >= 0 && fsconfig(context, FSCONFIG_SET_STRING, "gid", gid, 0) < 0) ||
	    fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

/* A slave belongs to whoever opens the master. */
static int open_master(int devpts, uint32_t uid, uint32_t gid)
{
	int fd;

	if (uid || gid) {
		if (fchownat(devpts, "", uid, gid, AT_EMPTY_PATH) < 0 ||
		    fchownat(devpts, "ptmx", uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
			return -1;
		(void)setfsgid(gid);
		(void)setfsuid(uid);
	}
	fd = openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (uid || gid) {
		(void)setfsuid(geteuid());
		(void)setfsgid(getegid());
	}
	return fd;
}

/* The pty comes from the container's devpts, or programs in there could not find their terminal's
 * name; and its slave is opened by the master, not by a path that the container could change.
 */
static int open_pty(const struct launch_params *params, struct streams *streams, struct error *err)
{
	const struct winsize size = { .ws_row = params->rows, .ws_col = params->columns };
	_cleanup_(fd_closep) int devpts = -1;
	_cleanup_(fd_closep) int master = -1;
	_cleanup_(fd_closep) int slave = -1;
	uint32_t uid, gid;
	int locked = 0;
	int64_t tty;

	find_owner(params->userns, &uid, &gid, &tty);
	devpts = new_devpts(tty);
	if (devpts < 0)
		return error_set_errno(err, errno, "mount devpts");
	master = open_master(devpts, uid, gid);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &locked) < 0 ||
	    ioctl(master, TIOCSWINSZ, &size) < 0)
		return error_set_errno(err, errno, "open a terminal");
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return error_set_errno(err, errno, "open a terminal");
	streams->stdio.pty_master = TAKE_FD(master);
	streams->fds[streams->n_fds++] = TAKE_FD(devpts);
	streams->fds[streams->n_fds++] = TAKE_FD(slave);
	return 0;
}

/* input: the daemon writes. Only its own end is non-blocking. */
static int open_pipe(bool input, int *own, const struct launch_userns *userns,
		     struct streams *streams, struct error *err)
{
	uint32_t uid, gid;
	int64_t ignored;
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "make a pipe");
	*own = fds[input ? 1 : 0];
	streams->fds[streams->n_fds++] = fds[input ? 0 : 1];
	if (fd_set_nonblocking(*own, true) < 0)
		return error_set_errno(err, errno, "make a pipe non-blocking");
	find_owner(userns, &uid, &gid, &ignored);
	if (userns && fchown(*own, uid, gid) < 0)
		return error_set_errno(err, errno, "hand over a pipe");
	return 0;
}

static int open_pipes(bool stdin_open, const struct launch_userns *userns, struct streams *streams,
		      struct error *err)
{
	struct launch_stdio *stdio = &streams->stdio;

	if (stdin_open && open_pipe(true, &stdio->stdin_fd, userns, streams, err) < 0)
		return -1;
	if (open_pipe(false, &stdio->stdout_fd, userns, streams, err) < 0)
		return -1;
	return open_pipe(false, &stdio->stderr_fd, userns, streams, err);
}

int streams_open(const struct launch_params *params, struct streams *ret, struct error *err)
{
	*ret = STREAMS_NULL;
	if (!params->terminal)
		return streams_open_pipes(params->stdin_open, params->userns, ret, err);
	if (open_pty(params, ret, err) == 0)
		return 0;
	streams_close(ret);
	return -1;
}

int streams_open_pipes(bool stdin_open, const struct launch_userns *userns, struct streams *streams,
		       struct error *err)
{
	if (open_pipes(stdin_open, userns, streams, err) == 0)
		return 0;
	streams_close(streams);
	return -1;
}
