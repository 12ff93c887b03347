/* From the mounts of a spec to those of a launch. Private to daemon/container. */
#pragma once

#include <stddef.h>

#include "common/error.h"
#include "common/mount_spec.h"
#include "daemon/container/container.h"
#include "daemon/launch/launch.h"

/* Borrows from the container's spec. */
struct mounts {
	struct launch_mount *items;
	char (*texts)[2][24]; /* sizes and modes */
	size_t n;
};

/* Those of the container's spec, with the ids of a user namespace (-1: the host's), in the order in which they are attached. ERROR_INVALID_VALUE,
 * subject "spec.mounts[N].FIELD", for what is wrong with one.
 */
int mounts_prepare(struct container *container, int userns_fd, struct mounts *ret,
		   struct error *err);

/* One of them. */
int mounts_prepare_one(struct container *container, const struct mount_spec *mount, int userns_fd,
		       struct mounts *ret, struct error *err);

/* Closes what was opened. */
void mounts_done(struct mounts *mounts);
