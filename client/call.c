#include "client/call.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/json.h"
#include "common/parse.h"
#include "common/text.h"

enum { GREETING_SHOWN_MAX = 60 };

/* --- Parameters ------------------------------------------------------------------------------ */

void call_add_string(struct json_object *parameters, const char *key, const char *value)
{
	if (value)
		json_object_object_add(parameters, key, json_object_new_string(value));
}

struct json_object *call_container(const char *name)
{
	struct json_object *parameters = json_object_new_object();

	call_add_string(parameters, "container", name);
	return parameters;
}

const char *call_string(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(object, key));

	return text ? text : "";
}

/* --- Errors ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum error_code code;
	const char *message; /* where the error itself brings none */
} errors[] = {
	{ CONTAINER_METHOD("ContainerNotFound"), ERROR_CONTAINER_NOT_FOUND, NULL },
	{ CONTAINER_METHOD("AmbiguousName"), ERROR_AMBIGUOUS_NAME, NULL },
	{ CONTAINER_METHOD("NameInUse"), ERROR_NAME_IN_USE, NULL },
	{ CONTAINER_METHOD("WrongState"), ERROR_WRONG_STATE, NULL },
	{ CONTAINER_METHOD("ImageNotFound"), ERROR_IMAGE_NOT_FOUND, NULL },
	{ CONTAINER_METHOD("CommandNotFound"), ERROR_COMMAND_NOT_FOUND, NULL },
	{ CONTAINER_METHOD("NotExecutable"), ERROR_NOT_EXECUTABLE, NULL },
	{ CONTAINER_METHOD("InvalidValue"), ERROR_INVALID_VALUE, NULL },
	{ CONTAINER_METHOD("LimitReached"), ERROR_LIMIT_REACHED, NULL },
	{ CONTAINER_METHOD("NotAllowed"), ERROR_NOT_ALLOWED, NULL },
	{ VOLUME_METHOD("VolumeNotFound"), ERROR_VOLUME_NOT_FOUND, NULL },
	{ VOLUME_METHOD("VolumeInUse"), ERROR_VOLUME_IN_USE, NULL },
	{ NETWORK_METHOD("NetworkNotFound"), ERROR_NETWORK_NOT_FOUND, NULL },
	{ NETWORK_METHOD("NetworkInUse"), ERROR_NETWORK_IN_USE, NULL },
	{ "org.varlink.service.PermissionDenied", ERROR_PERMISSION_DENIED,
	  "the daemon does not allow you that; root may, try sudo" },
	{ "org.varlink.service.MethodNotFound", ERROR_FAILED,
	  "the daemon is of another version: it has no such method" },
	{ "org.varlink.service.InterfaceNotFound", ERROR_FAILED,
	  "the daemon is of another version: it has no such interface" },
};

static int api_error(const struct varlink_reply *reply, struct error *err)
{
	const char *message = call_string(reply->parameters, "message");
	const char *parameter = call_string(reply->parameters, "parameter");
	enum error_code code = ERROR_FAILED;

	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		if (strcmp(errors[i].name, reply->error) != 0)
			continue;
		code = errors[i].code;
		message = message[0] || !errors[i].message ? message : errors[i].message;
	}
	if (message[0])
		return error_set(err, code, "%s", message);
	return error_set(err, code, "the daemon answers %s%s%s", reply->error,
			 parameter[0] ? " of " : "", parameter);
}

/* --- Messages -------------------------------------------------------------------------------- */

enum { SOURCES_MAX = 128 };

/* What is to be mounted is opened here, where the kernel asks whether the user may; root's daemon looks it
 * up by itself, and so does one at the other end of a network. What cannot be opened is left to the
 * daemon to say.
 */
struct sources {
	int fds[SOURCES_MAX];
	size_t n;
};

static void sources_done(struct sources *sources)
{
	while (sources->n)
		(void)fd_close(sources->fds[--sources->n]);
}

static void open_source(struct json_object *mount, struct sources *sources)
{
	const char *type = json_object_get_string(json_object_object_get(mount, "type"));
	const char *path = json_object_get_string(json_object_object_get(mount, "source"));
	int fd;

	if (!type || strcmp(type, "bind") != 0 || !path || sources->n == SOURCES_MAX)
		return;
	fd = open(path, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	json_object_object_add(mount, "source_fd", json_object_new_int64((int64_t)sources->n));
	sources->fds[sources->n++] = fd;
}

static void open_sources(struct json_object *parameters, struct sources *sources)
{
	struct json_object *spec = json_object_object_get(parameters, "spec");
	struct json_object *mount = json_object_object_get(parameters, "mount");
	struct json_object *mounts = spec ? json_object_object_get(spec, "mounts") : NULL;
	size_t n = mounts ? json_object_array_length(mounts) : 0;

	if (mount)
		open_source(mount, sources);
	for (size_t i = 0; i < n; i++)
		open_source(json_object_array_get_idx(mounts, i), sources);
}

int call_send(struct channel *channel, const char *method, struct json_object *parameters,
	      bool more, bool upgrade, struct error *err)
{
	_cleanup_(sources_done) struct sources sources = { .n = 0 };
	_cleanup_(freep) char *text = NULL;
	size_t size, sent = 0;

	if (!channel->host->ssh && geteuid() != 0)
		open_sources(parameters, &sources);
	text = varlink_format_call(method, parameters, more, upgrade, &size);
	json_object_put(parameters);
	if (!text_is_utf8(text, size - 1))
		return error_set(err, ERROR_INVALID_VALUE,
				 "what is asked for is no UTF-8 text, and cannot be sent");
	if (size - 1 > VARLINK_MESSAGE_MAX)
		return error_set(
			err, ERROR_INVALID_VALUE,
			"too much is asked for: the call has %zu bytes, and %d are allowed",
			size - 1, VARLINK_MESSAGE_MAX);
	/* They go with the first byte. */
	if (sources.n) {
		if (fd_send(channel->fd, text, 1, sources.fds, sources.n) < 0)
			return errno == EPIPE ? 0 : error_set_errno(err, errno, "send");
		sent = 1;
	}
	while (sent < size) {
		ssize_t n = send(channel->fd, text + sent, size - sent, MSG_NOSIGNAL);

		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EPIPE || errno == ECONNRESET)
			return 0; /* who is refused is told why: there is a reply */
		else if (errno != EINTR)
			return error_set_errno(err, errno, "send");
	}
	return 0;
}

