#include "daemon/network/resolver_tcp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/network/names.h"

enum {
	CONNECTIONS_MAX = 8,	   /* of one container */
	CONNECTIONS_ALL_MAX = 128, /* of a network */
	IDLE_S = 10,		   /* between questions, and within one */
	WAIT_S = 5,		   /* for a server */
	LENGTH_SIZE = 2,	   /* in front of each message */
	ANSWER_MAX = 65535,
};

struct call {
	LIST_ENTRY(call) entry;
	struct resolver_tcp *resolver;
	struct endpoint *asker;		     /* NULL: the host */
	struct bufferevent *client, *server; /* server NULL: nothing is asked */
	struct address servers[NAMES_SERVERS_MAX];
	size_t n_servers, next;
	uint8_t question[DNS_MESSAGE_MAX];
	size_t size;
};

struct resolver_tcp {
	struct network *network;
	struct evconnlistener *listener;
	LIST_HEAD(, call) calls;
	unsigned int n_calls;
};

static void end(struct call *call)
{
	LIST_REMOVE(call, entry);
	call->resolver->n_calls--;
	bufferevent_free(call->client);
	if (call->server)
		bufferevent_free(call->server);
	free(call);
}

static void send_message(struct bufferevent *to, const uint8_t *message, size_t size)
{
	const uint8_t length[LENGTH_SIZE] = { (uint8_t)(size >> 8), (uint8_t)size };

	(void)bufferevent_write(to, length, sizeof(length));
	(void)bufferevent_write(to, message, size);
}

/* The size of the message that is there, whole; 0: not yet; more than max: -1. */
static ssize_t whole_message(struct bufferevent *from, size_t max)
{
	struct evbuffer *in = bufferevent_get_input(from);
	uint8_t length[LENGTH_SIZE];
	size_t size;

	if (evbuffer_copyout(in, length, sizeof(length)) < (ssize_t)sizeof(length))
		return 0;
	size = (size_t)length[0] << 8 | length[1];
	if (size > max || size < DNS_HEADER_SIZE)
		return -1;
	return evbuffer_get_length(in) < sizeof(length) + size ? 0 : (ssize_t)size;
}

/* --- The server's side ----------------------------------------------------------------------- */

static void ask_next(struct call *call);
static void next_question(struct call *call);

static void on_answer(struct bufferevent *from, void *userdata)
{
	struct call *call = userdata;
	ssize_t size = whole_message(from, ANSWER_MAX);

	if (size == 0)
		return;
	if (size < 0) {
		ask_next(call);
		return;
	}
	(void)evbuffer_remove_buffer(bufferevent_get_input(from),
				     bufferevent_get_output(call->client),
				     LENGTH_SIZE + (size_t)size);
	bufferevent_free(TAKE_PTR(call->server));
	next_question(call);
}

static void on_server_event(struct bufferevent *from, short what, void *userdata)
{
	(void)from;
	if (!(what & BEV_EVENT_CONNECTED))
		ask_next(userdata);
}

