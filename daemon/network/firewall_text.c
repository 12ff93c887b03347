#include "daemon/network/firewall_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"

enum { BURST_BYTES = 128 * 1024 }; /* a packet that is not segmented yet has to fit */

void text_put(struct text *text, const char *format, ...)
{
	va_list arguments;

	if (!text->stream)
		text->stream = open_memstream(&text->data, &text->size);
	if (!text->stream)
		abort();
	va_start(arguments, format);
	(void)vfprintf(text->stream, format, arguments);
	va_end(arguments);
}

char *text_take(struct text *text)
{
	if (!text->stream)
		return alloc_strdup("");
	if (fclose(TAKE_PTR(text->stream)) != 0)
		abort();
	return TAKE_PTR(text->data);
}

/* --- The tables ------------------------------------------------------------------------------ */

/* What comes in by a port of a bridge of ours has the addresses that were leased for that port. Of
 * IPv6, neighbours are asked from no address, too, and nobody poses as a router.
 */
static const char bridge_table[] =
	" set macs { type ifname . ether_addr; }\n"
	" set ipv4 { type ifname . ipv4_addr; }\n"
	" set ipv6 { type ifname . ipv6_addr; }\n"
	/* Limits, named after the port. */
	" map out { type ifname : limit; }\n"
	" map in { type ifname : limit; }\n"
	" chain prerouting {\n"
	"  type filter hook prerouting priority -300; policy accept;\n"
	"  iifname != \"dkv%s*\" accept\n"
	"  limit name iifname map @out drop\n"
	"  iifname . ether saddr != @macs drop\n"
	"  ether type ip iifname . ip saddr @ipv4 accept\n"
	"  ether type arp iifname . arp saddr ether @macs iifname . arp saddr ip @ipv4 accept\n"
	"  ether type != ip6 drop\n"
	"  icmpv6 type { nd-router-advert, nd-redirect } drop\n"
	"  iifname . ip6 saddr @ipv6 accept\n"
	"  ip6 saddr :: icmpv6 type { nd-neighbor-solicit, mld2-listener-report } accept\n"
	"  drop\n"
	" }\n"
	" chain postrouting {\n"
	"  type filter hook postrouting priority 0; policy accept;\n"
	"  limit name oifname map @in drop\n"
	" }\n";

/* Ports of the host: those of one address, then those of all. What a container sends to such a port
 * goes the same way, but for one that is to reach nothing outside.
 */
#define TO_PORTS                                                                                     \
	"  meta nfproto ipv4 fib daddr type local meta l4proto { tcp, udp, sctp } "                  \
	"dnat ip to ip daddr . meta l4proto . th dport map @ports4\n"                                \
	"  meta nfproto ipv4 fib daddr type local meta l4proto { tcp, udp, sctp } "                  \
	"dnat ip to meta l4proto . th dport map @any4\n"                                             \
	"  meta nfproto ipv6 fib daddr type local meta l4proto { tcp, udp, sctp } "                  \
	"dnat ip6 to ip6 daddr . meta l4proto . th dport map @ports6\n"                              \
	"  meta nfproto ipv6 ip6 daddr != ::1 fib daddr type local meta l4proto { tcp, udp, sctp } " \
	"dnat ip6 to meta l4proto . th dport map @any6\n"

