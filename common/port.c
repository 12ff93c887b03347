/* What is published, as people write it. */
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/network_spec.h"
#include "common/parse.h"

static const char *const protocols[PORT_PROTOCOL_COUNT] = {
	[PORT_TCP] = "tcp",
	[PORT_UDP] = "udp",
	[PORT_SCTP] = "sctp",
};

const char *port_protocol_name(enum port_protocol protocol)
{
	return protocols[protocol];
}

static int parse_protocol(const char *text, enum port_protocol *ret, struct error *err)
{
	for (int i = 0; i < PORT_PROTOCOL_COUNT; i++) {
		if (strcmp(text, protocols[i]) == 0) {
			*ret = (enum port_protocol)i;
			return 0;
		}
	}
	return error_set(err, ERROR_INVALID_VALUE,
			 "\"%.16s\" is no protocol; there are tcp, udp and sctp", text);
}

/* FIRST[-LAST]; text is cut up. */
static int parse_range(char *text, uint16_t *ret_first, uint16_t *ret_count, struct error *err)
{
	char *dash = strchr(text, '-');
	int64_t first, last;

	if (dash)
		*dash = '\0';
	if (parse_integer(text, 1, UINT16_MAX, &first, err) < 0)
		return -1;
	last = first;
	if (dash && parse_integer(dash + 1, first, UINT16_MAX, &last, err) < 0)
		return -1;
	if (last - first >= PORTS_MAX)
		return error_set(err, ERROR_INVALID_VALUE, "more than %d ports", PORTS_MAX);
	*ret_first = (uint16_t)first;
	*ret_count = (uint16_t)(last - first + 1);
	return 0;
}

static int parse_address(char *text, struct address *ret, struct error *err)
{
	size_t n = strlen(text);

	if (n > 1 && text[0] == '[' && text[n - 1] == ']') {
		text[n - 1] = '\0';
		text++;
	}
	return *text ? address_parse(text, 0, ret, err) : 0;
}

/* All before the last colon but one is the address. */
static int parse_host(char *text, struct port_range *range, struct error *err)
{
	char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
	uint16_t count;

	if (colon) {
		*colon = '\0';
		if (parse_address(text, &range->address, err) < 0)
			return -1;
	}
	if (!*port && colon)
		return 0; /* ADDRESS::PORT: the kernel chooses */
	if (parse_range(port, &range->host, &count, err) < 0)
		return -1;
	if (count != range->count)
		return error_set(err, ERROR_INVALID_VALUE,
				 "%u ports of the host for %u of the container", count,
				 range->count);
	return 0;
}

int port_parse(const char *text, struct port_range *ret, struct error *err)
{
	_cleanup_(freep) char *copy = alloc_strdup(text);
	char *slash = strchr(copy, '/'), *colon;
	struct port_range range = { .protocol = PORT_TCP };

	if (slash) {
		*slash = '\0';
		if (parse_protocol(slash + 1, &range.protocol, err) < 0)
			return error_prefix(err, "port %.64s", text);
	}
	colon = strrchr(copy, ':');
	if (colon)
		*colon = '\0';
	if (parse_range(colon ? colon + 1 : copy, &range.container, &range.count, err) < 0 ||
	    (colon && parse_host(copy, &range, err) < 0))
		return error_prefix(err, "port %.64s", text);
	*ret = range;
	return 0;
}

const char *port_span_format(uint16_t first, uint16_t count, char buffer[PORT_SPAN_SIZE])
{
	if (count > 1)
		(void)snprintf(buffer, PORT_SPAN_SIZE, "%u-%u", first,
			       (uint16_t)(first + count - 1));
	else
		(void)snprintf(buffer, PORT_SPAN_SIZE, "%u", first);
	return buffer;
}
