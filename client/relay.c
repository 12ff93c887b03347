#include "client/relay.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/parse.h"

enum {
	KEYS_HOLD_US = 200 * 1000,
	PIPE_GRACE_US = 1000 * 1000,
	ROUNDS_MAX = 8, /* of receiving and writing before the rest is looked at */
	TTY_READ_SIZE = 4096 - DETACH_KEYS_MAX,
	GOODBYE_US = 500 * 1000,
};

static void fail(struct relay *relay)
{
	relay->end = RELAY_FAILED;
}

static void end(struct relay *relay, enum relay_end how, int32_t status)
{
	relay->end = how;
	relay->status = status;
}

/* --- Signals to the container ------------------------------------------------------------------ */

/* Input that the container does not read is in the way: the signal is sent on a connection of its
 * own. Over ssh that would be another login, and it has to wait.
 */
static bool signal_aside(const struct relay *relay, int number)
{
	const struct channel *channel = relay->params->channel;
	struct json_object *parameters;
	struct error ignored;
	char name[16];

	if (channel->host->ssh)
		return false;
	parameters = call_container(relay->params->container);
	call_add_string(parameters, "signal", signal_name(number, name, sizeof(name)));
	return call_once(channel->host, CONTAINER_METHOD("Kill"), parameters, NULL, &ignored) == 0;
}

static void pass_signal(struct relay *relay, int number)
{
	if (!outflow_waits(&relay->outflow) || !signal_aside(relay, number))
		(void)outflow_add_signal(&relay->outflow, number);
}

/* --- From the daemon ------------------------------------------------------------------------- */

/* {"notice":"detached","reason":"stolen"}; the other reason is that somebody asked for it. */
static void take_detached(struct relay *relay, struct json_object *notice)
{
	bool stolen = strcmp(call_string(notice, "reason"), "stolen") == 0;

	end(relay, RELAY_DETACHED, stolen ? RELAY_BY_THIEF : RELAY_BY_OTHERS);
}

/* {"notice":"lagged","lost_bytes":N}, of which nothing is told at a terminal: it was repainted. What
 * else there may be is of later versions.
 */
static void take_notice(struct relay *relay, const struct frame *frame)
{
	_cleanup_(json_putp) struct json_object *notice = NULL;
	char text[INFLOW_SAY_MAX];
	struct error ignored;

	if (json_parse((const char *)frame->payload, frame->length, &notice, &ignored) < 0)
		return;
	if (strcmp(call_string(notice, "notice"), "detached") == 0) {
		take_detached(relay, notice);
		return;
	}
	if (relay->params->terminal || strcmp(call_string(notice, "notice"), "lagged") != 0)
		return;
	(void)snprintf(
		text, sizeof(text),
		"dokrustctl: %lld bytes of output are lost: they were not read in time\n",
		(long long)json_object_get_int64(json_object_object_get(notice, "lost_bytes")));
	inflow_say(&relay->inflow, text);
}

/* A write failed with errno. */
static void output_failed(struct relay *relay)
{
	const struct relay_params *params = relay->params;
	bool to_stdout = inflow_target_fd(&relay->inflow) == STDOUT_FILENO;

	if (errno != EPIPE) {
		(void)error_set(relay->err, ERROR_FAILED,
				"write to standard %s: %s; the container goes on",
				to_stdout ? "output" : "error", strerrordesc_np(errno));
		fail(relay);
	} else if (!params->pipe_signal) {
		end(relay, RELAY_SIGNAL, SIGPIPE);
	} else if (!relay->pipe_deadline_us) {
		/* In a pipeline, a program ends when nobody reads it any more. */
		pass_signal(relay, SIGPIPE);
		relay->pipe_deadline_us = clock_monotonic_us() + PIPE_GRACE_US;
	}
}

static void take_status(struct relay *relay, const struct frame *frame)
{
	int32_t status;

	if (frame_get_status(frame, &status, relay->err) < 0)
		fail(relay);
	else
		end(relay, RELAY_STATUS, status);
}

/* Writes what was received, as far as that goes. */
static void deliver(struct relay *relay)
{
	enum inflow_event event;
	struct frame frame;

	relay->output_blocked = false;
	while (relay->end == RELAY_RUNS) {
		if (inflow_step(&relay->inflow, &event, &frame, relay->err) < 0) {
			(void)error_prefix(relay->err, "the daemon sends");
			fail(relay);
			return;
		}
		switch (event) {
		case INFLOW_NEEDS_MORE:
			return;
		case INFLOW_BLOCKED:
			relay->output_blocked = true;
			return;
		case INFLOW_NOTICE:
			take_notice(relay, &frame);
			break;
		case INFLOW_STATUS:
			take_status(relay, &frame);
			break;
		case INFLOW_WRITE_FAILED:
			output_failed(relay);
			break;
		}
	}
}

