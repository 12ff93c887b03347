/* The set of networks, and their records. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/network/firewall.h"
#include "daemon/network/object.h"

enum { RECORD_VERSION = 1 };

/* What a record has, in its form. */
struct record {
	int64_t version, number, owner, mtu;
	char *name, *created_at, *subnet, *gateway, *ipv6_subnet, *ipv6_gateway;
	bool internal, host_access;
	char **labels;
};

static const struct json_field fields[] = {
	JSON_FIELD(struct record, version, JSON_INT),
	JSON_FIELD(struct record, number, JSON_INT),
	JSON_FIELD(struct record, owner, JSON_INT),
	JSON_FIELD(struct record, mtu, JSON_INT),
	JSON_FIELD(struct record, name, JSON_STRING),
	JSON_FIELD(struct record, created_at, JSON_STRING),
	JSON_FIELD(struct record, subnet, JSON_STRING),
	JSON_FIELD(struct record, gateway, JSON_STRING),
	JSON_FIELD(struct record, ipv6_subnet, JSON_STRING),
	JSON_FIELD(struct record, ipv6_gateway, JSON_STRING),
	JSON_FIELD(struct record, internal, JSON_BOOL),
	JSON_FIELD(struct record, host_access, JSON_BOOL),
	JSON_FIELD(struct record, labels, JSON_MAP),
};

static void record_done(struct record *record)
{
	json_free_fields(fields, ARRAY_SIZE(fields), record);
}

/* --- The set --------------------------------------------------------------------------------- */

int networks_new(const struct networks_params *params, struct networks **ret, struct error *err)
{
	struct networks *networks = ALLOC(struct networks);
	size_t n;

	(void)err;
	networks->params = *params;
	networks->netlink = networks->home = -1;
	TAILQ_INIT(&networks->list);
	(void)instance_name(params->run_dir, networks->instance);
	n = strlen(networks->instance);
	/* "dokrust" itself has no number. */
	(void)snprintf(networks->tag, sizeof(networks->tag), "%s",
		       n > 12 ? networks->instance + n - 5 : "00000");
	*ret = networks;
	return 0;
}

void network_free(struct network *network)
{
	TAILQ_REMOVE(&network->set->list, network, entry);
	free(network->name);
	strv_free(network->labels);
	free(network->freed);
	free(network);
}

struct networks *networks_free(struct networks *networks, bool leave)
{
	struct network *network;

	if (!networks)
		return NULL;
	while ((network = TAILQ_FIRST(&networks->list))) {
		if (!leave)
			network_down(network);
		network_free(network);
	}
	if (networks->firewall)
		networks->firewall = firewall_free(networks->firewall, leave);
	(void)fd_close(networks->netlink);
	(void)fd_close(networks->home);
	free(networks);
	return NULL;
}

static struct network *find(struct networks *networks, const char *name)
{
	struct network *network;

	TAILQ_FOREACH (network, &networks->list, entry)
		if (strcmp(network->name, name) == 0)
			return network;
	return NULL;
}

int networks_find(struct networks *networks, const char *name, struct network **ret,
		  struct error *err)
{
	const struct network_params params = { .name = NETWORK_DEFAULT, .ipv6 = true };
	struct network *network = find(networks, name);

	if (!network && strcmp(name, NETWORK_DEFAULT) == 0)
		return networks_create(networks, &params, NULL, NULL, ret, err);
	if (!network)
		return error_set_subject(err, ERROR_NETWORK_NOT_FOUND, name,
					 "no network named \"%.64s\"", name);
	*ret = network;
	return 0;
}

int networks_find_own(struct networks *networks, uid_t user, struct network **ret,
		      struct error *err)
{
	_cleanup_(freep) char *name = alloc_printf("%s.%u", NETWORK_DEFAULT, user);
	const struct network_params params = { .name = name, .ipv6 = true, .owner = user };
	struct network *network = find(networks, name);

	if (!network)
		return networks_create(networks, &params, NULL, NULL, ret, err);
	if (network->owner != user)
		return error_set_subject(err, ERROR_NETWORK_IN_USE, name,
					 "network \"%s\" is not that user's own", name);
	*ret = network;
	return 0;
}

struct network *networks_first(struct networks *networks)
{
	return TAILQ_FIRST(&networks->list);
}

struct network *network_following(struct network *network)
{
	return TAILQ_NEXT(network, entry);
}

const char *network_name(const struct network *network)
{
	return network->name;
}

uid_t network_owner(const struct network *network)
{
	return network->owner;
}

bool network_is_internal(const struct network *network)
{
	return network->internal;
}

bool network_is_default(const struct network *network)
{
	return strcmp(network->name, NETWORK_DEFAULT) == 0;
}

struct endpoint *network_first_endpoint(const struct network *network)
{
	return TAILQ_FIRST(&network->endpoints);
}

struct endpoint *network_next_endpoint(const struct endpoint *endpoint)
{
	return TAILQ_NEXT(endpoint, entry);
}

struct address network_gateway(const struct network *network, int family)
{
	return family == AF_INET ? network->gateway4 : network->gateway6;
}

/* --- Records --------------------------------------------------------------------------------- */

