/* File systems and mounts by descriptor (fsopen(2), open_tree(2), move_mount(2)): nothing here
 * goes by a path that is looked up twice.
 */
#pragma once

#include <stdint.h>

#include "common/error.h"

struct mount_option {
	const char *key;
	const char *value; /* NULL: a flag */
};

/* A new file system of a type, mounted nowhere yet. options ends with a NULL key; attributes are
 * MOUNT_ATTR_*. *ret is the root of the detached mount.
 */
int mount_new(const char *type, const struct mount_option *options, unsigned int attributes,
	      int *ret, struct error *err);

/* A detached copy of what is at path below dir_fd ("" for dir_fd itself), as a bind mount makes it,
 * without what is mounted below. Does not follow a link in the last component. Returns a
 * descriptor, or -1 with errno.
 */
int mount_clone(int dir_fd, const char *path);

/* Attaches a detached mount at path below dir_fd ("" for dir_fd itself). Does not follow a link
 * in the last component. Returns 0, or -1 with errno.
 */
int mount_attach(int mount_fd, int dir_fd, const char *path);

/* Sets MOUNT_ATTR_* on one mount. Returns 0, or -1 with errno. */
int mount_set(int mount_fd, uint64_t attributes);

/* mount_new and mount_attach; *ret_fd, unless NULL, is the caller's. */
int mount_new_at(const char *type, const struct mount_option *options, unsigned int attributes,
		 int dir_fd, const char *path, int *ret_fd, struct error *err);
