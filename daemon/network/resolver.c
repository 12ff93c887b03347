#include "daemon/network/resolver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event_struct.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/network/names.h"
#include "daemon/network/resolver_tcp.h"

enum {
	ASKING_MAX = 64,       /* questions of one container that are on their way */
	ASKING_ALL_MAX = 1024, /* of all of a network's */
	BATCH = 32,	       /* questions at a turn of the loop */
	WAIT_S = 3,	       /* for one server */
};

/* A question that was passed on. */
struct asking {
	LIST_ENTRY(asking) link;
	struct resolver *resolver;
	struct endpoint *endpoint; /* NULL: the host itself */
	int fd, reply_fd;
	struct event event;
	struct sockaddr_storage from;
	socklen_t from_size;
	struct address servers[NAMES_SERVERS_MAX];
	size_t n_servers, next;
	uint16_t id; /* the asker's */
	uint8_t message[DNS_MESSAGE_MAX];
	size_t size;
};

struct resolver {
	struct network *network;
	int fds[2];
	struct event events[2];
	LIST_HEAD(, asking) askings;
	unsigned int n_askings;
	struct resolver_tcp *tcp[2];
};

/* --- Passing on ------------------------------------------------------------------------------ */

static void end_asking(struct asking *asking)
{
	if (asking->fd >= 0)
		(void)event_del(&asking->event);
	(void)fd_close(asking->fd);
	LIST_REMOVE(asking, link);
	asking->resolver->n_askings--;
	if (asking->endpoint)
		asking->endpoint->asking--;
	free(asking);
}

static void reply_failure(const struct asking *asking)
{
	const struct dns_answer answer = { .code = DNS_FAILED };
	struct dns_question question;
	uint8_t reply[DNS_MESSAGE_MAX];
	size_t size;

	if (dns_read(asking->message, asking->size, &question) < 0)
		return;
	size = dns_write(asking->message, &question, &answer, reply);
	reply[0] = (uint8_t)(asking->id >> 8);
	reply[1] = (uint8_t)asking->id;
	(void)sendto(asking->reply_fd, reply, size, MSG_DONTWAIT,
		     (const struct sockaddr *)&asking->from, asking->from_size);
}

static void ask_next(struct asking *asking);

static void on_answer(evutil_socket_t fd, short what, void *userdata)
{
	struct asking *asking = userdata;
	uint8_t reply[DNS_MESSAGE_MAX];
	ssize_t n = what & EV_READ ? recv(fd, reply, sizeof(reply), MSG_DONTWAIT) : -1;

	if (n >= DNS_HEADER_SIZE && memcmp(reply, asking->message, 2) == 0 && reply[2] & 0x80) {
		reply[0] = (uint8_t)(asking->id >> 8);
		reply[1] = (uint8_t)asking->id;
		(void)sendto(asking->reply_fd, reply, (size_t)n, MSG_DONTWAIT,
			     (const struct sockaddr *)&asking->from, asking->from_size);
		end_asking(asking);
		return;
	}
	if (n >= 0)
		return; /* not the answer */
	(void)event_del(&asking->event);
	asking->fd = fd_close(asking->fd);
	ask_next(asking);
}

