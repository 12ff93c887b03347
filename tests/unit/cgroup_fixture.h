/* What the tests of control groups share: a daemon's worth of groups under a top group of their
 * own, and processes in them. Every test program has its own.
 *
 * The same programs run on hosts with v1, v2 and a mixture. They can also be shown less than there
 * is.
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
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "daemon/cgroup/hierarchy.h"

enum { DEADLINE_S = 10, MIB = 1 << 20 };

#define ID_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define ID_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ID_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static struct fixture {
	const char *hidden;	 /* a type of file system that is not to be seen; NULL: none */
	char dir[64];		 /* the run directory, from which the top group has its name */
	char *mountinfo;	 /* NULL: the host's own */
	struct event_base *base; /* NULL: nothing is listened to */
	struct cgroups *cgroups;
} fixture;

/* --- Groups ---------------------------------------------------------------------------------- */

static inline struct cgroups *open_cgroups(void)
{
	const struct cgroups_params params = {
		.run_dir = fixture.dir,
		.mountinfo = fixture.mountinfo,
		.base = fixture.base,
	};
	struct cgroups *cgroups;
	struct error err;

	if (cgroups_new(&params, &cgroups, &err) < 0)
		fail_msg("cgroups_new: %s", err.message);
	return cgroups;
}

static inline struct cgroup *make_limited(const char *id, const struct cgroup_limits *limits)
{
	struct cgroup *cgroup;
	struct error err;

	if (cgroup_new(fixture.cgroups, id, limits, &cgroup, &err) < 0)
		fail_msg("cgroup_new: %s", err.message);
	return cgroup;
}

static inline struct cgroup *make_group(const char *id)
{
	return make_limited(id, &CGROUP_LIMITS_NULL);
}

static inline void sleep_ms(long ms)
{
	const struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	(void)nanosleep(&time, NULL);
}

/* Waits for a condition, for DEADLINE_S seconds at most. */
#define wait_until(condition)                                        \
	do {                                                         \
		for (int tries_ = 0; !(condition); tries_++) {       \
			if (tries_ == DEADLINE_S * 1000)             \
				fail_msg("in vain: %s", #condition); \
			sleep_ms(1);                                 \
		}                                                    \
	} while (0)

/* Kills what is there, and waits for it to be gone. */
static inline void end_group(struct cgroup *cgroup)
{
	struct error err;

	wait_until(cgroup_kill(cgroup, &err) == 0);
	wait_until(cgroup_remove(cgroup, &err) == 0);
	(void)cgroup_free(cgroup);
}

/* --- Processes ------------------------------------------------------------------------------- */

/* A child that was born in the group, or one inside it (NULL: none), has entered it everywhere, and
 * runs body.
 */
static inline pid_t spawn_inner(struct cgroup *cgroup, const char *inner,
				void (*body)(void *argument), void *argument)
{
	struct clone_args args = { .exit_signal = SIGCHLD };
	struct cgroup_entry entry;
	struct error err;
	char entered;
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	if (cgroup_open_entry(cgroup, &entry, &err) < 0)
		fail_msg("cgroup_open_entry: %s", err.message);
	if (inner && cgroup_make_inner(cgroup, inner, &entry, &err) < 0)
		fail_msg("cgroup_make_inner: %s", err.message);
	if (entry.v2_fd >= 0) {
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (unsigned int)entry.v2_fd;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0) {
		if (cgroup_enter(&entry) != 0 || write(fds[1], "", 1) != 1)
			_exit(99);
		cgroup_entry_done(&entry);
		(void)close(fds[1]);
		body(argument);
		_exit(0);
	}
	(void)close(fds[1]);
	cgroup_entry_done(&entry);
	assert_true(pid > 0);
	assert_int_equal(read(fds[0], &entered, 1), 1);
	(void)close(fds[0]);
	return pid;
}

static inline pid_t spawn(struct cgroup *cgroup, void (*body)(void *argument), void *argument)
{
	return spawn_inner(cgroup, NULL, body, argument);
}

static inline int wait_for(pid_t pid)
{
	int status;

	wait_until(waitpid(pid, &status, WNOHANG) == pid);
	return status;
}

static inline void expect_exit(int wait_status, int status)
{
	if (!WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != status)
		fail_msg("wait status %#x, not exit %d", (unsigned int)wait_status, status);
}

static inline void expect_killed(int wait_status)
{
	if (!WIFSIGNALED(wait_status) || WTERMSIG(wait_status) != SIGKILL)
		fail_msg("wait status %#x, not SIGKILL", (unsigned int)wait_status);
}

static inline void body_sleep(void *argument)
{
	(void)argument;
	for (;;)
		(void)pause();
}

static inline void body_nothing(void *argument)
{
	(void)argument;
}

/* A page that children share. */
static inline volatile int64_t *shared_page(void)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_true(page != MAP_FAILED);
	return page;
}

