#include "daemon/network/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cleanup.h"
#include "common/fdio.h"

enum { ANSWERS_MAX = 24, RESOLV_CONF_MAX = 64 * 1024 };

/* --- What is known here ---------------------------------------------------------------------- */

static struct endpoint *find_endpoint(struct networks *networks, const struct address *address)
{
	struct network *network;
	struct endpoint *endpoint;

	TAILQ_FOREACH (network, &networks->list, entry) {
		if (!subnet_contains(&network->ipv4, address) &&
		    !subnet_contains(&network->ipv6, address))
			continue;
		TAILQ_FOREACH (endpoint, &network->endpoints, entry)
			if (address_equal(&endpoint->ipv4, address) ||
			    address_equal(&endpoint->ipv6, address))
				return endpoint;
	}
	return NULL;
}

/* Whether the asker is on that network; the host is on all. */
static bool is_on(const struct network *network, const struct endpoint *asker)
{
	const struct endpoint *endpoint;

	if (!asker || asker->network == network)
		return true;
	TAILQ_FOREACH (endpoint, &network->endpoints, entry)
		if (strcmp(endpoint->owner, asker->owner) == 0)
			return true;
	return false;
}

static bool has_name(const struct endpoint *endpoint, const char *name)
{
	for (char **own = endpoint->names; own && *own; own++)
		if (strcasecmp(*own, name) == 0)
			return true;
	return false;
}

struct found {
	struct address addresses[ANSWERS_MAX];
	size_t n;
	bool name_exists;
};

static void collect(const struct endpoint *endpoint, uint16_t type, struct found *found)
{
	found->name_exists = true;
	if ((type == DNS_A || type == DNS_ANY) && found->n < ANSWERS_MAX)
		found->addresses[found->n++] = endpoint->ipv4;
	if ((type == DNS_AAAA || type == DNS_ANY) && endpoint->ipv6.family &&
	    found->n < ANSWERS_MAX)
		found->addresses[found->n++] = endpoint->ipv6;
}

static void look_up(struct networks *networks, const struct endpoint *asker,
		    const struct dns_question *question, struct found *found)
{
	struct network *network;
	struct endpoint *endpoint;

	TAILQ_FOREACH (network, &networks->list, entry) {
		if (!is_on(network, asker))
			continue;
		TAILQ_FOREACH (endpoint, &network->endpoints, entry)
			if (has_name(endpoint, question->name))
				collect(endpoint, question->type, found);
	}
}

/* Addresses of networks are told of here alone, whoever has them. */
static bool is_ours(const struct networks *networks, const struct address *address)
{
	const struct network *network;

	TAILQ_FOREACH (network, &networks->list, entry)
		if (subnet_contains(&network->ipv4, address) ||
		    subnet_contains(&network->ipv6, address))
			return true;
	return false;
}

static bool answer_here(struct networks *networks, const struct endpoint *asker,
			const struct dns_question *question, struct found *found,
			struct dns_answer *ret)
{
	const struct endpoint *endpoint;
	struct address address;

	*ret = (struct dns_answer){ .code = DNS_OK };
	if (question->type == DNS_PTR && dns_reverse(question->name, &address) == 0 &&
	    is_ours(networks, &address)) {
		endpoint = find_endpoint(networks, &address);
		if (endpoint && is_on(endpoint->network, asker) && endpoint->names)
			ret->name = endpoint->names[0];
		else
			ret->code = DNS_NO_NAME;
		return true;
	}
	look_up(networks, asker, question, found);
	ret->addresses = found->addresses;
	ret->n_addresses = found->n;
	return found->name_exists;
}

static bool reaches_outside(struct networks *networks, const struct endpoint *asker)
{
	const struct network *network;

	TAILQ_FOREACH (network, &networks->list, entry)
		if (!network->internal && is_on(network, asker))
			return true;
	return false;
}

struct endpoint *names_asker(struct networks *networks, const struct sockaddr *from)
{
	const struct address address = address_from_socket(from);

	return find_endpoint(networks, &address);
}

size_t names_answer(struct networks *networks, const struct endpoint *asker, const uint8_t *message,
		    const struct dns_question *question, uint8_t reply[DNS_MESSAGE_MAX])
{
	struct found found = { .n = 0 };
	struct dns_answer answer;

	if (!answer_here(networks, asker, question, &found, &answer)) {
		if (reaches_outside(networks, asker))
			return 0;
		answer = (struct dns_answer){ .code = DNS_NO_NAME };
	}
	return dns_write(message, question, &answer, reply);
}

/* --- Who knows the rest ----------------------------------------------------------------------- */

static size_t servers_of_host(struct address servers[NAMES_SERVERS_MAX])
{
	_cleanup_(freep) char *text = NULL;
	char *rest, *line;
	struct error ignored;
	size_t size, n = 0;

	if (fd_read_file_at(-1, "/etc/resolv.conf", RESOLV_CONF_MAX, &text, &size, &ignored) < 0)
		return 0;
	for (rest = text; n < NAMES_SERVERS_MAX && (line = strsep(&rest, "\n"));) {
		char address[ADDRESS_TEXT_SIZE];

		if (sscanf(line, " nameserver %63s", address) == 1 &&
		    address_parse(address, 0, &servers[n], &ignored) == 0)
			n++;
	}
	return n;
}

size_t names_servers(const struct endpoint *asker, struct address servers[NAMES_SERVERS_MAX])
{
	struct error ignored;
	size_t n = 0;

	for (char **dns = asker ? asker->dns : NULL; dns && *dns && n < NAMES_SERVERS_MAX; dns++)
		if (address_parse(*dns, 0, &servers[n], &ignored) == 0)
			n++;
	return n ? n : servers_of_host(servers);
}