static void receive(struct relay *relay)
{
	int r = 1;

	for (int i = 0;
	     i < ROUNDS_MAX && r > 0 && !relay->output_blocked && relay->end == RELAY_RUNS; i++) {
		r = inflow_receive(&relay->inflow, relay->params->channel->fd);
		if (r < 0) {
			(void)channel_explain_end(relay->params->channel, relay->err);
			end(relay, RELAY_LOST, 0);
			return;
		}
		deliver(relay);
	}
}

/* --- From the user --------------------------------------------------------------------------- */

static void input_ended(struct relay *relay)
{
	relay->input_open = false;
	/* A terminal's end is a hang-up, of which a signal tells. */
	relay->eof_due = !relay->reads_tty;
}

/* Passes typed bytes on, but for those that the keys hold back. */
static void feed_keys(struct relay *relay, const unsigned char *typed, size_t n)
{
	unsigned char muted[TTY_READ_SIZE + DETACH_KEYS_MAX];
	unsigned char *to = muted;
	size_t room, used;
	bool detached;

	if (!relay->params->mute)
		to = outflow_room(&relay->outflow, &room);
	detached = keys_feed(&relay->keys, typed, n, to, &used);
	if (!relay->params->mute)
		outflow_add_input(&relay->outflow, used);
	if (detached)
		end(relay, RELAY_DETACHED, RELAY_BY_KEYS);
	relay->keys_deadline_us = keys_hold(&relay->keys) ? clock_monotonic_us() + KEYS_HOLD_US : 0;
}

/* The keys have held something back for long enough. */
static void release_keys(struct relay *relay)
{
	unsigned char muted[DETACH_KEYS_MAX];
	size_t room;
	unsigned char *to = relay->params->mute ? muted : outflow_room(&relay->outflow, &room);

	if (!to) { /* it waits like everything else that is typed */
		relay->keys_deadline_us = clock_monotonic_us() + KEYS_HOLD_US;
		return;
	}
	room = keys_release(&relay->keys, to);
	if (!relay->params->mute)
		outflow_add_input(&relay->outflow, room);
	relay->keys_deadline_us = 0;
}

