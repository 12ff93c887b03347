/* The resolver's other way, for answers that are too long for a datagram (RFC 7766): a connection on
 * which questions follow each other, each after the answer to the one before. What is not known here
 * goes to the servers by such a connection, too. Private to daemon/network.
 */
#pragma once

#include "daemon/network/object.h"

struct resolver_tcp;

int resolver_tcp_new(struct network *network, const struct address *address,
		     struct resolver_tcp **ret, struct error *err);

/* NULL-safe; returns NULL. */
struct resolver_tcp *resolver_tcp_free(struct resolver_tcp *resolver);

/* The endpoint is going: its connections end. NULL-safe. */
void resolver_tcp_forget(struct resolver_tcp *resolver, const struct endpoint *endpoint);
