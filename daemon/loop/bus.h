/* The system bus (sd-bus(3)), on the loop: calls that nobody waits for. The connection is opened with
 * the first, and again after it broke.
 */
#pragma once

#include <event2/event.h>
#include <systemd/sd-bus.h>

struct bus;

struct bus *bus_new(struct event_base *base);

/* What was not sent yet is not. NULL-safe; returns NULL. */
struct bus *bus_free(struct bus *bus);

/* For messages to be made on; NULL where there is no bus. The connection stays the bus's. */
sd_bus *bus_open(struct bus *bus);

/* How many calls have no answer yet. */
unsigned int bus_pending(const struct bus *bus);

/* Sends it; answer (NULL: nobody) is called with what came back, be it an error; it makes no calls. */
void bus_call(struct bus *bus, sd_bus_message *message, sd_bus_message_handler_t answer,
	      void *userdata);
