/* Opening what is inside of a container's root: never out of it, and never through the links of
 * procfs that lead to other processes' files (openat2(2), RESOLVE_IN_ROOT).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* Opens path below root_fd with open(2)'s flags. Returns a descriptor, or -1 with errno. */
int inside_open(int root_fd, const char *path, uint64_t flags);

/* The directory at path as an O_PATH descriptor. It is made, with what leads to it, if it is
 * missing. plain: a symbolic link on the way is an error, for mount points.
 */
int inside_directory(int root_fd, const char *path, bool plain, int *ret, struct error *err);

/* What is at path, of any kind, as an O_PATH descriptor; an empty regular file is made, with the
 * directories that lead to it, if nothing is there.
 */
int inside_file(int root_fd, const char *path, int *ret, struct error *err);

/* A whole regular file of at most size - 1 bytes, read to buffer and terminated. 1 if it is there,
 * 0 if not.
 */
int inside_read(int root_fd, const char *path, char *buffer, size_t size, struct error *err);
