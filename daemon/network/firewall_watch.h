/* What others change in the kernel's nftables rules: a multicast group of netlink, in which each
 * transaction ends with a message that names the process (include/uapi/linux/netfilter/nf_tables.h:
 * NFT_MSG_NEWGEN). Private to daemon/network.
 */
#pragma once

#include <stdbool.h>

#include <event2/event.h>

#include "common/error.h"

struct firewall_watch;

struct firewall_watch_params {
	struct event_base *base;
	const char *table; /* the name of our tables; borrowed */
	/* A moment after it: something of our tables is gone; a rule or a chain is another in
	 * others'.
	 */
	void (*changed)(void *userdata, bool ours, bool others);
	void *userdata;
};

int firewall_watch_new(const struct firewall_watch_params *params, struct firewall_watch **ret,
		       struct error *err);

/* After this process's first transaction, which has made the tables: learns how the kernel names the
 * process. It is not getpid() in a pid namespace.
 */
void firewall_watch_learn(struct firewall_watch *watch);

/* NULL-safe; returns NULL. */
struct firewall_watch *firewall_watch_free(struct firewall_watch *watch);
