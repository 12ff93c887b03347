/* Deleting trees of any shape without recursion, and without ever following a link: a directory
 * that is not empty is moved up to the top of the trash, and taken there in its turn.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/store/writer.h"

struct sweep {
	int trash_fd;
	unsigned int left;   /* entries until others get their turn */
	unsigned int serial; /* for names at the top */
	unsigned int progress;
};

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

static bool is_dot(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static DIR *open_dir(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir)
		fd_close(fd);
	return dir;
}

/* Moves a directory to the top under a name that is free. */
static int lift(struct sweep *sweep, int at, const char *name)
{
	char top[32];

	for (int i = 0; i < 1000; i++) {
		(void)snprintf(top, sizeof(top), "d%d.%u", (int)getpid(), sweep->serial++);
		if (renameat(at, name, sweep->trash_fd, top) == 0)
			return 0;
		if (errno != EEXIST && errno != ENOTEMPTY)
			return -1;
	}
	return -1;
}

static void delete_entry(struct sweep *sweep, int at, const char *name)
{
	bool gone = unlinkat(at, name, 0) == 0;

	if (!gone && (errno == EISDIR || errno == EPERM))
		gone = unlinkat(at, name, AT_REMOVEDIR) == 0;
	if (!gone && (errno == ENOTEMPTY || errno == EEXIST))
		gone = lift(sweep, at, name) == 0;
	sweep->progress += gone;
	sweep->left--;
}

static void empty_directory(struct sweep *sweep, const char *name)
{
	_cleanup_(closedirp) DIR *dir = open_dir(sweep->trash_fd, name);
	struct dirent *entry;

	while (dir && sweep->left && (entry = readdir(dir)))
		if (!is_dot(entry->d_name))
			delete_entry(sweep, dirfd(dir), entry->d_name);
	if (sweep->left && unlinkat(sweep->trash_fd, name, AT_REMOVEDIR) == 0)
		sweep->progress++;
}

int sweep_some(int state_fd, unsigned int n)
{
	_cleanup_(closedirp) DIR *trash = open_dir(state_fd, "trash");
	struct sweep sweep = { .left = n };
	struct dirent *entry;

	if (!trash)
		return 0;
	sweep.trash_fd = dirfd(trash);
	while (sweep.left && (entry = readdir(trash))) {
		if (is_dot(entry->d_name))
			continue;
		if (unlinkat(sweep.trash_fd, entry->d_name, 0) == 0)
			sweep.progress++;
		else
			empty_directory(&sweep, entry->d_name);
	}
	/* Where nothing moved, what is left cannot be deleted now: a mount point, a disk error. */
	return sweep.progress > 0;
}
