#include "daemon/store/usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "daemon/loop/worker.h"

enum {
	HANDLE_MAX = 128, /* MAX_HANDLE_SZ (open_by_handle_at(2)) */
	CPU_SECONDS_MAX = 120,
	STACK_MAX = 1 << 28,
	/* ioprio_set(2), which has no header */
	IOPRIO_WHO_PROCESS = 1,
	IOPRIO_IDLE = 3 << 13,
};

struct usage {
	int fd; /* the count comes through it */
	struct event *event;
	usage_callback done;
	void *userdata;
};

/* --- The worker ------------------------------------------------------------------------------ */

/* Directories that are still to be read: of each its handle, its type and its size behind it. */
struct walk {
	int dir_fd;
	int64_t bytes;
	unsigned char *stack;
	size_t size, capacity;
	bool too_much;
};

union handle {
	struct file_handle head;
	unsigned char bytes[sizeof(struct file_handle) + HANDLE_MAX];
};

static bool read_handle(int at, const char *name, union handle *ret)
{
	int mount_id;

	ret->head.handle_bytes = HANDLE_MAX;
	return name_to_handle_at(at, name, &ret->head, &mount_id, 0) == 0;
}

static void push(struct walk *walk, int at, const char *name)
{
	union handle handle;
	size_t n;

	if (!read_handle(at, name, &handle))
		return;
	n = sizeof(handle.head) + handle.head.handle_bytes;
	if (walk->size > STACK_MAX) {
		walk->too_much = true;
		return;
	}
	if (walk->capacity < walk->size + n + sizeof(n)) {
		walk->capacity = 2 * walk->capacity + sizeof(handle) + sizeof(n);
		walk->stack = alloc_resize(walk->stack, walk->capacity);
	}
	(void)memcpy(walk->stack + walk->size, &handle, n);
	(void)memcpy(walk->stack + walk->size + n, &n, sizeof(n));
	walk->size += n + sizeof(n);
}

/* -1 if it is gone. */
static int pop(struct walk *walk)
{
	union handle handle;
	size_t n;

	walk->size -= sizeof(n);
	(void)memcpy(&n, walk->stack + walk->size, sizeof(n));
	walk->size -= n;
	(void)memcpy(&handle, walk->stack + walk->size, n);
	return open_by_handle_at(walk->dir_fd, &handle.head,
				 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* All names of a file are within what is counted, since no other place can have links to it. */
static void add(struct walk *walk, const struct stat *st)
{
	walk->bytes += st->st_blocks * 512 /
		       (S_ISDIR(st->st_mode) || !st->st_nlink ? 1 : (int64_t)st->st_nlink);
}

static void read_directory(struct walk *walk, int fd)
{
	DIR *dir = fdopendir(fd);
	const struct dirent *entry;
	struct stat st;

	if (!dir) {
		(void)fd_close(fd);
		return;
	}
	if (fstat(fd, &st) == 0)
		add(walk, &st);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st.st_mode))
			push(walk, fd, entry->d_name);
		else
			add(walk, &st);
	}
	(void)closedir(dir);
}

/* Whoever makes more than it can count in its time and memory is not known to be within a limit. */
static void be_modest(void)
{
	const struct rlimit time = { .rlim_cur = CPU_SECONDS_MAX, .rlim_max = CPU_SECONDS_MAX };
	const struct sched_param none = { 0 };

	(void)setrlimit(RLIMIT_CPU, &time);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)sched_setscheduler(0, SCHED_IDLE, &none);
	(void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_IDLE);
}

_Noreturn static void run(int out, int dir_fd, char *const *paths)
{
	struct walk walk = { .dir_fd = dir_fd };
	bool told;

	be_modest();
	for (; paths && *paths; paths++) {
		push(&walk, dir_fd, *paths);
		while (walk.size) {
			int fd = pop(&walk);

			if (fd >= 0)
				read_directory(&walk, fd);
		}
	}
	free(walk.stack);
	told = !walk.too_much && fd_write_all(out, &walk.bytes, sizeof(walk.bytes)) == 0;
	_exit(told ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* --- The loop's side ------------------------------------------------------------------------- */

bool usage_can_count(int dir_fd)
{
	union handle handle;

	return read_handle(dir_fd, ".", &handle);
}

static void on_counted(evutil_socket_t fd, short what, void *userdata)
{
	struct usage *usage = userdata;
	int64_t bytes;
	ssize_t n = read(fd, &bytes, sizeof(bytes));

	(void)what;
	usage->done(usage->userdata, n == sizeof(bytes) ? bytes : -1);
}

int usage_count(struct event_base *base, int dir_fd, char *const *paths, usage_callback done,
		void *userdata, struct usage **ret, struct error *err)
{
	_cleanup_(fd_closep) int out = -1;
	struct usage *usage;
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe of what counts the disk's usage");
	out = ends[1];
	pid = worker_fork("dokrustd-count", (int[]){ out, dir_fd }, 2);
	if (pid == 0)
		run(WORKER_FIRST_FD, WORKER_FIRST_FD + 1, paths);
	if (pid < 0) {
		(void)fd_close(ends[0]);
		return error_set_errno(err, errno, "fork what counts the disk's usage");
	}
	usage = ALLOC(struct usage);
	*usage = (struct usage){ .fd = ends[0], .done = done, .userdata = userdata };
	usage->event = event_new(base, usage->fd, EV_READ, on_counted, usage);
	if (!usage->event || event_add(usage->event, NULL) < 0)
		abort();
	*ret = usage;
	return 0;
}

struct usage *usage_free(struct usage *usage)
{
	if (!usage)
		return NULL;
	event_free(usage->event);
	(void)fd_close(usage->fd);
	free(usage);
	return NULL;
}
