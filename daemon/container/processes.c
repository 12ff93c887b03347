/* What runs in a container, read by a process of the daemon's own: there may be thousands, and a
 * process's memory, where its arguments are, may be locked for as long as it likes.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/fdio.h"
#include "common/json.h"
#include "common/text.h"
#include "common/varlink.h"
#include "daemon/container/object.h"
#include "daemon/loop/worker.h"

enum {
	READ_SECONDS_MAX = 10,
	COMMAND_MAX = 4096, /* bytes of the arguments */
	STATUS_MAX = 64 * 1024,
	STAT_MAX = 4096,
};

struct reader {
	int out;
	int64_t boot_us;
	long tick_hz, page_bytes;
};

/* --- One process ----------------------------------------------------------------------------- */

/* Fields of /proc/PID/stat, from the third on (proc(5)). */
struct stat_fields {
	char state;
	int parent;
	int terminal;
	unsigned long long user_ticks, system_ticks, start_ticks;
	long nice, threads;
	unsigned long long virtual_bytes;
	long resident_pages;
};

static bool parse_stat(const char *text, char name[16], struct stat_fields *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')');

	/* The name is the process's own, and may have any bytes but NUL in it. */
	if (!open || !close || close < open)
		return false;
	(void)snprintf(name, 16, "%.*s", (int)(close - open - 1), open + 1);
	return sscanf(close + 1,
		      " %c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %llu %llu %*d %*d %*d %ld %ld %*d "
		      "%llu %llu %ld",
		      &ret->state, &ret->parent, &ret->terminal, &ret->user_ticks,
		      &ret->system_ticks, &ret->nice, &ret->threads, &ret->start_ticks,
		      &ret->virtual_bytes, &ret->resident_pages) == 10;
}

static char *read_text(int dir, const char *file, size_t max, size_t *ret_size)
{
	struct error ignored;
	char *text;

	return fd_read_file_at(dir, file, max, &text, ret_size, &ignored) < 0 ? NULL : text;
}

/* What a program made of its name and its arguments need not be UTF-8, as JSON is: U+FFFD stands for
 * each byte that is not.
 */
static struct json_object *new_text(const char *text)
{
	static const char unknown[] = "\xef\xbf\xbd";
	size_t left = strlen(text), n;
	_cleanup_(freep) char *valid = alloc_zero(left * (sizeof(unknown) - 1) + 1, 1);
	char *to = valid;

	for (; left; text += n, left -= n) {
		n = text_utf8_length(text, left);
		to = n ? mempcpy(to, text, n) : stpcpy(to, unknown);
		n = n ? n : 1;
	}
	return json_object_new_string(valid);
}

static struct json_object *read_command(int dir)
{
	_cleanup_(fd_closep) int fd = openat(dir, "cmdline", O_RDONLY | O_CLOEXEC);
	struct json_object *command = json_object_new_array();
	char text[COMMAND_MAX + 1];
	ssize_t n = fd < 0 ? -1 : fd_read_full(fd, text, COMMAND_MAX);

	if (n <= 0)
		return command;
	text[n] = '\0';
	for (const char *at = text; at < text + n; at += strlen(at) + 1)
		json_object_array_add(command, new_text(at));
	return command;
}

/* The last number of a line such as "NSpid:\t4242\t17", or its first. */
static int64_t status_number(const char *status, const char *key, bool last)
{
	const char *line = strstr(status, key), *at;
	int64_t number = -1;
	char *end;

	if (!line)
		return -1;
	for (at = line + strlen(key); *at == '\t' || *at == ' '; at = end) {
		number = strtoll(at, &end, 10);
		if (end == at || !last)
			break;
	}
	return number;
}

/* "pts/3", or NULL where there is none or no name for it. */
static char *terminal_name(int number)
{
	unsigned int device = (unsigned int)number;
	unsigned int major_ = device >> 8 & 0xfff,
		     minor_ = (device & 0xff) | (device >> 12 & 0xfff00);

	if (major_ >= 136 && major_ <= 143)
		return alloc_printf("pts/%u", (major_ - 136) * 256 + minor_);
	if (major_ == 5 && minor_ == 1)
		return alloc_strdup("console");
	return major_ == 4 && minor_ < 64 ? alloc_printf("tty%u", minor_) : NULL;
}

static int64_t ticks_us(const struct reader *reader, unsigned long long ticks)
{
	return (int64_t)(ticks * 1000000 / (unsigned long long)reader->tick_hz);
}

static void add_identity(struct json_object *object, const char *status)
{
	int64_t uid = status_number(status, "\nUid:", false);
	int64_t inner = status_number(status, "\nNSpid:", true);
	const struct passwd *user = uid < 0 ? NULL : getpwuid((uid_t)uid);

	if (inner > 0)
		record_add_int(object, "inner_pid", inner);
	record_add_int(object, "uid", uid);
	record_add_string(object, "user", user ? user->pw_name : NULL);
}

