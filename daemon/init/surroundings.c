#include "daemon/init/surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "daemon/init/inside.h"

static int place_stream(int from, int to, struct error *err)
{
	if (dup2(from, to) < 0)
		return error_set_errno(err, errno, "place the standard streams");
	return 0;
}

int surroundings_terminal(int slave, struct error *err)
{
	for (int i = 0; i < 3; i++)
		if (place_stream(slave, i, err) < 0)
			return -1;
	return 0;
}

int surroundings_pipes(const int *fds, bool has_stdin, int dev, struct error *err)
{
	_cleanup_(fd_closep) int null = -1;

	/* The container's own: the host's could be changed through it. */
	if (!has_stdin && (null = openat(dev, "null", O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		return error_set_errno(err, errno, "open /dev/null");
	if (place_stream(has_stdin ? *fds++ : null, STDIN_FILENO, err) < 0 ||
	    place_stream(fds[0], STDOUT_FILENO, err) < 0)
		return -1;
	return place_stream(fds[1], STDERR_FILENO, err);
}

/* Made if it is missing, as docker does. A directory that is out of the root's reach, to which a
 * descriptor may lead, has a path that does not begin with a slash (CVE-2024-21626).
 */
int surroundings_workdir(int root, const char *workdir, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[PATH_MAX];

	if (inside_directory(root, workdir, false, &fd, err) < 0 ||
	    (fchdir(fd) < 0 && error_set_errno(err, errno, "%.200s", workdir) < 0) ||
	    (!getcwd(path, sizeof(path)) && error_set_errno(err, errno, "%.200s", workdir) < 0)) {
		err->code = ERROR_INVALID_VALUE;
		(void)strcpy(err->subject, "spec.workdir");
		return error_prefix(err, "working directory");
	}
	if (path[0] != '/')
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.workdir",
					 "working directory %.200s: outside of the container",
					 workdir);
	return 0;
}

int surroundings_user(struct setup *setup, int root, struct error *err)
{
	char *variable = setup->memory->home;

	if (user_resolve(root, setup->plan.user, setup->memory->scratch, &setup->user, err) < 0 ||
	    user_add_groups(root, setup->plan.groups, setup->memory->scratch, &setup->user, err) <
		    0)
		return -1;
	for (size_t i = 0; i < setup->plan.n_environment; i++)
		if (strncmp(setup->plan.environment[i], "HOME=", 5) == 0)
			return 0;
	(void)strcpy(variable, "HOME=");
	(void)strcat(variable, setup->user.home);
	plan_add_variable(&setup->plan, variable);
	return 0;
}
