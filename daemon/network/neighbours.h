/* Other firewalls beside ours. A packet goes on only if all of them let it, and some drop or refuse
 * what they do not know: iptables' chain FORWARD where docker or ufw have set its policy, and
 * firewalld's zones. What is done about it, and given back later:
 *
 * - at the end of iptables' chain FORWARD, after all rules of others, while its policy is to drop:
 *   rules for our bridges alone, in the form that iptables(8) shows and removes;
 * - firewalld is told that our bridges are of its zone "trusted" (firewalld.dbus(5)).
 *
 * Chains of other tables that drop are somebody's own design: they are named in the log, and left.
 * Private to daemon/network.
 */
#pragma once

#include "daemon/network/object.h"

struct neighbours;

struct neighbours *neighbours_new(struct networks *networks, struct firewall *firewall);

/* leave: the rules stay. NULL-safe; returns NULL. */
struct neighbours *neighbours_free(struct neighbours *neighbours, bool leave);

/* Looks at what there is now. */
void neighbours_check(struct neighbours *neighbours);

/* A bridge that came or is about to go. */
void neighbours_add(struct neighbours *neighbours, const struct network *network);
void neighbours_remove(struct neighbours *neighbours, const struct network *network);
