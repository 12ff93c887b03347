#include "daemon/loop/bus.h"

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"

enum { CALL_TIMEOUT_US = 5 * 1000 * 1000 };

struct bus {
	struct event_base *base;
	sd_bus *connection; /* NULL until there is something to say */
	struct event *io, *timer;
	short interest;
	unsigned int pending;
};

struct call {
	struct bus *bus;
	sd_bus_message_handler_t answer;
	void *userdata;
};

static void close_bus(struct bus *bus)
{
	if (bus->io)
		event_free(TAKE_PTR(bus->io));
	sd_bus_close_unref(TAKE_PTR(bus->connection));
	bus->pending = 0;
	bus->interest = 0;
	(void)event_del(bus->timer);
}

static void process(struct bus *bus);

static void on_bus(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	process(userdata);
}

/* What the connection waits for now. False if it is no good any more. */
static bool update_interest(struct bus *bus)
{
	int events = sd_bus_get_events(bus->connection);
	short wanted = (short)((events & POLLIN ? EV_READ : 0) | (events & POLLOUT ? EV_WRITE : 0));
	int64_t left_us;
	struct timeval timeout;
	uint64_t until_us;

	if (events < 0 || sd_bus_get_timeout(bus->connection, &until_us) < 0)
		return false;
	if (!bus->io || bus->interest != wanted) {
		if (bus->io)
			event_free(TAKE_PTR(bus->io));
		bus->io = event_new(bus->base, sd_bus_get_fd(bus->connection),
				    (short)(wanted | EV_PERSIST), on_bus, bus);
		if (!bus->io || event_add(bus->io, NULL) < 0)
			abort();
		bus->interest = wanted;
	}
	(void)event_del(bus->timer);
	if (until_us == UINT64_MAX)
		return true;
	left_us = (int64_t)until_us - clock_monotonic_us();
	left_us = left_us > 0 ? left_us : 0;
	timeout = (struct timeval){ .tv_sec = left_us / 1000000, .tv_usec = left_us % 1000000 };
	return event_add(bus->timer, &timeout) == 0;
}

static void process(struct bus *bus)
{
	int r;

	if (!bus->connection)
		return;
	do
		r = sd_bus_process(bus->connection, NULL);
	while (r > 0);
	if (r < 0 || !update_interest(bus))
		close_bus(bus);
}

struct bus *bus_new(struct event_base *base)
{
	struct bus *bus = ALLOC(struct bus);

	bus->base = base;
	bus->timer = evtimer_new(base, on_bus, bus);
	if (!bus->timer)
		abort();
	return bus;
}

struct bus *bus_free(struct bus *bus)
{
	if (!bus)
		return NULL;
	close_bus(bus);
	event_free(bus->timer);
	free(bus);
	return NULL;
}

sd_bus *bus_open(struct bus *bus)
{
	if (bus->connection)
		return bus->connection;
	if (sd_bus_open_system(&bus->connection) < 0)
		return NULL;
	(void)sd_bus_set_method_call_timeout(bus->connection, CALL_TIMEOUT_US);
	return bus->connection;
}

unsigned int bus_pending(const struct bus *bus)
{
	return bus->pending;
}

static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error)
{
	const struct call *call = userdata;

	call->bus->pending -= call->bus->pending > 0;
	return call->answer ? call->answer(answer, call->userdata, ret_error) : 0;
}

void bus_call(struct bus *bus, sd_bus_message *message, sd_bus_message_handler_t answer,
	      void *userdata)
{
	struct call *call = ALLOC(struct call);
	sd_bus_slot *slot;

	*call = (struct call){ .bus = bus, .answer = answer, .userdata = userdata };
	if (sd_bus_call_async(bus->connection, &slot, message, on_answer, call, 0) < 0) {
		free(call);
		return;
	}
	/* The connection has it from here on: until the answer, or its own end. */
	(void)sd_bus_slot_set_destroy_callback(slot, free);
	(void)sd_bus_slot_set_floating(slot, 1);
	sd_bus_slot_unref(slot);
	bus->pending++;
	process(bus);
}
