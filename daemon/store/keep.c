#include "daemon/store/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/text.h"

enum { FLUSH_MS = 2000 };

struct message {
	STAILQ_ENTRY(message) entry;
	char *text;
	int fd; /* a copy; or -1 */
};

struct kept {
	char *name;
	int fd;
};

struct keep {
	int socket; /* -1: nobody is to be told anything */
	bool active;
	struct event *writable;
	STAILQ_HEAD(, message) queue;
	struct kept *kept;
	size_t n_kept;
	bool hands_over;
	struct kept *handed; /* copies, as they are collected */
	size_t n_handed;
};

/* --- Sending --------------------------------------------------------------------------------- */

/* 0, or -1 with errno. */
static int send_message(const struct keep *keep, const char *text, int fd)
{
	return fd_send(keep->socket, text, strlen(text), &fd, fd >= 0 ? 1 : 0);
}

static void free_first(struct keep *keep)
{
	struct message *message = STAILQ_FIRST(&keep->queue);

	STAILQ_REMOVE_HEAD(&keep->queue, entry);
	(void)fd_close(message->fd);
	free(message->text);
	free(message);
}

/* What cannot be sent for good is dropped: then that descriptor is not kept. */
static void flush(struct keep *keep)
{
	struct message *message;

	while ((message = STAILQ_FIRST(&keep->queue))) {
		if (send_message(keep, message->text, message->fd) < 0 && errno == EAGAIN) {
			(void)event_add(keep->writable, NULL);
			return;
		}
		free_first(keep);
	}
}

static void on_writable(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	flush(userdata);
}

static void queue_message(struct keep *keep, const char *text, int fd)
{
	struct message *message = ALLOC(struct message);

	message->text = alloc_strdup(text);
	message->fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
	STAILQ_INSERT_TAIL(&keep->queue, message, entry);
	(void)event_add(keep->writable, NULL);
}

static void send_or_queue(struct keep *keep, const char *text, int fd)
{
	if (keep->socket < 0)
		return;
	if (STAILQ_EMPTY(&keep->queue) && (send_message(keep, text, fd) == 0 || errno != EAGAIN))
		return;
	queue_message(keep, text, fd);
}

static void collect(struct keep *keep, const char *name, int fd)
{
	keep->handed = alloc_resize(keep->handed, (keep->n_handed + 1) * sizeof(*keep->handed));
	keep->handed[keep->n_handed++] = (struct kept){
		.name = alloc_strdup(name),
		.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
	};
}

void keep_store(struct keep *keep, const char *name, int fd)
{
	char text[KEEP_NAME_MAX + 64];

	if (fd < 0)
		return;
	if (keep->hands_over)
		collect(keep, name, fd);
	if (!keep->active || keep->hands_over)
		return;
	/* FDPOLL=0: a pty or socket whose other side hung up is just what matters. */
	(void)snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	send_or_queue(keep, text, fd);
}

void keep_forget(struct keep *keep, const char *name)
{
	char text[KEEP_NAME_MAX + 64];

	if (!keep->active || keep->hands_over)
		return;
	(void)snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	send_or_queue(keep, text, -1);
}

void keep_notify(struct keep *keep, const char *state)
{
	send_or_queue(keep, state, -1);
}

bool keep_is_active(const struct keep *keep)
{
	return keep->active || keep->hands_over;
}

/* --- Executing ------------------------------------------------------------------------------- */

void keep_hand_over(struct keep *keep)
{
	keep->hands_over = true;
}

/* Puts them at 3 and up, in their order. Those that are in the way are moved out of it first. */
static int place(struct keep *keep, struct error *err)
{
	const int end = SD_LISTEN_FDS_START + (int)keep->n_handed;

	for (size_t i = 0; i < keep->n_handed; i++) {
		int moved = fcntl(keep->handed[i].fd, F_DUPFD_CLOEXEC, end);

		if (moved < 0)
			return error_set_errno(err, errno, "move a descriptor");
		(void)fd_close(keep->handed[i].fd);
		keep->handed[i].fd = moved;
	}
	for (size_t i = 0; i < keep->n_handed; i++)
		if (dup2(keep->handed[i].fd, SD_LISTEN_FDS_START + (int)i) < 0)
			return error_set_errno(err, errno, "place a descriptor");
	return 0;
}

