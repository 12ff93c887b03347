/* network: create, ls, inspect, rm, prune, connect, disconnect; and port. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "client/call.h"
#include "client/command.h"
#include "client/each.h"
#include "client/print.h"
#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/network_spec.h"
#include "common/parse.h"
#include "common/text.h"

static const struct option no_options[] = { { 0 } };

static int fail(const char *what, struct error *err)
{
	print_failure(err, "network %s", what);
	return EXIT_FAILURE;
}

/* --- create ---------------------------------------------------------------------------------- */

struct create_values {
	char **subnets, *gateway;
	bool ipv6, internal;
	char *driver;
	int64_t mtu;
	char **options, **labels;
};

static int option_mtu(const char *text, void *value, struct error *err)
{
	return parse_integer(text, 1, UINT16_MAX, value, err);
}

#define AT(member) .offset = offsetof(struct create_values, member)

static const struct option create_options[] = {
	{ .name = "subnet",
	  .kind = OPTION_TEXTS,
	  AT(subnets),
	  .argument = "ADDRESS/BITS",
	  .help = "its addresses; a second one for IPv6; chosen without" },
	{ .name = "gateway",
	  .kind = OPTION_TEXT,
	  AT(gateway),
	  .argument = "ADDRESS",
	  .help = "the host's address there; the first one without" },
	{ .name = "ipv6", .kind = OPTION_FLAG, AT(ipv6), .help = "IPv6 as well" },
	{ .name = "internal",
	  .kind = OPTION_FLAG,
	  AT(internal),
	  .help = "no way out, and none in" },
	{ .name = "mtu",
	  .kind = OPTION_PARSED,
	  AT(mtu),
	  .argument = "BYTES",
	  .help = "of the largest packet, 1280 to 65535",
	  .parse = option_mtu },
	{ .name = "driver",
	  .letter = 'd',
	  .kind = OPTION_TEXT,
	  AT(driver),
	  .argument = "bridge",
	  .help = "there is this one alone" },
	{ .name = "opt",
	  .letter = 'o',
	  .kind = OPTION_TEXTS,
	  AT(options),
	  .argument = "KEY=VALUE",
	  .help = "host_access=true: containers may use the host's services" },
	{ .name = "label",
	  .letter = 'l',
	  .kind = OPTION_PARSED,
	  AT(labels),
	  .argument = "KEY=VALUE",
	  .help = "a note about it",
	  .parse = option_label },
	{ 0 },
};

static void create_done(void *values)
{
	strv_freep(&((struct create_values *)values)->labels);
}

static int add_subnets(struct json_object *parameters, char *const *subnets, struct error *err)
{
	struct subnet subnet;

	for (; subnets && *subnets; subnets++) {
		if (subnet_parse(*subnets, &subnet, err) < 0)
			return -1;
		call_add_string(parameters,
				subnet.address.family == AF_INET ? "subnet" : "ipv6_subnet",
				*subnets);
	}
	return 0;
}

static int add_options(struct json_object *parameters, char *const *options, struct error *err)
{
	for (; options && *options; options++) {
		const char *value = strchr(*options, '=');

		if (!value || strncmp(*options, "host_access=", 12) != 0 ||
		    (strcmp(value, "=true") != 0 && strcmp(value, "=false") != 0))
			return error_set(err, ERROR_INVALID_VALUE,
					 "--opt: \"%.64s\": there is host_access=true or false",
					 *options);
		json_object_object_add(parameters, "host_access",
				       json_object_new_boolean(strcmp(value, "=true") == 0));
	}
	return 0;
}

