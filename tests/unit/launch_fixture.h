/* What the tests of launches share: a daemon in small, and a busybox tree. Every test program has
 * its own.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "daemon/launch/launch.h"

enum { OUTPUT_SIZE = 65536, DEADLINE_S = 10 };

static struct fixture {
	char dir[64]; /* has rootfs, run, and what tests put there */
	char *rootfs;
	struct event_base *base;
	struct reaper *reaper;
	struct launcher *launcher;
} fixture;

/* What a launch came to. */
struct run {
	struct launch *launch;
	struct launch_stdio stdio;
	char events[8]; /* s f x g, in the order in which they came */
	int wait_status;
	struct error error;
	char warning[ERROR_MESSAGE_SIZE];
	char output[OUTPUT_SIZE];
	size_t size;
};

static inline void note(struct run *run, char event)
{
	size_t n = strlen(run->events);

	assert_true(n + 1 < sizeof(run->events));
	run->events[n] = event;
	/* Any event ends a turn of the loop. */
	(void)event_base_loopbreak(fixture.base);
}

static inline void on_started(void *userdata)
{
	note(userdata, 's');
}

static inline void on_failed(void *userdata, const struct error *err)
{
	struct run *run = userdata;

	run->error = *err;
	note(run, 'f');
}

static inline void on_warned(void *userdata, const char *message)
{
	struct run *run = userdata;

	(void)snprintf(run->warning, sizeof(run->warning), "%s", message);
}

static inline void on_exited(void *userdata, int wait_status)
{
	struct run *run = userdata;

	run->wait_status = wait_status;
	note(run, 'x');
}

static inline void on_gone(void *userdata)
{
	note(userdata, 'g');
}

static const struct launch_callbacks callbacks = {
	.started = on_started,
	.failed = on_failed,
	.exited = on_exited,
	.gone = on_gone,
	.warned = on_warned,
};

static const char *const environment[] = { "PATH=/usr/local/bin:/usr/bin:/sbin:/bin",
					   "GREETING=hello", NULL };

/* execve(2) does not write to what it is given, whatever its type says. */
static inline char *const *vector(const char *const *strings)
{
	return (char *const *)(uintptr_t)strings;
}

static const struct rights default_rights = RIGHTS_INITIAL;

static inline struct launch_params params_for(const char *const *argv)
{
	return (struct launch_params){
		.rootfs = fixture.rootfs,
		.cgroup = LAUNCH_CGROUP_NULL,
		.argv = vector(argv),
		.environment = vector(environment),
		.hostname = "box",
		.workdir = "/",
		.init = true,
		.rows = 33,
		.columns = 101,
		.rights = &default_rights,
	};
}

static inline void begin(struct run *run, const struct launch_params *params)
{
	struct error err;

	*run = (struct run){ 0 };
	if (launch_start(fixture.launcher, params, &callbacks, run, &run->launch, &run->stdio,
			 &err) < 0)
		fail_msg("launch_start: %s", err.message);
}

static inline void on_deadline(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	*(bool *)userdata = true;
	(void)event_base_loopbreak(fixture.base);
}

static inline void wait_for_event(struct run *run, char event)
{
	const struct timeval deadline = { .tv_sec = DEADLINE_S };
	bool late = false;
	struct event *timer = evtimer_new(fixture.base, on_deadline, &late);

	assert_non_null(timer);
	assert_int_equal(event_add(timer, &deadline), 0);
	while (!late && !strchr(run->events, event))
		(void)event_base_dispatch(fixture.base);
	event_free(timer);
	if (late)
		fail_msg("no event '%c' after \"%s\"", event, run->events);
}

static inline void read_output(struct run *run, int fd)
{
	ssize_t n;

	while (fd >= 0 && (n = read(fd, run->output + run->size, OUTPUT_SIZE - 1 - run->size)) > 0)
		run->size += (size_t)n;
	run->output[run->size] = '\0';
}

static inline void end(struct run *run)
{
	wait_for_event(run, 'g');
	read_output(run, run->stdio.pty_master);
	read_output(run, run->stdio.stdout_fd);
	read_output(run, run->stdio.stderr_fd);
	(void)fd_close(run->stdio.pty_master);
	(void)fd_close(run->stdio.stdin_fd);
	(void)fd_close(run->stdio.stdout_fd);
	(void)fd_close(run->stdio.stderr_fd);
	run->launch = launch_free(run->launch);
}

static inline void run_params(struct run *run, const struct launch_params *params)
{
	begin(run, params);
	end(run);
}

static inline void run_script(struct run *run, const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct launch_params params = params_for(argv);

	run_params(run, &params);
}

static inline void run_command(struct run *run, const char *command)
{
	const char *const argv[] = { command, NULL };
	const struct launch_params params = params_for(argv);

	run_params(run, &params);
}

static inline void expect_exit(const struct run *run, int status)
{
	if (strcmp(run->events, "sxg") != 0)
		fail_msg("events %s: %s", run->events, run->error.message);
	assert_true(WIFEXITED(run->wait_status));
	assert_int_equal(WEXITSTATUS(run->wait_status), status);
}

static inline void expect_failure(const struct run *run, enum error_code code, const char *subject)
{
	assert_string_equal(run->events, "fg");
	assert_int_equal(run->error.code, code);
	assert_string_equal(run->error.subject, subject);
}

static inline void expect_output(const struct run *run, const char *text)
{
	assert_string_equal(run->output, text);
}

static inline void make_file(const char *path, const char *text, mode_t mode)
{
	_cleanup_(fclosep) FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fchmod(fileno(file), mode), 0);
}

/* A new directory below the fixture's. */
static inline char *make_dir(const char *name)
{
	char *path = alloc_printf("%s/%s", fixture.dir, name);

	assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
	return path;
}

static inline size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

static inline void sleep_ms(long ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&time, NULL);
}

static inline int set_up(void **state)
{
	_cleanup_(freep) char *command = NULL;
	struct error err;

	(void)state;
	(void)strcpy(fixture.dir, "/tmp/test-launch-XXXXXX");
	if (!mkdtemp(fixture.dir))
		return -1;
	fixture.rootfs = alloc_printf("%s/rootfs", fixture.dir);
	command = alloc_printf("sh daemon/image/make-busybox.sh /bin/busybox %s", fixture.rootfs);
	fixture.base = event_base_new();
	if (system(command) != 0 || !fixture.base ||
	    reaper_new(fixture.base, &fixture.reaper, &err) < 0 ||
	    launcher_new(fixture.base, fixture.reaper, &fixture.launcher, &err) < 0)
		return -1;
	(void)signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	return 0;
}

static inline int tear_down(void **state)
{
	_cleanup_(freep) char *command = alloc_printf("rm -rf %s", fixture.dir);

	(void)state;
	launcher_free(fixture.launcher);
	reaper_free(fixture.reaper);
	event_base_free(fixture.base);
	free(fixture.rootfs);
	return system(command) == 0 ? 0 : -1;
}
