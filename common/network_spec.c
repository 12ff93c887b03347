#include "common/network_spec.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/name.h"
#include "common/parse.h"
#include "common/text.h"

enum { ALIASES_MAX = 32, HOST_NAME_LENGTH_MAX = 253, SEARCH_MAX = 16 };

static const struct json_field fields[] = {
	JSON_FIELD(struct network_spec, ports, JSON_STRINGS),
	JSON_FIELD(struct network_spec, expose, JSON_STRINGS),
	JSON_FIELD(struct network_spec, publish_all, JSON_BOOL),
	JSON_FIELD(struct network_spec, dns, JSON_STRINGS),
	JSON_FIELD(struct network_spec, dns_search, JSON_STRINGS),
	JSON_FIELD(struct network_spec, dns_options, JSON_STRINGS),
	JSON_FIELD(struct network_spec, hosts, JSON_STRINGS),
	{ .key = "network_rate_bits",
	  .kind = JSON_INT,
	  .offset = offsetof(struct network_spec, rate_bits) },
	{ .key = "network", .kind = JSON_STRING, .offset = offsetof(struct network_spec, mode) },
};

static const struct json_field attachment_fields[] = {
	JSON_FIELD(struct network_attachment, network, JSON_STRING),
	JSON_FIELD(struct network_attachment, ipv4_address, JSON_STRING),
	JSON_FIELD(struct network_attachment, ipv6_address, JSON_STRING),
	JSON_FIELD(struct network_attachment, mac_address, JSON_STRING),
	JSON_FIELD(struct network_attachment, aliases, JSON_STRINGS),
};

/* --- The list -------------------------------------------------------------------------------- */

void network_attachment_done(struct network_attachment *attachment)
{
	json_free_fields(attachment_fields, ARRAY_SIZE(attachment_fields), attachment);
}

void network_attachments_add(struct network_attachments *list,
			     struct network_attachment *attachment)
{
	list->items = alloc_resize(list->items, (list->n + 1) * sizeof(*list->items));
	list->items[list->n++] = *attachment;
	*attachment = (struct network_attachment){ 0 };
}

struct network_attachment *network_attachments_find(const struct network_attachments *list,
						    const char *network)
{
	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->items[i].network, network) == 0)
			return &list->items[i];
	return NULL;
}

void network_attachments_remove(struct network_attachments *list, const char *network)
{
	struct network_attachment *found = network_attachments_find(list, network);

	if (!found)
		return;
	network_attachment_done(found);
	list->n--;
	(void)memmove(found, found + 1, (size_t)(list->items + list->n - found) * sizeof(*found));
}

void network_spec_done(struct network_spec *spec)
{
	json_free_fields(fields, ARRAY_SIZE(fields), spec);
	for (size_t i = 0; i < spec->networks.n; i++)
		network_attachment_done(&spec->networks.items[i]);
	free(spec->networks.items);
	*spec = NETWORK_SPEC_NULL;
}

/* --- JSON ------------------------------------------------------------------------------------ */

int network_attachment_from_json(struct json_object *object, struct network_attachment *ret,
				 struct error *err)
{
	struct network_attachment attachment = { 0 };

	if (json_object_get_type(object) != json_type_object)
		return error_set(err, ERROR_INVALID_VALUE, "expected an object");
	if (json_read_fields(object, attachment_fields, ARRAY_SIZE(attachment_fields), &attachment,
			     err) < 0) {
		network_attachment_done(&attachment);
		return -1;
	}
	if (!attachment.network)
		attachment.network = alloc_strdup("");
	*ret = attachment;
	return 0;
}

struct json_object *network_attachment_to_json(const struct network_attachment *attachment)
{
	struct json_object *object = json_object_new_object();

	json_write_fields(object, attachment_fields, ARRAY_SIZE(attachment_fields), attachment);
	return object;
}