static void add_numbers(struct json_object *object, const struct reader *reader,
			const struct stat_fields *stat)
{
	_cleanup_(freep) char *terminal = terminal_name(stat->terminal);

	record_add_int(object, "threads", stat->threads);
	record_add_int(object, "nice", stat->nice);
	record_add_string(object, "terminal", terminal);
	record_add_time(object, "started_at",
			reader->boot_us + ticks_us(reader, stat->start_ticks));
	record_add_int(object, "cpu_time_us",
		       ticks_us(reader, stat->user_ticks + stat->system_ticks));
	record_add_int(object, "virtual_bytes", (int64_t)stat->virtual_bytes);
	record_add_int(object, "resident_bytes", stat->resident_pages * reader->page_bytes);
}

/* NULL: it has ended meanwhile. */
static struct json_object *read_process(const struct reader *reader, pid_t pid)
{
	_cleanup_(fd_closep) int dir = -1;
	_cleanup_(freep) char *stat_text = NULL;
	_cleanup_(freep) char *status = NULL;
	struct stat_fields stat;
	struct json_object *object;
	char path[32], name[16], state[2] = "";
	size_t size;

	(void)snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || !(stat_text = read_text(dir, "stat", STAT_MAX, &size)) ||
	    !(status = read_text(dir, "status", STATUS_MAX, &size)) ||
	    !parse_stat(stat_text, name, &stat))
		return NULL;
	state[0] = stat.state;
	object = json_object_new_object();
	record_add_int(object, "pid", pid);
	record_add_int(object, "parent_pid", stat.parent);
	record_add_string(object, "state", state);
	json_object_object_add(object, "name", new_text(name));
	add_identity(object, status);
	add_numbers(object, reader, &stat);
	json_object_object_add(object, "command", read_command(dir));
	return object;
}

/* --- The process that reads them ------------------------------------------------------------- */

static void tell(pid_t pid, void *userdata)
{
	const struct reader *reader = userdata;
	_cleanup_(json_putp) struct json_object *reply = NULL;
	struct json_object *process = read_process(reader, pid);
	_cleanup_(freep) char *text = NULL;
	size_t size;

	if (!process)
		return;
	reply = json_object_new_object();
	json_object_object_add(reply, "process", process);
	text = varlink_format_reply(reply, true, &size);
	if (fd_write_all(reader->out, text, size) < 0)
		_exit(1); /* nobody reads any more */
}

static void closedirp(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

/* Without control groups: the processes of its pid namespace. */
static void tell_namespace(pid_t init, const struct reader *reader)
{
	_cleanup_(closedirp) DIR *proc = opendir("/proc");
	const struct dirent *entry;
	struct stat inner, other;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", init);
	if (!proc || stat(path, &inner) < 0)
		return;
	while ((entry = readdir(proc))) {
		int pid = atoi(entry->d_name);

		(void)snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
		if (pid > 0 && stat(path, &other) == 0 && other.st_ino == inner.st_ino)
			tell(pid, (void *)(uintptr_t)reader);
	}
}

_Noreturn static void run(const struct container *container, int out, int tree)
{
	struct timespec since_boot;
	struct reader reader = {
		.out = out,
		.tick_hz = sysconf(_SC_CLK_TCK),
		.page_bytes = sysconf(_SC_PAGESIZE),
	};

	(void)alarm(READ_SECONDS_MAX);
	(void)clock_gettime(CLOCK_BOOTTIME, &since_boot);
	reader.boot_us = clock_realtime_us() - since_boot.tv_sec * INT64_C(1000000) -
			 since_boot.tv_nsec / 1000;
	if (tree >= 0)
		(void)cgroup_processes(container->cgroup, tree, tell, &reader);
	else
		tell_namespace(launch_pid(container->process.launch), &reader);
	_exit(0);
}

int container_read_processes(struct container *container, int *ret_fd, struct error *err)
{
	int tree = container->cgroup ? cgroup_tree_fd(container->cgroup) : -1;
	_cleanup_(fd_closep) int out = -1;
	int ends[2];
	pid_t pid;

	if (!container->process.launch || !container_is_active(container) ||
	    container->state == CONTAINER_STARTING)
		return container->process.events->not_running(&container->process, err);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_set_errno(err, errno, "pipe of what reads the processes");
	out = ends[1];
	pid = worker_fork("dokrustd-top", (int[]){ out, tree }, tree >= 0 ? 2 : 1);
	if (pid == 0)
		run(container, WORKER_FIRST_FD, tree >= 0 ? WORKER_FIRST_FD + 1 : -1);
	if (pid < 0 || fd_set_nonblocking(ends[0], true) < 0) {
		(void)close(ends[0]);
		return error_set_errno(err, errno, "fork what reads the processes");
	}
	*ret_fd = ends[0];
	return 0;
}
