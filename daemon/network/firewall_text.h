/* The firewall's tables and elements as nft(8) reads them. Private to daemon/network. */
#pragma once

#include "daemon/network/object.h"
#include "daemon/network/publish.h"

/* Text that grows; zero: empty. */
struct text {
	char *data;
	size_t size;
	void *stream;
};

void text_put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text, the caller's; "" if there is none. */
char *text_take(struct text *text);

/* Both tables, empty, in place of whatever was there. */
void firewall_text_tables(struct text *text, const struct networks *networks);

/* verb is "add" or "delete" in all of these. */
void firewall_text_network(struct text *text, const struct network *network, const char *verb);

/* Its lease's block, unless it is known, and what is its own. */
void firewall_text_endpoint(struct text *text, struct endpoint *endpoint, const char *verb);

/* The latter alone: addresses of its user's choice, and its rate. */
void firewall_text_own(struct text *text, const struct endpoint *endpoint, const char *verb);

/* All blocks that are known of a network. */
void firewall_text_known(struct text *text, const struct network *network, const char *verb);

void firewall_text_ports(struct text *text, const struct publication *publication,
			 const char *verb);