static bool ask(struct call *call, const struct address *server)
{
	static const struct timeval wait = { .tv_sec = WAIT_S };
	struct event_base *base = call->resolver->network->set->params.base;
	int fd = socket(server->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_storage to;
	socklen_t size = address_to_socket(server, NAMES_PORT, &to);

	if (fd < 0)
		return false;
	call->server = bufferevent_socket_new(base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!call->server)
		abort();
	bufferevent_setcb(call->server, on_answer, NULL, on_server_event, call);
	(void)bufferevent_set_timeouts(call->server, &wait, &wait);
	send_message(call->server, call->question, call->size);
	(void)bufferevent_enable(call->server, EV_READ | EV_WRITE);
	if (bufferevent_socket_connect(call->server, (struct sockaddr *)&to, (int)size) == 0)
		return true;
	bufferevent_free(TAKE_PTR(call->server));
	return false;
}

static void ask_next(struct call *call)
{
	const struct dns_answer failed = { .code = DNS_FAILED };
	struct dns_question question;
	uint8_t reply[DNS_MESSAGE_MAX];

	if (call->server)
		bufferevent_free(TAKE_PTR(call->server));
	while (call->next < call->n_servers)
		if (ask(call, &call->servers[call->next++]))
			return;
	if (dns_read(call->question, call->size, &question) == 0)
		send_message(call->client, reply,
			     dns_write(call->question, &question, &failed, reply));
	next_question(call);
}

/* --- The container's side -------------------------------------------------------------------- */

static void handle(struct call *call)
{
	struct networks *networks = call->resolver->network->set;
	struct dns_question question;
	uint8_t reply[DNS_MESSAGE_MAX];
	size_t n;

	if (dns_read(call->question, call->size, &question) < 0) {
		end(call);
		return;
	}
	n = names_answer(networks, call->asker, call->question, &question, reply);
	if (n) {
		send_message(call->client, reply, n);
		next_question(call);
		return;
	}
	call->next = 0;
	call->n_servers = names_servers(call->asker, call->servers);
	ask_next(call);
}

/* Also when what was answered has been sent. */
static void on_question(struct bufferevent *from, void *userdata)
{
	struct call *call = userdata;
	ssize_t size;

	/* One at a time, and none for who does not read. */
	if (call->server || evbuffer_get_length(bufferevent_get_output(from)) > ANSWER_MAX)
		return;
	size = whole_message(from, sizeof(call->question));
	if (size == 0)
		return;
	if (size < 0) {
		end(call);
		return;
	}
	(void)evbuffer_drain(bufferevent_get_input(from), LENGTH_SIZE);
	call->size = (size_t)bufferevent_read(from, call->question, (size_t)size);
	handle(call);
}

/* Not from within the last one: who sends many at once takes a turn of the loop for each. */
static void next_question(struct call *call)
{
	bufferevent_trigger(call->client, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
}

static void on_client_event(struct bufferevent *from, short what, void *userdata)
{
	(void)from;
	(void)what;
	end(userdata);
}

static unsigned int connections_of(const struct resolver_tcp *resolver,
				   const struct endpoint *asker)
{
	const struct call *call;
	unsigned int n = 0;

	LIST_FOREACH (call, &resolver->calls, entry)
		n += call->asker == asker;
	return n;
}

static void on_connection(struct evconnlistener *listener, evutil_socket_t fd,
			  struct sockaddr *from, int size, void *userdata)
{
	static const struct timeval idle = { .tv_sec = IDLE_S };
	struct resolver_tcp *resolver = userdata;
	struct endpoint *asker = names_asker(resolver->network->set, from);
	struct call *call;

	(void)size;
	if (resolver->n_calls >= CONNECTIONS_ALL_MAX ||
	    connections_of(resolver, asker) >= CONNECTIONS_MAX) {
		(void)fd_close(fd);
		return;
	}
	call = ALLOC(struct call);
	call->resolver = resolver;
	call->asker = asker;
	call->client = bufferevent_socket_new(evconnlistener_get_base(listener), fd,
					      BEV_OPT_CLOSE_ON_FREE);
	if (!call->client)
		abort();
	LIST_INSERT_HEAD(&resolver->calls, call, entry);
	resolver->n_calls++;
	bufferevent_setcb(call->client, on_question, on_question, on_client_event, call);
	bufferevent_setwatermark(call->client, EV_READ, 0, LENGTH_SIZE + DNS_MESSAGE_MAX);
	(void)bufferevent_set_timeouts(call->client, &idle, &idle);
	(void)bufferevent_enable(call->client, EV_READ | EV_WRITE);
}

/* --- The resolver ---------------------------------------------------------------------------- */

int resolver_tcp_new(struct network *network, const struct address *address,
		     struct resolver_tcp **ret, struct error *err)
{
	struct resolver_tcp *resolver = ALLOC(struct resolver_tcp);
	char shown[ADDRESS_TEXT_SIZE];
	struct sockaddr_storage at;
	socklen_t size = address_to_socket(address, NAMES_PORT, &at);

	resolver->network = network;
	LIST_INIT(&resolver->calls);
	resolver->listener = evconnlistener_new_bind(
		network->set->params.base, on_connection, resolver,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE, CONNECTIONS_MAX,
		(struct sockaddr *)&at, (int)size);
	if (!resolver->listener) {
		free(resolver);
		return error_set_errno(err, errno, "answer for names on %s",
				       address_format(address, shown));
	}
	*ret = resolver;
	return 0;
}

struct resolver_tcp *resolver_tcp_free(struct resolver_tcp *resolver)
{
	if (!resolver)
		return NULL;
	while (!LIST_EMPTY(&resolver->calls))
		end(LIST_FIRST(&resolver->calls));
	evconnlistener_free(resolver->listener);
	free(resolver);
	return NULL;
}

void resolver_tcp_forget(struct resolver_tcp *resolver, const struct endpoint *endpoint)
{
	struct call *call = resolver ? LIST_FIRST(&resolver->calls) : NULL;

	while (call) {
		struct call *next = LIST_NEXT(call, entry);

		if (call->asker == endpoint)
			end(call);
		call = next;
	}
}
