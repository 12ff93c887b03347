#include "daemon/logs/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/fdio.h"
#include "daemon/loop/worker.h"

enum {
	SOCKET_BUFFER = 1024 * 1024, /* bytes that wait for a writer that is busy for a moment */
	ANSWERS_AT_ONCE = 64,
	RESTART_MS = 1000,
};

/* --- Sending --------------------------------------------------------------------------------- */

bool link_is_free(const struct link *link)
{
	return link->socket >= 0 && evbuffer_get_length(link->rest) == 0;
}

bool link_send_fd(struct link *link, int fd)
{
	return fd_send(link->fds_socket, "", 1, &fd, 1) == 0;
}

/* The number of bytes that went. */
static size_t send_now(struct link *link, struct iovec *pieces, int n)
{
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = (size_t)n };
	ssize_t sent;

	if (evbuffer_get_length(link->rest))
		return 0;
	do
		sent = sendmsg(link->socket, &message, MSG_NOSIGNAL);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? 0 : (size_t)sent;
}

void link_send(struct link *link, struct iovec *pieces, int n)
{
	size_t sent = link->socket >= 0 ? send_now(link, pieces, n) : 0;

	for (int i = 0; i < n && link->socket >= 0; i++) {
		size_t skip = sent < pieces[i].iov_len ? sent : pieces[i].iov_len;

		sent -= skip;
		if (evbuffer_add(link->rest, (char *)pieces[i].iov_base + skip,
				 pieces[i].iov_len - skip) < 0)
			abort();
	}
	if (link->socket >= 0 && evbuffer_get_length(link->rest))
		(void)event_add(link->writable, NULL);
}

static void on_writable(evutil_socket_t fd, short what, void *userdata)
{
	struct link *link = userdata;

	(void)fd;
	(void)what;
	/* A writer that died is noticed where its answers are read. */
	while (evbuffer_get_length(link->rest) && evbuffer_write(link->rest, link->socket) > 0)
		;
	if (evbuffer_get_length(link->rest))
		(void)event_add(link->writable, NULL);
	else
		log_link_is_free(link);
}

/* --- The process ----------------------------------------------------------------------------- */

static void stop_watching(struct link *link)
{
	if (link->readable)
		event_free(TAKE_PTR(link->readable));
	if (link->writable)
		event_free(TAKE_PTR(link->writable));
	link->socket = fd_close(link->socket);
	link->fds_socket = fd_close(link->fds_socket);
	(void)evbuffer_drain(link->rest, evbuffer_get_length(link->rest));
}

static void on_death(struct link *link)
{
	int64_t lived_us = clock_monotonic_us() - link->started_us;
	const struct timeval delay = { .tv_sec = lived_us > RESTART_MS * 1000 ? 0 :
										RESTART_MS / 1000 };

	stop_watching(link);
	log_writer_died(link);
	(void)event_add(link->restart, &delay);
}

static void on_readable(evutil_socket_t fd, short what, void *userdata)
{
	struct log_answer answers[ANSWERS_AT_ONCE];
	struct link *link = userdata;
	ssize_t n = recv(fd, answers, sizeof(answers), MSG_DONTWAIT);

	(void)what;
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
		on_death(link);
		return;
	}
	/* They are sent one by one, and arrive whole. */
	for (ssize_t i = 0; n > 0 && i < n / (ssize_t)sizeof(answers[0]); i++)
		log_answered(link, &answers[i]);
}

static void on_restart(evutil_socket_t fd, short what, void *userdata)
{
	const struct timeval delay = { .tv_sec = RESTART_MS / 1000 };
	struct link *link = userdata;
	struct error ignored;

	(void)fd;
	(void)what;
	if (link_start(link, &ignored) < 0)
		(void)event_add(link->restart, &delay);
	else
		log_writer_is_back(link);
}

void link_init(struct link *link, struct event_base *base, const char *name,
	       const struct ledger *ledger, enum ledger_table table)
{
	*link = (struct link){ .base = base,
			       .name = name,
			       .ledger = ledger,
			       .table = table,
			       .socket = -1,
			       .fds_socket = -1 };
	TAILQ_INIT(&link->syncs);
	link->rest = evbuffer_new();
	link->restart = evtimer_new(base, on_restart, link);
	if (!link->rest || !link->restart)
		abort();
}

static int fork_writer(struct link *link, const int stream[2], const int fds[2], struct error *err)
{
	const int buffer = SOCKET_BUFFER;

	if (setsockopt(stream[0], SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) < 0)
		(void)setsockopt(stream[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	link->pid = worker_fork(link->name, (int[]){ stream[1], fds[1], link->ledger->fd }, 3);
	if (link->pid == 0)
		log_writer_run(&(struct log_writer_params){
			.socket = WORKER_FIRST_FD,
			.fds_socket = WORKER_FIRST_FD + 1,
			.lock_fd = WORKER_FIRST_FD + 2,
			.table = link->table,
			.entries = link->ledger->memory->entries[link->table],
		});
	return link->pid < 0 ? error_set_errno(err, errno, "fork the log's writer") : 0;
}

int link_start(struct link *link, struct error *err)
{
	int stream[2], fds[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream) < 0)
		return error_set_errno(err, errno, "socket pair of the log's writer");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0) {
		fd_close(stream[0]);
		fd_close(stream[1]);
		return error_set_errno(err, errno, "socket pair of the log's writer");
	}
	r = fork_writer(link, stream, fds, err);
	fd_close(stream[1]);
	fd_close(fds[1]);
	link->started_us = clock_monotonic_us();
	link->socket = stream[0];
	link->fds_socket = fds[0];
	if (r < 0) {
		stop_watching(link);
		return -1;
	}
	(void)fd_set_nonblocking(link->socket, true);
	(void)fd_set_nonblocking(link->fds_socket, true);
	link->readable =
		event_new(link->base, link->socket, EV_READ | EV_PERSIST, on_readable, link);
	link->writable = event_new(link->base, link->socket, EV_WRITE, on_writable, link);
	if (!link->readable || !link->writable || event_add(link->readable, NULL) < 0)
		abort();
	return 0;
}

void link_done(struct link *link)
{
	bool running = link->socket >= 0;

	if (running) {
		(void)fd_set_nonblocking(link->socket, false);
		while (evbuffer_get_length(link->rest) &&
		       evbuffer_write(link->rest, link->socket) > 0)
			;
		(void)shutdown(link->socket, SHUT_WR);
	}
	if (link->rest)
		stop_watching(link);
	while (running && waitpid(link->pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (link->restart)
		event_free(link->restart);
	if (link->rest)
		evbuffer_free(link->rest);
	free(link->logs);
}
