/* io.dokrust.Network */
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/api/connection.h"
#include "daemon/api/container_methods.h"
#include "daemon/api/interface.h"
#include "daemon/network/network.h"

static struct networks *networks_of(const struct request *request)
{
	return request->connection->server->params.networks;
}

static char **users_of(const struct request *request, const struct network *network)
{
	struct containers *containers = request->connection->server->params.containers;
	struct container *container = containers_next(containers, 0);
	char **names = NULL;

	for (; container; container = container_following(container))
		if (container_has_network(container, network_name(network)))
			strv_append(&names, container_name(container));
	return names;
}

static struct json_object *member(const struct request *request, const struct endpoint *endpoint)
{
	struct containers *containers = request->connection->server->params.containers;
	struct json_object *object = endpoint_to_json(endpoint);
	struct container *container;
	struct error ignored;

	json_object_object_del(object, "network");
	json_object_object_add(object, "id", json_object_new_string(endpoint_owner(endpoint)));
	json_object_object_add(object, "name",
			       json_object_new_string(containers_find(containers,
								      endpoint_owner(endpoint),
								      &container, &ignored) == 0 ?
							      container_name(container) :
							      ""));
	return object;
}

static struct json_object *describe(const struct request *request, const struct network *network)
{
	_cleanup_(strv_freep) char **users = users_of(request, network);
	struct json_object *reply = json_object_new_object(), *object = network_to_json(network);
	struct json_object *names = json_object_new_array(), *members = json_object_new_array();
	const struct endpoint *endpoint = network_first_endpoint(network);

	for (; endpoint; endpoint = network_next_endpoint(endpoint))
		json_object_array_add(members, member(request, endpoint));
	for (char **user = users; user && *user; user++)
		json_object_array_add(names, json_object_new_string(*user));
	json_object_object_add(object, "members", members);
	json_object_object_add(object, "used_by", names);
	json_object_object_add(reply, "network", object);
	return reply;
}

/* False when answered already. */
static bool may(struct request *request)
{
	struct error err;

	if (access_networks(&request->connection->peer, &err) == 0)
		return true;
	request_error(request, &err);
	return false;
}

/* NULL when answered already. */
static struct network *find_network(struct request *request)
{
	struct network *network;
	struct error err;

	if (!may(request))
		return NULL;
	if (networks_find(networks_of(request), string_parameter(request, "network"), &network,
			  &err) == 0)
		return network;
	request_error(request, &err);
	return NULL;
}

/* --- Methods --------------------------------------------------------------------------------- */

struct create_options {
	char *name, *subnet, *gateway, *ipv6_subnet;
	bool ipv6, internal, host_access;
	int64_t mtu;
	char **labels;
};

static const struct json_field create_fields[] = {
	JSON_FIELD(struct create_options, name, JSON_STRING),
	JSON_FIELD(struct create_options, subnet, JSON_STRING),
	JSON_FIELD(struct create_options, gateway, JSON_STRING),
	JSON_FIELD(struct create_options, ipv6_subnet, JSON_STRING),
	JSON_FIELD(struct create_options, ipv6, JSON_BOOL),
	JSON_FIELD(struct create_options, internal, JSON_BOOL),
	JSON_FIELD(struct create_options, host_access, JSON_BOOL),
	JSON_FIELD(struct create_options, mtu, JSON_INT),
	JSON_FIELD(struct create_options, labels, JSON_MAP),
};

static void create_options_done(struct create_options *options)
{
	json_free_fields(create_fields, ARRAY_SIZE(create_fields), options);
}

static struct json_object *name_object(const char *name)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "name", json_object_new_string(name));
	return object;
}

static void create(struct request *request)
{
	_cleanup_(create_options_done) struct create_options options = { 0 };
	struct network_params params = { .owner = request->connection->peer.uid };
	struct request_ticket *ticket;
	struct network *network;
	struct error err;

	if (!may(request))
		return;
	if (json_read_fields(request->call.parameters, create_fields, ARRAY_SIZE(create_fields),
			     &options, &err) < 0) {
		request_error(request, &err);
		return;
	}
	params.name = options.name;
	params.subnet = options.subnet;
	params.gateway = options.gateway;
	params.ipv6_subnet = options.ipv6_subnet;
	params.ipv6 = options.ipv6;
	params.internal = options.internal;
	params.host_access = options.host_access;
	params.mtu = options.mtu;
	params.labels = options.labels;
	ticket = request_ticket_new(request, name_object(options.name));
	if (networks_create(networks_of(request), &params, request_ticket_done, ticket, &network,
			    &err) == 0)
		return;
	request_ticket_drop(ticket);
	request_error(request, &err);
}

