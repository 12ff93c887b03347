#include "daemon/unit.h"

#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>

#include "common/cleanup.h"

#define MANAGER "org.freedesktop.systemd1"

enum { TIMEOUT_US = 1000 * 1000 };

static void bus_closep(sd_bus **bus)
{
	sd_bus_flush_close_unref(*bus);
}

/* org.freedesktop.systemd1(5): the property Job of the unit is a pair of number and path, the property
 * JobType of that what it does.
 */
static char *job_type(sd_bus *bus, const char *unit)
{
	_cleanup_(freep) char *path = NULL;
	sd_bus_message *message = NULL;
	const char *job = NULL;
	uint32_t number = 0;
	char *type = NULL;

	if (sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path) < 0 ||
	    sd_bus_get_property(bus, MANAGER, path, MANAGER ".Unit", "Job", NULL, &message,
				"(uo)") < 0)
		return NULL;
	if (sd_bus_message_read(message, "(uo)", &number, &job) > 0 && number != 0)
		(void)sd_bus_get_property_string(bus, MANAGER, job, MANAGER ".Job", "JobType", NULL,
						 &type);
	sd_bus_message_unref(message);
	return type;
}

bool unit_is_restarted(void)
{
	_cleanup_(bus_closep) sd_bus *bus = NULL;
	_cleanup_(freep) char *unit = NULL;
	_cleanup_(freep) char *type = NULL;

	if (sd_booted() <= 0 || sd_pid_get_unit(0, &unit) < 0 || sd_bus_open_system(&bus) < 0)
		return false;
	(void)sd_bus_set_method_call_timeout(bus, TIMEOUT_US);
	type = job_type(bus, unit);
	return type && strstr(type, "restart") != NULL;
}
