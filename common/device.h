/* Devices of the host that a container is given, as people write them. */
#pragma once

#include <stdbool.h>

#include "common/error.h"

enum { DEVICES_MAX = 64, DEVICE_PATH_SIZE = 256 };

/* HOST[:CONTAINER[:ACCESS]]: both are absolute paths, CONTAINER below /dev and by default the same;
 * ACCESS has letters of "rwm" (read, write, make a node), by default all three.
 */
struct device_option {
	char host[DEVICE_PATH_SIZE], container[DEVICE_PATH_SIZE];
	bool read, write, make;
};

/* Whether the host has it is not looked at. */
int device_parse(const char *text, struct device_option *ret, struct error *err);