static void read_tty(struct relay *relay)
{
	unsigned char typed[TTY_READ_SIZE];
	ssize_t n = read(STDIN_FILENO, typed, sizeof(typed));

	if (n > 0)
		feed_keys(relay, typed, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		input_ended(relay);
}

static void read_input(struct relay *relay)
{
	size_t room;
	unsigned char *to = outflow_room(&relay->outflow, &room);
	ssize_t n;

	if (relay->reads_tty) {
		read_tty(relay);
		return;
	}
	n = read(STDIN_FILENO, to, room);
	if (n > 0)
		outflow_add_input(&relay->outflow, (size_t)n);
	else if (n == 0 || (errno != EINTR && errno != EAGAIN))
		input_ended(relay);
}

static bool wants_input(struct relay *relay)
{
	size_t room;

	return relay->input_open && outflow_room(&relay->outflow, &room);
}

/* --- Signals to the client ------------------------------------------------------------------- */

static void note_size(struct relay *relay)
{
	uint16_t rows, columns;

	if (!relay->params->terminal || !tty_size(&rows, &columns) ||
	    (rows == relay->rows && columns == relay->columns))
		return;
	relay->rows = rows;
	relay->columns = columns;
	relay->resize_due = true;
}

/* Where keys are passed on, they are how the container is interrupted. And when the user's terminal
 * is gone, the container's is there to come back to.
 */
static bool ends_the_client(const struct relay *relay, int number)
{
	return !relay->params->proxy_signals || (relay->tty.raw && signals_ends(number)) ||
	       (relay->params->terminal && number == SIGHUP);
}

static void do_signal(struct relay *relay, int number)
{
	if (number == SIGWINCH) {
		note_size(relay);
	} else if (number == SIGCONT) {
		tty_enter_again(&relay->tty, relay->params->mute);
		note_size(relay);
	} else if (ends_the_client(relay, number)) {
		end(relay, RELAY_SIGNAL, number);
	} else {
		pass_signal(relay, number);
	}
}

static void do_signals(struct relay *relay)
{
	int number;

	while (relay->end == RELAY_RUNS && (number = signals_next(relay->params->signals)))
		do_signal(relay, number);
}

/* --- The loop -------------------------------------------------------------------------------- */

static void send_due(struct relay *relay)
{
	struct outflow *outflow = &relay->outflow;

	if (relay->resize_due)
		relay->resize_due = !outflow_add_resize(outflow, relay->rows, relay->columns);
	if (relay->eof_due)
		relay->eof_due = !outflow_add_eof(outflow);
	outflow_send(outflow, relay->params->channel->fd);
}

/* Milliseconds until the first deadline, rounded up; -1: there is none. */
static int time_left(const struct relay *relay)
{
	int64_t first = relay->keys_deadline_us, left;

	if (!first || (relay->pipe_deadline_us && relay->pipe_deadline_us < first))
		first = relay->pipe_deadline_us;
	if (!first)
		return -1;
	left = first - clock_monotonic_us();
	return left > 0 ? (int)((left + 999) / 1000) : 0;
}

static void do_deadlines(struct relay *relay)
{
	int64_t now;

	if (!relay->keys_deadline_us && !relay->pipe_deadline_us)
		return;
	now = clock_monotonic_us();
	if (relay->keys_deadline_us && now >= relay->keys_deadline_us)
		release_keys(relay);
	if (relay->pipe_deadline_us && now >= relay->pipe_deadline_us)
		end(relay, RELAY_SIGNAL, SIGPIPE);
}

static void turn(struct relay *relay)
{
	enum { SOCKET, SIGNALS, INPUT, OUTPUT, COUNT };
	struct pollfd fds[COUNT] = {
		[SOCKET] = { .fd = relay->params->channel->fd },
		[SIGNALS] = { .fd = relay->params->signals->fd, .events = POLLIN },
		[INPUT] = { .fd = wants_input(relay) ? STDIN_FILENO : -1, .events = POLLIN },
		[OUTPUT] = { .fd = -1, .events = POLLOUT },
	};

	if (relay->output_blocked)
		fds[OUTPUT].fd = sink_fd(relay->inflow.target);
	else
		fds[SOCKET].events = POLLIN;
	if (outflow_waits(&relay->outflow))
		fds[SOCKET].events |= POLLOUT;
	if (!fds[SOCKET].events)
		fds[SOCKET].fd = -1; /* or its end would be told again and again */
	if (poll(fds, COUNT, time_left(relay)) < 0) {
		if (errno == EINTR)
			return;
		(void)error_set_errno(relay->err, errno, "poll");
		fail(relay);
		return;
	}
	if (fds[SIGNALS].revents)
		do_signals(relay);
	if (fds[INPUT].revents && relay->end == RELAY_RUNS)
		read_input(relay);
	if (relay->end == RELAY_RUNS)
		do_deadlines(relay);
	send_due(relay);
	if (fds[OUTPUT].revents && relay->end == RELAY_RUNS)
		deliver(relay);
	if (fds[SOCKET].revents & ~POLLOUT && relay->end == RELAY_RUNS && !relay->output_blocked)
		receive(relay);
}

/* --- Beginning and end ----------------------------------------------------------------------- */

static int begin(struct relay *relay)
{
	const struct relay_params *params = relay->params;
	size_t n;
	const char *rest = varlink_reader_rest(&params->channel->reader, &n);

	assert(n <= INFLOW_SIZE);
	inflow_init(&relay->inflow, rest, n);
	outflow_init(&relay->outflow);
	keys_init(&relay->keys, &params->detach_keys);
	relay->rows = params->rows;
	relay->columns = params->columns;
	if (params->terminal) {
		relay->inflow.watches_modes = isatty(STDOUT_FILENO);
		relay->inflow.receive_max = INFLOW_TERMINAL_MAX;
		relay->reads_tty = params->input && isatty(STDIN_FILENO);
	}
	/* Who may only look has nothing but keys to be read. */
	relay->input_open = params->mute ? relay->reads_tty : params->input;
	if (relay->reads_tty)
		return tty_enter(&relay->tty, STDIN_FILENO, params->mute, relay->err);
	return 0;
}

/* What was typed before the detach keys is to arrive: the daemon reads it, and closes. */
static void say_goodbye(struct relay *relay)
{
	int socket = relay->params->channel->fd;
	struct pollfd poll_fd = { .fd = socket, .events = POLLOUT };
	int64_t deadline_us = clock_monotonic_us() + GOODBYE_US;
	char dropped[4096];

	outflow_send(&relay->outflow, socket);
	while (outflow_waits(&relay->outflow) && poll(&poll_fd, 1, GOODBYE_US / 1000) > 0)
		outflow_send(&relay->outflow, socket);
	(void)shutdown(socket, SHUT_WR);
	poll_fd.events = POLLIN;
	while (clock_monotonic_us() < deadline_us && poll(&poll_fd, 1, GOODBYE_US / 1000) > 0 &&
	       recv(socket, dropped, sizeof(dropped), MSG_DONTWAIT) > 0)
		;
}

static void finish(struct relay *relay)
{
	tty_leave(&relay->tty);
	if (relay->inflow.changed_modes)
		sink_write_last(&relay->inflow.outputs[0], tty_reset, tty_reset_size);
	inflow_done(&relay->inflow);
	outflow_done(&relay->outflow);
}

enum relay_end relay_run(const struct relay_params *params, int32_t *ret_status, struct error *err)
{
	struct relay relay = { .params = params, .tty = TTY_NULL, .err = err };

	if (begin(&relay) < 0)
		fail(&relay);
	if (params->signals->kept && relay.end == RELAY_RUNS)
		do_signal(&relay, params->signals->kept);
	note_size(&relay);
	deliver(&relay);
	send_due(&relay);
	while (relay.end == RELAY_RUNS)
		turn(&relay);
	if (relay.end == RELAY_DETACHED)
		say_goodbye(&relay);
	finish(&relay);
	*ret_status = relay.status;
	return relay.end;
}
