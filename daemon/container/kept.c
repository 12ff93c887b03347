#include "daemon/container/kept.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>

#include "common/cleanup.h"

enum { ID_BITS = 48 };

static const char suffixes[KEPT_COUNT] = {
	[KEPT_PIDFD] = 'p',  [KEPT_CONTROL] = 'c', [KEPT_TERMINAL] = 't', [KEPT_INPUT] = 'i',
	[KEPT_OUTPUT] = 'o', [KEPT_ERROR] = 'e',   [KEPT_SCREEN] = 's',
};

/* All names together are one string of the next daemon's environment (LISTEN_FDNAMES), which the kernel
 * lets have 128 KiB. So they are short: of the container's id, 48 of its random bits in eight letters.
 */
void kept_base(const char *id, const char *exec_id, char name[PROCESS_NAME_SIZE])
{
	static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ.-";
	char digits[ID_BITS / 4 + 1], text[ID_BITS / 6 + 1] = "";
	unsigned long long bits;

	(void)snprintf(digits, sizeof(digits), "%s", id);
	bits = strtoull(digits, NULL, 16);
	for (size_t i = 0; i < sizeof(text) - 1; i++, bits >>= 6)
		text[i] = letters[bits & 63];
	(void)snprintf(name, PROCESS_NAME_SIZE, KEPT_PREFIX "%s%s", text, exec_id ? exec_id : "");
}

bool kept_is_pidfd(const char *name)
{
	return name[0] && name[strlen(name) - 1] == suffixes[KEPT_PIDFD];
}

static void name_of(const struct process *process, enum kept kept, char name[KEEP_NAME_MAX + 1])
{
	(void)snprintf(name, KEEP_NAME_MAX + 1, "%s%c", process->kept_as, suffixes[kept]);
}

void kept_store(struct process *process, enum kept kept, int fd)
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
	kept_store(process, KEPT_TERMINAL, stdio->pty_master);
	kept_store(process, KEPT_INPUT, stdio->stdin_fd);
	kept_store(process, KEPT_OUTPUT, stdio->stdout_fd);
	kept_store(process, KEPT_ERROR, stdio->stderr_fd);
}

/* The pidfd last: without it, what else was kept is of no use. */
void kept_store_launch(struct process *process)
{
	if (!process->joins)
		kept_store(process, KEPT_CONTROL, launch_control(process->launch));
	kept_store(process, KEPT_PIDFD, launch_pidfd(process->launch));
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

int kept_get(struct process *process, enum kept kept)
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
	launch->pidfd = kept_get(process, KEPT_PIDFD);
	launch->control = kept_get(process, KEPT_CONTROL);
	*stdio = (struct launch_stdio){
		.pty_master = kept_get(process, KEPT_TERMINAL),
		.stdin_fd = kept_get(process, KEPT_INPUT),
		.stdout_fd = kept_get(process, KEPT_OUTPUT),
		.stderr_fd = kept_get(process, KEPT_ERROR),
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