static int create(const struct client *client, char **operands, void *values)
{
	static const struct json_field fields[] = {
		JSON_FIELD(struct create_values, gateway, JSON_STRING),
		JSON_FIELD(struct create_values, ipv6, JSON_BOOL),
		JSON_FIELD(struct create_values, internal, JSON_BOOL),
		JSON_FIELD(struct create_values, mtu, JSON_INT),
		JSON_FIELD(struct create_values, labels, JSON_MAP),
	};
	const struct create_values *create_values = values;
	_cleanup_(json_putp) struct json_object *parameters = json_object_new_object();
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct error err;

	if (create_values->driver && strcmp(create_values->driver, "bridge") != 0) {
		(void)error_set(&err, ERROR_INVALID_VALUE, "\"%.32s\": there is only bridge",
				create_values->driver);
		return fail("create", &err);
	}
	call_add_string(parameters, "name", operands[0]);
	json_write_fields(parameters, fields, ARRAY_SIZE(fields), values);
	if (add_subnets(parameters, create_values->subnets, &err) < 0 ||
	    add_options(parameters, create_values->options, &err) < 0 ||
	    call_once(&client->host, NETWORK_METHOD("Create"), TAKE_PTR(parameters), &reply, &err) <
		    0)
		return fail("create", &err);
	printf("%s\n", call_string(reply, "name"));
	return EXIT_SUCCESS;
}

static const struct command command_network_create = {
	.name = "network create",
	.operands = "NAME",
	.summary = "Make a network",
	.details = "Its subnet overlaps no route of the host, and no other network.",
	.example = "dokrustctl network create --subnet 10.9.0.0/24 back",
	.options = create_options,
	.operands_min = 1,
	.operands_max = 1,
	.run = create,
	.values_size = sizeof(struct create_values),
	.done = create_done,
};

/* --- ls -------------------------------------------------------------------------------------- */

struct ls_values {
	bool quiet, json;
};

static const struct option ls_options[] = {
	{ .name = "quiet",
	  .letter = 'q',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct ls_values, quiet),
	  .help = "names alone" },
	{ .name = "format",
	  .kind = OPTION_PARSED,
	  .offset = offsetof(struct ls_values, json),
	  .argument = "FORMAT",
	  .help = "json (an object a line) or table",
	  .parse = option_format },
	{ 0 },
};

static void show(struct json_object *network, const struct ls_values *values, struct table *table)
{
	_cleanup_(freep) char *users = NULL;
	bool internal = json_object_get_boolean(json_object_object_get(network, "internal"));

	if (values->json) {
		print_json(network, false);
		return;
	}
	if (values->quiet) {
		printf("%s\n", call_string(network, "name"));
		return;
	}
	users = print_join(json_object_object_get(network, "used_by"), ", ");
	table_add(table, call_string(network, "name"));
	table_add(table, call_string(network, "subnet"));
	table_add(table, call_string(network, "ipv6_subnet"));
	table_add(table, internal ? "yes" : "");
	table_add(table, users);
}

static int list(const struct client *client, const struct ls_values *values, struct table *table,
		struct error *err)
{
	_cleanup_(channel_done) struct channel channel = CHANNEL_NULL;
	bool continues = true;

	if (channel_open(&channel, &client->host, err) < 0 ||
	    call_send(&channel, NETWORK_METHOD("List"), json_object_new_object(), true, false,
		      err) < 0)
		return -1;
	while (continues) {
		_cleanup_(json_putp) struct json_object *reply = NULL;
		struct json_object *network;

		if (call_receive(&channel, &reply, &continues, err) < 0)
			return -1;
		network = json_object_object_get(reply, "network");
		if (network)
			show(network, values, table);
	}
	return 0;
}

static int ls(const struct client *client, char **operands, void *values)
{
	static const char *const columns[] = { "NAME", "SUBNET", "IPV6 SUBNET", "INTERNAL",
					       "USED BY" };
	const struct ls_values *ls_values = values;
	_cleanup_(table_done) struct table table;
	struct error err;

	(void)operands;
	table_init(&table, ARRAY_SIZE(columns));
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		table_add(&table, columns[i]);
	if (list(client, ls_values, &table, &err) < 0)
		return fail("ls", &err);
	if (!ls_values->quiet && !ls_values->json)
		table_print(&table);
	return EXIT_SUCCESS;
}

