#include "daemon/init/devices.h"

#include <errno.h>
#include <sys/mount.h>

#include "common/cleanup.h"
#include "daemon/init/mount.h"

/* The i-th of every container's, and the plan's; NULL at the end. */
static const char *name_of(const struct plan *plan, size_t i)
{
	return i < plan_default_devices_n ? plan_default_devices[i].name :
					    plan->devices[i - plan_default_devices_n];
}

/* Root in the container has CAP_MKNOD, as with docker, and could make a node for the host's disk.
 * No node that it makes can be opened, since /dev is nodev as all its mounts are; each device that
 * it shall have is a mount of its own, copied before that, and attached to its own place.
 */
int devices_wall(const struct plan *plan, int dev_fd, struct error *err)
{
	enum { NODES_MAX = PLAN_DEVICES_MAX + 16 };
	int nodes[NODES_MAX];
	size_t n = 0;
	int r = 0;

	for (const char *name; r == 0 && n < NODES_MAX && (name = name_of(plan, n)); n++) {
		nodes[n] = mount_clone(dev_fd, name);
		if (nodes[n] < 0)
			r = error_set_errno(err, errno, "copy /dev/%s", name);
	}
	if (r == 0 && mount_set(dev_fd, MOUNT_ATTR_NODEV) < 0)
		r = error_set_errno(err, errno, "mount /dev without devices");
	for (size_t i = 0; i < n; i++) {
		if (r == 0 && mount_attach(nodes[i], dev_fd, name_of(plan, i)) < 0)
			r = error_set_errno(err, errno, "attach /dev/%s", name_of(plan, i));
		(void)fd_close(nodes[i]);
	}
	return r;
}
