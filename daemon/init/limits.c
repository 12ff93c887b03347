#include "daemon/init/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/rlimit.h"
#include "daemon/init/report.h"

/* As near as the kernel lets this process come: it may lower the hard limit, and not raise it
 * without CAP_SYS_RESOURCE (setrlimit(2)).
 */
static int set_what_may_be(const struct plan_limit *limit, const char *name, struct error *err)
{
	struct rlimit now, wanted = { .rlim_cur = limit->soft, .rlim_max = limit->hard };
	struct error warning;

	if (getrlimit((__rlimit_resource_t)limit->resource, &now) < 0)
		return error_set_errno(err, errno, "look at the limit %s", name);
	if (wanted.rlim_max > now.rlim_max)
		wanted.rlim_max = now.rlim_max;
	if (wanted.rlim_cur > wanted.rlim_max)
		wanted.rlim_cur = wanted.rlim_max;
	if (setrlimit((__rlimit_resource_t)limit->resource, &wanted) < 0)
		return error_set_errno(err, errno, "set the limit %s", name);
	(void)error_set(
		&warning, ERROR_FAILED,
		"ulimit %s: the hard limit is %lu here, and cannot be raised; the container "
		"has that",
		name, (unsigned long)now.rlim_max);
	report_warning(&warning);
	return 0;
}

static int set_limit(const struct plan_limit *limit, struct error *err)
{
	const struct rlimit wanted = { .rlim_cur = limit->soft, .rlim_max = limit->hard };
	const char *name = rlimit_name(limit->resource);

	if (!name)
		return error_set(err, ERROR_PROTOCOL, "there is no limit %u", limit->resource);
	if (setrlimit((__rlimit_resource_t)limit->resource, &wanted) == 0)
		return 0;
	if (errno == EPERM)
		return set_what_may_be(limit, name, err);
	return error_set_errno(err, errno, "set the limit %s", name);
}

int limits_set(const struct plan_rights *rights, struct error *err)
{
	bool has_files = false;
	struct rlimit limit;

	for (size_t i = 0; i < rights->n_limits; i++) {
		if (set_limit(&rights->limits[i], err) < 0)
			return -1;
		has_files = has_files || rights->limits[i].resource == RLIMIT_NOFILE;
	}
	if (!has_files && getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > FD_SETSIZE) {
		limit.rlim_cur = FD_SETSIZE;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	return 0;
}

int limits_set_oom_score(const struct plan_rights *rights, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;
	struct error warning;
	char text[16];

	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	(void)snprintf(text, sizeof(text), "%d", rights->oom_score_adj);
	if (fd >= 0 && write(fd, text, strlen(text)) > 0)
		return 0;
	/* The least that it ever was bounds it without CAP_SYS_RESOURCE (fs/proc/base.c). */
	if (fd < 0 || errno != EACCES)
		return error_set_errno(err, errno, "set oom_score_adj");
	(void)error_set(&warning, ERROR_FAILED,
			"oom_score_adj %d: it cannot be lowered so far here; the container has the "
			"daemon's own",
			rights->oom_score_adj);
	report_warning(&warning);
	return 0;
}
