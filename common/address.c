#include "common/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "common/parse.h"

size_t address_size(int family)
{
	return family == AF_INET ? 4 : 16;
}

int address_parse(const char *text, int family, struct address *ret, struct error *err)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct address address = { 0 };

	for (size_t i = 0; i < 2; i++) {
		if ((family && family != families[i]) ||
		    inet_pton(families[i], text, address.bytes) != 1)
			continue;
		address.family = families[i];
		*ret = address;
		return 0;
	}
	return error_set(err, ERROR_INVALID_VALUE, "\"%.64s\" is no %saddress", text,
			 family == AF_INET  ? "IPv4 " :
			 family == AF_INET6 ? "IPv6 " :
					      "IP ");
}

const char *address_format(const struct address *address, char buffer[ADDRESS_TEXT_SIZE])
{
	if (!address->family ||
	    !inet_ntop(address->family, address->bytes, buffer, ADDRESS_TEXT_SIZE))
		buffer[0] = '\0';
	return buffer;
}

socklen_t address_to_socket(const struct address *address, uint16_t port,
			    struct sockaddr_storage *ret)
{
	*ret = (struct sockaddr_storage){ .ss_family = (sa_family_t)address->family };
	if (address->family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)(void *)ret;

		in->sin_port = htons(port);
		(void)memcpy(&in->sin_addr, address->bytes, 4);
		return sizeof(*in);
	}
	((struct sockaddr_in6 *)(void *)ret)->sin6_port = htons(port);
	(void)memcpy(&((struct sockaddr_in6 *)(void *)ret)->sin6_addr, address->bytes, 16);
	return sizeof(struct sockaddr_in6);
}

struct address address_from_socket(const struct sockaddr *from)
{
	struct address address = { .family = from->sa_family };

	if (from->sa_family == AF_INET)
		(void)memcpy(address.bytes,
			     &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	else
		(void)memcpy(address.bytes,
			     &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
	return address;
}

bool address_equal(const struct address *a, const struct address *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, address_size(a->family)) == 0;
}

int subnet_parse(const char *text, struct subnet *ret, struct error *err)
{
	const char *slash = strchr(text, '/');
	char address[ADDRESS_TEXT_SIZE];
	struct subnet subnet;
	int64_t prefix;

	if (!slash || slash - text >= (ptrdiff_t)sizeof(address))
		return error_set(err, ERROR_INVALID_VALUE, "\"%.64s\": a subnet is ADDRESS/BITS",
				 text);
	(void)snprintf(address, sizeof(address), "%.*s", (int)(slash - text), text);
	if (address_parse(address, 0, &subnet.address, err) < 0 ||
	    parse_integer(slash + 1, 1, (int64_t)address_size(subnet.address.family) * 8, &prefix,
			  err) < 0)
		return error_prefix(err, "subnet %.64s", text);
	subnet.prefix = (unsigned int)prefix;
	*ret = subnet;
	return 0;
}

const char *subnet_format(const struct subnet *subnet, char buffer[ADDRESS_TEXT_SIZE])
{
	const struct address first = subnet_at(subnet, 0);
	size_t n;

	(void)address_format(&first, buffer);
	n = strlen(buffer);
	(void)snprintf(buffer + n, ADDRESS_TEXT_SIZE - n, "/%u", subnet->prefix);
	return buffer;
}

static bool equal_prefix(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return !rest || !((a[bytes] ^ b[bytes]) >> (8 - rest));
}

bool subnet_contains(const struct subnet *subnet, const struct address *address)
{
	return subnet->address.family == address->family &&
	       equal_prefix(subnet->address.bytes, address->bytes, subnet->prefix);
}

bool subnet_overlaps(const struct subnet *a, const struct subnet *b)
{
	return subnet_contains(a->prefix < b->prefix ? a : b,
			       a->prefix < b->prefix ? &b->address : &a->address);
}

struct address subnet_at(const struct subnet *subnet, uint32_t n)
{
	struct address address = subnet->address;
	size_t size = address_size(address.family);

	for (size_t i = 0; i < size; i++) {
		unsigned int fixed = subnet->prefix > i * 8 ? subnet->prefix - (unsigned int)i * 8 :
							      0;

		if (fixed < 8)
			address.bytes[i] &= (uint8_t)(0xff00U >> fixed);
	}
	for (size_t i = 0; i < 4; i++)
		address.bytes[size - 1 - i] |= (uint8_t)(n >> (8 * i));
	return address;
}

uint32_t subnet_index(const struct subnet *subnet, const struct address *address)
{
	const struct address first = subnet_at(subnet, 0);
	size_t size = address_size(address->family);
	uint32_t n = 0;

	for (size_t i = 0; i < size; i++) {
		uint8_t difference = address->bytes[i] ^ first.bytes[i];

		if (difference && i + 4 < size)
			return UINT32_MAX;
		n = n << 8 | difference;
	}
	return n;
}

uint32_t subnet_size(const struct subnet *subnet)
{
	unsigned int host = (unsigned int)address_size(subnet->address.family) * 8 - subnet->prefix;

	return host >= 32 ? UINT32_MAX : UINT32_C(1) << host;
}

int mac_parse(const char *text, uint8_t ret[MAC_SIZE], struct error *err)
{
	unsigned int bytes[MAC_SIZE];
	uint8_t mac[MAC_SIZE];
	int end = 0;

	if (strlen(text) != MAC_TEXT_SIZE - 1 ||
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &bytes[0], &bytes[1], &bytes[2], &bytes[3],
		   &bytes[4], &bytes[5], &end) != MAC_SIZE ||
	    end != MAC_TEXT_SIZE - 1 || strspn(text, "0123456789abcdefABCDEF:") != strlen(text))
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.32s\" is no MAC address, as 02:00:5e:10:00:01", text);
	for (size_t i = 0; i < MAC_SIZE; i++)
		mac[i] = (uint8_t)bytes[i];
	if (mac[0] & 1 || memcmp(mac, (const uint8_t[MAC_SIZE]){ 0 }, MAC_SIZE) == 0)
		return error_set(err, ERROR_INVALID_VALUE,
				 "%s is not the MAC address of a single station", text);
	(void)memcpy(ret, mac, MAC_SIZE);
	return 0;
}

const char *mac_format(const uint8_t mac[MAC_SIZE], char buffer[MAC_TEXT_SIZE])
{
	(void)snprintf(buffer, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1],
		       mac[2], mac[3], mac[4], mac[5]);
	return buffer;
}
