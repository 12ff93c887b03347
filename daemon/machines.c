#include "daemon/machines.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_object.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "daemon/container/container.h"
#include "daemon/loop/bus.h"

#define MACHINED "org.freedesktop.machine1"

enum {
	PENDING_MAX = 64, /* calls without an answer, of a machined that is slow */
	NAME_SIZE = 65,
};

struct machines {
	struct containers *containers;
	struct container_listener listener;
	uint64_t told; /* serial number of the last event */
	struct bus *bus;
	bool missing; /* this host has no machined */
};

/* --- Calls ----------------------------------------------------------------------------------- */

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
	struct machines *machines = userdata;

	(void)ret_error;
	if (sd_bus_message_is_method_error(answer, SD_BUS_ERROR_SERVICE_UNKNOWN))
		machines->missing = true;
	return 0;
}

/* A machine's name is a host name, which has no underscores. */
static void machine_name(const char *name, char buffer[NAME_SIZE])
{
	(void)snprintf(buffer, NAME_SIZE, "%s", name);
	for (char *c = buffer; *c; c++)
		if (*c == '_')
			*c = '-';
}

static int make_call(struct machines *machines, const char *method, sd_bus_message **ret)
{
	return sd_bus_message_new_method_call(bus_open(machines->bus), ret, MACHINED,
					      "/org/freedesktop/machine1", MACHINED ".Manager",
					      method);
}

/* RegisterMachine(s name, ay id, s service, s class, u leader, s root_directory) */
static int make_registration(struct machines *machines, const char *name,
			     const struct container *container, sd_bus_message **ret)
{
	unsigned char id[16];
	int r = make_call(machines, "RegisterMachine", ret);

	for (size_t i = 0; i < sizeof(id); i++)
		(void)sscanf(container_id(container) + 2 * i, "%2hhx", &id[i]);
	if (r >= 0)
		r = sd_bus_message_append(*ret, "s", name);
	if (r >= 0)
		r = sd_bus_message_append_array(*ret, 'y', id, sizeof(id));
	if (r >= 0)
		r = sd_bus_message_append(*ret, "ssus", "dokrust", "container",
					  (uint32_t)container_pid(container), "");
	return r;
}

static int make_removal(struct machines *machines, const char *name, sd_bus_message **ret)
{
	int r = make_call(machines, "UnregisterMachine", ret);

	return r < 0 ? r : sd_bus_message_append(*ret, "s", name);
}

/* --- Events ---------------------------------------------------------------------------------- */

static void tell(struct machines *machines, const char *event, const char *id, const char *name)
{
	sd_bus_message *message = NULL;
	struct container *container;
	char machine[NAME_SIZE];
	struct error ignored;
	int r = -1;

	if (machines->missing || bus_pending(machines->bus) >= PENDING_MAX ||
	    !bus_open(machines->bus))
		return;
	machine_name(name, machine);
	if (strcmp(event, "die") == 0)
		r = make_removal(machines, machine, &message);
	else if (containers_find(machines->containers, id, &container, &ignored) == 0 &&
		 container_pid(container) > 0)
		r = make_registration(machines, machine, container, &message);
	if (r >= 0)
		bus_call(machines->bus, message, on_answer, machines);
	sd_bus_message_unref(message);
}

static void on_wake(struct container_listener *listener)
{
	struct machines *machines =
		(struct machines *)((uintptr_t)listener - offsetof(struct machines, listener));
	const struct happening *happening;

	for (;;) {
		_cleanup_(json_putp) struct json_object *event = NULL;
		const char *what;

		machines->told +=
			containers_next_event(machines->containers, machines->told, &happening);
		if (!happening)
			break;
		machines->told = happening_serial(happening);
		what = happening_event(happening);
		if (strcmp(what, "start") != 0 && strcmp(what, "die") != 0)
			continue;
		event = happening_to_json(happening);
		tell(machines, what, json_object_get_string(json_object_object_get(event, "id")),
		     json_object_get_string(json_object_object_get(event, "name")));
	}
}

struct machines *machines_new(struct bus *bus, struct containers *containers)
{
	struct machines *machines = ALLOC(struct machines);

	machines->bus = bus;
	machines->containers = containers;
	machines->missing = sd_booted() <= 0;
	machines->told = containers_last_event(containers);
	machines->listener.wake = on_wake;
	if (!machines->missing)
		containers_listen(containers, &machines->listener);
	return machines;
}

struct machines *machines_free(struct machines *machines)
{
	if (!machines)
		return NULL;
	container_listener_cancel(&machines->listener);
	free(machines);
	return NULL;
}
