/* What the resolvers of the networks know: names and addresses of containers, for those that are on a
 * network with them; and whom to ask for the rest. Private to daemon/network.
 */
#pragma once

#include <sys/socket.h>

#include "daemon/network/dns.h"
#include "daemon/network/object.h"

enum { NAMES_PORT = 53, NAMES_SERVERS_MAX = 3 };

/* Who asks; NULL: the host. */
struct endpoint *names_asker(struct networks *networks, const struct sockaddr *from);

/* Writes the answer to a question, and returns its size; 0 if it is to be asked elsewhere. */
size_t names_answer(struct networks *networks, const struct endpoint *asker, const uint8_t *message,
		    const struct dns_question *question, uint8_t reply[DNS_MESSAGE_MAX]);

/* Whom the rest is asked: the container's servers, or the host's. */
size_t names_servers(const struct endpoint *asker, struct address servers[NAMES_SERVERS_MAX]);
