/* Networks: bridges with subnets, whose addresses are leased to containers; and what the host's
 * firewall does for them. Knows no containers: an endpoint is one's place on one network, and its
 * owner is the room above.
 *
 * A network's bridge is made when it is first needed, or when the network is created, and is gone
 * when the network, or the last daemon of the run directory, is. All that is on the host is named
 * after the instance (common/instance.h): bridges dkbIIIIINNN and ports dkvIIIIINNNXXXX, with parts
 * of the instance's, network's and lease's numbers; and the nftables tables (firewall.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <event2/event.h>
#include <json-c/json_object.h>

#include "common/address.h"
#include "common/error.h"
#include "common/network_spec.h"
#include "daemon/store/store.h"

struct bus;
struct networks;
struct network;
struct endpoint;
struct publication;

struct networks_params {
	struct event_base *base;
	struct store *store;
	const char *run_dir;
	struct bus *bus;	     /* for firewalld; the caller's */
	const char *publish_address; /* what ports are published on by default; NULL: all */
	bool leave_firewalls;	     /* makes no rules in other firewalls' */
	/* Told of what no caller waits for, and of what was changed on the host. */
	void (*complain)(const char *network, const struct error *err);
	void (*tell)(const char *message);
};

/* Touches nothing of the host yet. */
int networks_new(const struct networks_params *params, struct networks **ret, struct error *err);

/* Reads the records. */
int networks_load(struct networks *networks, struct error *err);

/* Once what an earlier daemon left running has been adopted (endpoint_adopt): removes from the host
 * what is nobody's, and puts the firewall's tables in order.
 */
void networks_settle(struct networks *networks);

/* leave: the bridges and tables stay, for the next daemon. */
struct networks *networks_free(struct networks *networks, bool leave);

/* --- Networks -------------------------------------------------------------------------------- */

struct network_params {
	const char *name;
	const char *subnet, *gateway; /* NULL: chosen */
	const char *ipv6_subnet;      /* NULL: a unique local one if ipv6 is set */
	bool ipv6, internal;
	bool host_access; /* containers reach the host's services */
	int64_t mtu;	  /* 0: the kernel's default */
	char *const *labels;
	uid_t owner;
};

/* Makes record and bridge. ERROR_INVALID_VALUE with the field; a subnet that overlaps a route of the
 * host, or another network, is one. saved is called when the record is durable.
 */
int networks_create(struct networks *networks, const struct network_params *params,
		    store_callback saved, void *userdata, struct network **ret, struct error *err);

/* ERROR_NETWORK_NOT_FOUND. The default network is made when it is asked for. */
int networks_find(struct networks *networks, const char *name, struct network **ret,
		  struct error *err);

/* The one that containers of a user are on who may not have others', in place of the default: they
 * are nobody else's to reach, or to find by name. Made when it is asked for.
 */
int networks_find_own(struct networks *networks, uid_t user, struct network **ret,
		      struct error *err);

struct network *networks_first(struct networks *networks);
struct network *network_following(struct network *network);

/* It must have no endpoint. */
void network_remove(struct network *network, store_callback removed, void *userdata);

const char *network_name(const struct network *network);
uid_t network_owner(const struct network *network);
bool network_is_internal(const struct network *network);
bool network_is_default(const struct network *network);
struct endpoint *network_first_endpoint(const struct network *network);
struct endpoint *network_next_endpoint(const struct endpoint *endpoint);

/* As the interface's Network, but for `containers`. The caller's. */
struct json_object *network_to_json(const struct network *network);

/* The gateway's address; family 0 if the network has none of that family. */
struct address network_gateway(const struct network *network, int family);

/* --- Endpoints ------------------------------------------------------------------------------- */

struct endpoint_params {
	const struct network_attachment *attachment; /* valid */
	unsigned int number; /* of the interface in the container: eth0 is 0 */
	char *const
		*names; /* what it is found by; the first is the one that reverse look-ups tell */
	const char *owner; /* for those who look; copied */
	int64_t rate_bits; /* a second, each way; 0: no limit */
	char *const *dns;  /* whom its other questions go to; NULL: the host's own servers */
};

/* Leases addresses on a network whose bridge is up, or brought up. ERROR_INVALID_VALUE for an address
 * that is in use or not the network's; ERROR_LIMIT_REACHED.
 */
int endpoint_new(struct network *network, const struct endpoint_params *params,
		 struct endpoint **ret, struct error *err);

/* Makes its interface in a network namespace: that of the process pid, whose pidfd that is.
 * default_route: it leads out.
 */
int endpoint_connect(struct endpoint *endpoint, pid_t pid, int pidfd, bool default_route,
		     struct error *err);

/* The container's default route leads by it, if its network leads out. */
int endpoint_lead_out(const struct endpoint *endpoint, int pidfd, struct error *err);

/* Takes the interface away from a container that goes on. */
int endpoint_disconnect(struct endpoint *endpoint, struct error *err);

/* Gives its lease back. The interface goes with the container's namespace. NULL-safe. */
struct endpoint *endpoint_free(struct endpoint *endpoint);

/* For the record of a run, and back from it in a later daemon. */
struct json_object *endpoint_to_record(const struct endpoint *endpoint);
int endpoint_adopt(struct networks *networks, struct json_object *record,
		   struct endpoint_params *params, struct endpoint **ret, struct error *err);

/* What it is found by, from now on. */
void endpoint_rename(struct endpoint *endpoint, char *const *names);

unsigned int endpoint_number(const struct endpoint *endpoint);
struct network *endpoint_network(const struct endpoint *endpoint);
const char *endpoint_owner(const struct endpoint *endpoint);
struct address endpoint_address(const struct endpoint *endpoint, int family);

/* As the interface's Endpoint. The caller's. */
struct json_object *endpoint_to_json(const struct endpoint *endpoint);

/* What has passed through the interface, as the container sees it. */
struct network_counters {
	uint64_t rx_bytes, rx_packets, rx_dropped, rx_errors;
	uint64_t tx_bytes, tx_packets, tx_dropped, tx_errors;
};
int endpoint_counters(const struct endpoint *endpoint, struct network_counters *ret,
		      struct error *err);
