/* What a process may do, from the words of a spec to the numbers of a plan. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include "common/alloc.h"
#include "common/capability.h"
#include "common/cleanup.h"
#include "common/device.h"
#include "common/sysctl.h"
#include "common/text.h"
#include "common/ulimit.h"
#include "daemon/launch/launcher.h"

/* --- Checking -------------------------------------------------------------------------------- */

static uint64_t own_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 } };

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	return data[0].permitted | (uint64_t)data[1].permitted << 32;
}

/* Of ALL, a container has what there is. What is named is wanted. */
static int check_capabilities(const struct rights *rights, struct error *err)
{
	uint64_t own = own_capabilities(), named = 0;
	struct error ignored;
	bool all;

	(void)capabilities_parse(rights->cap_add, &named, &all, &ignored);
	for (unsigned int i = 0; i < CAPABILITIES; i++)
		if (named & ~own & CAPABILITY(i))
			return error_set_subject(err, ERROR_INVALID_VALUE, "spec.cap_add",
						 "%s: the daemon does not have it itself",
						 capability_name(i));
	return 0;
}

static int find_filter(struct launcher *launcher, const struct rights *rights,
		       const struct seccomp_program **ret, struct error *err)
{
	*ret = NULL;
	if (rights_unconfined(rights) ||
	    seccomp_cache_get(launcher->seccomp, rights->seccomp, rights_capabilities(rights), ret,
			      err) == 0)
		return 0;
	(void)strcpy(err->subject, "spec.seccomp");
	return -1;
}

int launcher_check_rights(struct launcher *launcher, const struct rights *rights, struct error *err)
{
	const struct seccomp_program *filter;

	if (check_capabilities(rights, err) < 0)
		return -1;
	return find_filter(launcher, rights, &filter, err);
}

/* --- Devices --------------------------------------------------------------------------------- */

int launch_find_device(const char *text, struct launch_device *ret, struct error *err)
{
	struct launch_device device = { 0 };
	struct stat st;

	if (device_parse(text, &device.option, err) == 0) {
		if (stat(device.option.host, &st) < 0)
			(void)error_set_errno(err, errno, "device %.128s", device.option.host);
		else if (!S_ISCHR(st.st_mode) && !S_ISBLK(st.st_mode))
			(void)error_set(err, ERROR_INVALID_VALUE, "%.128s is no device",
					device.option.host);
		else {
			device.mode = st.st_mode;
			device.number = st.st_rdev;
			device.uid = st.st_uid;
			device.gid = st.st_gid;
			*ret = device;
			return 0;
		}
	}
	err->code = ERROR_INVALID_VALUE;
	(void)strcpy(err->subject, "spec.devices");
	return -1;
}

/* dev.c makes them; dokrust-init is told the names. */
static void add_devices(const struct rights *rights, struct plan_storage *storage,
			struct plan *plan)
{
	for (char **text = rights->devices; text && *text; text++) {
		struct device_option option;
		struct error ignored;

		(void)device_parse(*text, &option, &ignored);
		strv_append(&storage->devices, option.container + strlen("/dev/"));
	}
	plan->devices = (const char **)(uintptr_t)storage->devices;
}

/* --- The rest -------------------------------------------------------------------------------- */

static void add_limits(const struct rights *rights, struct plan_rights *numbers)
{
	struct ulimit limits[ULIMITS_MAX];
	struct error ignored;
	size_t n = 0;

	(void)ulimits_parse(rights->ulimits, limits, &n, &ignored);
	for (size_t i = 0; i < n; i++)
		numbers->limits[i] = (struct plan_limit){
			.resource = (uint32_t)limits[i].resource,
			.soft = limits[i].soft,
			.hard = limits[i].hard,
		};
	numbers->n_limits = (uint32_t)n;
}

static void add_sysctls(const struct rights *rights, struct plan_storage *storage,
			struct plan *plan)
{
	char path[SYSCTL_PATH_SIZE];

	for (char **text = rights->sysctls; text && *text; text++) {
		_cleanup_(freep) char *line = NULL;

		sysctl_path(*text, path);
		line = alloc_printf("%s%s", path, strchr(*text, '='));
		strv_append(&storage->sysctls, line);
	}
	plan->sysctls = (const char **)(uintptr_t)storage->sysctls;
}

void plan_storage_done(struct plan_storage *storage)
{
	strv_free(storage->devices);
	strv_free(storage->sysctls);
}

int launcher_plan_rights(struct launcher *launcher, const struct rights *rights,
			 struct plan_storage *storage, struct plan *plan, struct error *err)
{
	const bool joins = plan->flags & PLAN_EXEC;
	const struct seccomp_program *filter;

	if (find_filter(launcher, rights, &filter, err) < 0)
		return -1;
	plan->rights = (struct plan_rights){
		.capabilities = rights_capabilities(rights),
		.ambient = rights_ambient(rights),
		.shm_bytes = (uint64_t)rights->shm_bytes,
		.oom_score_adj = (int32_t)rights->oom_score_adj,
		.filter_flags = filter ? filter->flags : 0,
	};
	plan->filter = filter ? filter->instructions : NULL;
	plan->n_filter = filter ? filter->n : 0;
	plan->groups = (const char **)(uintptr_t)rights->groups;
	add_limits(rights, &plan->rights);
	if (rights->no_new_privileges)
		plan->flags |= PLAN_NO_NEW_PRIVILEGES;
	if (joins)
		return 0;
	if (rights->privileged)
		plan->flags |= PLAN_PRIVILEGED;
	if (rights->privileged || rights->unmasked_paths)
		plan->flags |= PLAN_UNMASKED;
	add_sysctls(rights, storage, plan);
	add_devices(rights, storage, plan);
	return 0;
}
