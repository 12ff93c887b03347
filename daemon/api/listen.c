#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/api/server.h"

enum { BACKLOG = 4096 };

/* A socket file that nobody listens on is what a daemon that died has left. */
static int remove_stale(const struct sockaddr_un *address, struct error *err)
{
	_cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return error_set_errno(err, errno, "socket");
	if (lstat(address->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : error_set_errno(err, errno, "%s", address->sun_path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, ERROR_FAILED, "%s: there is a file that is no socket",
				 address->sun_path);
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
		return error_set_errno(err, EADDRINUSE, "%s: a daemon answers there",
				       address->sun_path);
	if (unlink(address->sun_path) < 0)
		return error_set_errno(err, errno, "remove stale %s", address->sun_path);
	return 0;
}

static int set_access(const char *path, const char *name, struct error *err)
{
	gid_t gid;

	if (access_find_group(name, &gid) && (chown(path, 0, gid) < 0 || chmod(path, 0660) < 0))
		return error_set_errno(err, errno, "%s", path);
	return 0;
}

int server_listen(const char *path, const char *group, int *ret_fd, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(fd_closep) int fd = -1;
	mode_t umask_before;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set_errno(err, ENAMETOOLONG, "socket %s", path);
	(void)strcpy(address.sun_path, path);
	if (remove_stale(&address, err) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_set_errno(err, errno, "socket");
	umask_before = umask(0177);
	r = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	(void)umask(umask_before);
	if (r < 0)
		return error_set_errno(err, errno, "bind %s", path);
	if (set_access(path, group, err) < 0)
		return -1;
	if (listen(fd, BACKLOG) < 0)
		return error_set_errno(err, errno, "listen on %s", path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}
