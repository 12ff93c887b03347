#include "daemon/init/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

int sysctl_open(int proc_fd, int *ret, struct error *err)
{
	*ret = openat(proc_fd, "sys", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*ret < 0)
		return error_set_errno(err, errno, "open /proc/sys");
	return 0;
}

static int refused(const char *what, int errnum, struct error *err)
{
	(void)error_set_errno(err, errnum, "sysctl %.160s", what);
	err->code = ERROR_INVALID_VALUE;
	(void)strcpy(err->subject, "spec.sysctls");
	return -1;
}

static int write_one(int sys_fd, const char *parameter, struct error *err)
{
	/* Whatever stands there: nothing that leads out of this very procfs. */
	struct open_how how = {
		.flags = O_WRONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};
	size_t n = strcspn(parameter, "=");
	_cleanup_(fd_closep) int fd = -1;
	char path[NAME_MAX];
	const char *value = parameter + n + 1;

	if (n >= sizeof(path) || !parameter[n])
		return refused(parameter, ENAMETOOLONG, err);
	(void)memcpy(path, parameter, n);
	path[n] = '\0';
	fd = (int)syscall(SYS_openat2, sys_fd, path, &how, sizeof(how));
	if (fd < 0)
		return refused(path, errno, err);
	if (write(fd, value, strlen(value)) != (ssize_t)strlen(value))
		return refused(parameter, errno, err);
	return 0;
}

int sysctl_write_all(int sys_fd, const char *const *parameters, struct error *err)
{
	for (; *parameters; parameters++)
		if (write_one(sys_fd, *parameters, err) < 0)
			return -1;
	return 0;
}
