#include "daemon/network/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "daemon/network/firewall.h"
#include "daemon/network/object.h"

enum { ATTEMPTS = 16 };

/* --- Binding --------------------------------------------------------------------------------- */

static int open_socket(int family, enum port_protocol protocol)
{
	static const struct {
		int type, protocol;
	} kinds[PORT_PROTOCOL_COUNT] = {
		[PORT_TCP] = { SOCK_STREAM, IPPROTO_TCP },
		[PORT_UDP] = { SOCK_DGRAM, IPPROTO_UDP },
		[PORT_SCTP] = { SOCK_STREAM, IPPROTO_SCTP },
	};
	const int on = 1;
	int fd = socket(family, kinds[protocol].type | SOCK_CLOEXEC, kinds[protocol].protocol);

	if (fd >= 0 && family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	return fd;
}

/* The port is at the same place in a sockaddr_in, which is smaller. */
static uint16_t bound_port(int fd)
{
	struct sockaddr_in6 address = { 0 };
	socklen_t size = sizeof(address);

	(void)getsockname(fd, (struct sockaddr *)(void *)&address, &size);
	return ntohs(address.sin6_port);
}

/* A host without IPv6, or without the protocol, has nobody on the port. */
static int bind_one(struct published_port *port, int family, int *ret_fd)
{
	_cleanup_(fd_closep) int fd = open_socket(family, port->protocol);
	struct address address = port->address;
	struct sockaddr_storage at;
	socklen_t size;

	if (fd < 0)
		return errno == EAFNOSUPPORT || errno == EPROTONOSUPPORT ? 0 : -1;
	/* One of no family is all zeros, which is any address of either. */
	address.family = family;
	size = address_to_socket(&address, port->host, &at);
	if (bind(fd, (const struct sockaddr *)&at, size) < 0)
		return errno == EADDRNOTAVAIL && family == AF_INET6 && !port->address.family ? 0 :
											       -1;
	if (!port->host)
		port->host = bound_port(fd);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static void unbind(struct published_port *port)
{
	port->fds[0] = fd_close(port->fds[0]);
	port->fds[1] = fd_close(port->fds[1]);
}

static int bind_both(struct published_port *port)
{
	const int family = port->address.family;

	if ((family != AF_INET6 && bind_one(port, AF_INET, &port->fds[0]) < 0) ||
	    (family != AF_INET && bind_one(port, AF_INET6, &port->fds[1]) < 0)) {
		unbind(port);
		return -1;
	}
	return 0;
}

/* A bridge whose packets pass through the host's own rules has the answers to ::1 turned back before
 * they reach the host, which then drops what has that address on another interface than lo.
 */
static bool leads_loopback6(void)
{
	_cleanup_(fd_closep) int fd =
		open("/proc/sys/net/bridge/bridge-nf-call-ip6tables", O_RDONLY | O_CLOEXEC);
	char value;

	return fd < 0 || read(fd, &value, 1) != 1 || value == '0';
}

static bool is_loopback6(const struct address *address)
{
	return address->family == AF_INET6 &&
	       memcmp(address->bytes, &in6addr_loopback, sizeof(in6addr_loopback)) == 0;
}

static int bind_port(struct published_port *port, struct error *err)
{
	const bool chosen = !port->host;
	char address[ADDRESS_TEXT_SIZE];

	for (int i = 0; i < (chosen ? ATTEMPTS : 1); i++) {
		if (chosen)
			port->host = 0;
		if (bind_both(port) == 0)
			return 0;
		if (errno != EADDRINUSE)
			break;
	}
	if (errno == EADDRINUSE)
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.ports",
					 "port %u/%s of the host is in use", port->host,
					 port_protocol_name(port->protocol));
	return error_set_errno(err, errno, "publish port %u/%s%s%s", port->host,
			       port_protocol_name(port->protocol),
			       port->address.family ? " of " : "",
			       address_format(&port->address, address));
}

/* --- Publications ---------------------------------------------------------------------------- */

static struct published_port *add_port(struct publication *publication)
{
	struct published_port *port;

	publication->ports = alloc_resize(publication->ports,
					  (publication->n + 1) * sizeof(*publication->ports));
	port = &publication->ports[publication->n++];
	*port = (struct published_port){ .fds = { -1, -1 } };
	return port;
}

static struct publication *make(struct networks *networks)
{
	struct publication *publication = ALLOC(struct publication);

	publication->networks = networks;
	publication->next = networks->publications;
	networks->publications = publication;
	return publication;
}

static int add_range(struct publication *publication, const char *text, struct error *err)
{
	const char *everywhere = publication->networks->params.publish_address;
	struct port_range range;

	if (port_parse(text, &range, err) < 0)
		return -1;
	if (!range.address.family && everywhere &&
	    address_parse(everywhere, 0, &range.address, err) < 0)
		return error_prefix(err, "publish_address");
	if (is_loopback6(&range.address) && !leads_loopback6())
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.ports",
					 "ports of ::1 lead nowhere while "
					 "net.bridge.bridge-nf-call-ip6tables is 1; use 127.0.0.1");
	for (uint16_t i = 0; i < range.count; i++) {
		struct published_port *port = add_port(publication);

		port->address = range.address;
		port->host = range.host ? (uint16_t)(range.host + i) : 0;
		port->container = (uint16_t)(range.container + i);
		port->protocol = range.protocol;
		if (bind_port(port, err) < 0)
			return -1;
	}
	return 0;
}

int publication_new(struct networks *networks, const struct network_spec *spec,
		    struct publication **ret, struct error *err)
{
	struct publication *publication;