static void fill_record(const struct network *network, struct record *record,
			char texts[5][ADDRESS_TEXT_SIZE])
{
	*record = (struct record){
		.version = RECORD_VERSION,
		.number = network->number,
		.owner = network->owner,
		.mtu = network->mtu,
		.name = network->name,
		.created_at = texts[0],
		.subnet = texts[1],
		.gateway = texts[2],
		.internal = network->internal,
		.host_access = network->host_access,
		.labels = network->labels,
	};
	(void)clock_format(network->created_at_us, texts[0]);
	(void)subnet_format(&network->ipv4, texts[1]);
	(void)address_format(&network->gateway4, texts[2]);
	if (!network->ipv6.address.family)
		return;
	record->ipv6_subnet = texts[3];
	record->ipv6_gateway = texts[4];
	(void)subnet_format(&network->ipv6, texts[3]);
	(void)address_format(&network->gateway6, texts[4]);
}

_Static_assert((int)ADDRESS_TEXT_SIZE >= (int)CLOCK_TEXT_SIZE, "a time fits where an address does");

int network_save(struct network *network, store_callback saved, void *userdata, struct error *err)
{
	_cleanup_(json_putp) struct json_object *object = json_object_new_object();
	char texts[5][ADDRESS_TEXT_SIZE];
	struct record record;
	const char *text;
	size_t size;

	fill_record(network, &record, texts);
	json_write_fields(object, fields, ARRAY_SIZE(fields), &record);
	text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN, &size);
	return store_write(network->set->params.store, STORE_NETWORK, network->id, text, size,
			   saved, userdata, err);
}

struct json_object *network_to_json(const struct network *network)
{
	struct json_object *object = json_object_new_object();
	char texts[5][ADDRESS_TEXT_SIZE], bridge[IFNAMSIZ];
	struct record record;

	fill_record(network, &record, texts);
	json_write_fields(object, fields, ARRAY_SIZE(fields), &record);
	json_object_object_del(object, "version");
	json_object_object_del(object, "number");
	if (!network->labels)
		json_object_object_add(object, "labels", json_object_new_object());
	json_object_object_add(object, "bridge",
			       json_object_new_string(network_bridge_name(network, bridge)));
	return object;
}

static int read_record(struct networks *networks, const char *text, size_t size,
		       struct record *record, struct error *err)
{
	_cleanup_(json_putp) struct json_object *object = NULL;

	if (json_parse(text, size, &object, err) < 0 ||
	    json_read_fields(object, fields, ARRAY_SIZE(fields), record, err) < 0)
		return -1;
	if (record->version != RECORD_VERSION)
		return error_set(err, ERROR_PROTOCOL,
				 "version %lld, and this program knows version %d",
				 (long long)record->version, RECORD_VERSION);
	if (!record->name || !name_is_valid(record->name) || !record->created_at ||
	    !record->subnet || !record->gateway || record->owner < 0 ||
	    record->owner >= UINT32_MAX || record->number < 0 ||
	    record->number > NETWORK_NUMBER_MAX || record->mtu < 0 || record->mtu > UINT16_MAX)
		return error_set(err, ERROR_PROTOCOL, "it is no record of a network");
	if (find(networks, record->name))
		return error_set(err, ERROR_PROTOCOL, "another network is named \"%s\"",
				 record->name);
	return 0;
}

static int fill_addresses(const struct record *record, struct network *network, struct error *err)
{
	if (clock_parse(record->created_at, &network->created_at_us) < 0)
		return error_set(err, ERROR_PROTOCOL, "its time is none");
	if (subnet_parse(record->subnet, &network->ipv4, err) < 0 ||
	    address_parse(record->gateway, AF_INET, &network->gateway4, err) < 0)
		return -1;
	if (!record->ipv6_subnet || !record->ipv6_gateway)
		return 0;
	if (subnet_parse(record->ipv6_subnet, &network->ipv6, err) < 0 ||
	    address_parse(record->ipv6_gateway, AF_INET6, &network->gateway6, err) < 0)
		return -1;
	return 0;
}

static void load_record(void *userdata, const char *id, const char *text, size_t size,
			const struct error *read_err)
{
	struct networks *networks = userdata;
	_cleanup_(record_done) struct record record = { .owner = -1 };
	_cleanup_(freep) struct network *network = ALLOC(struct network);
	struct error err, ignored;

	if (!text) {
		networks->params.complain(id, read_err);
		return;
	}
	if (strlen(id) != NETWORK_ID_LENGTH ||
	    read_record(networks, text, size, &record, &err) < 0 ||
	    fill_addresses(&record, network, &err) < 0) {
		if (strlen(id) != NETWORK_ID_LENGTH)
			(void)error_set(&err, ERROR_PROTOCOL, "it is no record of a network");
		(void)error_prefix(&err, "its record is set aside");
		networks->params.complain(id, &err);
		(void)store_set_aside(networks->params.store, STORE_NETWORK, id, &ignored);
		return;
	}
	network->set = networks;
	(void)snprintf(network->id, sizeof(network->id), "%s", id);
	network->name = TAKE_PTR(record.name);
	network->labels = TAKE_PTR(record.labels);
	network->number = (uint32_t)record.number;
	network->owner = (uid_t)record.owner;
	network->mtu = (uint32_t)record.mtu;
	network->internal = record.internal;
	network->host_access = record.host_access;
	network->next_index = LEASE_FIRST;
	TAILQ_INIT(&network->endpoints);
	TAILQ_INSERT_TAIL(&networks->list, network, entry);
	network = NULL;
}

int networks_load(struct networks *networks, struct error *err)
{
	return store_load(networks->params.store, STORE_NETWORK, load_record, networks, err);
}

void network_remove(struct network *network, store_callback removed, void *userdata)
{
	struct networks *networks = network->set;
	struct error ignored; /* it comes by the callback */

	network_down(network);
	(void)store_remove(networks->params.store, STORE_NETWORK, network->id, removed, userdata,
			   &ignored);
	network_free(network);
}
