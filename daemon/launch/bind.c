#include "daemon/launch/bind.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/launch/launcher.h"
#include "daemon/launch/mountinfo.h"

int bind_open(const char *path, int *ret_fd, struct error *err)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_(fd_closep) int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	struct statx st;

	/* What is cached will do: a server that does not answer must not stop the daemon. */
	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &st) < 0) {
		(void)error_set_errno(err, errno, "source %.256s", path);
		err->code = ERROR_INVALID_VALUE;
		(void)strcpy(err->subject, "source");
		return -1;
	}
	if (S_ISCHR(st.stx_mode) || S_ISBLK(st.stx_mode))
		return error_set_subject(err, ERROR_INVALID_VALUE, "source",
					 "source %.256s: a device node cannot be mounted: it could "
					 "not be opened there",
					 path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* Whether the mount has peers ("shared:N" among the optional fields). */
static bool is_shared(uint64_t mount_id)
{
	_cleanup_(mountinfo_done) struct mountinfo mount = { 0 };

	return mountinfo_find(mount_id, &mount) && strstr(mount.optional, " shared:");
}

static int check_propagation(int source_fd, uint64_t propagation, struct error *err)
{
	struct statx st;

	if (propagation == MS_PRIVATE)
		return 0;
	if (statx(source_fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &st) < 0)
		return error_set_errno(err, errno, "look at the source");
	if (is_shared(st.stx_mnt_id))
		return 0;
	return error_set_subject(err, ERROR_INVALID_VALUE, "propagation",
				 "the source is not on a shared mount: there is nothing to "
				 "propagate");
}

int bind_clone(int source_fd, const struct bind_params *params, int *ret_fd, struct error *err)
{
	const unsigned int recursive = params->recursive ? AT_RECURSIVE : 0;
	_cleanup_(fd_closep) int fd = -1;
	struct mount_attr attributes = {
		.attr_set = params->attributes,
		.propagation = params->propagation,
	};

	if (check_propagation(source_fd, params->propagation, err) < 0)
		return -1;
	fd = open_tree(source_fd, "",
		       OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | recursive);
	if (fd < 0 && errno == EINVAL)
		return error_set_subject(err, ERROR_INVALID_VALUE, "source",
					 "source %.256s: not mounted where the daemon is any more",
					 params->what);
	if (fd < 0)
		return error_set_errno(err, errno, "copy the source's mount");
	if (mount_setattr(fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attributes, sizeof(attributes)) <
	    0)
		return error_set_errno(err, errno, "set the attributes of the mount");
	if (params->userns_fd >= 0 &&
	    mount_map_ids(fd, params->userns_fd, params->recursive, params->what, err) < 0)
		return -1;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
