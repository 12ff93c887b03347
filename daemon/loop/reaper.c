#include "daemon/loop/reaper.h"

#include <errno.h>
#include <search.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "common/alloc.h"
#include "common/cleanup.h"

struct watch {
	pid_t pid;
	reaper_callback callback;
	void *userdata;
};

struct reaper {
	struct event *sigchld;
	void *watches; /* tsearch(3) tree by pid */
};

static int compare_pids(const void *a, const void *b)
{
	pid_t x = ((const struct watch *)a)->pid, y = ((const struct watch *)b)->pid;

	return (x > y) - (x < y);
}

static struct watch *find_watch(struct reaper *reaper, pid_t pid)
{
	struct watch key = { .pid = pid };
	void *node = tfind(&key, &reaper->watches, compare_pids);

	return node ? *(struct watch **)node : NULL;
}

/* One signal may stand for many children; those that nobody watches are reaped all the same. */
static void on_sigchld(evutil_socket_t number, short what, void *userdata)
{
	struct reaper *reaper = userdata;
	int status;
	pid_t pid;

	(void)number;
	(void)what;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0 || (pid < 0 && errno == EINTR)) {
		struct watch *found = pid > 0 ? find_watch(reaper, pid) : NULL;
		struct watch watch;

		if (!found)
			continue;
		watch = *found;
		reaper_unwatch(reaper, pid);
		watch.callback(watch.userdata, pid, status);
	}
}

int reaper_new(struct event_base *base, struct reaper **ret, struct error *err)
{
	struct reaper *reaper = ALLOC(struct reaper);

	reaper->sigchld = evsignal_new(base, SIGCHLD, on_sigchld, reaper);
	if (!reaper->sigchld || event_add(reaper->sigchld, NULL) < 0) {
		reaper_free(reaper);
		return error_set(err, ERROR_FAILED, "watch SIGCHLD: out of memory");
	}
	*ret = reaper;
	return 0;
}

struct reaper *reaper_free(struct reaper *reaper)
{
	if (!reaper)
		return NULL;
	if (reaper->sigchld)
		event_free(reaper->sigchld);
	tdestroy(reaper->watches, free);
	free(reaper);
	return NULL;
}

void reaper_watch(struct reaper *reaper, pid_t pid, reaper_callback callback, void *userdata)
{
	struct watch *watch = ALLOC(struct watch);

	*watch = (struct watch){ pid, callback, userdata };
	if (!tsearch(watch, &reaper->watches, compare_pids))
		abort();
}

void reaper_unwatch(struct reaper *reaper, pid_t pid)
{
	struct watch *watch = find_watch(reaper, pid);

	if (!watch)
		return;
	(void)tdelete(watch, &reaper->watches, compare_pids);
	free(watch);
}