/* A counter of somebody's that does not count any more. */
static inline void expect_still(const volatile int64_t *counter, long ms)
{
	int64_t seen = *counter;

	sleep_ms(ms);
	assert_int_equal(*counter, seen);
}

static inline void drop_page(volatile int64_t *page)
{
	(void)munmap((void *)(uintptr_t)page, 4096);
}

static inline void expect_update(struct cgroup *cgroup, const struct cgroup_limits *limits)
{
	struct error err;

	if (cgroup_update(cgroup, limits, &err) < 0)
		fail_msg("cgroup_update: %s", err.message);
}

/* A file of the group on whichever hierarchy has the controller. */
static inline void expect_file(const struct cgroup *cgroup, const char *controller,
			       const char *v1_file, const char *v2_file, const char *v1_text,
			       const char *v2_text)
{
	const struct hierarchy *hierarchy = cgroups_find(cgroup->cgroups, controller);
	char text[CGROUP_READ_MAX];

	assert_non_null(hierarchy);
	assert_true(group_read(cgroup, hierarchy, hierarchy->version == 1 ? v1_file : v2_file, text,
			       sizeof(text)) >= 0);
	assert_string_equal(text, hierarchy->version == 1 ? v1_text : v2_text);
}

/* --- Before and after ------------------------------------------------------------------------ */

/* The host's mountinfo without the lines of one file system type. */
static inline int hide(const char *type)
{
	_cleanup_(freep) char *word = alloc_printf(" - %s ", type);
	_cleanup_(fclosep) FILE *from = fopen("/proc/self/mountinfo", "re");
	_cleanup_(fclosep) FILE *to = NULL;
	char line[4096];

	fixture.mountinfo = alloc_printf("%s/mountinfo", fixture.dir);
	to = fopen(fixture.mountinfo, "we");
	if (!from || !to)
		return -1;
	while (fgets(line, sizeof(line), from))
		if (!strstr(line, word))
			(void)fputs(line, to);
	return 0;
}

static inline int set_up(void **state)
{
	(void)state;
	(void)strcpy(fixture.dir, "/tmp/test-cgroup-XXXXXX");
	if (!mkdtemp(fixture.dir) || (fixture.hidden && hide(fixture.hidden) < 0))
		return -1;
	fixture.cgroups = open_cgroups();
	return 0;
}

static inline bool known_to_nobody(const char *id, void *userdata)
{
	(void)id;
	(void)userdata;
	return false;
}

static inline bool top_groups_exist(void)
{
	const struct cgroups *cgroups = fixture.cgroups;

	for (size_t i = 0; i < cgroups->n; i++)
		if (faccessat(cgroups->hierarchies[i].mount_fd, cgroups->instance, F_OK, 0) == 0)
			return true;
	return false;
}

/* Also after a test that failed half-way: nothing of it stays on the host. */
static inline int tear_down(void **state)
{
	_cleanup_(freep) char *command = alloc_printf("rm -rf %s", fixture.dir);
	bool clean = false;

	(void)state;
	for (int tries = 0; tries < DEADLINE_S * 100 && !clean; tries++) {
		clean = cgroups_sweep(fixture.cgroups, known_to_nobody, NULL) == 0;
		sleep_ms(clean ? 0 : 10);
	}
	fixture.cgroups = cgroups_free(fixture.cgroups);
	fixture.cgroups = open_cgroups();
	clean = clean && !top_groups_exist();
	fixture.cgroups = cgroups_free(fixture.cgroups);
	free(fixture.mountinfo);
	fixture.mountinfo = NULL;
	return system(command) == 0 && clean ? 0 : -1;
}

static inline bool host_is(const char *version)
{
	struct cgroups *cgroups;
	bool is;

	if (set_up(NULL) < 0)
		return false;
	cgroups = fixture.cgroups;
	is = strcmp(cgroups_version(cgroups), version) == 0;
	(void)tear_down(NULL);
	return is;
}

/* Where v2 is mounted; host_is has said that it is. */
static inline int v2_mount(void)
{
	for (size_t i = 0; i < fixture.cgroups->n; i++)
		if (fixture.cgroups->hierarchies[i].version == 2)
			return fixture.cgroups->hierarchies[i].mount_fd;
	return -1;
}

#define cgroup_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

/* Runs an array of tests with all that the host has, and again with v2 hidden, where there is something
 * else; adds how many failed.
 */
#define run_with_and_without_v2(tests, failed)                                                  \
	do {                                                                                    \
		(failed) += cmocka_run_group_tests_name("as it is", tests, NULL, NULL);         \
		if (host_is("hybrid")) {                                                        \
			fixture.hidden = "cgroup2";                                             \
			(failed) += cmocka_run_group_tests_name("v1 alone", tests, NULL, NULL); \
		}                                                                               \
	} while (0)
