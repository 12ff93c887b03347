/* What networks are made of; private to daemon/network. */
#pragma once

#include <net/if.h>
#include <sys/queue.h>

#include "common/instance.h"
#include "common/name.h"
#include "daemon/network/network.h"

enum {
	NETWORK_ID_LENGTH = 32,
	NETWORK_NUMBER_MAX = 0xfff,
	LEASES_MAX = 1021, /* a bridge has 1023 ports */
	LEASE_FIRST = 2,   /* 0 is the network, 1 the gateway as a rule */
	LEASE_BLOCK = 32,  /* how many addresses the firewall learns at once */
	LEASE_INDEX_MAX = 0xfffe,
};

TAILQ_HEAD(network_list, network);
TAILQ_HEAD(endpoint_list, endpoint);

struct firewall;
struct resolver;

/* Indices that were given back, the oldest first. */
struct freed_lease {
	uint32_t index;
	int64_t at_us;
};

struct network {
	TAILQ_ENTRY(network) entry;
	struct networks *set;
	char id[NETWORK_ID_LENGTH + 1];
	char *name;
	uint32_t number; /* in the names of its interfaces */
	uid_t owner;
	int64_t created_at_us;
	char **labels;
	bool internal, host_access;
	uint32_t mtu;
	struct subnet ipv4, ipv6; /* ipv6.address.family 0: none */
	struct address gateway4, gateway6;

	char bridge[IFNAMSIZ];
	unsigned int bridge_index; /* 0: it is not up */
	struct resolver *resolver;
	struct endpoint_list endpoints;
	size_t n_endpoints;
	uint32_t next_index; /* the first that was never leased */
	struct freed_lease *freed;
	size_t n_freed;
	uint64_t known[(LEASE_INDEX_MAX + 1) / LEASE_BLOCK / 64 + 1]; /* blocks, to the firewall */
};

struct endpoint {
	TAILQ_ENTRY(endpoint) entry;
	struct network *network;
	char *owner;
	char **names, **dns;
	unsigned int asking; /* questions that are passed on */
	char host[IFNAMSIZ]; /* the bridge's port */
	unsigned int number;
	uint32_t index; /* of the lease */
	struct address ipv4, ipv6;
	uint8_t mac[MAC_SIZE];
	int64_t rate_bits;
};

struct networks {
	struct networks_params params;
	char instance[INSTANCE_NAME_SIZE];
	char tag[6]; /* five digits of it, for names of interfaces */
	struct network_list list;
	struct publication *publications;
	struct firewall *firewall; /* NULL: nothing of the host was touched yet */
	int netlink, home;	   /* -1: not yet */
};

/* --- set.c */

int network_save(struct network *network, store_callback saved, void *userdata, struct error *err);
void network_free(struct network *network);

/* --- create.c */

/* The netlink socket and the like. */
int networks_open_host(struct networks *networks, struct error *err);

/* Brings the bridge up if it is not. */
int network_up(struct network *network, struct error *err);
void network_down(struct network *network);
const char *network_bridge_name(const struct network *network, char name[IFNAMSIZ]);

/* --- lease.c */

void lease_port_name(const struct network *network, uint32_t index, char name[IFNAMSIZ]);
void lease_standard(const struct network *network, uint32_t index, struct address *ret_ipv4,
		    struct address *ret_ipv6, uint8_t mac[MAC_SIZE]);
int lease_take(struct network *network, const struct network_attachment *attachment,
	       struct endpoint *endpoint, struct error *err);
void lease_give_back(struct endpoint *endpoint);