/* Reads some more. */
static int receive_some(struct channel *channel, struct error *err)
{
	size_t room;
	char *buffer = varlink_reader_room(&channel->reader, &room);
	ssize_t n;

	do
		n = recv(channel->fd, buffer, room, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno != ECONNRESET)
		return error_set_errno(err, errno, "receive");
	if (n <= 0)
		return channel_explain_end(channel, err);
	varlink_reader_added(&channel->reader, (size_t)n);
	return 0;
}

/* What is no reply, over ssh: a shell there that greets whoever comes. */
static int not_a_reply(const struct channel *channel, const char *text, size_t size,
		       struct error *err)
{
	size_t n = 0;

	while (n < size && n < GREETING_SHOWN_MAX && text[n] != '\r' && text[n] != '\n')
		n++;
	if (!channel->host->ssh || (size && text[0] == '{'))
		return error_prefix(err, "the daemon's reply");
	return error_set(err, ERROR_FAILED,
			 "%s: something else than dokrustctl answers there: \"%.*s\"; what a shell "
			 "prints at its start has to be for terminals only",
			 host_describe(channel->host), (int)n, text);
}

static int take_reply(const struct channel *channel, const char *text, size_t size,
		      struct json_object **ret, bool *ret_continues, struct error *err)
{
	_cleanup_(varlink_reply_done) struct varlink_reply reply = { 0 };

	if (varlink_reply_parse(text, size, &reply, err) < 0)
		return not_a_reply(channel, text, size, err);
	if (reply.error)
		return api_error(&reply, err);
	if (ret)
		*ret = json_object_get(reply.parameters);
	if (ret_continues)
		*ret_continues = reply.continues;
	return 0;
}

int call_receive(struct channel *channel, struct json_object **ret, bool *ret_continues,
		 struct error *err)
{
	const char *text;
	size_t size;
	int r;

	while ((r = varlink_reader_next(&channel->reader, &text, &size, err)) == 0)
		if (receive_some(channel, err) < 0)
			return -1;
	return r < 0 ? -1 : take_reply(channel, text, size, ret, ret_continues, err);
}

int call_method(struct channel *channel, const char *method, struct json_object *parameters,
		struct json_object **ret, struct error *err)
{
	if (call_send(channel, method, parameters, false, false, err) < 0)
		return -1;
	return call_receive(channel, ret, NULL, err);
}

int call_once(const struct host *host, const char *method, struct json_object *parameters,
	      struct json_object **ret, struct error *err)
{
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;

	if (channel_open(&channel, host, err) < 0) {
		json_object_put(parameters);
		return -1;
	}
	return call_method(&channel, method, parameters, ret, err);
}

int call_list(const struct host *host, const char *method, struct json_object *parameters,
	      const char *key, void (*found)(struct json_object *item, void *userdata),
	      void *userdata, struct error *err)
{
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;
	bool continues = true;

	if (channel_open(&channel, host, err) < 0) {
		json_object_put(parameters);
		return -1;
	}
	if (call_send(&channel, method, parameters, true, false, err) < 0)
		return -1;
	while (continues) {
		_cleanup_(json_putp) struct json_object *reply = NULL;
		struct json_object *item;

		if (call_receive(&channel, &reply, &continues, err) < 0)
			return -1;
		item = json_object_object_get(reply, key);
		if (item)
			found(item, userdata);
	}
	return 0;
}

/* --- Upgrades -------------------------------------------------------------------------------- */

static int given_up(int number, struct error *err)
{
	char name[16];

	return error_set(err, ERROR_FAILED, "given up for %s",
			 signal_name(number, name, sizeof(name)));
}

/* Waits until there is something to receive. */
static int wait_for_reply(struct channel *channel, struct signals *signals, int *ret_signal,
			  struct error *err)
{
	struct pollfd fds[] = {
		{ .fd = channel->fd, .events = POLLIN },
		{ .fd = signals->fd, .events = POLLIN },
	};

	for (;;) {
		int number;

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			return error_set_errno(err, errno, "poll");
		}
		number = fds[1].revents ? signals_next(signals) : 0;
		if (number && number != SIGWINCH && number != SIGCONT) {
			if (signals->kept || channel->host->ssh) {
				*ret_signal = number;
				return given_up(number, err);
			}
			signals->kept = number;
		}
		if (fds[0].revents)
			return 0;
	}
}

int call_upgrade(struct channel *channel, const char *method, struct json_object *parameters,
		 struct signals *signals, struct json_object **ret, int *ret_signal,
		 struct error *err)
{
	const char *text;
	size_t size;
	int r;

	*ret_signal = 0;
	if (call_send(channel, method, parameters, false, true, err) < 0)
		return -1;
	while ((r = varlink_reader_next(&channel->reader, &text, &size, err)) == 0)
		if (wait_for_reply(channel, signals, ret_signal, err) < 0 ||
		    receive_some(channel, err) < 0)
			return -1;
	return r < 0 ? -1 : take_reply(channel, text, size, ret, NULL, err);
}
