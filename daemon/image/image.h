/* Images: root file systems by name. For now those that ship with Dokrust, as directories below
 * the image directory; they are never written to, a container gets its own layer above.
 */
#pragma once

#include <stddef.h>

#include "common/error.h"

enum { IMAGE_PATH_SIZE = 512 };

struct image {
	char rootfs[IMAGE_PATH_SIZE]; /* absolute path */
	const char *const *command;   /* what runs when a container names no command; static */
};

/* ERROR_IMAGE_NOT_FOUND with the name as subject. image_dir is an absolute path. */
int image_find(const char *image_dir, const char *name, struct image *ret, struct error *err);

/* The names of the images that are there, a vector to be freed by strv_free. */
char **image_names(const char *image_dir);