static void tell_names(const struct keep *keep)
{
	_cleanup_(freep) char *names = alloc_strdup("");
	char number[16];

	for (size_t i = 0; i < keep->n_handed; i++) {
		char *longer = alloc_printf("%s%s%s", names, i ? ":" : "", keep->handed[i].name);

		free(names);
		names = longer;
	}
	(void)snprintf(number, sizeof(number), "%zu", keep->n_handed);
	(void)setenv("LISTEN_FDS", number, 1);
	(void)snprintf(number, sizeof(number), "%d", getpid());
	(void)setenv("LISTEN_PID", number, 1);
	(void)setenv("LISTEN_FDNAMES", names, 1);
}

int keep_execute(struct keep *keep, const char *path, char *const *argv, struct error *err)
{
	if (place(keep, err) < 0)
		return -1;
	tell_names(keep);
	(void)execv(path, argv);
	return error_set_errno(err, errno, "execute %s", path);
}

/* --- What was passed ------------------------------------------------------------------------- */

int keep_take(struct keep *keep, const char *name)
{
	for (size_t i = 0; i < keep->n_kept; i++)
		if (keep->kept[i].fd >= 0 && strcmp(keep->kept[i].name, name) == 0)
			return TAKE_FD(keep->kept[i].fd);
	return -1;
}

const char *keep_left(const struct keep *keep, size_t i)
{
	for (size_t k = 0; k < keep->n_kept; k++)
		if (keep->kept[k].fd >= 0 && i-- == 0)
			return keep->kept[k].name;
	return NULL;
}

static int take_passed(struct keep *keep, struct error *err)
{
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names);

	if (n < 0)
		return error_set_errno(err, -n, "descriptors that were passed");
	keep->kept = alloc_zero((size_t)n, sizeof(*keep->kept));
	for (int i = 0; i < n; i++) {
		keep->kept[i].name = alloc_strdup(names[i]);
		keep->kept[i].fd = SD_LISTEN_FDS_START + i;
		(void)fcntl(keep->kept[i].fd, F_SETFD, FD_CLOEXEC);
	}
	keep->n_kept = (size_t)n;
	strv_free(names);
	return 0;
}

/* --- Opening and closing --------------------------------------------------------------------- */

/* A path, or with '@' in front a name in the abstract namespace (sd_notify(3)). */
static int connect_socket(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(fd_closep) int fd = -1;
	size_t n = strlen(name);

	if (n >= sizeof(address.sun_path))
		return -1;
	(void)memcpy(address.sun_path, name, n);
	if (name[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)) < 0)
		return -1;
	return TAKE_FD(fd);
}

int keep_new(struct event_base *base, struct keep **ret, struct error *err)
{
	struct keep *keep = ALLOC(struct keep);
	const char *name = getenv("NOTIFY_SOCKET"), *store = getenv("FDSTORE");

	keep->socket = -1;
	STAILQ_INIT(&keep->queue);
	if (take_passed(keep, err) < 0) {
		keep_free(keep);
		return -1;
	}
	if (name && *name)
		keep->socket = connect_socket(name);
	if (keep->socket >= 0) {
		keep->active = store && atoi(store) > 0;
		keep->writable = event_new(base, keep->socket, EV_WRITE, on_writable, keep);
		if (!keep->writable)
			abort();
	}
	*ret = keep;
	return 0;
}

static void flush_at_end(struct keep *keep)
{
	struct pollfd polled = { .fd = keep->socket, .events = POLLOUT };

	while (!STAILQ_EMPTY(&keep->queue) && poll(&polled, 1, FLUSH_MS) > 0) {
		struct message *message = STAILQ_FIRST(&keep->queue);

		if (send_message(keep, message->text, message->fd) < 0 && errno == EAGAIN)
			continue;
		free_first(keep);
	}
}

struct keep *keep_free(struct keep *keep)
{
	if (!keep)
		return NULL;
	flush_at_end(keep);
	while (!STAILQ_EMPTY(&keep->queue))
		free_first(keep);
	for (size_t i = 0; i < keep->n_kept; i++) {
		(void)fd_close(keep->kept[i].fd);
		free(keep->kept[i].name);
	}
	for (size_t i = 0; i < keep->n_handed; i++) {
		(void)fd_close(keep->handed[i].fd);
		free(keep->handed[i].name);
	}
	free(keep->handed);
	free(keep->kept);
	if (keep->writable)
		event_free(keep->writable);
	(void)fd_close(keep->socket);
	free(keep);
	return NULL;
}
