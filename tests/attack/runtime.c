/* The runtime's own files and descriptors (CVE-2019-5736, CVE-2024-21626). */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/attack/attack.h"

/* A program cannot be written to while it runs (ETXTBSY): an O_PATH descriptor of it is reopened
 * later. There must be none.
 */
static int overwrite(const char *path)
{
	int fd = open(path, O_PATH | O_CLOEXEC), again;
	char name[64];

	if (fd < 0)
		return errno;
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	again = open(name, O_WRONLY | O_CLOEXEC);
	if (again < 0)
		return errno;
	return write(again, "x", 1) < 0 ? errno : 0;
}

static int overwrite_init(void)
{
	return overwrite("/proc/1/exe");
}

static int read_init(void)
{
	return outcome(open("/proc/1/exe", O_RDONLY | O_CLOEXEC));
}

static int enter_root_of_init(void)
{
	return outcome(open("/proc/1/root", O_PATH | O_DIRECTORY | O_CLOEXEC));
}

static int memory_of_init(void)
{
	return outcome(open("/proc/1/mem", O_RDWR | O_CLOEXEC));
}

/* Their numbers may be seen; what they are of may not. */
static int descriptors_of_init(void)
{
	DIR *dir = opendir("/proc/1/fd");
	struct dirent *entry;
	char target[64];
	int r = ENOENT;

	if (!dir)
		return errno;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (readlinkat(dirfd(dir), entry->d_name, target, sizeof(target)) >= 0 ||
		    openat(dirfd(dir), entry->d_name, O_RDONLY | O_NONBLOCK) >= 0)
			return 0;
		r = errno;
	}
	return r;
}

/* The parent is the driver: what this process has is what the command was given. */
static int leaked_descriptor(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	if (!dir)
		return errno;
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd > 2 && fd != dirfd(dir))
			return 0;
	}
	return ENOENT;
}

/* Whatever is open must not lead to a directory out of the root. */
static int directory_by_descriptor(void)
{
	char path[64];

	for (int fd = 0; fd < 64; fd++) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d/..", fd);
		if (access(path, F_OK) == 0)
			return 0;
	}
	return ENOENT;
}

const struct attack attacks_on_runtime[] = {
	{ "init-exe-overwrite", overwrite_init },
	{ "init-exe-read", read_init },
	{ "init-root", enter_root_of_init },
	{ "init-mem", memory_of_init },
	{ "init-fd", descriptors_of_init },
	{ "leaked-descriptor", leaked_descriptor },
	{ "directory-by-descriptor", directory_by_descriptor },
	{ 0 },
};
