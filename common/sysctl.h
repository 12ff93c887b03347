/* Kernel parameters that a container has for itself. */
#pragma once

#include <stddef.h>

#include "common/error.h"

enum { SYSCTLS_MAX = 64, SYSCTL_PATH_SIZE = 192, SYSCTL_VALUE_MAX = 256 };

/* Whether KEY=VALUE names a parameter of a namespace that every container has for itself: those of
 * System V and POSIX IPC (ipc_namespaces(7)) and of the network (network_namespaces(7)).
 * Whatever else there is belongs to the host, and is ERROR_INVALID_VALUE.
 */
int sysctl_check(const char *text, struct error *err);

/* The file below /proc/sys. As in sysctl.conf(5), a key that has a slash before a dot is a path
 * already, and otherwise dots and slashes change places, since names of interfaces have dots.
 * text was found good.
 */
void sysctl_path(const char *text, char path[SYSCTL_PATH_SIZE]);