static const struct command command_network_ls = {
	.name = "network ls",
	.operands = "",
	.summary = "List networks",
	.example = "dokrustctl network ls -q",
	.options = ls_options,
	.run = ls,
	.values_size = sizeof(struct ls_values),
};

/* --- inspect --------------------------------------------------------------------------------- */

static void add_network(struct json_object *reply, const char *operand, void *userdata)
{
	(void)operand;
	json_object_array_add(userdata, json_object_get(json_object_object_get(reply, "network")));
}

static int inspect(const struct client *client, char **operands, void *values)
{
	_cleanup_(json_putp) struct json_object *array = json_object_new_array();
	const struct each each = {
		.verb = "network inspect",
		.method = NETWORK_METHOD("Inspect"),
		.key = "network",
		.done = add_network,
		.userdata = array,
	};
	unsigned int failed = each_container(&client->host, &each, operands);

	(void)values;
	print_json(array, json_object_array_length(array) > 0);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct command command_network_inspect = {
	.name = "network inspect",
	.operands = "NETWORK...",
	.summary = "Show all that is known of networks, with members and leases, as a JSON array",
	.example = "dokrustctl network inspect bridge",
	.options = no_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = inspect,
};

/* --- rm, prune ------------------------------------------------------------------------------- */

static int rm(const struct client *client, char **operands, void *values)
{
	const struct each each = {
		.verb = "network rm",
		.method = NETWORK_METHOD("Remove"),
		.key = "network",
	};

	(void)values;
	return each_container(&client->host, &each, operands) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct command command_network_rm = {
	.name = "network rm",
	.operands = "NETWORK...",
	.summary = "Remove networks that no container is to be on",
	.example = "dokrustctl network rm back",
	.options = no_options,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = rm,
};

static int prune(const struct client *client, char **operands, void *values)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct json_object *names;
	struct error err;

	(void)operands;
	(void)values;
	if (call_once(&client->host, NETWORK_METHOD("Prune"), json_object_new_object(), &reply,
		      &err) < 0)
		return fail("prune", &err);
	names = json_object_object_get(reply, "networks");
	for (size_t i = 0; i < json_object_array_length(names); i++)
		printf("%s\n", json_object_get_string(json_object_array_get_idx(names, i)));
	return EXIT_SUCCESS;
}

static const struct command command_network_prune = {
	.name = "network prune",
	.operands = "",
	.summary = "Remove the networks that no container is to be on",
	.details = "Prints the names of those that were removed. It does not ask.",
	.example = "dokrustctl network prune",
	.options = no_options,
	.run = prune,
};

/* --- connect, disconnect --------------------------------------------------------------------- */

struct connect_values {
	struct network_attachment attachment;
};

#undef AT
#define AT(member) .offset = offsetof(struct connect_values, attachment.member)

static const struct option connect_options[] = {
	{ .name = "ip",
	  .kind = OPTION_TEXT,
	  AT(ipv4_address),
	  .argument = "ADDRESS",
	  .help = "its IPv4 address there" },
	{ .name = "ip6",
	  .kind = OPTION_TEXT,
	  AT(ipv6_address),
	  .argument = "ADDRESS",
	  .help = "its IPv6 address there" },
	{ .name = "mac-address",
	  .kind = OPTION_TEXT,
	  AT(mac_address),
	  .argument = "MAC",
	  .help = "its MAC address there" },
	{ .name = "alias",
	  .kind = OPTION_TEXTS,
	  AT(aliases),
	  .argument = "NAME",
	  .help = "one more name for it there" },
	{ 0 },
};

static int connect_(const struct client *client, char **operands, void *values)
{
	struct network_attachment *attachment = &((struct connect_values *)values)->attachment;
	struct json_object *parameters = call_container(operands[1]), *object;
	struct error err;

	object = network_attachment_to_json(attachment);
	call_add_string(object, "network", operands[0]);
	json_object_object_add(parameters, "attachment", object);
	if (call_once(&client->host, CONTAINER_METHOD("Connect"), parameters, NULL, &err) < 0)
		return fail("connect", &err);
	return EXIT_SUCCESS;
}

static const struct command command_network_connect = {
	.name = "network connect",
	.operands = "NETWORK CONTAINER",
	.summary = "Put a container on a network, at once if it runs",
	.example = "dokrustctl network connect --alias db back postgres",
	.options = connect_options,
	.operands_min = 2,
	.operands_max = 2,
	.run = connect_,
	.values_size = sizeof(struct connect_values),
};

static int disconnect(const struct client *client, char **operands, void *values)
{
	struct json_object *parameters = call_container(operands[1]);
	struct error err;

	(void)values;
	call_add_string(parameters, "network", operands[0]);
	if (call_once(&client->host, CONTAINER_METHOD("Disconnect"), parameters, NULL, &err) < 0)
		return fail("disconnect", &err);
	return EXIT_SUCCESS;
}

static const struct command command_network_disconnect = {
	.name = "network disconnect",
	.operands = "NETWORK CONTAINER",
	.summary = "Take a container off a network",
	.example = "dokrustctl network disconnect back postgres",
	.options = no_options,
	.operands_min = 2,
	.operands_max = 2,
	.run = disconnect,
};

static const struct command *const family[] = {
	&command_network_create,     &command_network_ls,
	&command_network_inspect,    &command_network_rm,
	&command_network_prune,	     &command_network_connect,
	&command_network_disconnect, NULL,
};

const struct command command_network = {
	.name = "network",
	.operands = "COMMAND ...",
	.summary = "Make, list and remove networks, and put containers on them",
	.example = "dokrustctl network ls",
	.family = family,
};

/* --- port ------------------------------------------------------------------------------------ */

static void show_port(struct json_object *port, const char *wanted)
{
	const char *address = call_string(port, "host_address");
	_cleanup_(freep) char *inside = alloc_printf(
		"%s/%s", json_object_to_json_string(json_object_object_get(port, "container_port")),
		call_string(port, "protocol"));
	const int host = json_object_get_int(json_object_object_get(port, "host_port"));

	if (wanted && strcmp(wanted, inside) != 0 &&
	    (strcmp(call_string(port, "protocol"), "tcp") != 0 ||
	     strlen(wanted) != strcspn(inside, "/") ||
	     strncmp(inside, wanted, strlen(wanted)) != 0))
		return;
	if (!wanted)
		printf("%s -> ", inside);
	printf(strchr(address, ':') ? "[%s]:%d\n" : "%s:%d\n", address[0] ? address : "0.0.0.0",
	       host);
	if (!address[0])
		printf("%s%s[::]:%d\n", wanted ? "" : inside, wanted ? "" : " -> ", host);
}

static int port(const struct client *client, char **operands, void *values)
{
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct json_object *ports = NULL;
	struct error err;

	(void)values;
	if (call_once(&client->host, CONTAINER_METHOD("Inspect"), call_container(operands[0]),
		      &reply, &err) < 0) {
		print_failure(&err, "port %s", operands[0]);
		return EXIT_FAILURE;
	}
	ports = json_object_object_get(json_object_object_get(reply, "container"), "ports");
	for (size_t i = 0; ports && i < json_object_array_length(ports); i++)
		show_port(json_object_array_get_idx(ports, i), operands[1]);
	return EXIT_SUCCESS;
}

const struct command command_port = {
	.name = "port",
	.operands = "CONTAINER [PORT[/PROTOCOL]]",
	.summary = "Show the ports of the host that lead to a container",
	.example = "dokrustctl port web 80",
	.options = no_options,
	.operands_min = 1,
	.operands_max = 2,
	.run = port,
};
