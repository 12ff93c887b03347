/* IP addresses, subnets and MAC addresses, and their texts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/error.h"

enum { ADDRESS_TEXT_SIZE = 64, MAC_SIZE = 6, MAC_TEXT_SIZE = 18 };

/* family is AF_INET or AF_INET6; 0: none. In network order; IPv4 has the first four bytes. */
struct address {
	int family;
	uint8_t bytes[16];
};

/* Bits beyond the prefix may be set. */
struct subnet {
	struct address address;
	unsigned int prefix;
};

/* Number of bytes of an address of that family. */
size_t address_size(int family);

/* family 0: either. ERROR_INVALID_VALUE. */
int address_parse(const char *text, int family, struct address *ret, struct error *err);
const char *address_format(const struct address *address, char buffer[ADDRESS_TEXT_SIZE]);
bool address_equal(const struct address *a, const struct address *b);

/* As the kernel has it, ip(7) and ipv6(7): returns the size. And back. */
socklen_t address_to_socket(const struct address *address, uint16_t port,
			    struct sockaddr_storage *ret);
struct address address_from_socket(const struct sockaddr *from);

/* ADDRESS/PREFIX. */
int subnet_parse(const char *text, struct subnet *ret, struct error *err);
const char *subnet_format(const struct subnet *subnet, char buffer[ADDRESS_TEXT_SIZE]);

/* Of the same family, and within. */
bool subnet_contains(const struct subnet *subnet, const struct address *address);
bool subnet_overlaps(const struct subnet *a, const struct subnet *b);

/* The subnet's address number n: 0 is the first, with all bits beyond the prefix clear. n is below
 * 2^32, and within the subnet.
 */
struct address subnet_at(const struct subnet *subnet, uint32_t n);

/* The reverse, of an address within; UINT32_MAX if it is beyond 2^32 - 1. */
uint32_t subnet_index(const struct subnet *subnet, const struct address *address);

/* How many addresses it has; UINT32_MAX if more. */
uint32_t subnet_size(const struct subnet *subnet);

/* Six bytes in hexadecimal, with colons; of a single station, and not all zero. */
int mac_parse(const char *text, uint8_t ret[MAC_SIZE], struct error *err);
const char *mac_format(const uint8_t mac[MAC_SIZE], char buffer[MAC_TEXT_SIZE]);
