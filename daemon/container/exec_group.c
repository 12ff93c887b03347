/* The control group of an exec. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "daemon/container/object.h"

enum { KILL_AGAIN_MS = 1, GROUP_NAME_SIZE = EXEC_ID_SIZE + 8 };

static const char *group_name(const struct exec *exec, char buffer[GROUP_NAME_SIZE])
{
	(void)snprintf(buffer, GROUP_NAME_SIZE, "exec-%s", exec->id);
	return buffer;
}

int exec_group_enter(const struct exec *exec, struct cgroup_entry *entry, struct error *err)
{
	const struct cgroup *outer = exec->container->cgroup;
	char name[GROUP_NAME_SIZE];

	return outer ? cgroup_make_inner(outer, group_name(exec, name), entry, err) : 0;
}

/* All that were seen are as good as dead; but what could not be frozen yet may go on to fork. */
static void kill_again(evutil_socket_t fd, short what, void *userdata)
{
	struct error ignored;

	(void)fd;
	(void)what;
	(void)exec_group_kill(userdata, &ignored);
}

static void kill_later(struct exec *exec)
{
	static const struct timeval later = { .tv_usec = KILL_AGAIN_MS * 1000 };

	if (!exec->kill_again)
		exec->kill_again = evtimer_new(exec->container->set->params.base, kill_again, exec);
	if (!exec->kill_again || event_add(exec->kill_again, &later) < 0)
		abort();
}

int exec_group_kill(struct exec *exec, struct error *err)
{
	const struct cgroup *cgroup = exec->container->cgroup;
	char name[GROUP_NAME_SIZE];

	if (!cgroup || cgroup_kill_inner(cgroup, group_name(exec, name), err) == 0)
		return cgroup ? 0 : process_signal(&exec->process, SIGKILL, err);
	if (err->sys_errno == EAGAIN) {
		kill_later(exec);
		return 0;
	}
	/* An earlier daemon made none for it, or this host has none. */
	return process_signal(&exec->process, SIGKILL, err);
}

void exec_group_remove(const struct exec *exec)
{
	char name[GROUP_NAME_SIZE];

	if (exec->container->cgroup)
		cgroup_remove_inner(exec->container->cgroup, group_name(exec, name));
}

void exec_group_done(struct exec *exec)
{
	exec_group_remove(exec);
	if (exec->kill_again)
		event_free(TAKE_PTR(exec->kill_again));
}
