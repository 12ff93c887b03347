/* Questions of the domain name system (RFC 1035) and answers to them. Private to daemon/network.
 *
 * libevent's evdns can ask for addresses and names alone; what a resolver passes on may be anything,
 * so messages go on as they came, and only the question in them is read.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/address.h"

enum {
	DNS_NAME_SIZE = 256,
	DNS_HEADER_SIZE = 12,
	DNS_MESSAGE_MAX = 4096,
	DNS_A = 1,
	DNS_PTR = 12,
	DNS_AAAA = 28,
	DNS_ANY = 255,
};

enum dns_code { DNS_OK = 0, DNS_FORMAT = 1, DNS_FAILED = 2, DNS_NO_NAME = 3, DNS_REFUSED = 5 };

struct dns_question {
	char name[DNS_NAME_SIZE]; /* lower case, without a dot at its end */
	uint16_t type;
	size_t end; /* of the question in the message */
};

/* The one question of a query; -1 if it is none. */
int dns_read(const uint8_t *message, size_t size, struct dns_question *ret);

/* The address that a name below in-addr.arpa or ip6.arpa stands for; -1 if it is no such name. */
int dns_reverse(const char *name, struct address *ret);

/* What is answered: addresses of the family that was asked for, or a name. */
struct dns_answer {
	enum dns_code code;
	const struct address *addresses;
	size_t n_addresses;
	const char *name; /* NULL: none */
};

/* Writes the answer to a query, of DNS_MESSAGE_MAX bytes at most, 512 where it can be no more; returns
 * its size.
 */
size_t dns_write(const uint8_t *query, const struct dns_question *question,
		 const struct dns_answer *answer, uint8_t *ret);
