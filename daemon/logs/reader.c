#include "daemon/logs/reader.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/loop/reaper.h"
#include "daemon/loop/worker.h"

struct log_reader {
	LIST_ENTRY(log_reader) in_all, in_list;
	struct log_readers *readers;
	pid_t pid;
	int control; /* its closing tells the process to end; -1: it was told */
};

static void finish(struct log_reader *reader)
{
	if (reader->control < 0)
		return;
	reader->control = fd_close(reader->control);
	LIST_REMOVE(reader, in_list);
}

static void forget(struct log_reader *reader)
{
	finish(reader);
	LIST_REMOVE(reader, in_all);
	reader->readers->n--;
	free(reader);
}

static void on_exit_(void *userdata, pid_t pid, int wait_status)
{
	(void)pid;
	(void)wait_status;
	forget(userdata);
}

int log_reader_start(struct logs *logs, const struct log_reader_params *params,
		     struct log_reader_list *list, struct error *err)
{
	struct log_readers *readers = logs_readers(logs);
	struct log_reader *reader;
	int control[2];
	pid_t pid;

	if (readers->n >= LOG_READERS_MAX)
		return error_set(err, ERROR_LIMIT_REACHED, "%u clients read logs already",
				 readers->n);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) < 0)
		return error_set_errno(err, errno, "socket pair of the log's reader");
	pid = worker_fork("dokrustd-read", (int[]){ params->socket, control[1], params->dir_fd },
			  3);
	if (pid == 0)
		log_reader_run(params, WORKER_FIRST_FD, WORKER_FIRST_FD + 1, WORKER_FIRST_FD + 2);
	fd_close(control[1]);
	if (pid < 0) {
		fd_close(control[0]);
		return error_set_errno(err, errno, "fork the log's reader");
	}
	reader = ALLOC(struct log_reader);
	*reader = (struct log_reader){ .readers = readers, .pid = pid, .control = control[0] };
	LIST_INSERT_HEAD(&readers->all, reader, in_all);
	LIST_INSERT_HEAD(list, reader, in_list);
	readers->n++;
	reaper_watch(readers->reaper, pid, on_exit_, reader);
	if (!params->selection.follow)
		finish(reader);
	return 0;
}

void log_readers_finish(struct log_reader_list *list)
{
	struct log_reader *reader;

	while ((reader = LIST_FIRST(list)))
		finish(reader);
}

void log_readers_done(struct log_readers *readers)
{
	struct log_reader *reader;

	while ((reader = LIST_FIRST(&readers->all))) {
		reaper_unwatch(readers->reaper, reader->pid);
		(void)kill(reader->pid, SIGKILL);
		while (waitpid(reader->pid, NULL, 0) < 0 && errno == EINTR)
			;
		forget(reader);
	}
}
