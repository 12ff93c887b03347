/* Networks on the host: made, brought up, taken down. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "daemon/network/firewall.h"
#include "daemon/network/link.h"
#include "daemon/network/netlink.h"
#include "daemon/network/object.h"
#include "daemon/network/resolver.h"

/* Subnets are chosen from 10.192.0.0/11: 2048 of 1021 addresses each, as many as a bridge has ports. */
enum {
	POOL_FIRST = 192,
	CHOSEN_PREFIX = 22,
	CHOSEN_COUNT = 1 << (CHOSEN_PREFIX - 11),
	PREFIX4_MIN = 16,
	PREFIX4_MAX = 30,
	PREFIX6_MIN = 32,
	PREFIX6_MAX = 112,
	MTU_MIN = 1280,
	MTU_MAX = 65535,
	LABELS_MAX = 256,
	NETWORKS_ALL_MAX = 1024,
};

const char *network_bridge_name(const struct network *network, char name[IFNAMSIZ])
{
	(void)snprintf(name, IFNAMSIZ, "dkb%s%03x", network->set->tag,
		       network->number & NETWORK_NUMBER_MAX);
	return name;
}

int networks_open_host(struct networks *networks, struct error *err)
{
	if (networks->home < 0)
		networks->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (networks->home < 0)
		return error_set_errno(err, errno, "the host's network namespace");
	if (networks->netlink < 0 && netlink_open(&networks->netlink, err) < 0)
		return -1;
	return networks->firewall ? 0 : firewall_new(networks, &networks->firewall, err);
}

/* --- Kernel parameters ----------------------------------------------------------------------- */

