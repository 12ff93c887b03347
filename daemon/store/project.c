#include "daemon/store/project.h"

#include <errno.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int control(int fd, unsigned int command, uint32_t project, void *data)
{
	return (int)syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project, data);
}

bool project_is_enforced(int fd)
{
	struct fs_quota_stat state = { 0 };

	return control(fd, Q_XGETQSTAT, 0, &state) == 0 && state.qs_flags & FS_QUOTA_PDQ_ENFD;
}

int project_enter(int fd, uint32_t project, struct error *err)
{
	struct fsxattr attributes;

	if (ioctl(fd, FS_IOC_FSGETXATTR, &attributes) < 0)
		return error_set_errno(err, errno, "read the project of a directory");
	attributes.fsx_projid = project;
	attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	if (ioctl(fd, FS_IOC_FSSETXATTR, &attributes) < 0)
		return error_set_errno(err, errno, "put a directory into a project");
	return 0;
}

int project_limit(int fd, uint32_t project, int64_t max_bytes, struct error *err)
{
	struct if_dqblk limits = {
		.dqb_bhardlimit = (uint64_t)(max_bytes + QIF_DQBLKSIZE - 1) / QIF_DQBLKSIZE,
		.dqb_valid = QIF_BLIMITS,
	};

	if (control(fd, Q_SETQUOTA, project, &limits) < 0)
		return error_set_errno(err, errno, "set the quota of a project");
	return 0;
}

int project_usage(int fd, uint32_t project, int64_t *ret_bytes, struct error *err)
{
	struct if_dqblk usage;

	if (control(fd, Q_GETQUOTA, project, &usage) < 0)
		return error_set_errno(err, errno, "read the quota of a project");
	*ret_bytes = (int64_t)usage.dqb_curspace;
	return 0;
}
