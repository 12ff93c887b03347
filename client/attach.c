#include "client/attach.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/call.h"
#include "client/command.h"
#include "client/print.h"
#include "client/relay.h"
#include "client/signals.h"
#include "client/sink.h"
#include "client/tty.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/frame.h"
#include "common/json.h"
#include "common/parse.h"

/* What an attachment needs from the call to its end. */
struct attachment {
	const struct attach_params *params;
	const struct host *host;
	struct channel channel;
	struct signals signals;
	struct relay_params relay;
	struct json_object *reply;
	char *exec;    /* its number, where that is what is attached to; or NULL */
	char *process; /* for other calls: the container's id, or ID/EXEC */
	bool was_joined;
};

/* No exit status. */
enum { STAY_AGAIN = -1 };

enum { RECONNECT_FIRST_MS = 50, RECONNECT_LAST_MS = 2000, ATTEMPTS_UNTOLD = 4 };

static void attachment_done(struct attachment *attachment)
{
	json_object_put(attachment->reply);
	free(attachment->exec);
	free(attachment->process);
	signals_done(&attachment->signals);
	channel_done(&attachment->channel);
}

/* --- The call -------------------------------------------------------------------------------- */

/* Settings are looked at only where there will be keys: most calls are spared the files. */
static int choose_detach_keys(const struct attach_params *params, struct detach_keys *ret,
			      struct error *err)
{
	if (!params->input || !params->may_have_terminal || !isatty(STDIN_FILENO))
		return 0;
	if (!params->detach->given)
		return settings_detach_keys(ret, err);
	*ret = params->detach->keys;
	return 0;
}

static struct json_object *make_options(struct attachment *attachment)
{
	struct relay_params *relay = &attachment->relay;
	struct json_object *options = json_object_new_object();
	struct json_object *size;

	json_object_object_add(options, "framing", json_object_new_int(FRAME_VERSION));
	if (attachment->params->may_have_terminal && tty_size(&relay->rows, &relay->columns)) {
		size = json_object_new_object();
		json_object_object_add(size, "rows", json_object_new_int(relay->rows));
		json_object_object_add(size, "columns", json_object_new_int(relay->columns));
		json_object_object_add(options, "size", size);
	}
	if (attachment->params->read_only)
		json_object_object_add(options, "input", json_object_new_boolean(false));
	/* Who has come while this one was away stays. */
	if (attachment->params->steal && !attachment->was_joined)
		json_object_object_add(options, "steal", json_object_new_boolean(true));
	if (attachment->params->history_rows >= 0)
		json_object_object_add(options, "history_rows",
				       json_object_new_int64(attachment->params->history_rows));
	return options;
}

/* The reply to Exec says which one it is; a call of Attach has said it. */
static void name_process(struct attachment *attachment)
{
	const char *exec = call_string(attachment->reply, "exec");

	if (exec[0] && !attachment->exec)
		attachment->exec = alloc_strdup(exec);
	free(attachment->process);
	attachment->process = alloc_printf("%s%s%s", call_string(attachment->reply, "id"),
					   attachment->exec ? "/" : "",
					   attachment->exec ? attachment->exec : "");
}

static int read_reply(struct attachment *attachment, struct error *err)
{
	struct json_object *session = json_object_object_get(attachment->reply, "session");
	int framing = json_object_get_int(json_object_object_get(session, "framing"));
	struct relay_params *relay = &attachment->relay;

	if (framing != FRAME_VERSION)
		return error_set(err, ERROR_PROTOCOL,
				 "the daemon speaks framing %d, and this client %d: one of them "
				 "is too old",
				 framing, FRAME_VERSION);
	print_warnings(attachment->reply);
	name_process(attachment);
	relay->container = attachment->process;
	relay->terminal = json_object_get_boolean(json_object_object_get(session, "terminal"));
	if (relay->terminal && attachment->params->looks_only)
		relay->proxy_signals = false;
	if (relay->terminal && relay->input && !relay->mute && !isatty(STDIN_FILENO))
		return error_set(err, ERROR_INVALID_VALUE,
				 "the container has a terminal, but standard input is none; "
				 "--no-stdin only looks");
	return 0;
}