/* A network that `network` names comes first of the list. */
static void take_name(struct network_spec *spec)
{
	struct network_attachment attachment = { 0 };

	if (!spec->mode || strcmp(spec->mode, "none") == 0 || strcmp(spec->mode, "host") == 0 ||
	    strncmp(spec->mode, "container:", strlen("container:")) == 0)
		return;
	attachment.network = TAKE_PTR(spec->mode);
	network_attachments_add(&spec->networks, &attachment);
}

static int read_networks(struct json_object *array, struct network_spec *spec, struct error *err)
{
	size_t n = array ? json_object_array_length(array) : 0;

	for (size_t i = 0; i < n && i <= NETWORKS_MAX; i++) {
		struct network_attachment attachment;

		if (network_attachment_from_json(json_object_array_get_idx(array, i), &attachment,
						 err) < 0)
			return error_prefix(err, "networks");
		network_attachments_add(&spec->networks, &attachment);
	}
	return 0;
}

int network_spec_from_json(struct json_object *object, struct network_spec *ret, struct error *err)
{
	struct json_object *array = json_object_object_get(object, "networks");
	struct network_spec spec = NETWORK_SPEC_NULL;

	if (array && json_object_get_type(array) != json_type_array)
		return error_set_subject(err, ERROR_INVALID_VALUE, "networks",
					 "networks: expected an array");
	if (json_read_fields(object, fields, ARRAY_SIZE(fields), &spec, err) < 0) {
		network_spec_done(&spec);
		return -1;
	}
	take_name(&spec);
	if (read_networks(array, &spec, err) < 0) {
		network_spec_done(&spec);
		return -1;
	}
	*ret = spec;
	return 0;
}

void network_spec_to_json(const struct network_spec *spec, struct json_object *object)
{
	struct json_object *array;

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if ((fields[i].kind != JSON_BOOL || spec->publish_all) &&
		    (fields[i].kind != JSON_INT || spec->rate_bits))
			json_write_fields(object, &fields[i], 1, spec);
	if (!spec->networks.n)
		return;
	array = json_object_new_array();
	for (size_t i = 0; i < spec->networks.n; i++)
		json_object_array_add(array, network_attachment_to_json(&spec->networks.items[i]));
	json_object_object_add(object, "networks", array);
}

/* --- Validation ------------------------------------------------------------------------------ */

static bool is_host_name(const char *name)
{
	size_t n = strlen(name);

	return n > 0 && n <= HOST_NAME_LENGTH_MAX && isalnum((unsigned char)name[0]) &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
		       n;
}

static int in_field(const char *field, struct error *err)
{
	(void)snprintf(err->subject, sizeof(err->subject), "%s", field);
	return -1;
}

int network_attachment_validate(const struct network_attachment *attachment, struct error *err)
{
	struct address address;
	uint8_t mac[MAC_SIZE];

	if (!name_is_valid(attachment->network))
		return error_set_subject(err, ERROR_INVALID_VALUE, "network",
					 "\"%.64s\" is no name of a network", attachment->network);
	if (attachment->ipv4_address &&
	    address_parse(attachment->ipv4_address, AF_INET, &address, err) < 0)
		return in_field("ipv4_address", err);
	if (attachment->ipv6_address &&
	    address_parse(attachment->ipv6_address, AF_INET6, &address, err) < 0)
		return in_field("ipv6_address", err);
	if (attachment->mac_address && mac_parse(attachment->mac_address, mac, err) < 0)
		return in_field("mac_address", err);
	if (strv_length(attachment->aliases) > ALIASES_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "aliases",
					 "more than %d aliases", ALIASES_MAX);
	for (char **alias = attachment->aliases; alias && *alias; alias++)
		if (!is_host_name(*alias))
			return error_set_subject(err, ERROR_INVALID_VALUE, "aliases",
						 "\"%.64s\" is no host name", *alias);
	return 0;
}

