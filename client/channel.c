/* Opening and closing the connection to the daemon. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "client/call.h"
#include "common/alloc.h"
#include "common/cleanup.h"

/* A reply that is larger than this is nothing that a daemon of ours sends. */
enum { REPLY_MAX = 4 * 1024 * 1024 };

/* --- Refusals -------------------------------------------------------------------------------- */

/* The name of a group from /etc/group, the caller's, or NULL. The client is a static program,
 * which cannot ask NSS.
 */
static char *group_name(gid_t gid)
{
	_cleanup_(fclosep) FILE *file = fopen("/etc/group", "re");
	_cleanup_(freep) char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		char *rest = line;
		char *name = strsep(&rest, ":"), *number;

		(void)strsep(&rest, ":"); /* the password */
		number = strsep(&rest, ":");
		if (number && number[0] && strtoul(number, NULL, 10) == gid)
			return alloc_strdup(name);
	}
	return NULL;
}

static int no_permission(const char *path, struct error *err)
{
	_cleanup_(freep) char *group = NULL;
	struct stat st;

	if (stat(path, &st) == 0 && (st.st_mode & S_IWGRP) && st.st_gid != 0)
		group = group_name(st.st_gid);
	if (!group)
		return error_set(err, ERROR_FAILED, "%s: permission denied; root may, try sudo",
				 path);
	return error_set(err, ERROR_FAILED,
			 "%s: permission denied; it belongs to the group %s, which is joined with "
			 "\"sudo usermod -aG %s $USER\" and a new login",
			 path, group, group);
}

static int refused(const char *path, int reason, struct error *err)
{
	if (reason == EACCES || reason == EPERM)
		return no_permission(path, err);
	if (reason != ENOENT && reason != ECONNREFUSED && reason != ENOTDIR)
		return error_set_errno(err, reason, "connect to %s", path);
	if (strcmp(path, HOST_DEFAULT) == 0)
		return error_set(err, ERROR_FAILED,
				 "no daemon answers at %s; start it with \"systemctl start "
				 "dokrustd.socket\", or run dokrustd",
				 path);
	return error_set(err, ERROR_FAILED,
			 "no daemon answers at %s; run \"dokrustd --socket %s\", or name another "
			 "with -H",
			 path, path);
}

/* --- Opening --------------------------------------------------------------------------------- */

static int open_unix(const char *path, int *ret_fd, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_(fd_closep) int fd = -1;

	if (strlen(path) >= sizeof(address.sun_path))
		return error_set_errno(err, ENAMETOOLONG, "connect to %s", path);
	(void)strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set_errno(err, errno, "socket");
	while (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		if (errno != EINTR)
			return refused(path, errno, err);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int channel_open(struct channel *channel, const struct host *host, struct error *err)
{
	int r;

	*channel = CHANNEL_NULL;
	channel->host = host;
	varlink_reader_init(&channel->reader, REPLY_MAX);
	if (host->ssh)
		r = ssh_start(host, &channel->ssh, &channel->fd, err);
	else
		r = open_unix(host->path, &channel->fd, err);
	if (r < 0)
		channel_done(channel);
	return r;
}

void channel_done(struct channel *channel)
{
	ssh_end(&channel->ssh, TAKE_FD(channel->fd));
	varlink_reader_done(&channel->reader);
}

int channel_explain_end(struct channel *channel, struct error *err)
{
	channel->ended = true;
	if (channel->host->ssh)
		return ssh_explain(&channel->ssh, channel->host, err);
	return error_set(err, ERROR_FAILED, "the connection to the daemon was lost");
}