/* On a channel that is open. *ret_signal: see call_upgrade. parameters are taken. */
static int join(struct attachment *attachment, const char *method, struct json_object *parameters,
		int *ret_signal, struct error *err)
{
	json_object_object_add(parameters, "attach", make_options(attachment));
	json_object_put(TAKE_PTR(attachment->reply));
	if (call_upgrade(&attachment->channel, method, parameters, &attachment->signals,
			 &attachment->reply, ret_signal, err) < 0)
		return -1;
	attachment->was_joined = true;
	return read_reply(attachment, err);
}

static int begin(struct attachment *attachment, struct json_object *parameters, int *ret_signal,
		 struct error *err)
{
	_cleanup_(json_putp) struct json_object *owned = parameters;
	const struct attach_params *params = attachment->params;
	const char *slash = strchr(call_string(parameters, "container"), '/');

	*ret_signal = 0;
	attachment->exec = slash ? alloc_strdup(slash + 1) : NULL;
	if (choose_detach_keys(params, &attachment->relay.detach_keys, err) < 0 ||
	    channel_open(&attachment->channel, attachment->host, err) < 0 ||
	    signals_open(&attachment->signals, err) < 0)
		return -1;
	return join(attachment, params->method, TAKE_PTR(owned), ret_signal, err);
}

/* --- The end --------------------------------------------------------------------------------- */

/* The container left the cursor somewhere, and perhaps something below it. */
static const char *line_start(const struct attachment *attachment)
{
	return attachment->relay.terminal && isatty(STDERR_FILENO) ? "\n\x1b[J" : "";
}

/* A terminal that takes nothing is no reason to stay. */
static void say_detached(const struct attachment *attachment, int signal, enum relay_by by)
{
	static const char *const reasons[] = {
		[RELAY_BY_KEYS] = "",
		[RELAY_BY_OTHERS] = ", as somebody asked",
		[RELAY_BY_THIEF] = ": somebody attached in your place",
	};
	_cleanup_(sink_done) struct sink sink;
	_cleanup_(freep) char *text = NULL;
	char name[16];

	text = alloc_printf("%s[detached from %s%s%s%s]\n", line_start(attachment),
			    call_string(attachment->reply, "name"), reasons[by], signal ? ": " : "",
			    signal ? signal_name(signal, name, sizeof(name)) : "");
	sink_init(&sink, STDERR_FILENO);
	sink_write_last(&sink, text, strlen(text));
}

static int fail(const struct attach_params *params, const struct error *err)
{
	print_failure(err, "%s", params->what);
	return command_status(err);
}

/* --- When the connection is lost ------------------------------------------------------------- */

/* What became of the container meanwhile. */
static int ask_status(const struct attachment *attachment, int *ret_status, struct error *err)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;

	if (call_once(attachment->host, CONTAINER_METHOD("Wait"),
		      call_container(attachment->process), &reply, err) < 0)
		return -1;
	*ret_status = json_object_get_int(json_object_object_get(reply, "exit_status"));
	return 0;
}

/* A signal, such as that of ctrl-c, ends the waiting. */
static bool wait_for_daemon(struct attachment *attachment, int ms)
{
	struct pollfd poll_fd = { .fd = attachment->signals.fd, .events = POLLIN };
	int number;

	if (poll(&poll_fd, 1, ms) <= 0)
		return true;
	number = signals_next(&attachment->signals);
	return !signals_ends(number);
}

