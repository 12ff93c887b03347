/* org.varlink.service */
#include <string.h>

#include "daemon/api/connection.h"
#include "daemon/api/interface.h"

static void get_info(struct request *request)
{
	const struct interface *interfaces = request->connection->server->interfaces;
	struct json_object *reply = json_object_new_object();
	struct json_object *names = json_object_new_array();

	for (size_t i = 0; i < INTERFACE_COUNT; i++)
		json_object_array_add(names, json_object_new_string(idl_name(interfaces[i].idl)));
	json_object_object_add(reply, "vendor", json_object_new_string("Dokrust"));
	json_object_object_add(reply, "product", json_object_new_string("dokrustd"));
	json_object_object_add(reply, "version", json_object_new_string(DOKRUST_VERSION));
	json_object_object_add(reply, "url", json_object_new_string("https://dokrust.io"));
	json_object_object_add(reply, "interfaces", names);
	request_reply(request, reply);
}

static void get_interface_description(struct request *request)
{
	const struct interface *interfaces = request->connection->server->interfaces;
	const char *name = json_object_get_string(
		json_object_object_get(request->call.parameters, "interface"));

	for (size_t i = 0; i < INTERFACE_COUNT; i++) {
		struct json_object *reply;

		if (strcmp(idl_name(interfaces[i].idl), name) != 0)
			continue;
		reply = json_object_new_object();
		json_object_object_add(reply, "description",
				       json_object_new_string(idl_text(interfaces[i].idl)));
		request_reply(request, reply);
		return;
	}
	request_service_error(request, "InterfaceNotFound", "interface", name);
}

const struct method service_methods[] = {
	{ .name = "GetInfo", .need = ACCESS_ANYONE, .call = get_info },
	{ .name = "GetInterfaceDescription",
	  .need = ACCESS_ANYONE,
	  .call = get_interface_description },
	{ 0 },
};
