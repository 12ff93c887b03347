/* Bridges and pairs of virtual Ethernet interfaces. Private to daemon/network.
 *
 * IPv6's autoconfiguration is off on all of them: its chatter is what makes many interfaces slow.
 */
#pragma once

#include <net/if.h>

#include "common/address.h"
#include "common/error.h"
#include "daemon/network/network.h"

struct link_bridge {
	const char *name, *alias;
	const struct subnet *ipv4,
		*ipv6; /* the bridge's own address in its subnet; ipv6 may be NULL */
	uint32_t mtu;  /* 0: the kernel's */
};

/* netlink is a socket in the host's namespace. EEXIST if there is one of that name. */
int link_make_bridge(int netlink, const struct link_bridge *bridge, unsigned int *ret_index,
		     struct error *err);

struct link_pair {
	const char *host;    /* name of the end that is a port of the bridge */
	unsigned int bridge; /* its index */
	uint32_t pid;	     /* whose network namespace the other end goes to */
	const char *inside;  /* the other end's name there */
	const uint8_t *mac;
	uint32_t mtu;
};
int link_make_pair(int netlink, const struct link_pair *pair, struct error *err);

struct link_inside {
	const char *name; /* the interface's */
	/* With the container's address; ipv6 may be NULL. Without either, it is up already. */
	const struct subnet *ipv4, *ipv6;
	const struct address *gateway4, *gateway6; /* of default routes; NULL: none */
};

/* Sets the other end up; netlink is a socket in its namespace. */
int link_set_up_inside(int netlink, const struct link_inside *inside, struct error *err);

/* A netlink socket in the network namespace of the process that pidfd is of. home is the caller's
 * own namespace, that this thread is in again when the call returns.
 */
int link_open_inside(int home, int pidfd, int *ret_netlink, struct error *err);

/* One that is not there is no error. */
int link_remove(int netlink, const char *name, struct error *err);

/* The interface as the container sees it: what the host's end has sent, it has received. */
int link_counters(int netlink, const char *host, struct network_counters *ret, struct error *err);

/* Each interface with its alias ("" if it has none). */
int link_list(int netlink,
	      void (*callback)(void *userdata, const char *name, const char *alias,
			       unsigned int index),
	      void *userdata, struct error *err);

/* Each destination that the host has a route to, but for default routes. */
int link_list_routes(int netlink,
		     void (*callback)(void *userdata, const struct subnet *subnet,
				      unsigned int index),
		     void *userdata, struct error *err);
