/* The devices of a new group, by the controller of version 1 or a program of version 2. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/cgroup/devices.h"
#include "daemon/cgroup/hierarchy.h"

/* Version 1's, where it is mounted, or version 2's; NULL if there is neither. */
static const struct hierarchy *find(const struct cgroups *cgroups)
{
	const struct hierarchy *hierarchy = cgroups_find(cgroups, "devices");

	return hierarchy && hierarchy->version == 1 ? hierarchy : cgroups_v2(cgroups);
}

static int open_group(const struct cgroup *cgroup, const struct hierarchy *hierarchy)
{
	/* Programs are attached by a descriptor that is open (bpf(2)). */
	return openat(hierarchy->top_fd, cgroup->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Who may not have programs is where the host's own rules hold: in a container, as a rule. */
static int or_without(const struct error *err)
{
	return err->sys_errno == EPERM || err->sys_errno == EACCES || err->sys_errno == ENOSYS ||
			       err->sys_errno == EINVAL ?
		       0 :
		       -1;
}

static int allow_v2(const struct cgroup *cgroup, int group_fd, struct error *err)
{
	struct cgroups *cgroups = cgroup->cgroups;

	if (cgroups->devices_fd < 0 &&
	    cgroup_devices_load_v2(cgroup_devices_default, cgroup_devices_default_n,
				   &cgroups->devices_fd, err) < 0)
		return or_without(err);
	return cgroup_devices_use_v2(group_fd, cgroups->devices_fd, err) < 0 ? or_without(err) : 0;
}

int group_allow_defaults(const struct cgroup *cgroup, int version, struct error *err)
{
	const struct hierarchy *hierarchy = find(cgroup->cgroups);
	_cleanup_(fd_closep) int fd = -1;

	if (!hierarchy || hierarchy->version != version)
		return 0;
	fd = open_group(cgroup, hierarchy);
	if (fd < 0)
		return error_set_errno(err, errno, "open the group's devices");
	if (version == 2)
		return allow_v2(cgroup, fd, err);
	return cgroup_devices_set_v1(fd, cgroup_devices_default, cgroup_devices_default_n, err);
}

static int allow(const struct cgroup *cgroup, const struct cgroup_device *devices, size_t n,
		 struct error *err)
{
	const struct hierarchy *hierarchy = find(cgroup->cgroups);
	_cleanup_(fd_closep) int fd = -1;

	if (!hierarchy)
		return 0;
	fd = open_group(cgroup, hierarchy);
	if (fd < 0)
		return error_set_errno(err, errno, "open the group's devices");
	if (hierarchy->version == 1)
		return cgroup_devices_set_v1(fd, devices, n, err);
	return cgroup_devices_set_v2(fd, devices, n, err) < 0 ? or_without(err) : 0;
}

int cgroup_allow_devices(struct cgroup *cgroup, const struct cgroup_device *more, size_t n,
			 struct error *err)
{
	const struct hierarchy *hierarchy = find(cgroup->cgroups);
	struct cgroup_device all[CGROUP_DEVICES_MAX];

	if (!hierarchy)
		return 0;
	/* One that was made ahead has them where it is a directory of version 1. */
	if (n == 0 && cgroup->entry && hierarchy->version == 1)
		return 0;
	if (n == 0)
		return group_allow_defaults(cgroup, hierarchy->version, err);
	assert(n <= CGROUP_DEVICES_MAX - cgroup_devices_default_n);
	(void)memcpy(all, cgroup_devices_default, cgroup_devices_default_n * sizeof(*all));
	(void)memcpy(all + cgroup_devices_default_n, more, n * sizeof(*all));
	return allow(cgroup, all, cgroup_devices_default_n + n, err);
}

int cgroup_allow_all_devices(struct cgroup *cgroup, struct error *err)
{
	static const struct cgroup_device all = { 'a', CGROUP_DEVICE_ANY, CGROUP_DEVICE_ANY,
						  CGROUP_DEVICE_ALL };
	const struct hierarchy *hierarchy = find(cgroup->cgroups);

	/* A new one of version 2 allows all. */
	if (!hierarchy || hierarchy->version == 2)
		return 0;
	return allow(cgroup, &all, 1, err);
}
