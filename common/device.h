/* Devices of the host that a container is given, as people write them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

enum { DEVICES_MAX = 64, DEVICE_PATH_SIZE = 256 };

/* HOST[:CONTAINER[:ACCESS]]: both are absolute paths, CONTAINER below /dev and by default the same;
 * ACCESS has letters of "rwm" (read, write, make a node), by default all three.
 */
struct device_option {
	char host[DEVICE_PATH_SIZE], container[DEVICE_PATH_SIZE];
	bool read, write, make;
};

enum { DEVICE_RULES_MAX = 64 };

/* docker's form of what a container may do with devices of some numbers: TYPE MAJOR:MINOR ACCESS, as
 * "c 10:* rw"; TYPE is a, b or c, a number may be an asterisk (-1), ACCESS has letters of "rwm".
 */
struct device_rule {
	char type; /* 'b', 'c', or 'a' for both */
	int64_t major, minor;
	bool read, write, make;
};
int device_rule_parse(const char *text, struct device_rule *ret, struct error *err);

/* Whether the host has it is not looked at. */
int device_parse(const char *text, struct device_option *ret, struct error *err);
