/* What the host's firewall does for the networks: two nftables tables of the instance's name, one of
 * the family inet, one of bridge, and nothing else of the ruleset. No chain of theirs has another
 * policy than accept, and what is about other interfaces is passed on at once.
 *
 * A packet costs the same whatever the number of networks, containers and published ports: all are
 * elements of sets and maps. What belongs to a lease (daemon/network/lease.c) is learned once for
 * many, and stays, so that a start touches no rules unless it publishes ports, or has an address of
 * its user's choice. Private to daemon/network.
 */
#pragma once

#include "daemon/network/object.h"
#include "daemon/network/publish.h"

struct text; /* firewall_text.h */

/* Makes the tables. EOPNOTSUPP and the like where the kernel has no nftables. */
int firewall_new(struct networks *networks, struct firewall **ret, struct error *err);

/* leave: the tables stay. */
struct firewall *firewall_free(struct firewall *firewall, bool leave);

/* Makes the tables again with all that belongs there: at a start, and when somebody has wiped them. */
int firewall_restore(struct firewall *firewall, struct error *err);

int firewall_add_network(struct firewall *firewall, const struct network *network,
			 struct error *err);
void firewall_remove_network(struct firewall *firewall, const struct network *network);

/* Lets an endpoint send, with its own addresses alone. */
int firewall_add_endpoint(struct firewall *firewall, struct endpoint *endpoint, struct error *err);
void firewall_remove_endpoint(struct firewall *firewall, const struct endpoint *endpoint);

int firewall_add_ports(struct firewall *firewall, const struct publication *publication,
		       struct error *err);
void firewall_remove_ports(struct firewall *firewall, const struct publication *publication);

/* Carries commands out in one transaction (nft(8)); the text is freed. */
int firewall_run(struct firewall *firewall, const char *commands, struct error *err);
int firewall_run_text(struct firewall *firewall, struct text *text, struct error *err);

/* What a command lists (libnftables-json(5), the array of it); the caller's. */
int firewall_list(struct firewall *firewall, const char *command, struct json_object **ret,
		  struct error *err);
