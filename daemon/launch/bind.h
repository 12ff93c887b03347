/* Sources of mounts: what is on the host, as detached copies that a container can be given. They
 * are made here, by the daemon, since a copy can be made only of what is mounted in the namespace
 * of whoever makes it (open_tree(2): EINVAL), and only by whoever is allowed to.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

struct bind_params {
	bool recursive;	      /* with what is mounted below it */
	uint64_t attributes;  /* MOUNT_ATTR_*, set on all of it */
	uint64_t propagation; /* MS_PRIVATE, MS_SLAVE or MS_SHARED, of all of it */
	int userns_fd;	      /* whose ids it gets; -1: the host's */
	const char *what;     /* its name to people */
};

/* Opens an absolute path on the host, which is looked up once: links in it are followed, those of
 * procfs are not. ERROR_INVALID_VALUE, subject "source", if nothing is there, or a device. *ret_fd
 * (O_PATH) is the caller's.
 */
int bind_open(const char *path, int *ret_fd, struct error *err);

/* The copy of what source_fd is open on; *ret_fd is the caller's, and goes away with its last
 * holder unless it is attached. ERROR_INVALID_VALUE is: what is not mounted any more, with subject
 * "source"; MS_SLAVE and MS_SHARED of what is not shared on the host, with subject "propagation"; ids
 * that cannot be mapped, with subject LAUNCH_NO_USERNS (launch.h).
 */
int bind_clone(int source_fd, const struct bind_params *params, int *ret_fd, struct error *err);