static int check_networks(const struct network_spec *spec, struct error *err)
{
	const struct network_attachments *list = &spec->networks;
	char field[ERROR_SUBJECT_SIZE];

	if (list->n > NETWORKS_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "networks",
					 "more than %d networks", NETWORKS_MAX);
	if (spec->mode && list->n)
		return error_set_subject(err, ERROR_INVALID_VALUE, "networks",
					 "\"%.64s\" excludes other networks", spec->mode);
	for (size_t i = 0; i < list->n; i++) {
		if (network_attachment_validate(&list->items[i], err) < 0) {
			(void)snprintf(field, sizeof(field), "networks[%zu].%.64s", i,
				       err->subject);
			return in_field(field, err);
		}
		if (network_attachments_find(list, list->items[i].network) != &list->items[i])
			return error_set_subject(err, ERROR_INVALID_VALUE, "networks",
						 "network \"%s\" is named twice",
						 list->items[i].network);
	}
	return 0;
}

static int check_ports(const struct network_spec *spec, struct error *err)
{
	struct port_range range;
	size_t n = 0;

	for (char **port = spec->ports; port && *port; port++) {
		if (port_parse(*port, &range, err) < 0)
			return in_field("ports", err);
		n += range.count;
	}
	for (char **port = spec->expose; port && *port; port++) {
		if (strchr(*port, ':'))
			return error_set_subject(err, ERROR_INVALID_VALUE, "expose",
						 "\"%.64s\": PORT or PORT-PORT, and a protocol",
						 *port);
		if (port_parse(*port, &range, err) < 0)
			return in_field("expose", err);
		n += range.count;
	}
	if (n > PORTS_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "ports", "more than %d ports",
					 PORTS_MAX);
	if (spec->mode && (spec->ports || spec->publish_all))
		return error_set_subject(err, ERROR_INVALID_VALUE, "ports",
					 "ports are published from a network; \"%.64s\" is none",
					 spec->mode);
	return 0;
}

static bool is_word(const char *text)
{
	for (const char *at = text; *at; at++)
		if (!isgraph((unsigned char)*at))
			return false;
	return text[0] && strlen(text) <= HOST_NAME_LENGTH_MAX;
}

static int check_hosts(char *const *hosts, struct error *err)
{
	if (strv_length(hosts) > HOSTS_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "hosts", "more than %d hosts",
					 HOSTS_MAX);
	for (; hosts && *hosts; hosts++) {
		const char *colon = strchr(*hosts, ':');
		_cleanup_(freep) char *name =
			alloc_printf("%.*s", colon ? (int)(colon - *hosts) : 0, *hosts);
		struct address address;

		if (!colon || !is_host_name(name))
			return error_set_subject(err, ERROR_INVALID_VALUE, "hosts",
						 "\"%.64s\": a host is NAME:ADDRESS", *hosts);
		if (strcmp(colon + 1, "host-gateway") != 0 &&
		    address_parse(colon + 1, 0, &address, err) < 0)
			return in_field("hosts", err);
	}
	return 0;
}

static int check_names(const struct network_spec *spec, struct error *err)
{
	struct address address;

	if (strv_length(spec->dns) > NAMESERVERS_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "dns", "more than %d servers",
					 NAMESERVERS_MAX);
	for (char **dns = spec->dns; dns && *dns; dns++)
		if (address_parse(*dns, 0, &address, err) < 0)
			return in_field("dns", err);
	if (strv_length(spec->dns_search) > SEARCH_MAX ||
	    strv_length(spec->dns_options) > SEARCH_MAX)
		return error_set_subject(err, ERROR_INVALID_VALUE, "dns_search",
					 "more than %d domains or options", SEARCH_MAX);
	for (char **name = spec->dns_search; name && *name; name++)
		if (!is_host_name(*name) && strcmp(*name, ".") != 0)
			return error_set_subject(err, ERROR_INVALID_VALUE, "dns_search",
						 "\"%.64s\" is no domain", *name);
	for (char **option = spec->dns_options; option && *option; option++)
		if (!is_word(*option))
			return error_set_subject(err, ERROR_INVALID_VALUE, "dns_options",
						 "\"%.64s\" is no option", *option);
	return check_hosts(spec->hosts, err);
}

