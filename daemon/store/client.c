#include "daemon/store/client.h"

#include <errno.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "daemon/loop/worker.h"

enum { DEATHS_MAX = 3, SOCKET_BUFFER = 1024 * 1024 };

struct queued {
	TAILQ_ENTRY(queued) entry;
	store_callback callback;
	void *userdata;
	size_t size;
	struct job job; /* with the text behind it: the packet */
};

TAILQ_HEAD(queue, queued);

struct writer_client {
	struct event_base *base;
	struct reaper *reaper;
	int state_fd, lock_fd;
	int socket;
	pid_t pid;
	struct event *readable, *writable;
	struct queue unsent, sent;
	unsigned int deaths; /* since the last answer */
};

static void stop_watching(struct writer_client *client)
{
	if (client->readable)
		event_free(TAKE_PTR(client->readable));
	if (client->writable)
		event_free(TAKE_PTR(client->writable));
	client->socket = fd_close(client->socket);
}

/* --- Starting -------------------------------------------------------------------------------- */

static void on_readable(evutil_socket_t fd, short what, void *userdata);
static void on_writable(evutil_socket_t fd, short what, void *userdata);

static int start(struct writer_client *client, struct error *err)
{
	const int buffer = SOCKET_BUFFER;
	int sockets[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0)
		return error_set_errno(err, errno, "socket pair of the store's writer");
	if (setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) < 0)
		(void)setsockopt(sockets[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	/* The lock is kept, too: it is held until all is written. */
	client->pid = worker_fork("dokrustd-store",
				  (int[]){ sockets[1], client->state_fd, client->lock_fd }, 3);
	if (client->pid == 0)
		writer_run(WORKER_FIRST_FD, WORKER_FIRST_FD + 1);
	fd_close(sockets[1]);
	if (client->pid < 0) {
		fd_close(sockets[0]);
		return error_set_errno(err, errno, "fork the store's writer");
	}
	(void)fd_set_nonblocking(sockets[0], true);
	client->socket = sockets[0];
	client->readable =
		event_new(client->base, client->socket, EV_READ | EV_PERSIST, on_readable, client);
	client->writable = event_new(client->base, client->socket, EV_WRITE, on_writable, client);
	if (!client->readable || !client->writable || event_add(client->readable, NULL) < 0)
		abort();
	return 0;
}

int writer_client_new(struct event_base *base, struct reaper *reaper, int state_fd, int lock_fd,
		      struct writer_client **ret, struct error *err)
{
	struct writer_client *client = ALLOC(struct writer_client);

	*client = (struct writer_client){
		.base = base,
		.reaper = reaper,
		.state_fd = state_fd,
		.lock_fd = lock_fd,
		.socket = -1,
	};
	TAILQ_INIT(&client->unsent);
	TAILQ_INIT(&client->sent);
	if (start(client, err) < 0) {
		free(client);
		return -1;
	}
	*ret = client;
	return 0;
}

/* --- Sending --------------------------------------------------------------------------------- */

static void free_queued(struct queue *queue, struct queued *queued)
{
	TAILQ_REMOVE(queue, queued, entry);
	free(queued);
}

static void flush(struct writer_client *client)
{
	struct queued *queued;

	while (client->socket >= 0 && (queued = TAILQ_FIRST(&client->unsent))) {
		if (send(client->socket, &queued->job, queued->size, MSG_NOSIGNAL) < 0) {
			/* A writer that died is noticed where its answers are read. */
			if (errno == EAGAIN)
				(void)event_add(client->writable, NULL);
			return;
		}
		TAILQ_REMOVE(&client->unsent, queued, entry);
		if (queued->job.kind == JOB_SWEEP)
			free(queued);
		else
			TAILQ_INSERT_TAIL(&client->sent, queued, entry);
	}
}

static void on_writable(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	flush(userdata);
}

void writer_client_queue(struct writer_client *client, enum job_kind kind, enum job_place place,
			 const char *id, const char *text, size_t size, store_callback callback,
			 void *userdata)
{
	struct queued *queued = alloc_zero(1, sizeof(*queued) + size);

	queued->callback = callback;
	queued->userdata = userdata;
	queued->size = sizeof(struct job) + size;
	queued->job.kind = kind;
	queued->job.place = place;
	queued->job.text_size = (uint32_t)size;
	(void)memcpy(queued->job.id, id, strnlen(id, ID_LENGTH));
	if (size)
		(void)memcpy(&queued->job + 1, text, size);
	TAILQ_INSERT_TAIL(&client->unsent, queued, entry);
	flush(client);
}

/* --- Answers --------------------------------------------------------------------------------- */

static void answer(struct queue *queue, struct queued *queued, int errnum)
{
	store_callback callback = queued->callback;
	void *userdata = queued->userdata;
	struct error err;

	if (errnum)
		(void)error_set_errno(&err, errnum,
				      queued->job.place == JOB_CONTAINER ?
					      "write the record of container %.12s" :
					      "write the record of volume or network %.63s",
				      queued->job.id);
	free_queued(queue, queued);
	if (callback)
		callback(userdata, errnum ? &err : NULL);
}

static void fail_all(struct writer_client *client)
{
	struct queued *queued;

	while ((queued = TAILQ_FIRST(&client->sent)))
		answer(&client->sent, queued, EIO);
	while ((queued = TAILQ_FIRST(&client->unsent)))
		answer(&client->unsent, queued, EIO);
}

/* Jobs may be done twice without harm: the new writer gets all that the old one did not answer. */
static void on_death(struct writer_client *client)
{
	struct queue unsent = TAILQ_HEAD_INITIALIZER(unsent);
	struct error ignored;

	stop_watching(client);
	TAILQ_CONCAT(&unsent, &client->sent, entry);
	TAILQ_CONCAT(&unsent, &client->unsent, entry);
	TAILQ_CONCAT(&client->unsent, &unsent, entry);
	if (++client->deaths > DEATHS_MAX) {
		client->deaths = 0;
		fail_all(client);
	}
	if (start(client, &ignored) < 0)
		fail_all(client);
	flush(client);
}

/* One answer; false if there is none now. */
static bool take_answer(struct writer_client *client, bool *ret_dead)
{
	struct queued *queued = TAILQ_FIRST(&client->sent);
	struct job_result result;
	ssize_t n = recv(client->socket, &result, sizeof(result), 0);

	*ret_dead = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	if (n != sizeof(result) || !queued)
		return false;
	client->deaths = 0;
	answer(&client->sent, queued, result.errnum);
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *userdata)
{
	struct writer_client *client = userdata;
	bool dead = false;

	(void)fd;
	(void)what;
	while (take_answer(client, &dead))
		;
	if (dead)
		on_death(client);
}

void writer_client_close(struct writer_client *client)
{
	bool dead = false;

	if (!client)
		return;
	if (client->socket >= 0) {
		(void)fd_set_nonblocking(client->socket, false);
		flush(client);
		(void)shutdown(client->socket, SHUT_WR);
		while (!TAILQ_EMPTY(&client->sent) && !dead)
			(void)take_answer(client, &dead);
	}
	fail_all(client);
	stop_watching(client);
	while (client->pid > 0 && waitpid(client->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(client);
}
