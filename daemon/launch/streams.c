#include <errno.h>
#include <fcntl.h>
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

/* A devpts that is mounted nowhere yet (Documentation/filesystems/devpts.rst). gid 5 is the group
 * tty of every distribution.
 */
static int new_devpts(void)
{
	static const struct {
		const char *key, *value;
	} options[] = { { "ptmxmode", "0666" }, { "mode", "0620" }, { "gid", "5" } };
	_cleanup_(fd_closep) int context = fsopen("devpts", FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_SET_FLAG, "newinstance", NULL, 0) < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (fsconfig(context, FSCONFIG_SET_STRING, options[i].key, options[i].value, 0) < 0)
			return -1;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -1;
	return fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
}

/* The pty comes from the container's devpts, or programs in there could not find their terminal's
 * name; and its slave is opened by the master, not by a path that the container could change.
 */
static int open_pty(const struct launch_params *params, struct streams *streams, struct error *err)
{
	const struct winsize size = { .ws_row = params->rows, .ws_col = params->columns };
	_cleanup_(fd_closep) int devpts = new_devpts();
	_cleanup_(fd_closep) int master = -1;
	_cleanup_(fd_closep) int slave = -1;
	int locked = 0;

	if (devpts < 0)
		return error_set_errno(err, errno, "mount devpts");
	master = openat(devpts, "ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
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
static int open_pipe(bool input, int *own, struct streams *streams, struct error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "make a pipe");
	*own = fds[input ? 1 : 0];
	streams->fds[streams->n_fds++] = fds[input ? 0 : 1];
	if (fd_set_nonblocking(*own, true) < 0)
		return error_set_errno(err, errno, "make a pipe non-blocking");
	return 0;
}

static int open_pipes(bool stdin_open, struct streams *streams, struct error *err)
{
	struct launch_stdio *stdio = &streams->stdio;

	if (stdin_open && open_pipe(true, &stdio->stdin_fd, streams, err) < 0)
		return -1;
	if (open_pipe(false, &stdio->stdout_fd, streams, err) < 0)
		return -1;
	return open_pipe(false, &stdio->stderr_fd, streams, err);
}

int streams_open(const struct launch_params *params, struct streams *ret, struct error *err)
{
	*ret = STREAMS_NULL;
	if (!params->terminal)
		return streams_open_pipes(params->stdin_open, ret, err);
	if (open_pty(params, ret, err) == 0)
		return 0;
	streams_close(ret);
	return -1;
}

int streams_open_pipes(bool stdin_open, struct streams *streams, struct error *err)
{
	if (open_pipes(stdin_open, streams, err) == 0)
		return 0;
	streams_close(streams);
	return -1;
}
