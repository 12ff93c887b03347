#include "daemon/launch/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "daemon/launch/init_image.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U /* Linux 6.3 */
#endif

/* In memory, so that no file can be swapped under the daemon, and sealed, so that nobody who gets
 * at it by way of a container's /proc can change what the next one executes.
 */
static int make_init(struct error *err)
{
	const unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	_cleanup_(fd_closep) int fd = memfd_create("dokrust-init", flags | MFD_EXEC);

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("dokrust-init", flags);
	if (fd < 0)
		return error_set_errno(err, errno, "memory for dokrust-init");
	if (fd_write_all(fd, init_image, init_image_size) < 0)
		return error_set_errno(err, errno, "copy dokrust-init");
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return error_set_errno(err, errno, "seal dokrust-init");
	return TAKE_FD(fd);
}

/* Both stay open as long as the daemon runs, and want low numbers, but none that the child needs
 * for its control socket.
 */
static int open_descriptors(struct launcher *launcher, struct error *err)
{
	_cleanup_(fd_closep) int fd = make_init(err);

	if (fd < 0)
		return -1;
	launcher->init = fcntl(fd, F_DUPFD_CLOEXEC, PLAN_CONTROL_FD + 1);
	if (launcher->init < 0)
		return error_set_errno(err, errno, "keep dokrust-init");
	launcher->child_slot = fcntl(fd, F_DUPFD_CLOEXEC, launcher->init + 1);
	if (launcher->child_slot < 0)
		return error_set_errno(err, errno, "reserve a descriptor");
	return 0;
}

int launcher_new(struct event_base *base, struct reaper *reaper, struct launcher **ret,
		 struct error *err)
{
	struct launcher *launcher = ALLOC(struct launcher);

	launcher->base = base;
	launcher->reaper = reaper;
	launcher->init = launcher->child_slot = -1;
	launcher->plan = alloc_zero(1, PLAN_SIZE_MAX);
	launcher->seccomp = seccomp_cache_new();
	LIST_INIT(&launcher->abandoned);
	if (open_descriptors(launcher, err) < 0) {
		launcher_free(launcher);
		return error_prefix(err, "launcher");
	}
	*ret = launcher;
	return 0;
}
