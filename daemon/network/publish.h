/* Ports of the host that lead to a container. Each is bound by the daemon as long as it is published,
 * so that one that is in use is noticed before anything starts, and nobody else takes it; what
 * arrives there is sent on by the firewall before it would reach the socket.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/network/network.h"

struct published_port {
	struct address address; /* of the host; family 0: all */
	uint16_t host, container;
	enum port_protocol protocol;
	int fds[2]; /* IPv4, IPv6; -1: none */
};

struct publication {
	struct publication *next; /* of all; see publication_first */
	struct networks *networks;
	struct published_port *ports;
	size_t n;
	struct endpoint *endpoint; /* where they lead; NULL: nowhere yet */
	bool loopback6;		   /* those of all addresses are reached by ::1, too */
};

/* Binds the ports. spec is valid. *ret is NULL if it publishes none. The error names the port. */
int publication_new(struct networks *networks, const struct network_spec *spec,
		    struct publication **ret, struct error *err);

/* From an earlier daemon's record, where the numbers are. What cannot be bound any more is left
 * unbound, and goes on.
 */
struct publication *publication_adopt(struct networks *networks, struct json_object *array);

/* Leads them to the container's address. */
int publication_lead(struct publication *publication, struct endpoint *endpoint, struct error *err);

/* NULL-safe. */
struct publication *publication_free(struct publication *publication);

/* As port_parse reads them, an array; consecutive ones are a range. The caller's. */
struct json_object *publication_to_text(const struct publication *publication);

/* As the interface's []PublishedPort. The caller's. */
struct json_object *publication_to_json(const struct publication *publication);