static void remove_(struct request *request)
{
	struct network *network = find_network(request);
	_cleanup_(strv_freep) char **users = NULL;
	struct error err;

	if (!network)
		return;
	users = users_of(request, network);
	if (users || network_first_endpoint(network)) {
		(void)error_set_subject(&err, ERROR_NETWORK_IN_USE, network_name(network),
					"network \"%s\" is in use by container \"%s\"%s",
					network_name(network), users ? users[0] : "",
					users && users[1] ? " and others" : "");
		request_error(request, &err);
		return;
	}
	if (network_is_default(network)) {
		(void)error_set_subject(&err, ERROR_INVALID_VALUE, "network",
					"\"%s\" is always there", network_name(network));
		request_error(request, &err);
		return;
	}
	network_remove(network, request_ticket_done, request_ticket_new(request, NULL));
}

static void list(struct request *request)
{
	struct network *network = networks_first(networks_of(request)), *next;

	if (!may(request))
		return;
	for (; network; network = next) {
		next = network_following(network);
		if (!next) {
			request_reply(request, describe(request, network));
			return;
		}
		request_reply_more(request, describe(request, network));
	}
	request_reply(request, NULL);
}

static void inspect(struct request *request)
{
	struct network *network = find_network(request);

	if (network)
		request_reply(request, describe(request, network));
}

static bool is_to_go(const struct request *request, const struct network *network)
{
	_cleanup_(strv_freep) char **users = users_of(request, network);

	return !users && !network_first_endpoint(network) && !network_is_default(network);
}

/* The last that goes answers: the store keeps their order. */
static void prune(struct request *request)
{
	struct network *network = networks_first(networks_of(request)), *next, *last = NULL;
	struct json_object *reply, *names;

	if (!may(request))
		return;
	reply = json_object_new_object();
	names = json_object_new_array();
	json_object_object_add(reply, "networks", names);
	for (; network; network = next) {
		next = network_following(network);
		if (!is_to_go(request, network))
			continue;
		json_object_array_add(names, json_object_new_string(network_name(network)));
		if (last)
			network_remove(last, NULL, NULL);
		last = network;
	}
	if (last)
		network_remove(last, request_ticket_done, request_ticket_new(request, reply));
	else
		request_reply(request, reply);
}

const struct method network_methods[] = {
	{ .name = "Create", .need = ACCESS_CREATE, .call = create },
	{ .name = "Remove", .need = ACCESS_CREATE, .call = remove_ },
	{ .name = "List", .need = ACCESS_CREATE, .flags = METHOD_STREAM, .call = list },
	{ .name = "Inspect", .need = ACCESS_CREATE, .call = inspect },
	{ .name = "Prune", .need = ACCESS_CREATE, .call = prune },
	{ 0 },
};

/* --- io.dokrust.Container: Connect and Disconnect -------------------------------------------- */

void container_connect_method(struct request *request)
{
	struct container *container = find_container(request);
	struct network_attachment attachment;
	struct error err;
	int r;

	if (!container || !may(request))
		return;
	if (network_attachment_from_json(json_object_object_get(request->call.parameters,
								"attachment"),
					 &attachment, &err) < 0) {
		request_error(request, &err);
		return;
	}
	r = container_connect(container, &attachment, request_change_waiter(request), &err);
	network_attachment_done(&attachment);
	reply_when_changed(request, container, r, &err);
}

void container_disconnect_method(struct request *request)
{
	struct container *container = find_container(request);
	struct error err;
	int r;

	if (!container || !may(request))
		return;
	r = container_disconnect(container, string_parameter(request, "network"),
				 request_change_waiter(request), &err);
	reply_when_changed(request, container, r, &err);
}
