/* What a container's spec says of networks: which it is on and as what, what it publishes, and whom
 * it asks for names.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "common/address.h"
#include "common/error.h"

#define NETWORK_DEFAULT "bridge"

enum {
	NETWORKS_MAX = 16, /* of one container */
	PORTS_MAX = 4096,  /* that one container publishes */
	NETWORK_RATE_MIN_BITS = 8000,
	NAMESERVERS_MAX = 3, /* resolv.conf(5) */
	HOSTS_MAX = 256,     /* lines of one container's own in /etc/hosts */
};

/* One network that a container is on. */
struct network_attachment {
	char *network;
	char *ipv4_address, *ipv6_address, *mac_address; /* NULL: the daemon chooses */
	char **aliases;					 /* more names for it there */
};

struct network_attachments {
	struct network_attachment *items;
	size_t n;
};

struct network_spec {
	char *mode; /* "none", "host", "container:NAME"; NULL: the networks below */
	struct network_attachments networks;
	char **ports;  /* as port_parse takes them */
	char **expose; /* PORT[-PORT][/PROTOCOL]: what publish_all publishes */
	bool publish_all;
	char **dns, **dns_search, **dns_options;
	char **hosts;	   /* NAME:ADDRESS */
	int64_t rate_bits; /* a second, each way, on each network; 0: no limit */
};

#define NETWORK_RATE_MAX_BITS INT64_C(1000000000000)

#define NETWORK_SPEC_NULL ((struct network_spec){ 0 })

/* The fields of the interface's Spec that are about networks; object has others, too. */
int network_spec_from_json(struct json_object *object, struct network_spec *ret, struct error *err);
void network_spec_to_json(const struct network_spec *spec, struct json_object *object);

/* What can be said without looking at the host. ERROR_INVALID_VALUE; the subject is the field
 * within the spec, as "networks[1].ipv4_address".
 */
int network_spec_validate(const struct network_spec *spec, struct error *err);
void network_spec_done(struct network_spec *spec);

/* From the interface's NetworkAttachment. */
int network_attachment_from_json(struct json_object *object, struct network_attachment *ret,
				 struct error *err);
struct json_object *network_attachment_to_json(const struct network_attachment *attachment);
int network_attachment_validate(const struct network_attachment *attachment, struct error *err);
void network_attachment_done(struct network_attachment *attachment);

/* Takes it to the end of the list. */
void network_attachments_add(struct network_attachments *list,
			     struct network_attachment *attachment);
struct network_attachment *network_attachments_find(const struct network_attachments *list,
						    const char *network);
void network_attachments_remove(struct network_attachments *list, const char *network);

/* As people write one: none, host, container:NAME, or NAME[:KEY=VALUE,...] with the keys ip, ip6,
 * mac and alias.
 */
int network_spec_add_text(struct network_spec *spec, const char *text, struct error *err);

/* Bits a second: a number and bit, kbit, mbit or gbit, in powers of 1000 (tc(8)). */
int network_rate_parse(const char *text, int64_t *ret_bits, struct error *err);

/* --- Ports ----------------------------------------------------------------------------------- */

enum port_protocol { PORT_TCP, PORT_UDP, PORT_SCTP, PORT_PROTOCOL_COUNT };

const char *port_protocol_name(enum port_protocol protocol);

/* `count` ports from `container` on, published as those from `host` on. */
struct port_range {
	struct address address; /* of the host; family 0: all of them */
	uint16_t host;		/* 0: the kernel chooses */
	uint16_t container, count;
	enum port_protocol protocol;
};

/* [[ADDRESS:]HOST:]CONTAINER[/PROTOCOL], where HOST and CONTAINER may be ranges of the same length,
 * and an IPv6 address is within brackets.
 */
int port_parse(const char *text, struct port_range *ret, struct error *err);

/* FIRST, or FIRST-LAST where there are more. */
enum { PORT_SPAN_SIZE = sizeof("65535-65535") };
const char *port_span_format(uint16_t first, uint16_t count, char buffer[PORT_SPAN_SIZE]);
