#include "daemon/api/interface.h"

#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/api/interfaces.h"

static const struct {
	const char *text, *end;
	const struct method *methods;
} embedded[INTERFACE_COUNT] = {
	{ interface_container_text, interface_container_end, container_methods },
	{ interface_service_text, interface_service_end, service_methods },
	{ interface_daemon_text, interface_daemon_end, daemon_methods },
	{ interface_network_text, interface_network_end, network_methods },
	{ interface_volume_text, interface_volume_end, volume_methods },
};

static int bind_methods(struct interface *interface, const struct method *methods,
			struct error *err)
{
	size_t n = 0;

	while (idl_method_at(interface->idl, n))
		n++;
	interface->methods = alloc_zero(n, sizeof(*interface->methods));
	for (const struct method *method = methods; method->name; method++) {
		int i = idl_find_method(interface->idl, method->name, strlen(method->name));

		if (i < 0)
			return error_set(err, ERROR_FAILED, "%s defines no method %s",
					 idl_name(interface->idl), method->name);
		interface->methods[i] = method;
	}
	for (size_t i = 0; i < n; i++)
		if (!interface->methods[i])
			return error_set(err, ERROR_FAILED, "%s: no function for method %s",
					 idl_name(interface->idl),
					 idl_method_at(interface->idl, i));
	return 0;
}

int interfaces_load(struct interface **ret, struct error *err)
{
	struct interface *interfaces = alloc_zero(INTERFACE_COUNT, sizeof(*interfaces));

	for (size_t i = 0; i < INTERFACE_COUNT; i++) {
		size_t size = (size_t)(embedded[i].end - embedded[i].text);

		if (idl_parse(embedded[i].text, size, &interfaces[i].idl, err) < 0 ||
		    bind_methods(&interfaces[i], embedded[i].methods, err) < 0) {
			interfaces_free(interfaces);
			return -1;
		}
	}
	*ret = interfaces;
	return 0;
}

struct interface *interfaces_free(struct interface *interfaces)
{
	for (size_t i = 0; interfaces && i < INTERFACE_COUNT; i++) {
		idl_free(interfaces[i].idl);
		free(interfaces[i].methods);
	}
	free(interfaces);
	return NULL;
}

const struct interface *interface_find(const struct interface *interfaces, const char *method,
				       int *ret_method)
{
	const char *dot = strrchr(method, '.');

	for (size_t i = 0; dot && i < INTERFACE_COUNT; i++) {
		const char *name = idl_name(interfaces[i].idl);
		size_t length = (size_t)(dot - method);

		if (strncmp(name, method, length) != 0 || name[length] != '\0')
			continue;
		*ret_method = idl_find_method(interfaces[i].idl, dot + 1, strlen(dot + 1));
		return &interfaces[i];
	}
	return NULL;
}
