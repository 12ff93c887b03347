#include "daemon/machines.h"

#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json_object.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "daemon/container/container.h"

#define MACHINED "org.freedesktop.machine1"

enum {
	CALL_TIMEOUT_US = 5 * 1000 * 1000,
	PENDING_MAX = 64, /* calls without an answer, of a machined that is slow */
	NAME_SIZE = 65,
};

struct machines {
	struct event_base *base;
	struct containers *containers;
	struct container_listener listener;
	uint64_t told; /* serial number of the last event */
	sd_bus *bus;   /* NULL until there is something to say */
	struct event *io, *timer;
	short interest;
	unsigned int pending;
	bool missing; /* this host has no machined */
};

/* --- The bus, on the loop -------------------------------------------------------------------- */

static void close_bus(struct machines *machines)
{
	if (machines->io)
		event_free(TAKE_PTR(machines->io));
	sd_bus_close_unref(TAKE_PTR(machines->bus));
	machines->pending = 0;
	machines->interest = 0;
	(void)event_del(machines->timer);
}

static void process(struct machines *machines);

static void on_bus(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	process(userdata);
}

/* What the connection waits for now. False if it is no good any more. */
static bool update_interest(struct machines *machines)
{
	int events = sd_bus_get_events(machines->bus);
	short wanted = (short)((events & POLLIN ? EV_READ : 0) | (events & POLLOUT ? EV_WRITE : 0));
	int64_t left_us;
	struct timeval timeout;
	uint64_t until_us;

	if (events < 0 || sd_bus_get_timeout(machines->bus, &until_us) < 0)
		return false;
	if (!machines->io || machines->interest != wanted) {
		if (machines->io)
			event_free(TAKE_PTR(machines->io));
		machines->io = event_new(machines->base, sd_bus_get_fd(machines->bus),
					 (short)(wanted | EV_PERSIST), on_bus, machines);
		if (!machines->io || event_add(machines->io, NULL) < 0)
			abort();
		machines->interest = wanted;
	}
	(void)event_del(machines->timer);
	if (until_us == UINT64_MAX)
		return true;
	left_us = (int64_t)until_us - clock_monotonic_us();
	left_us = left_us > 0 ? left_us : 0;
	timeout = (struct timeval){ .tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000 };
	return event_add(machines->timer, &timeout) == 0;
}

static void process(struct machines *machines)
{
	int r;

	if (!machines->bus)
		return;
	do
		r = sd_bus_process(machines->bus, NULL);
	while (r > 0);
	if (r < 0 || !update_interest(machines))
		close_bus(machines);
}

static bool open_bus(struct machines *machines)
{
	if (machines->bus)
		return true;
	if (sd_bus_open_system(&machines->bus) < 0)
		return false;
	(void)sd_bus_set_method_call_timeout(machines->bus, CALL_TIMEOUT_US);
	return true;
}

/* --- Calls ----------------------------------------------------------------------------------- */

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
	struct machines *machines = userdata;

	(void)ret_error;
	machines->pending -= machines->pending > 0;
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
	return sd_bus_message_new_method_call(machines->bus, ret, MACHINED,
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

static void send_message(struct machines *machines, sd_bus_message *message)
{
	if (sd_bus_call_async(machines->bus, NULL, message, on_answer, machines, 0) < 0)
		return;
	machines->pending++;
}

/* --- Events ---------------------------------------------------------------------------------- */

static void tell(struct machines *machines, const char *event, const char *id, const char *name)
{
	sd_bus_message *message = NULL;
	struct container *container;
	char machine[NAME_SIZE];
	struct error ignored;
	int r = -1;

	if (machines->missing || machines->pending >= PENDING_MAX || !open_bus(machines))
		return;
	machine_name(name, machine);
	if (strcmp(event, "die") == 0)
		r = make_removal(machines, machine, &message);
	else if (containers_find(machines->containers, id, &container, &ignored) == 0 &&
		 container_pid(container) > 0)
		r = make_registration(machines, machine, container, &message);
	if (r >= 0)
		send_message(machines, message);
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
	process(machines);
}

struct machines *machines_new(struct event_base *base, struct containers *containers)
{
	struct machines *machines = ALLOC(struct machines);

	machines->base = base;
	machines->containers = containers;
	machines->missing = sd_booted() <= 0;
	machines->timer = evtimer_new(base, on_bus, machines);
	if (!machines->timer)
		abort();
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
	close_bus(machines);
	event_free(machines->timer);
	free(machines);
	return NULL;
}