int network_spec_validate(const struct network_spec *spec, struct error *err)
{
	if (spec->mode && strncmp(spec->mode, "container:", strlen("container:")) == 0 &&
	    !spec->mode[strlen("container:")])
		return error_set_subject(err, ERROR_INVALID_VALUE, "network",
					 "container: name the container whose network it shares");
	if (spec->rate_bits && spec->mode)
		return error_set_subject(err, ERROR_INVALID_VALUE, "network_rate_bits",
					 "\"%.64s\" is no network that a rate could be limited on",
					 spec->mode);
	if (spec->rate_bits &&
	    (spec->rate_bits < NETWORK_RATE_MIN_BITS || spec->rate_bits > NETWORK_RATE_MAX_BITS))
		return error_set_subject(err, ERROR_INVALID_VALUE, "network_rate_bits",
					 "a network's rate is from 8kbit to 1000gbit a second");
	if (check_networks(spec, err) < 0 || check_ports(spec, err) < 0)
		return -1;
	return check_names(spec, err);
}

/* --- Text ------------------------------------------------------------------------------------ */

int network_rate_parse(const char *text, int64_t *ret_bits, struct error *err)
{
	static const char *const units[] = { "bit", "kbit", "mbit", "gbit" };
	const size_t digits = strspn(text, "0123456789");
	_cleanup_(freep) char *number = alloc_printf("%.*s", (int)digits, text);
	int64_t factor = 1, value;

	for (size_t i = 0; i < ARRAY_SIZE(units); i++, factor *= 1000) {
		if (strcmp(text + digits, units[i]) != 0)
			continue;
		if (parse_integer(number, 1, NETWORK_RATE_MAX_BITS / factor, &value, err) < 0)
			break;
		*ret_bits = value * factor;
		return 0;
	}
	return error_set(err, ERROR_INVALID_VALUE,
			 "\"%.32s\" is no rate; write 10mbit, or 512kbit, or 1gbit", text);
}

static int take_option(struct network_attachment *attachment, const char *option, struct error *err)
{
	const char *equals = strchr(option, '=');
	size_t n = equals ? (size_t)(equals - option) : 0;
	char **field = NULL;

	if (n == 5 && memcmp(option, "alias", n) == 0) {
		strv_append(&attachment->aliases, equals + 1);
		return 0;
	}
	if (n == 2 && memcmp(option, "ip", n) == 0)
		field = &attachment->ipv4_address;
	else if (n == 3 && memcmp(option, "ip6", n) == 0)
		field = &attachment->ipv6_address;
	else if (n == 3 && memcmp(option, "mac", n) == 0)
		field = &attachment->mac_address;
	if (!field)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.64s\": there are ip=, ip6=, mac= and alias=", option);
	free(*field);
	*field = alloc_strdup(equals + 1);
	return 0;
}

int network_spec_add_text(struct network_spec *spec, const char *text, struct error *err)
{
	struct network_attachment attachment = { 0 };
	_cleanup_(freep) char *copy = alloc_strdup(text);
	char *rest = copy, *option;

	if (strcmp(text, "none") == 0 || strcmp(text, "host") == 0 ||
	    strncmp(text, "container:", strlen("container:")) == 0) {
		free(spec->mode);
		spec->mode = alloc_strdup(text);
		return 0;
	}
	attachment.network = alloc_strdup(strsep(&rest, ":"));
	while ((option = strsep(&rest, ","))) {
		if (take_option(&attachment, option, err) < 0) {
			network_attachment_done(&attachment);
			return -1;
		}
	}
	network_attachments_add(&spec->networks, &attachment);
	return 0;
}
