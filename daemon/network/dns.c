#include "daemon/network/dns.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
	FLAG_RESPONSE = 0x80, /* of the third byte */
	FLAG_AUTHORITATIVE = 0x04,
	OPCODE = 0x78,
	FLAG_AVAILABLE = 0x80, /* recursion; of the fourth */
	CLASS_IN = 1,
	TTL_S = 5,
	LABEL_MAX = 63,
	PLAIN_MAX = 512,
};

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint8_t *put16(uint8_t *at, unsigned int value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

/* Nothing in a question can point elsewhere. Returns where it ends, 0 if it is no name. */
static size_t read_name(const uint8_t *message, size_t size, size_t at, char name[DNS_NAME_SIZE])
{
	size_t n = 0;

	while (at < size && message[at]) {
		size_t length = message[at++];

		if (length > LABEL_MAX || at + length > size || n + length + 2 > DNS_NAME_SIZE)
			return 0;
		if (n)
			name[n++] = '.';
		for (size_t i = 0; i < length; i++, at++) {
			if (!isgraph(message[at]) || message[at] == '.')
				return 0;
			name[n++] = (char)tolower(message[at]);
		}
	}
	name[n] = '\0';
	return at < size ? at + 1 : 0;
}

int dns_read(const uint8_t *message, size_t size, struct dns_question *ret)
{
	size_t end;

	if (size < DNS_HEADER_SIZE || message[2] & (FLAG_RESPONSE | OPCODE) ||
	    get16(message + 4) != 1 || get16(message + 6) || get16(message + 8))
		return -1;
	end = read_name(message, size, DNS_HEADER_SIZE, ret->name);
	if (!end || end + 4 > size || get16(message + end + 2) != CLASS_IN)
		return -1;
	ret->type = get16(message + end);
	ret->end = end + 4;
	return 0;
}

/* --- Reverse --------------------------------------------------------------------------------- */

static int reverse4(const char *name, struct address *ret)
{
	unsigned int b[4];
	int end = 0;

	if (sscanf(name, "%3u.%3u.%3u.%3u.in-addr.arpa%n", &b[0], &b[1], &b[2], &b[3], &end) != 4 ||
	    !end || name[end])
		return -1;
	*ret = (struct address){ .family = AF_INET };
	for (size_t i = 0; i < 4; i++) {
		if (b[i] > 255)
			return -1;
		ret->bytes[3 - i] = (uint8_t)b[i];
	}
	return 0;
}

static int reverse6(const char *name, struct address *ret)
{
	static const char digits[] = "0123456789abcdef";
	struct address address = { .family = AF_INET6 };

	for (size_t i = 0; i < 32; i++) {
		const char *digit = name[0] ? strchr(digits, name[0]) : NULL;
		unsigned int value;

		if (!digit || name[1] != '.')
			return -1;
		value = (unsigned int)(digit - digits);
		address.bytes[15 - i / 2] |= (uint8_t)(i % 2 ? value << 4 : value);
		name += 2;
	}
	if (strcmp(name, "ip6.arpa") != 0)
		return -1;
	*ret = address;
	return 0;
}

int dns_reverse(const char *name, struct address *ret)
{
	return reverse4(name, ret) == 0 ? 0 : reverse6(name, ret);
}

/* --- Answers --------------------------------------------------------------------------------- */

/* The name is that of the question, which comes first of all. */
static uint8_t *put_record(uint8_t *at, unsigned int type, unsigned int size)
{
	at = put16(at, 0xc000 | DNS_HEADER_SIZE);
	at = put16(at, type);
	at = put16(at, CLASS_IN);
	at = put16(at, 0);
	at = put16(at, TTL_S);
	return put16(at, size);
}

/* What is given here are names of containers and their aliases: shorter than the longest there is. */
static uint8_t *put_name(uint8_t *at, const char *name)
{
	while (*name) {
		size_t length = strcspn(name, ".");

		if (length > LABEL_MAX)
			length = LABEL_MAX;
		*at++ = (uint8_t)length;
		(void)memcpy(at, name, length);
		at += length;
		name += length;
		name += *name == '.';
	}
	*at++ = 0;
	return at;
}

size_t dns_write(const uint8_t *query, const struct dns_question *question,
		 const struct dns_answer *answer, uint8_t *ret)
{
	uint8_t *at = ret + question->end;
	unsigned int n = 0;

	(void)memcpy(ret, query, question->end);
	ret[2] = (uint8_t)(FLAG_RESPONSE | FLAG_AUTHORITATIVE | (query[2] & 1));
	ret[3] = (uint8_t)(FLAG_AVAILABLE | answer->code);
	(void)memset(ret + 6, 0, 6);
	for (size_t i = 0; i < answer->n_addresses; i++) {
		const struct address *address = &answer->addresses[i];
		size_t size = address_size(address->family);

		if (at + 12 + size > ret + PLAIN_MAX)
			break;
		at = put_record(at, address->family == AF_INET ? DNS_A : DNS_AAAA,
				(unsigned int)size);
		(void)memcpy(at, address->bytes, size);
		at += size;
		n++;
	}
	if (answer->name && strlen(answer->name) < DNS_NAME_SIZE - 2) {
		uint8_t *data = put_record(at, DNS_PTR, 0);

		at = put_name(data, answer->name);
		(void)put16(data - 2, (unsigned int)(at - data));
		n++;
	}
	(void)put16(ret + 6, n);
	return (size_t)(at - ret);
}
