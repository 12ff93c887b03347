#include "daemon/container/kept.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"

enum { SCREEN_SAVED_MAX = 16 * 1024 * 1024 };

static const char *const suffixes[KEPT_COUNT] = {
	[KEPT_PIDFD] = "pid",	  [KEPT_CONTROL] = "control", [KEPT_TERMINAL] = "pty",
	[KEPT_INPUT] = "in",	  [KEPT_OUTPUT] = "out",      [KEPT_ERROR] = "err",
	[KEPT_SCREEN] = "screen",
};

static void name_of(const struct process *process, enum kept kept, char name[KEEP_NAME_MAX + 1])
{
	(void)snprintf(name, KEEP_NAME_MAX + 1, "%s-%s", process->kept_as, suffixes[kept]);
}

static void store(struct process *process, enum kept kept, int fd)
{
	char name[KEEP_NAME_MAX + 1];

	if (fd < 0 || !keep_is_active(process->keep))
		return;
	name_of(process, kept, name);
	keep_store(process->keep, name, fd);
	process->kept |= 1U << kept;
}

void kept_store_stdio(struct process *process, const struct launch_stdio *stdio)
{
	store(process, KEPT_TERMINAL, stdio->pty_master);
	store(process, KEPT_INPUT, stdio->stdin_fd);
	store(process, KEPT_OUTPUT, stdio->stdout_fd);
	store(process, KEPT_ERROR, stdio->stderr_fd);
}

/* The pidfd last: without it, what else was kept is of no use. */
void kept_store_launch(struct process *process)
{
	if (!process->joins)
		store(process, KEPT_CONTROL, launch_control(process->launch));
	store(process, KEPT_PIDFD, launch_pidfd(process->launch));
}

void kept_forget(struct process *process, enum kept kept)
{
	char name[KEEP_NAME_MAX + 1];

	if (!(process->kept & (1U << kept)))
		return;
	process->kept &= ~(1U << kept);
	name_of(process, kept, name);
	keep_forget(process->keep, name);
}

void kept_forget_all(struct process *process)
{
	for (int kept = 0; kept < KEPT_COUNT; kept++)
		kept_forget(process, (enum kept)kept);
}

/* --- Taking ---------------------------------------------------------------------------------- */

static int take(struct process *process, enum kept kept)
{
	char name[KEEP_NAME_MAX + 1];
	int fd;

	name_of(process, kept, name);
	fd = keep_take(process->keep, name);
	if (fd >= 0)
		process->kept |= 1U << kept;
	return fd;
}

static void give_up(struct process *process, struct launch_adopt_params *launch,
		    struct launch_stdio *stdio)
{
	if (launch->pidfd >= 0)
		(void)pidfd_send_signal(launch->pidfd, SIGKILL, NULL, 0);
	fd_close(launch->pidfd);
	fd_close(launch->control);
	fd_close(stdio->pty_master);
	fd_close(stdio->stdin_fd);
	fd_close(stdio->stdout_fd);
	fd_close(stdio->stderr_fd);
	kept_forget_all(process);
}

int kept_take(struct process *process, struct launch_adopt_params *launch,
	      struct launch_stdio *stdio, struct error *err)
{
	launch->pidfd = take(process, KEPT_PIDFD);
	launch->control = take(process, KEPT_CONTROL);
	*stdio = (struct launch_stdio){
		.pty_master = take(process, KEPT_TERMINAL),
		.stdin_fd = take(process, KEPT_INPUT),
		.stdout_fd = take(process, KEPT_OUTPUT),
		.stderr_fd = take(process, KEPT_ERROR),
	};
	if (launch->pidfd >= 0 &&
	    (stdio->pty_master >= 0 || (stdio->stdout_fd >= 0 && stdio->stderr_fd >= 0)))
		return 0;
	give_up(process, launch, stdio);
	return error_set(err, ERROR_FAILED, "its descriptors were not kept");
}

void kept_get_size(int terminal, uint16_t *ret_rows, uint16_t *ret_columns)
{
	struct winsize size = { 0 };

	(void)ioctl(terminal, TIOCGWINSZ, &size);
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
}

/* --- The screen ------------------------------------------------------------------------------ */

void kept_save_screen(struct process *process)
{
	_cleanup_(fd_closep) int fd = -1;
	_cleanup_(freep) char *saved = NULL;
	size_t size;

	saved = session_save(process->session, &size);
	if (!saved)
		return;
	fd = memfd_create("screen", MFD_CLOEXEC);
	if (fd >= 0 && fd_write_all(fd, saved, size) == 0)
		store(process, KEPT_SCREEN, fd);
}

void kept_restore_screen(struct process *process)
{
	_cleanup_(fd_closep) int fd = take(process, KEPT_SCREEN);
	_cleanup_(freep) char *saved = NULL;
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
	ssize_t n = 0;

	if (size > 0 && size <= SCREEN_SAVED_MAX && lseek(fd, 0, SEEK_SET) == 0) {
		saved = alloc_zero(1, (size_t)size);
		n = fd_read_full(fd, saved, (size_t)size);
	}
	session_restore(process->session, saved, n > 0 ? (size_t)n : 0);
	kept_forget(process, KEPT_SCREEN);
}