	*ret = NULL;
	if (!spec->ports && !(spec->publish_all && spec->expose))
		return 0;
	publication = make(networks);
	for (char **port = spec->ports; port && *port; port++) {
		if (add_range(publication, *port, err) < 0) {
			(void)publication_free(publication);
			return -1;
		}
	}
	for (char **port = spec->expose; spec->publish_all && port && *port; port++) {
		if (add_range(publication, *port, err) < 0) {
			(void)publication_free(publication);
			return -1;
		}
	}
	*ret = publication;
	return 0;
}

int publication_lead(struct publication *publication, struct endpoint *endpoint, struct error *err)
{
	publication->endpoint = endpoint;
	publication->loopback6 = leads_loopback6();
	if (firewall_add_ports(publication->networks->firewall, publication, err) == 0)
		return 0;
	publication->endpoint = NULL;
	return -1;
}

struct publication *publication_free(struct publication *publication)
{
	struct publication **at;

	if (!publication)
		return NULL;
	for (at = &publication->networks->publications; *at != publication; at = &(*at)->next)
		;
	*at = publication->next;
	if (publication->endpoint && publication->networks->firewall)
		firewall_remove_ports(publication->networks->firewall, publication);
	for (size_t i = 0; i < publication->n; i++)
		unbind(&publication->ports[i]);
	free(publication->ports);
	free(publication);
	return NULL;
}

/* --- JSON ------------------------------------------------------------------------------------ */

struct raw_port {
	char *host_address, *protocol;
	int64_t host_port, container_port;
};

static const struct json_field fields[] = {
	JSON_FIELD(struct raw_port, host_address, JSON_STRING),
	JSON_FIELD(struct raw_port, protocol, JSON_STRING),
	JSON_FIELD(struct raw_port, host_port, JSON_INT),
	JSON_FIELD(struct raw_port, container_port, JSON_INT),
};

/* How many from the i-th on are one after the other. */
static size_t range_at(const struct publication *publication, size_t i)
{
	const struct published_port *first = &publication->ports[i];
	size_t n = 1;

	for (; i + n < publication->n; n++)
		if (first[n].host != first->host + n ||
		    first[n].container != first->container + n ||
		    first[n].protocol != first->protocol ||
		    !address_equal(&first[n].address, &first->address))
			break;
	return n;
}

static char *range_text(const struct published_port *port, size_t n)
{
	const bool six = port->address.family == AF_INET6;
	char address[ADDRESS_TEXT_SIZE], of_address[ADDRESS_TEXT_SIZE + 3] = "";
	char host[PORT_SPAN_SIZE], inside[PORT_SPAN_SIZE];

	if (port->address.family)
		(void)snprintf(of_address, sizeof(of_address),
			       six ? "[%s]:" : "%s:", address_format(&port->address, address));
	return alloc_printf("%s%s:%s/%s", of_address,
			    port_span_format(port->host, (uint16_t)n, host),
			    port_span_format(port->container, (uint16_t)n, inside),
			    port_protocol_name(port->protocol));
}

struct json_object *publication_to_text(const struct publication *publication)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; i < publication->n;) {
		const size_t n = range_at(publication, i);
		_cleanup_(freep) char *text = range_text(&publication->ports[i], n);

		json_object_array_add(array, json_object_new_string(text));
		i += n;
	}
	return array;
}

struct json_object *publication_to_json(const struct publication *publication)
{
	struct json_object *array = json_object_new_array();

	for (size_t i = 0; publication && i < publication->n; i++) {
		const struct published_port *port = &publication->ports[i];
		struct json_object *object = json_object_new_object();
		_cleanup_(freep) char *protocol = alloc_strdup(port_protocol_name(port->protocol));
		char address[ADDRESS_TEXT_SIZE];
		const struct raw_port raw = {
			.host_address = port->address.family ? address : NULL,
			.protocol = protocol,
			.host_port = port->host,
			.container_port = port->container,
		};

		(void)address_format(&port->address, address);
		json_write_fields(object, fields, ARRAY_SIZE(fields), &raw);
		json_object_array_add(array, object);
	}
	return array;
}

static int adopt_port(struct publication *publication, const struct raw_port *raw,
		      struct error *err)
{
	_cleanup_(freep) char *text = NULL;
	struct published_port *port;
	struct port_range range;

	if (!raw->protocol || raw->host_port < 1 || raw->host_port > UINT16_MAX)
		return error_set(err, ERROR_PROTOCOL, "its record of a port is none");
	text = alloc_printf("%lld/%.8s", (long long)raw->container_port, raw->protocol);
	if (port_parse(text, &range, err) < 0)
		return -1;
	if (raw->host_address && address_parse(raw->host_address, 0, &range.address, err) < 0)
		return -1;
	port = add_port(publication);
	port->address = range.address;
	port->host = (uint16_t)raw->host_port;
	port->container = range.container;
	port->protocol = range.protocol;
	return bind_port(port, err);
}

struct publication *publication_adopt(struct networks *networks, struct json_object *array)
{
	const size_t n =
		json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
	struct publication *publication = n ? make(networks) : NULL;

	for (size_t i = 0; i < n; i++) {
		struct raw_port raw = { 0 };
		struct error err;

		if (json_read_fields(json_object_array_get_idx(array, i), fields,
				     ARRAY_SIZE(fields), &raw, &err) < 0 ||
		    adopt_port(publication, &raw, &err) < 0)
			networks->params.complain("", &err);
		json_free_fields(fields, ARRAY_SIZE(fields), &raw);
	}
	return publication;
}