/* A port of its own for each question, and a number that the server has to repeat. */
static bool ask(struct asking *asking, const struct address *server)
{
	static const struct timeval wait = { .tv_sec = WAIT_S };
	struct sockaddr_storage to;
	socklen_t size = address_to_socket(server, NAMES_PORT, &to);

	asking->fd = socket(server->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (asking->fd < 0)
		return false;
	(void)!getrandom(asking->message, 2, 0);
	if (connect(asking->fd, (const struct sockaddr *)&to, size) < 0 ||
	    send(asking->fd, asking->message, asking->size, 0) < 0 ||
	    event_assign(&asking->event, asking->resolver->network->set->params.base, asking->fd,
			 EV_READ | EV_PERSIST, on_answer, asking) < 0 ||
	    event_add(&asking->event, &wait) < 0) {
		asking->fd = fd_close(asking->fd);
		return false;
	}
	return true;
}

static void ask_next(struct asking *asking)
{
	while (asking->next < asking->n_servers)
		if (ask(asking, &asking->servers[asking->next++]))
			return;
	reply_failure(asking);
	end_asking(asking);
}

static void pass_on(struct resolver *resolver, struct endpoint *asker, int reply_fd,
		    const struct sockaddr_storage *from, socklen_t from_size,
		    const uint8_t *message, size_t size)
{
	struct asking *asking;

	if (resolver->n_askings >= ASKING_ALL_MAX || (asker && asker->asking >= ASKING_MAX))
		return;
	asking = ALLOC(struct asking);
	asking->resolver = resolver;
	asking->endpoint = asker;
	asking->fd = -1;
	asking->reply_fd = reply_fd;
	asking->from = *from;
	asking->from_size = from_size;
	asking->id = (uint16_t)(message[0] << 8 | message[1]);
	(void)memcpy(asking->message, message, size);
	asking->size = size;
	asking->n_servers = names_servers(asker, asking->servers);
	LIST_INSERT_HEAD(&resolver->askings, asking, link);
	resolver->n_askings++;
	if (asker)
		asker->asking++;
	ask_next(asking);
}

/* --- Questions ------------------------------------------------------------------------------- */

static void handle(struct resolver *resolver, int fd, const struct sockaddr_storage *from,
		   socklen_t from_size, const uint8_t *message, size_t size)
{
	struct networks *networks = resolver->network->set;
	struct endpoint *asker = names_asker(networks, (const struct sockaddr *)from);
	struct dns_question question;
	uint8_t reply[DNS_MESSAGE_MAX];
	size_t n;

	if (dns_read(message, size, &question) < 0)
		return;
	n = names_answer(networks, asker, message, &question, reply);
	if (n)
		(void)sendto(fd, reply, n, MSG_DONTWAIT, (const struct sockaddr *)from, from_size);
	else
		pass_on(resolver, asker, fd, from, from_size, message, size);
}

static void on_question(evutil_socket_t fd, short what, void *userdata)
{
	struct resolver *resolver = userdata;
	uint8_t message[DNS_MESSAGE_MAX];

	(void)what;
	for (int i = 0; i < BATCH; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t size = sizeof(from);
		ssize_t n = recvfrom(fd, message, sizeof(message), MSG_DONTWAIT,
				     (struct sockaddr *)&from, &size);

		if (n < 0)
			return;
		handle(resolver, fd, &from, size, message, (size_t)n);
	}
}

static int listen_on(struct resolver *resolver, int i, const struct address *address,
		     struct error *err)
{
	_cleanup_(fd_closep) int fd =
		socket(address->family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_storage at;
	socklen_t size = address_to_socket(address, NAMES_PORT, &at);
	char shown[ADDRESS_TEXT_SIZE];

	if (fd < 0 || bind(fd, (const struct sockaddr *)&at, size) < 0)
		return error_set_errno(err, errno, "answer for names on %s",
				       address_format(address, shown));
	(void)event_assign(&resolver->events[i], resolver->network->set->params.base, fd,
			   EV_READ | EV_PERSIST, on_question, resolver);
	if (event_add(&resolver->events[i], NULL) < 0)
		return error_set(err, ERROR_FAILED, "answer for names: out of memory");
	resolver->fds[i] = TAKE_FD(fd);
	return 0;
}

struct resolver *resolver_new(struct network *network)
{
	struct resolver *resolver = ALLOC(struct resolver);
	struct error err;

	resolver->network = network;
	resolver->fds[0] = resolver->fds[1] = -1;
	LIST_INIT(&resolver->askings);
	if (listen_on(resolver, 0, &network->gateway4, &err) < 0 ||
	    (network->gateway6.family && listen_on(resolver, 1, &network->gateway6, &err) < 0) ||
	    resolver_tcp_new(network, &network->gateway4, &resolver->tcp[0], &err) < 0 ||
	    (network->gateway6.family &&
	     resolver_tcp_new(network, &network->gateway6, &resolver->tcp[1], &err) < 0))
		network->set->params.complain(network->name, &err);
	return resolver;
}

struct resolver *resolver_free(struct resolver *resolver)
{
	if (!resolver)
		return NULL;
	while (!LIST_EMPTY(&resolver->askings))
		end_asking(LIST_FIRST(&resolver->askings));
	for (int i = 0; i < 2; i++) {
		resolver->tcp[i] = resolver_tcp_free(resolver->tcp[i]);
		if (resolver->fds[i] < 0)
			continue;
		(void)event_del(&resolver->events[i]);
		(void)fd_close(resolver->fds[i]);
	}
	free(resolver);
	return NULL;
}

void resolver_forget(const struct endpoint *endpoint)
{
	struct networks *networks = endpoint->network->set;
	struct network *network;

	TAILQ_FOREACH (network, &networks->list, entry) {
		struct asking *asking =
			network->resolver ? LIST_FIRST(&network->resolver->askings) : NULL;

		while (asking) {
			struct asking *next = LIST_NEXT(asking, link);

			if (asking->endpoint == endpoint)
				end_asking(asking);
			asking = next;
		}
		for (int i = 0; network->resolver && i < 2; i++)
			resolver_tcp_forget(network->resolver->tcp[i], endpoint);
	}
}
