/* A container's place on a network. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/network/firewall.h"
#include "daemon/network/link.h"
#include "daemon/network/object.h"
#include "daemon/network/resolver.h"

static struct endpoint *make(struct network *network, const struct endpoint_params *params)
{
	struct endpoint *endpoint = ALLOC(struct endpoint);

	endpoint->network = network;
	endpoint->number = params->number;
	endpoint->rate_bits = params->rate_bits;
	endpoint->owner = alloc_strdup(params->owner);
	endpoint->names = strv_copy(params->names);
	endpoint->dns = strv_copy(params->dns);
	return endpoint;
}

static void discard(struct endpoint *endpoint)
{
	free(endpoint->owner);
	strv_free(endpoint->names);
	strv_free(endpoint->dns);
	free(endpoint);
}

int endpoint_new(struct network *network, const struct endpoint_params *params,
		 struct endpoint **ret, struct error *err)
{
	struct endpoint *endpoint;

	if (network_up(network, err) < 0)
		return -1;
	endpoint = make(network, params);
	if (lease_take(network, params->attachment, endpoint, err) < 0) {
		discard(endpoint);
		return -1;
	}
	TAILQ_INSERT_TAIL(&network->endpoints, endpoint, entry);
	network->n_endpoints++;
	*ret = endpoint;
	return 0;
}

struct endpoint *endpoint_free(struct endpoint *endpoint)
{
	struct network *network;

	if (!endpoint)
		return NULL;
	network = endpoint->network;
	resolver_forget(endpoint);
	if (network->set->firewall)
		firewall_remove_endpoint(network->set->firewall, endpoint);
	lease_give_back(endpoint);
	TAILQ_REMOVE(&network->endpoints, endpoint, entry);
	network->n_endpoints--;
	discard(endpoint);
	return NULL;
}

/* --- Its interface --------------------------------------------------------------------------- */

static int make_pair(const struct endpoint *endpoint, pid_t pid, struct error *err)
{
	const struct network *network = endpoint->network;
	char inside[IFNAMSIZ];
	const struct link_pair pair = {
		.host = endpoint->host,
		.bridge = network->bridge_index,
		.pid = (uint32_t)pid,
		.inside = inside,
		.mac = endpoint->mac,
		.mtu = network->mtu,
	};

	(void)snprintf(inside, sizeof(inside), "eth%u", endpoint->number);
	if (link_make_pair(network->set->netlink, &pair, err) == 0)
		return 0;
	/* Of the lease's last holder, whose namespace is not gone yet. */
	if (err->sys_errno != EEXIST || link_remove(network->set->netlink, endpoint->host, err) < 0)
		return -1;
	return link_make_pair(network->set->netlink, &pair, err);
}

/* addresses: they are given to it; otherwise it has them. */
static int set_up_inside(const struct endpoint *endpoint, int pidfd, bool addresses,
			 bool default_route, struct error *err)
{
	const struct network *network = endpoint->network;
	const struct subnet ipv4 = { endpoint->ipv4, network->ipv4.prefix };
	const struct subnet ipv6 = { endpoint->ipv6, network->ipv6.prefix };
	char name[IFNAMSIZ];
	const bool leads_out = default_route && !network->internal;
	const struct link_inside wanted = {
		.name = name,
		.ipv4 = addresses ? &ipv4 : NULL,
		.ipv6 = addresses && endpoint->ipv6.family ? &ipv6 : NULL,
		.gateway4 = leads_out ? &network->gateway4 : NULL,
		.gateway6 = leads_out && endpoint->ipv6.family ? &network->gateway6 : NULL,
	};
	_cleanup_(fd_closep) int inside = -1;

	(void)snprintf(name, sizeof(name), "eth%u", endpoint->number);
	if (link_open_inside(network->set->home, pidfd, &inside, err) < 0)
		return -1;
	return link_set_up_inside(inside, &wanted, err);
}

int endpoint_lead_out(const struct endpoint *endpoint, int pidfd, struct error *err)
{
	if (endpoint->network->internal || set_up_inside(endpoint, pidfd, false, true, err) == 0)
		return 0;
	return error_prefix(err, "network \"%s\"", endpoint->network->name);
}

int endpoint_connect(struct endpoint *endpoint, pid_t pid, int pidfd, bool default_route,
		     struct error *err)
{
	const char *name = endpoint->network->name;

	if (firewall_add_endpoint(endpoint->network->set->firewall, endpoint, err) < 0 ||
	    make_pair(endpoint, pid, err) < 0 ||
	    set_up_inside(endpoint, pidfd, true, default_route, err) < 0)
		return error_prefix(err, "network \"%s\"", name);
	return 0;
}

int endpoint_disconnect(struct endpoint *endpoint, struct error *err)
{
	return link_remove(endpoint->network->set->netlink, endpoint->host, err);
}

