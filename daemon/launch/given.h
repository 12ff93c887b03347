/* Sources of mounts that somebody else has opened, with rights of their own, and passed as descriptors.
 *
 * Such a descriptor is gone with the daemon. What stays in the record is an origin: the handle of the
 * file (open_by_handle_at(2)), by which the next daemon opens that very file, on the same mount, and no
 * other that has its name by then.
 */
#pragma once

#include <json-c/json_object.h>

#include "common/error.h"

/* A directory or a regular file, on a mount of the daemon's own namespace, of a file system for data.
 * ERROR_INVALID_VALUE, subject "source_fd"; name is what people call it. *ret_origin is the caller's;
 * NULL if it cannot be opened again: its file system has no handles, or its path is no text.
 */
int given_accept(int fd, const char *name, struct json_object **ret_origin, struct error *err);

/* One of one's own, which is the caller's, of what is still there: ERROR_INVALID_VALUE, subject
 * "source_fd", if it has been deleted.
 */
int given_copy(int fd, const char *name, int *ret_fd, struct error *err);

/* Opens it again (O_PATH), and checks it again; *ret_fd is the caller's. ERROR_INVALID_VALUE, subject
 * "source_fd", if it has been deleted or moved, or is on another mount or file system by now. origin may
 * be NULL, which is such an error.
 */
int given_open(struct json_object *origin, const char *name, int *ret_fd, struct error *err);