static bool read_parameter(const char *path, char *value, size_t size)
{
	_cleanup_(fd_closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, value, size - 1);

	value[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static int write_parameter(const char *path, const char *value, struct error *err)
{
	_cleanup_(fd_closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return error_set_errno(err, errno, "write %s to %s", value, path);
	return 0;
}

static bool has_ipv6(void)
{
	return access("/proc/sys/net/ipv6", F_OK) == 0;
}

static bool default_route_is_advertised(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/net/ipv6_route", "re");
	char line[256], destination[33];
	unsigned int prefix, flags;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%32s %x %*s %*s %*s %*s %*s %*s %x", destination, &prefix,
			   &flags) == 3 &&
		    prefix == 0 && flags & 0x00040000 /* RTF_ADDRCONF */)
			return true;
	return false;
}

/* What a router has to be told to be one. It is said, since it is the whole host's. */
static int turn_on(struct networks *networks, const struct network *network, const char *path,
		   struct error *err)
{
	_cleanup_(freep) char *message = NULL;
	char value[8];

	if (!read_parameter(path, value, sizeof(value)) || value[0] == '1')
		return 0;
	if (write_parameter(path, "1", err) < 0)
		return -1;
	message = alloc_printf("turned %s on: network \"%s\" needs it", path + strlen("/proc/sys/"),
			       network->name);
	networks->params.tell(message);
	return 0;
}

static int turn_forwarding_on(struct network *network, struct error *err)
{
	struct networks *networks = network->set;

	if (network->internal)
		return 0;
	if (turn_on(networks, network, "/proc/sys/net/ipv4/ip_forward", err) < 0)
		return -1;
	if (!network->ipv6.address.family)
		return 0;
	/* A host that forwards takes no more advertisements, and would lose its own way out. */
	if (default_route_is_advertised()) {
		networks->params.tell("IPv6 is not forwarded: the host's default route is from a "
				      "router's advertisements, which it would not take any more");
		return 0;
	}
	return turn_on(networks, network, "/proc/sys/net/ipv6/conf/all/forwarding", err);
}

/* For ports that are reached by 127.0.0.1: the firewall keeps everything else away from there. */
static int route_loopback(const struct network *network, struct error *err)
{
	_cleanup_(freep) char *path =
		alloc_printf("/proc/sys/net/ipv4/conf/%s/route_localnet", network->bridge);

	return write_parameter(path, "1", err);
}

/* --- Up and down ----------------------------------------------------------------------------- */

struct finding {
	const struct network *network;
	const struct subnet *subnet;
	struct subnet found;
	bool overlaps;
	const char *alias;
	unsigned int index;
};

static void compare_route(void *userdata, const struct subnet *subnet, unsigned int index)
{
	struct finding *finding = userdata;

	if (finding->overlaps || (finding->index && finding->index == index) ||
	    !subnet_overlaps(subnet, finding->subnet))
		return;
	finding->overlaps = true;
	finding->found = *subnet;
}

static void compare_alias(void *userdata, const char *name, const char *alias, unsigned int index)
{
	struct finding *finding = userdata;

	(void)name;
	if (strcmp(alias, finding->alias) == 0)
		finding->index = index;
}

/* except: a network that is not compared; index: an interface whose routes are not. */
static int check_free(struct networks *networks, const struct network *except, unsigned int index,
		      const struct subnet *subnet, struct error *err)
{
	struct finding finding = { .subnet = subnet, .index = index };
	char a[ADDRESS_TEXT_SIZE], b[ADDRESS_TEXT_SIZE];
	const struct network *network;

	TAILQ_FOREACH (network, &networks->list, entry)
		if (network != except &&
		    (subnet_overlaps(&network->ipv4, subnet) ||
		     (network->ipv6.address.family && subnet_overlaps(&network->ipv6, subnet))))
			return error_set_subject(err, ERROR_INVALID_VALUE, "subnet",
						 "subnet %s overlaps that of network \"%s\"",
						 subnet_format(subnet, a), network->name);
	if (link_list_routes(networks->netlink, compare_route, &finding, err) < 0)
		return -1;
	if (finding.overlaps)
		return error_set_subject(err, ERROR_INVALID_VALUE, "subnet",
					 "subnet %s overlaps the host's route to %s",
					 subnet_format(subnet, a),
					 subnet_format(&finding.found, b));
	return 0;
}

static char *alias_of(const struct network *network)
{
	return alloc_printf("%s/%s", network->set->instance, network->id);
}

static int make_bridge(struct network *network, struct error *err)
{
	_cleanup_(freep) char *alias = alias_of(network);
	struct networks *networks = network->set;
	struct subnet ipv4 = { network->gateway4, network->ipv4.prefix };
	struct subnet ipv6 = { network->gateway6, network->ipv6.prefix };
	struct finding finding = { .alias = alias };
	const struct link_bridge bridge = {
		.name = network->bridge,
		.alias = alias,
		.ipv4 = &ipv4,
		.ipv6 = network->ipv6.address.family ? &ipv6 : NULL,
		.mtu = network->mtu,
	};

	/* One that a daemon before this one has left. */
	if (link_list(networks->netlink, compare_alias, &finding, err) < 0)
		return -1;
	if (finding.index) {
		network->bridge_index = finding.index;
		return 0;
	}
	if (check_free(networks, network, 0, &network->ipv4, err) < 0 ||
	    (bridge.ipv6 && check_free(networks, network, 0, &network->ipv6, err) < 0))
		return -1;
	return link_make_bridge(networks->netlink, &bridge, &network->bridge_index, err);
}

static int bring_up(struct network *network, struct error *err)
{
	struct networks *networks = network->set;

	if (networks_open_host(networks, err) < 0)
		return -1;
	(void)network_bridge_name(network, network->bridge);
	if (make_bridge(network, err) < 0 || route_loopback(network, err) < 0 ||
	    turn_forwarding_on(network, err) < 0)
		return -1;
	return firewall_add_network(networks->firewall, network, err);
}

int network_up(struct network *network, struct error *err)
{
	struct error ignored;

	if (network->bridge_index)
		return 0;
	if (bring_up(network, err) < 0) {
		if (network->bridge_index)
			(void)link_remove(network->set->netlink, network->bridge, &ignored);
		network->bridge_index = 0;
		(void)error_prefix(err, "network \"%s\"", network->name);
		/* What is wrong with the host, not with what was asked for. */
		if (err->code == ERROR_FAILED) {
			const size_t n = strlen(err->message);

			(void)snprintf(err->message + n, sizeof(err->message) - n,
				       "; \"--network none\" works without");
		}
		return -1;
	}
	network->resolver = resolver_new(network);
	return 0;
}

void network_down(struct network *network)
{
	struct networks *networks = network->set;
	struct error err;

	if (!network->bridge_index)
		return;
	network->resolver = resolver_free(network->resolver);
	if (networks->firewall)
		firewall_remove_network(networks->firewall, network);
	if (link_remove(networks->netlink, network->bridge, &err) < 0)
		networks->params.complain(network->name, &err);
	network->bridge_index = 0;
}

/* --- Creating -------------------------------------------------------------------------------- */

static uint32_t random_number(void)
{
	uint32_t number = 0;

	(void)!getrandom(&number, sizeof(number), 0);
	return number;
}

static bool number_is_taken(const struct networks *networks, uint32_t number)
{
	const struct network *network;

	TAILQ_FOREACH (network, &networks->list, entry)
		if (network->number == number)
			return true;
	return false;
}

static int choose_subnet(struct networks *networks, struct subnet *ret, struct error *err)
{
	const uint32_t start = random_number() % CHOSEN_COUNT;
	struct subnet subnet = { .address = { .family = AF_INET }, .prefix = CHOSEN_PREFIX };

	for (uint32_t i = 0; i < CHOSEN_COUNT; i++) {
		uint32_t number = (start + i) % CHOSEN_COUNT;

		subnet.address.bytes[0] = 10;
		subnet.address.bytes[1] = (uint8_t)(POOL_FIRST + (number >> 6));
		subnet.address.bytes[2] = (uint8_t)(number << 2);
		if (check_free(networks, NULL, 0, &subnet, err) == 0) {
			*ret = subnet;
			return 0;
		}
		if (err->code != ERROR_INVALID_VALUE)
			return -1;
	}
	return error_set(err, ERROR_LIMIT_REACHED, "no subnet is free");
}

/* RFC 4193: fd00::/8, and 40 random bits. */
static struct subnet unique_local_subnet(void)
{
	struct subnet subnet = { .address = { .family = AF_INET6, .bytes = { 0xfd } },
				 .prefix = 64 };

	(void)!getrandom(subnet.address.bytes + 1, 5, 0);
	return subnet;
}

static int in_field(const char *field, struct error *err)
{
	if (err->code == ERROR_INVALID_VALUE)
		(void)snprintf(err->subject, sizeof(err->subject), "%s", field);
	return -1;
}

static int read_subnet(const char *text, int family, const char *field, struct subnet *ret,
		       struct error *err)
{
	const unsigned int least = family == AF_INET ? PREFIX4_MIN : PREFIX6_MIN;
	const unsigned int most = family == AF_INET ? PREFIX4_MAX : PREFIX6_MAX;

	if (subnet_parse(text, ret, err) < 0)
		return in_field(field, err);
	if (ret->address.family != family || ret->prefix < least || ret->prefix > most)
		return error_set_subject(err, ERROR_INVALID_VALUE, field,
					 "%s: an %s subnet of /%u to /%u is expected", text,
					 family == AF_INET ? "IPv4" : "IPv6", least, most);
	ret->address = subnet_at(ret, 0);
	return 0;
}

static int fill_ipv4(struct network *network, const struct network_params *params,
		     struct error *err)
{
	if (params->subnet ?
		    read_subnet(params->subnet, AF_INET, "subnet", &network->ipv4, err) < 0 :
		    choose_subnet(network->set, &network->ipv4, err) < 0)
		return -1;
	network->gateway4 = subnet_at(&network->ipv4, 1);
	if (!params->gateway)
		return 0;
	if (address_parse(params->gateway, AF_INET, &network->gateway4, err) < 0)
		return in_field("gateway", err);
	if (!subnet_contains(&network->ipv4, &network->gateway4) ||
	    subnet_index(&network->ipv4, &network->gateway4) == 0 ||
	    subnet_index(&network->ipv4, &network->gateway4) >= subnet_size(&network->ipv4) - 1)
		return error_set_subject(err, ERROR_INVALID_VALUE, "gateway",
					 "%s is no address of the subnet", params->gateway);
	return 0;
}

static int fill(struct network *network, const struct network_params *params, struct error *err)
{
	if (fill_ipv4(network, params, err) < 0)
		return -1;
	if (params->ipv6_subnet &&
	    read_subnet(params->ipv6_subnet, AF_INET6, "ipv6_subnet", &network->ipv6, err) < 0)
		return -1;
	if (!params->ipv6_subnet && params->ipv6 && has_ipv6())
		network->ipv6 = unique_local_subnet();
	if (network->ipv6.address.family)
		network->gateway6 = subnet_at(&network->ipv6, 1);
	do
		network->number = random_number() & NETWORK_NUMBER_MAX;
	while (number_is_taken(network->set, network->number));
	network->name = alloc_strdup(params->name);
	network->owner = params->owner;
	network->internal = params->internal;
	network->host_access = params->host_access;
	network->mtu = (uint32_t)params->mtu;
	network->labels = strv_copy(params->labels);
	network->created_at_us = clock_realtime_us();
	network->next_index = LEASE_FIRST;
	return 0;
}

static int check(struct networks *networks, const struct network_params *params, struct error *err)
{
	const struct network *network;
	size_t n = 0;

	if (name_check(params->name, err) < 0)
		return -1;
	if (strcmp(params->name, "none") == 0 || strcmp(params->name, "host") == 0)
		return error_set_subject(err, ERROR_INVALID_VALUE, "name",
					 "\"%s\" is no network's name: it has a meaning",
					 params->name);
	TAILQ_FOREACH (network, &networks->list, entry) {
		if (strcmp(network->name, params->name) == 0)
			return error_set_subject(err, ERROR_INVALID_VALUE, "name",
						 "there is a network named \"%s\" already",
						 params->name);
		n++;
	}
	if (n >= NETWORKS_ALL_MAX)
		return error_set(err, ERROR_LIMIT_REACHED, "there are %zu networks", n);
	if (params->mtu && (params->mtu < MTU_MIN || params->mtu > MTU_MAX))
		return error_set_subject(err, ERROR_INVALID_VALUE, "mtu",
					 "an MTU is between %d and %d", MTU_MIN, MTU_MAX);
	if (params->gateway && !params->subnet)
		return error_set_subject(err, ERROR_INVALID_VALUE, "gateway",
					 "a gateway needs a subnet to be in");
	if (strv_length(params->labels) > LABELS_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "labels", "more than %d labels",
					 LABELS_MAX);
	return 0;
}

static void make_id(char id[NETWORK_ID_LENGTH + 1])
{
	for (size_t i = 0; i < NETWORK_ID_LENGTH; i += 8)
		(void)snprintf(id + i, 9, "%08x", random_number());
}

int networks_create(struct networks *networks, const struct network_params *params,
		    store_callback saved, void *userdata, struct network **ret, struct error *err)
{
	struct network *network;

	if (check(networks, params, err) < 0 || networks_open_host(networks, err) < 0)
		return -1;
	network = ALLOC(struct network);
	network->set = networks;
	make_id(network->id);
	TAILQ_INIT(&network->endpoints);
	if (fill(network, params, err) < 0) {
		free(network);
		return -1;
	}
	TAILQ_INSERT_TAIL(&networks->list, network, entry);
	if (network_up(network, err) < 0 || network_save(network, saved, userdata, err) < 0) {
		network_down(network);
		network_free(network);
		return -1;
	}
	*ret = network;
	return 0;
}

/* --- After an earlier daemon ----------------------------------------------------------------- */

struct sweep {
	struct networks *networks;
	char **nobodys; /* names of interfaces */
};

static void judge(void *userdata, const char *name, const char *alias, unsigned int index)
{
	struct sweep *sweep = userdata;
	const size_t n = strlen(sweep->networks->instance);
	struct network *network;

	if (strncmp(alias, sweep->networks->instance, n) != 0 || alias[n] != '/')
		return;
	TAILQ_FOREACH (network, &sweep->networks->list, entry)
		if (network->bridge_index == index)
			return;
	strv_append(&sweep->nobodys, name);
}

void networks_settle(struct networks *networks)
{
	struct sweep sweep = { .networks = networks };
	_cleanup_(fd_closep) int netlink = -1;
	struct error err, ignored;

	if (netlink_open(&netlink, &err) < 0 || link_list(netlink, judge, &sweep, &err) < 0) {
		networks->params.complain("", &err);
		return;
	}
	for (char **name = sweep.nobodys; name && *name; name++)
		(void)link_remove(netlink, *name, &ignored);
	/* There was one: there may be tables, too. */
	if (sweep.nobodys && !networks->firewall && networks_open_host(networks, &err) == 0)
		networks->firewall = firewall_free(networks->firewall, false);
	strv_free(sweep.nobodys);
}