static const char inet_table[] =
	" set bridges { type ifname; }\n"
	" set subnets4 { type ipv4_addr; flags interval; }\n"
	" set subnets6 { type ipv6_addr; flags interval; }\n"
	" set same { type ifname . ifname; }\n"
	" set internal { type ifname; }\n"
	" set open { type ifname; }\n" /* their containers may use the host's services */
	" set asks4 { type ipv4_addr; size 65535; flags dynamic,timeout; timeout 10s; }\n"
	" set asks6 { type ipv6_addr; size 65535; flags dynamic,timeout; timeout 10s; }\n"
	" map ports4 { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }\n"
	" map ports6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }\n"
	" map any4 { type inet_proto . inet_service : ipv4_addr . inet_service; }\n"
	" map any6 { type inet_proto . inet_service : ipv6_addr . inet_service; }\n"
	" map loop6 { type inet_proto . inet_service : ipv6_addr . inet_service; }\n"
	/* A bridge of ours routes loopback addresses, for ports that are reached by them. */
	" chain first {\n"
	"  type filter hook prerouting priority -300; policy accept;\n"
	"  iifname @bridges ip daddr 127.0.0.0/8 drop\n"
	"  iifname @bridges ip saddr 127.0.0.0/8 drop\n"
	" }\n"
	" chain prerouting {\n"
	"  type nat hook prerouting priority -100; policy accept;\n"
	"  iifname @internal accept\n" TO_PORTS " }\n"
	" chain output {\n"
	"  type nat hook output priority -100; policy accept;\n" TO_PORTS
	"  ip6 daddr ::1 meta l4proto { tcp, udp, sctp } "
	"dnat ip6 to meta l4proto . th dport map @loop6\n"
	" }\n"
	/* The answers have to come back this way. */
	" chain postrouting {\n"
	"  type nat hook postrouting priority 100; policy accept;\n"
	"  oifname @bridges ip saddr 127.0.0.0/8 masquerade\n"
	"  oifname @bridges ip6 saddr ::1 masquerade\n"
	"  oifname @bridges ct status dnat ip saddr @subnets4 masquerade\n"
	"  oifname @bridges ct status dnat ip6 saddr @subnets6 masquerade\n"
	"  iifname @bridges oifname != @bridges masquerade\n"
	" }\n"
	" chain forward {\n"
	"  type filter hook forward priority 0; policy accept;\n"
	"  iifname != @bridges oifname != @bridges accept\n"
	/* Within a network: with bridge-nf-call-iptables such packets come by here, too. */
	"  iifname . oifname @same accept\n"
	"  ct state established,related accept\n"
	"  iifname @internal drop\n"
	"  oifname @internal drop\n"
	"  ct status dnat accept\n"
	"  oifname @bridges drop\n" /* from elsewhere, or another network */
	" }\n"
	/* The host itself: names, and whether it is there. */
	" chain input {\n"
	"  type filter hook input priority 0; policy accept;\n"
	"  iifname != @bridges accept\n"
	"  ct state established,related accept\n"
	"  iifname @open accept\n"
	/* A container that asks too often loses its own questions, before they take room of others'. */
	"  fib daddr type local meta l4proto { tcp, udp } th dport 53 meta nfproto ipv4 "
	"add @asks4 { ip saddr limit rate over 300/second burst 600 packets } drop\n"
	"  fib daddr type local meta l4proto { tcp, udp } th dport 53 meta nfproto ipv6 "
	"add @asks6 { ip6 saddr limit rate over 300/second burst 600 packets } drop\n"
	"  fib daddr type local meta l4proto { tcp, udp } th dport 53 accept\n"
	"  icmp type echo-request accept\n"
	"  icmpv6 type { echo-request, nd-neighbor-solicit, nd-neighbor-advert, "
	"mld2-listener-report } accept\n"
	"  reject with icmpx admin-prohibited\n"
	" }\n";

void firewall_text_tables(struct text *text, const struct networks *networks)
{
	const char *name = networks->instance;

	text_put(text, "add table inet %s\ndelete table inet %s\n", name, name);
	text_put(text, "add table bridge %s\ndelete table bridge %s\n", name, name);
	text_put(text, "table inet %s {\n%s}\n", name, inet_table);
	text_put(text, "table bridge %s {\n", name);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	text_put(text, bridge_table, networks->tag);
#pragma GCC diagnostic pop
	text_put(text, "}\n");
}

/* --- Elements -------------------------------------------------------------------------------- */

void firewall_text_network(struct text *text, const struct network *network, const char *verb)
{
	const char *name = network->set->instance;
	char subnet[ADDRESS_TEXT_SIZE];

	text_put(text, "%s element inet %s bridges { \"%s\" }\n", verb, name, network->bridge);
	text_put(text, "%s element inet %s same { \"%s\" . \"%s\" }\n", verb, name, network->bridge,
		 network->bridge);
	text_put(text, "%s element inet %s subnets4 { %s }\n", verb, name,
		 subnet_format(&network->ipv4, subnet));
	if (network->ipv6.address.family)
		text_put(text, "%s element inet %s subnets6 { %s }\n", verb, name,
			 subnet_format(&network->ipv6, subnet));
	if (network->internal)
		text_put(text, "%s element inet %s internal { \"%s\" }\n", verb, name,
			 network->bridge);
	if (network->host_access)
		text_put(text, "%s element inet %s open { \"%s\" }\n", verb, name, network->bridge);
}

/* One set's elements of the block, in one command. */
static void put_block(struct text *text, const struct network *network, uint32_t block,
		      const char *verb, int which)
{
	static const char *const sets[] = { "macs", "ipv4", "ipv6" };
	const uint32_t end = subnet_size(&network->ipv4);
	char port[IFNAMSIZ], shown[ADDRESS_TEXT_SIZE];

	text_put(text, "%s element bridge %s %s { ", verb, network->set->instance, sets[which]);
	for (uint32_t i = block * LEASE_BLOCK; i < (block + 1) * LEASE_BLOCK && i < end; i++) {
		struct address ipv4, ipv6 = { 0 };
		uint8_t mac[MAC_SIZE];

		lease_port_name(network, i, port);
		lease_standard(network, i, &ipv4, &ipv6, mac);
		text_put(text, "\"%s\" . %s, ", port,
			 which == 0 ? mac_format(mac, shown) :
				      address_format(which == 1 ? &ipv4 : &ipv6, shown));
	}
	text_put(text, "}\n");
}

