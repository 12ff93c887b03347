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

/* Looks at a source that a client has opened and passed, if the mount has such a one, and notes by what
 * it can be opened again; others is what the container has besides. ERROR_INVALID_VALUE, subject
 * "source_fd".
 */
int mounts_accept(const struct mount_specs *others, struct mount_spec *mount, struct error *err);

/* All of a spec's. Subject is "spec.mounts[N].source_fd". */
int mounts_accept_all(struct mount_specs *mounts, struct error *err);

/* The notes, for the container's record, and from there. */
void mounts_to_record(const struct mount_specs *mounts, struct json_object *record);
void mounts_from_record(struct mount_specs *mounts, struct json_object *record);

/* Those of the container's spec, with the ids of a user namespace (-1: the host's), in the order in which they are attached. ERROR_INVALID_VALUE,
 * subject "spec.mounts[N].FIELD", for what is wrong with one.
 */
int mounts_prepare(struct container *container, int userns_fd, struct mounts *ret,
		   struct error *err);

/* One of them. */
int mounts_prepare_one(struct container *container, const struct mount_spec *mount, int userns_fd,
		       struct mounts *ret, struct error *err);

/* Takes one more, behind the others. */
void mounts_append(struct mounts *mounts, const struct launch_mount *mount);

/* Closes what was opened. */
void mounts_done(struct mounts *mounts);
