#include "daemon/image/image.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "common/text.h"

static const struct {
	const char *name;
	const char *command[2];
} builtin[] = {
	{ "busybox", { "sh", NULL } },
};

static int image_path(const char *image_dir, const char *name, char *buffer, size_t size)
{
	struct stat st;
	int n = snprintf(buffer, size, "%s/%s", image_dir, name);

	if (n < 0 || (size_t)n >= size)
		return -1;
	return stat(buffer, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : -1;
}

int image_find(const char *image_dir, const char *name, struct image *ret, struct error *err)
{
	struct image image = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(builtin); i++) {
		if (strcmp(builtin[i].name, name) != 0)
			continue;
		if (image_path(image_dir, name, image.rootfs, sizeof(image.rootfs)) < 0)
			break;
		image.command = builtin[i].command;
		*ret = image;
		return 0;
	}
	return error_set_subject(err, ERROR_IMAGE_NOT_FOUND, name, "no image named \"%.64s\"",
				 name);
}

char **image_names(const char *image_dir)
{
	char path[IMAGE_PATH_SIZE];
	char **names = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(builtin); i++)
		if (image_path(image_dir, builtin[i].name, path, sizeof(path)) == 0)
			strv_append(&names, builtin[i].name);
	return names;
}