/* A daemon that is restarted is most often back before anybody has read this. */
static void say_reconnecting(const struct attachment *attachment, unsigned int attempt)
{
	if (attempt == (attachment->host->ssh ? 1 : ATTEMPTS_UNTOLD))
		(void)fprintf(stderr,
			      "%s[the connection to %s is lost; trying again, ctrl-c ends]\n",
			      line_start(attachment), host_describe(attachment->host));
}

static int join_again(struct attachment *attachment, int *ret_signal, struct error *err)
{
	*ret_signal = 0;
	channel_done(&attachment->channel);
	attachment->channel = CHANNEL_NULL;
	if (channel_open(&attachment->channel, attachment->host, err) < 0)
		return -1;
	return join(attachment, CONTAINER_METHOD("Attach"), call_container(attachment->process),
		    ret_signal, err);
}

/* 1: attached again, 0: the container has ended with *ret_status, -1: given up. */
static int reconnect(struct attachment *attachment, int *ret_status, struct error *err)
{
	const int64_t patience_ms = attachment->params->reconnect_ms;
	const int64_t begin_us = clock_monotonic_us();
	int delay_ms = attachment->host->ssh ? RECONNECT_LAST_MS : RECONNECT_FIRST_MS, signal;

	for (unsigned int attempt = 1;; attempt++) {
		say_reconnecting(attachment, attempt);
		if (join_again(attachment, &signal, err) == 0)
			return 1;
		if (err->code == ERROR_WRONG_STATE)
			return ask_status(attachment, ret_status, err);
		if (signal || err->code == ERROR_CONTAINER_NOT_FOUND ||
		    (patience_ms >= 0 &&
		     clock_monotonic_us() - begin_us > patience_ms * INT64_C(1000)) ||
		    !wait_for_daemon(attachment, delay_ms))
			return -1;
		delay_ms = delay_ms * 2 < RECONNECT_LAST_MS ? delay_ms * 2 : RECONNECT_LAST_MS;
	}
}

/* Keys go to whoever reads them first: only a terminal that was left can be come back to. */
static bool may_reconnect(const struct attachment *attachment)
{
	return attachment->params->reconnect_ms != 0 && attachment->relay.terminal &&
	       isatty(STDOUT_FILENO);
}

static int stay(struct attachment *attachment)
{
	struct error err;
	int32_t status;
	int r, ended = 0;

	switch (relay_run(&attachment->relay, &status, &err)) {
	case RELAY_STATUS:
		return status;
	case RELAY_DETACHED:
		say_detached(attachment, 0, (enum relay_by)status);
		return EXIT_SUCCESS;
	case RELAY_SIGNAL:
		if (status != SIGPIPE)
			say_detached(attachment, status, RELAY_BY_KEYS);
		return 128 + status;
	case RELAY_LOST:
		r = may_reconnect(attachment) ? reconnect(attachment, &ended, &err) : -1;
		if (r > 0)
			return STAY_AGAIN;
		if (r == 0)
			return ended;
		break;
	case RELAY_RUNS:
	case RELAY_FAILED:
		break;
	}
	signals_release(&attachment->signals);
	(void)fputs(line_start(attachment), stderr);
	return fail(attachment->params, &err);
}

int attach_call(const struct host *host, const struct attach_params *params,
		struct json_object *parameters)
{
	_cleanup_(attachment_done) struct attachment attachment = {
		.params = params,
		.host = host,
		.channel = CHANNEL_NULL,
		.signals = SIGNALS_NULL,
		.relay = {
			.input = params->input,
			.mute = params->read_only,
			.proxy_signals = params->proxy_signals && !params->read_only,
			.pipe_signal = params->proxy_signals && params->pipe_signal,
		},
	};
	struct error err;
	int number;

	attachment.relay.channel = &attachment.channel;
	attachment.relay.signals = &attachment.signals;
	if (begin(&attachment, parameters, &number, &err) == 0) {
		do
			number = stay(&attachment);
		while (number == STAY_AGAIN);
		return number;
	}
	(void)fail(params, &err);
	return number ? 128 + number : command_status(&err);
}
