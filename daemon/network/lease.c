/* Addresses, by index: the number of an address in its subnet is that of the lease, and all else
 * follows from it, so that what the firewall has learned of an index is true for whoever has it next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "daemon/network/object.h"

/* The namespace that had it may take a moment to be gone, and neighbours to forget it. */
enum { REST_US = 1000 * 1000 };

void lease_port_name(const struct network *network, uint32_t index, char name[IFNAMSIZ])
{
	(void)snprintf(name, IFNAMSIZ, "dkv%s%03x%04x", network->set->tag,
		       network->number & NETWORK_NUMBER_MAX, index & 0xffff);
}

void lease_standard(const struct network *network, uint32_t index, struct address *ret_ipv4,
		    struct address *ret_ipv6, uint8_t mac[MAC_SIZE])
{
	*ret_ipv4 = subnet_at(&network->ipv4, index);
	if (network->ipv6.address.family)
		*ret_ipv6 = subnet_at(&network->ipv6, index);
	mac[0] = 0x02;
	mac[1] = 0x42;
	(void)memcpy(mac + 2, ret_ipv4->bytes, 4);
}

static bool is_free(const struct network *network, uint32_t index)
{
	const struct endpoint *endpoint;

	if (index == subnet_index(&network->ipv4, &network->gateway4))
		return false;
	TAILQ_FOREACH (endpoint, &network->endpoints, entry)
		if (endpoint->index == index)
			return false;
	return true;
}

static bool has_address(const struct network *network, const struct address *address)
{
	const struct endpoint *endpoint;

	if (address_equal(address, &network->gateway4) ||
	    address_equal(address, &network->gateway6))
		return true;
	TAILQ_FOREACH (endpoint, &network->endpoints, entry)
		if (address_equal(&endpoint->ipv4, address) ||
		    address_equal(&endpoint->ipv6, address))
			return true;
	return false;
}

static bool has_mac(const struct network *network, const uint8_t mac[MAC_SIZE])
{
	const struct endpoint *endpoint;

	TAILQ_FOREACH (endpoint, &network->endpoints, entry)
		if (memcmp(endpoint->mac, mac, MAC_SIZE) == 0)
			return true;
	return false;
}

/* The last address of a subnet is the broadcast's. */
static uint32_t index_end(const struct network *network)
{
	uint32_t end = subnet_size(&network->ipv4) - 1;

	return end < LEASE_INDEX_MAX ? end : LEASE_INDEX_MAX;
}

static bool take_freed(struct network *network, bool rested, uint32_t *ret)
{
	int64_t now = clock_monotonic_us();

	while (network->n_freed && (!rested || network->freed[0].at_us + REST_US <= now)) {
		uint32_t index = network->freed[0].index;

		network->n_freed--;
		(void)memmove(network->freed, network->freed + 1,
			      network->n_freed * sizeof(*network->freed));
		if (is_free(network, index)) {
			*ret = index;
			return true;
		}
	}
	return false;
}

static bool take_fresh(struct network *network, uint32_t *ret)
{
	while (network->next_index < index_end(network)) {
		uint32_t index = network->next_index++;

		if (is_free(network, index)) {
			*ret = index;
			return true;
		}
	}
	return false;
}

static int choose(struct network *network, uint32_t *ret, struct error *err)
{
	if (network->n_endpoints < LEASES_MAX &&
	    (take_freed(network, true, ret) || take_fresh(network, ret) ||
	     take_freed(network, false, ret)))
		return 0;
	return error_set(err, ERROR_LIMIT_REACHED, "network \"%s\" has no free address",
			 network->name);
}

static int check_address(const struct network *network, const struct subnet *subnet,
			 const char *text, struct address *ret, struct error *err)
{
	char shown[ADDRESS_TEXT_SIZE];

	if (address_parse(text, subnet->address.family, ret, err) < 0)
		return -1;
	if (!subnet_contains(subnet, ret) || subnet_index(subnet, ret) == 0 ||
	    (ret->family == AF_INET && subnet_index(subnet, ret) >= index_end(network)))
		return error_set_subject(err, ERROR_INVALID_VALUE, "ip",
					 "%s is no address of network \"%s\", %s", text,
					 network->name, subnet_format(subnet, shown));
	if (has_address(network, ret))
		return error_set_subject(err, ERROR_INVALID_VALUE, "ip",
					 "%s is in use on network \"%s\"", text, network->name);
	return 0;
}

int lease_take(struct network *network, const struct network_attachment *attachment,
	       struct endpoint *endpoint, struct error *err)
{
	struct address wanted4 = { 0 }, wanted6 = { 0 };

	if (attachment->ipv4_address &&
	    check_address(network, &network->ipv4, attachment->ipv4_address, &wanted4, err) < 0)
		return -1;
	if (attachment->ipv6_address && !network->ipv6.address.family)
		return error_set_subject(err, ERROR_INVALID_VALUE, "ip6",
					 "network \"%s\" has no IPv6", network->name);
	if (attachment->ipv6_address &&
	    check_address(network, &network->ipv6, attachment->ipv6_address, &wanted6, err) < 0)
		return -1;
	if (wanted4.family)
		endpoint->index = subnet_index(&network->ipv4, &wanted4);
	else if (choose(network, &endpoint->index, err) < 0)
		return -1;
	lease_standard(network, endpoint->index, &endpoint->ipv4, &endpoint->ipv6, endpoint->mac);
	if (wanted6.family)
		endpoint->ipv6 = wanted6;
	if (attachment->mac_address && mac_parse(attachment->mac_address, endpoint->mac, err) < 0)
		return -1;
	if ((wanted6.family || attachment->mac_address) &&
	    (has_mac(network, endpoint->mac) ||
	     (endpoint->ipv6.family && has_address(network, &endpoint->ipv6))))
		return error_set_subject(err, ERROR_INVALID_VALUE, "mac",
					 "another container of network \"%s\" has that address",
					 network->name);
	lease_port_name(network, endpoint->index, endpoint->host);
	return 0;
}

void lease_give_back(struct endpoint *endpoint)
{
	struct network *network = endpoint->network;

	for (size_t i = 0; i < network->n_freed; i++)
		if (network->freed[i].index == endpoint->index)
			return;
	network->freed =
		alloc_resize(network->freed, (network->n_freed + 1) * sizeof(*network->freed));
	network->freed[network->n_freed++] = (struct freed_lease){
		.index = endpoint->index,
		.at_us = clock_monotonic_us(),
	};
}
