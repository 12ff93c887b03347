#include "daemon/unit.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-login.h>

#include "common/cleanup.h"

#define MANAGER "org.freedesktop.systemd1"

enum { TIMEOUT_US = 1000 * 1000, GROUP_TIMEOUT_US = 10 * 1000 * 1000 };

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

/* Services and scopes may be delegated. */
static const char *interface_of(const char *unit)
{
	const char *dot = strrchr(unit, '.');

	return dot && strcmp(dot, ".scope") == 0 ? MANAGER ".Scope" : MANAGER ".Service";
}

/* As sd-bus returns it; *ret_group is the caller's. */
static int ask_for_group(const char *unit, int *ret_delegated, char **ret_group)
{
	_cleanup_(bus_closep) sd_bus *bus = NULL;
	_cleanup_(freep) char *path = NULL;
	int r = sd_bus_path_encode("/org/freedesktop/systemd1/unit", unit, &path);

	if (r >= 0)
		r = sd_bus_open_system(&bus);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(bus, GROUP_TIMEOUT_US);
	if (r >= 0)
		r = sd_bus_get_property_trivial(bus, MANAGER, path, interface_of(unit), "Delegate",
						NULL, 'b', ret_delegated);
	if (r >= 0)
		r = sd_bus_get_property_string(bus, MANAGER, path, interface_of(unit),
					       "ControlGroup", NULL, ret_group);
	return r;
}

int unit_group(const char *unit, char **ret, struct error *err)
{
	char *group = NULL;
	int delegated = 0;
	int r = ask_for_group(unit, &delegated, &group);

	if (r < 0)
		return error_set_errno(err, -r, "ask systemd for the control group of %s", unit);
	if (delegated && group && group[0] == '/' && group[1]) {
		*ret = group;
		return 0;
	}
	free(group);
	return error_set(err, ERROR_FAILED, "%s %s", unit,
			 delegated ? "is not active" : "does not have Delegate=yes");
}