/* --- From daemon to daemon ------------------------------------------------------------------- */

struct record {
	char *network, *ipv4_address, *ipv6_address, *mac_address;
	int64_t number, index;
};

static const struct json_field fields[] = {
	JSON_FIELD(struct record, network, JSON_STRING),
	JSON_FIELD(struct record, ipv4_address, JSON_STRING),
	JSON_FIELD(struct record, ipv6_address, JSON_STRING),
	JSON_FIELD(struct record, mac_address, JSON_STRING),
	JSON_FIELD(struct record, number, JSON_INT),
	JSON_FIELD(struct record, index, JSON_INT),
};

struct json_object *endpoint_to_record(const struct endpoint *endpoint)
{
	struct json_object *object = json_object_new_object();
	char ipv4[ADDRESS_TEXT_SIZE], ipv6[ADDRESS_TEXT_SIZE], mac[MAC_TEXT_SIZE];
	struct record record = {
		.network = endpoint->network->name,
		.ipv4_address = ipv4,
		.ipv6_address = endpoint->ipv6.family ? ipv6 : NULL,
		.mac_address = mac,
		.number = endpoint->number,
		.index = endpoint->index,
	};

	(void)address_format(&endpoint->ipv4, ipv4);
	(void)address_format(&endpoint->ipv6, ipv6);
	(void)mac_format(endpoint->mac, mac);
	json_write_fields(object, fields, ARRAY_SIZE(fields), &record);
	return object;
}

static int adopt(struct networks *networks, const struct record *record,
		 const struct endpoint_params *params, struct endpoint **ret, struct error *err)
{
	struct network *network;
	struct endpoint *endpoint;

	if (!record->network || !record->ipv4_address || !record->mac_address ||
	    record->index < 1 || record->index > LEASE_INDEX_MAX || record->number < 0 ||
	    record->number > UINT16_MAX)
		return error_set(err, ERROR_PROTOCOL, "its record of a network is none");
	if (networks_find(networks, record->network, &network, err) < 0 ||
	    network_up(network, err) < 0)
		return -1;
	endpoint = make(network, params);
	endpoint->number = (unsigned int)record->number;
	endpoint->index = (uint32_t)record->index;
	lease_port_name(network, endpoint->index, endpoint->host);
	if (address_parse(record->ipv4_address, AF_INET, &endpoint->ipv4, err) < 0 ||
	    (record->ipv6_address &&
	     address_parse(record->ipv6_address, AF_INET6, &endpoint->ipv6, err) < 0) ||
	    mac_parse(record->mac_address, endpoint->mac, err) < 0) {
		discard(endpoint);
		return -1;
	}
	TAILQ_INSERT_TAIL(&network->endpoints, endpoint, entry);
	network->n_endpoints++;
	*ret = endpoint;
	return firewall_add_endpoint(networks->firewall, endpoint, err);
}

int endpoint_adopt(struct networks *networks, struct json_object *object,
		   struct endpoint_params *params, struct endpoint **ret, struct error *err)
{
	struct record record = { 0 };
	int r;

	r = json_read_fields(object, fields, ARRAY_SIZE(fields), &record, err);
	if (r == 0)
		r = adopt(networks, &record, params, ret, err);
	json_free_fields(fields, ARRAY_SIZE(fields), &record);
	return r;
}

/* --- Looking --------------------------------------------------------------------------------- */

void endpoint_rename(struct endpoint *endpoint, char *const *names)
{
	strv_free(endpoint->names);
	endpoint->names = strv_copy(names);
}

unsigned int endpoint_number(const struct endpoint *endpoint)
{
	return endpoint->number;
}

struct network *endpoint_network(const struct endpoint *endpoint)
{
	return endpoint->network;
}

const char *endpoint_owner(const struct endpoint *endpoint)
{
	return endpoint->owner;
}

struct address endpoint_address(const struct endpoint *endpoint, int family)
{
	return family == AF_INET ? endpoint->ipv4 : endpoint->ipv6;
}

struct json_object *endpoint_to_json(const struct endpoint *endpoint)
{
	struct json_object *object = endpoint_to_record(endpoint), *names = json_object_new_array();
	char inside[IFNAMSIZ];

	json_object_object_del(object, "number");
	json_object_object_del(object, "index");
	(void)snprintf(inside, sizeof(inside), "eth%u", endpoint->number);
	json_object_object_add(object, "interface", json_object_new_string(inside));
	for (char **name = endpoint->names; name && *name; name++)
		json_object_array_add(names, json_object_new_string(*name));
	json_object_object_add(object, "names", names);
	return object;
}

int endpoint_counters(const struct endpoint *endpoint, struct network_counters *ret,
		      struct error *err)
{
	return link_counters(endpoint->network->set->netlink, endpoint->host, ret, err);
}
