/* dial-stdio: standard input and output become a connection to the daemon, for a client that
 * reaches this host by ssh.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/call.h"
#include "client/command.h"
#include "client/print.h"
#include "client/sink.h"
#include "common/alloc.h"
#include "common/cleanup.h"

enum { BUFFER_SIZE = 256 * 1024 };

struct values {
	char *socket;
};

static const struct option options[] = {
	{ .name = "socket",
	  .kind = OPTION_TEXT,
	  .offset = offsetof(struct values, socket),
	  .argument = "PATH",
	  .help = "the daemon's socket, instead of -H" },
	{ 0 },
};

/* One direction: bytes that were read and wait to be written. */
struct pipe_way {
	char *data;
	size_t start, end;
	bool ended; /* nothing more will be read */
	bool told;  /* and the other side knows */
};

struct dial {
	int socket;
	struct sink output;
	struct pipe_way up, down; /* to the daemon, from it */
	bool daemon_gone;	  /* it neither reads nor writes any more */
};

static bool is_empty(const struct pipe_way *way)
{
	return way->start == way->end;
}

/* n: as read(2) has it. */
static int take(struct pipe_way *way, ssize_t n)
{
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n < 0 && errno != ECONNRESET)
		return -1;
	way->start = 0;
	way->end = n > 0 ? (size_t)n : 0;
	way->ended = n <= 0;
	return 0;
}

static int read_up(struct dial *dial)
{
	return take(&dial->up, read(STDIN_FILENO, dial->up.data, BUFFER_SIZE));
}

static int read_down(struct dial *dial)
{
	return take(&dial->down, recv(dial->socket, dial->down.data, BUFFER_SIZE, MSG_DONTWAIT));
}

static int write_up(struct dial *dial)
{
	struct pipe_way *up = &dial->up;
	ssize_t n = 0;

	if (!is_empty(up))
		n = send(dial->socket, up->data + up->start, up->end - up->start,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		/* It is the other direction that tells the end. */
		up->start = up->end = 0;
		up->ended = up->told = true;
		return 0;
	}
	up->start += n > 0 ? (size_t)n : 0;
	if (up->ended && is_empty(up) && !up->told) {
		(void)shutdown(dial->socket, SHUT_WR);
		up->told = true;
	}
	return 0;
}

static int write_down(struct dial *dial)
{
	struct pipe_way *down = &dial->down;
	const struct iovec piece = {
		.iov_base = down->data + down->start,
		.iov_len = down->end - down->start,
	};
	ssize_t n = 0;

	if (!is_empty(down))
		n = sink_write(&dial->output, &piece, 1);
	if (n < 0)
		return -1;
	down->start += (size_t)n;
	if (down->ended && is_empty(down) && !down->told) {
		/* Both descriptions, for the end to be seen. */
		sink_done(&dial->output);
		(void)close(STDOUT_FILENO);
		down->told = true;
	}
	return 0;
}

static int turn(struct dial *dial)
{
	enum { INPUT, SOCKET, OUTPUT, COUNT };
	struct pollfd fds[COUNT] = {
		[INPUT] = { .fd = -1, .events = POLLIN },
		[SOCKET] = { .fd = -1 },
		[OUTPUT] = { .fd = -1, .events = POLLOUT },
	};

	if (is_empty(&dial->up) && !dial->up.ended)
		fds[INPUT].fd = STDIN_FILENO;
	if (is_empty(&dial->down) && !dial->down.ended)
		fds[SOCKET].events |= POLLIN;
	if (!is_empty(&dial->up))
		fds[SOCKET].events |= POLLOUT;
	/* Once its end is known, a hang-up is news. */
	if (fds[SOCKET].events || dial->down.ended)
		fds[SOCKET].fd = dial->socket;
	if (!is_empty(&dial->down))
		fds[OUTPUT].fd = sink_fd(&dial->output);
	if (poll(fds, COUNT, -1) < 0)
		return errno == EINTR ? 0 : -1;
	if ((fds[INPUT].revents && read_up(dial) < 0) ||
	    (fds[SOCKET].revents && fds[SOCKET].events & POLLIN && read_down(dial) < 0))
		return -1;
	dial->daemon_gone = dial->down.ended && fds[SOCKET].revents & (POLLHUP | POLLERR);
	return write_up(dial) < 0 || write_down(dial) < 0 ? -1 : 0;
}

static bool is_over(const struct dial *dial)
{
	return dial->down.told && (dial->up.told || dial->daemon_gone);
}

static int relay(int socket, struct error *err)
{
	struct dial dial = { .socket = socket };
	int r = 0;

	sink_init(&dial.output, STDOUT_FILENO);
	dial.up.data = alloc_zero(1, BUFFER_SIZE);
	dial.down.data = alloc_zero(1, BUFFER_SIZE);
	(void)signal(SIGPIPE, SIG_IGN);
	while (r == 0 && !is_over(&dial))
		r = turn(&dial);
	if (r < 0)
		(void)error_set_errno(err, errno, "relay");
	sink_done(&dial.output);
	free(dial.up.data);
	free(dial.down.data);
	return r;
}

static int run(const struct client *client, char **operands, void *values_)
{
	const struct values *values = values_;
	struct host host = { .path = values->socket };
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;
	struct error err;

	(void)operands;
	if (channel_open(&channel, values->socket ? &host : &client->host, &err) == 0 &&
	    relay(channel.fd, &err) == 0)
		return EXIT_SUCCESS;
	print_failure(&err, "dial-stdio");
	return EXIT_CLIENT;
}

const struct command command_dial_stdio = {
	.name = "dial-stdio",
	.operands = "",
	.summary = "Connect standard input and output to the daemon",
	.details = "This is what -H ssh://HOST runs on the other side.",
	.example = "ssh HOST dokrustctl dial-stdio --socket /run/dokrust/dokrust.sock",
	.options = options,
	.run = run,
	.values_size = sizeof(struct values),
};
