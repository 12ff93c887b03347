/* The container's /proc and /sys, with what would tell of the host or change it masked. */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* Mounts /proc. *ret_proc is its root as a descriptor: what is written through it goes to a
 * procfs, whatever the container's /proc is.
 */
int proc_mount(int root_fd, int *ret_proc, struct error *err);

/* Hides files that must not be read under /dev/null (dev_fd is /dev), and makes read-only what
 * must not be written.
 */
int proc_mask(int proc_fd, int dev_fd, struct error *err);

/* A sysfs of the calling thread's network namespace, read-only unless it is writable, mounted
 * nowhere yet.
 */
int sys_new(bool writable, int *ret, struct error *err);

/* Attaches it as /sys, and hides directories that must not be looked into, there and in /proc,
 * under an empty one; nothing if proc_fd is -1.
 */
int sys_attach(int sys_fd, int root_fd, int proc_fd, struct error *err);
