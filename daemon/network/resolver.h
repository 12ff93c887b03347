/* A resolver on the gateway's address of a network: answers for the containers there, and passes the
 * rest on to the servers that the host asks, or those of the container's own. Private to
 * daemon/network.
 */
#pragma once

#include "daemon/network/object.h"

/* NULL if the address cannot be had, which is complained of. */
struct resolver *resolver_new(struct network *network);

/* NULL-safe. */
struct resolver *resolver_free(struct resolver *resolver);

/* The endpoint is going: nothing that it has asked is answered any more. */
void resolver_forget(const struct endpoint *endpoint);
