#include "daemon/init/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"

static int open_resolved(int root_fd, const char *path, uint64_t flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};

	/* EAGAIN: something was renamed meanwhile, and the kernel could not tell what it means. */
	for (unsigned int tries = 0; tries < 100; tries++) {
		int fd = (int)syscall(SYS_openat2, root_fd, path, &how, sizeof(how));

		if (fd >= 0 || errno != EAGAIN)
			return fd;
	}
	return -1;
}

int inside_open(int root_fd, const char *path, uint64_t flags)
{
	return open_resolved(root_fd, path, flags, 0);
}

/* One component at a time, each below a descriptor: a link is resolved by the kernel, in the root,
 * and where something is missing, it is made in the directory that was opened.
 */
static int make_directories(int root_fd, const char *path, uint64_t resolve)
{
	char prefix[PATH_MAX];
	size_t n = 0;
	int fd;

	if (strlen(path) >= sizeof(prefix)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open_resolved(root_fd, "/", O_PATH | O_DIRECTORY, resolve);
	while (fd >= 0 && path[n += strspn(path + n, "/")]) {
		size_t length = strcspn(path + n, "/");
		char name[NAME_MAX + 1];
		int next;

		if (length > NAME_MAX) {
			errno = ENAMETOOLONG;
			return fd_close(fd);
		}
		(void)memcpy(name, path + n, length);
		name[length] = '\0';
		n += length;
		(void)memcpy(prefix, path, n);
		prefix[n] = '\0';
		next = open_resolved(root_fd, prefix, O_PATH | O_DIRECTORY, resolve);
		if (next < 0 && errno == ENOENT &&
		    (mkdirat(fd, name, 0755) == 0 || errno == EEXIST))
			next = open_resolved(root_fd, prefix, O_PATH | O_DIRECTORY, resolve);
		(void)fd_close(fd);
		fd = next;
	}
	return fd;
}

int inside_directory(int root_fd, const char *path, bool plain, int *ret, struct error *err)
{
	uint64_t resolve = plain ? RESOLVE_NO_SYMLINKS : 0;
	int fd = open_resolved(root_fd, path, O_PATH | O_DIRECTORY, resolve);

	if (fd < 0 && errno == ENOENT)
		fd = make_directories(root_fd, path, resolve);
	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	*ret = fd;
	return 0;
}

/* In the directory that was opened, as above. */
static int make_file(int root_fd, const char *path, struct error *err)
{
	_cleanup_(fd_closep) int parent = -1;
	char directory[PATH_MAX];
	size_t n = strlen(path);

	if (n >= sizeof(directory))
		return error_set_errno(err, ENAMETOOLONG, "%.64s", path);
	while (n && path[n - 1] != '/')
		n--;
	(void)memcpy(directory, path, n);
	directory[n] = '\0';
	if (inside_directory(root_fd, n ? directory : ".", false, &parent, err) < 0)
		return -1;
	if (mknodat(parent, path + n, S_IFREG | 0644, 0) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "make %.256s", path);
	return 0;
}

int inside_file(int root_fd, const char *path, int *ret, struct error *err)
{
	int fd = open_resolved(root_fd, path, O_PATH, 0);

	if (fd < 0 && errno == ENOENT) {
		if (make_file(root_fd, path, err) < 0)
			return -1;
		fd = open_resolved(root_fd, path, O_PATH, 0);
	}
	if (fd < 0)
		return error_set_errno(err, errno, "%s", path);
	*ret = fd;
	return 0;
}

int inside_read(int root_fd, const char *path, char *buffer, size_t size, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;
	struct stat st;
	ssize_t n;

	/* A FIFO or a device in its place must neither block nor act. */
	fd = inside_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_set_errno(err, errno, "open the container's %s", path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_FAILED, "the container's %s is not a regular file",
				 path);
	n = fd_read_full(fd, buffer, size);
	if (n < 0)
		return error_set_errno(err, errno, "read the container's %s", path);
	if ((size_t)n >= size)
		return error_set_errno(err, EFBIG, "read the container's %s", path);
	buffer[n] = '\0';
	return 1;
}
