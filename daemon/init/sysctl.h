/* Kernel parameters of the container's namespaces. */
#pragma once

#include "common/error.h"

/* /proc/sys below proc_fd, a procfs that nobody else has seen yet, to be used when what is mounted
 * over it later makes it read-only.
 */
int sysctl_open(int proc_fd, int *ret, struct error *err);

/* Writes PATH=VALUE, all of a vector, below sys_fd, for the calling thread's namespaces.
 * ERROR_INVALID_VALUE, subject "spec.sysctls", for what the kernel does not have or take.
 */
int sysctl_write_all(int sys_fd, const char *const *parameters, struct error *err);