static void put_whole_block(struct text *text, const struct network *network, uint32_t block,
			    const char *verb)
{
	for (int which = 0; which < (network->ipv6.address.family ? 3 : 2); which++)
		put_block(text, network, block, verb, which);
}

void firewall_text_known(struct text *text, const struct network *network, const char *verb)
{
	for (uint32_t block = 0; block <= LEASE_INDEX_MAX / LEASE_BLOCK; block++)
		if (network->known[block / 64] & UINT64_C(1) << (block % 64))
			put_whole_block(text, network, block, verb);
}

/* The kernel's bucket holds what passes in a second, and the burst. */
static void put_rate(struct text *text, const struct endpoint *endpoint, const char *way,
		     const char *verb)
{
	const char *name = endpoint->network->set->instance, *port = endpoint->host;

	if (verb[0] == 'a')
		text_put(
			text,
			"add limit bridge %s %s-%s { rate over %lld bytes/second burst %d bytes; }\n"
			"add element bridge %s %s { \"%s\" : \"%s-%s\" }\n",
			name, way, port, (long long)(endpoint->rate_bits / 8), BURST_BYTES, name,
			way, port, way, port);
	else
		text_put(text,
			 "delete element bridge %s %s { \"%s\" }\n"
			 "delete limit bridge %s %s-%s\n",
			 name, way, port, name, way, port);
}

void firewall_text_own(struct text *text, const struct endpoint *endpoint, const char *verb)
{
	struct address ipv4, ipv6 = { 0 };
	uint8_t mac[MAC_SIZE];
	const char *name = endpoint->network->set->instance;
	char shown[ADDRESS_TEXT_SIZE];

	lease_standard(endpoint->network, endpoint->index, &ipv4, &ipv6, mac);
	if (memcmp(mac, endpoint->mac, MAC_SIZE) != 0)
		text_put(text, "%s element bridge %s macs { \"%s\" . %s }\n", verb, name,
			 endpoint->host, mac_format(endpoint->mac, shown));
	if (!address_equal(&ipv6, &endpoint->ipv6))
		text_put(text, "%s element bridge %s ipv6 { \"%s\" . %s }\n", verb, name,
			 endpoint->host, address_format(&endpoint->ipv6, shown));
	if (endpoint->rate_bits) {
		put_rate(text, endpoint, "out", verb);
		put_rate(text, endpoint, "in", verb);
	}
}

void firewall_text_endpoint(struct text *text, struct endpoint *endpoint, const char *verb)
{
	struct network *network = endpoint->network;
	uint32_t block = endpoint->index / LEASE_BLOCK;
	uint64_t bit = UINT64_C(1) << (block % 64);

	if (!(network->known[block / 64] & bit)) {
		put_whole_block(text, network, block, verb);
		network->known[block / 64] |= bit;
	}
	firewall_text_own(text, endpoint, verb);
}

/* --- Ports ----------------------------------------------------------------------------------- */

/* key: what is before the protocol in the map. */
static void put_port(struct text *text, const struct publication *publication,
		     const struct published_port *port, const char *map, const char *key,
		     int family, const char *verb)
{
	const struct address to = endpoint_address(publication->endpoint, family);
	char address[ADDRESS_TEXT_SIZE];

	if (!to.family)
		return;
	text_put(text, "%s element inet %s %s { %s%s . %u", verb, publication->networks->instance,
		 map, key, port_protocol_name(port->protocol), port->host);
	if (verb[0] == 'a')
		text_put(text, " : %s . %u", address_format(&to, address), port->container);
	text_put(text, " }\n");
}

static void put_ports(struct text *text, const struct publication *publication,
		      const struct published_port *port, int family, const char *verb)
{
	static const char *const maps[][2] = { { "any4", "ports4" }, { "any6", "ports6" } };
	const bool six = family == AF_INET6;
	const bool one =
		port->address.family &&
		!address_equal(&port->address, &(struct address){ .family = port->address.family });
	char address[ADDRESS_TEXT_SIZE], key[ADDRESS_TEXT_SIZE + 3] = "";

	if (port->address.family && port->address.family != family)
		return;
	if (one)
		(void)snprintf(key, sizeof(key), "%s . ", address_format(&port->address, address));
	put_port(text, publication, port, maps[six][one], key, family, verb);
	if (six && !one && publication->loopback6)
		put_port(text, publication, port, "loop6", "", family, verb);
}

void firewall_text_ports(struct text *text, const struct publication *publication, const char *verb)
{
	for (size_t i = 0; i < publication->n; i++) {
		put_ports(text, publication, &publication->ports[i], AF_INET, verb);
		put_ports(text, publication, &publication->ports[i], AF_INET6, verb);
	}
}
