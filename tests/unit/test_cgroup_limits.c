/* What limits do: each is set, then a process runs into it. And that v1 and v2 agree on it, by
 * running the same program on both.
 */
#include "tests/unit/cgroup_fixture.h"

enum { PAGE_SIZE = 4096 };

static struct cgroup_limits with_memory(int64_t bytes)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	limits.memory_bytes = limits.memory_swap_bytes = bytes;
	return limits;
}

/* --- Memory ---------------------------------------------------------------------------------- */

/* Touches that many bytes and says so. */
static void body_use_memory(void *argument)
{
	volatile int64_t *page = argument;
	size_t bytes = (size_t)page[0];
	volatile char *memory =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < bytes; i += PAGE_SIZE)
		memory[i] = 1;
	page[1] = 1;
	while (page[2] == 0)
		sleep_ms(1);
}

static void more_memory_than_allowed_ends_in_a_kill_that_is_counted(void **state)
{
	const struct cgroup_limits limits = with_memory(16 * MIB);
	struct cgroup *cgroup = make_limited(ID_A, &limits);
	volatile int64_t *page = shared_page();
	struct cgroup_figures figures;

	(void)state;
	assert_int_equal(cgroup_oom_kills(cgroup), 0);
	page[0] = 64 * MIB;
	expect_killed(wait_for(spawn(cgroup, body_use_memory, (void *)(uintptr_t)page)));
	assert_int_equal(page[1], 0);
	assert_int_equal(cgroup_oom_kills(cgroup), 1);
	cgroup_sample(cgroup, &figures);
	assert_int_equal(figures.oom_kills, 1);
	assert_int_equal(figures.memory_limit_bytes, 16 * MIB);
	end_group(cgroup);
	drop_page(page);
}

static void memory_within_the_limit_is_there_and_is_measured(void **state)
{
	const struct cgroup_limits limits = with_memory(64 * MIB);
	struct cgroup *cgroup = make_limited(ID_A, &limits);
	volatile int64_t *page = shared_page();
	struct cgroup_figures figures;
	pid_t pid;

	(void)state;
	page[0] = 32 * MIB;
	pid = spawn(cgroup, body_use_memory, (void *)(uintptr_t)page);
	wait_until(page[1] == 1);
	cgroup_sample(cgroup, &figures);
	assert_in_range(figures.memory_bytes, 31 * MIB, 40 * MIB);
	assert_in_range(figures.memory_used_bytes, 31 * MIB, figures.memory_bytes);
	assert_int_equal(figures.oom_kills, 0);
	page[2] = 1;
	expect_exit(wait_for(pid), 0);
	end_group(cgroup);
	drop_page(page);
}

/* Fills the page cache; stays alive, so that nothing is charged elsewhere. */
static void body_write_file(void *argument)
{
	volatile int64_t *page = argument;
	static char block[64 * 1024];
	int fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	for (int i = 0; i < 256; i++)
		if (write(fd, block, sizeof(block)) < 0)
			_exit(1);
	page[1] = fsync(fd) == 0;
	while (page[2] == 0)
		sleep_ms(1);
}

static void page_cache_counts_as_memory_but_not_as_used(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	volatile int64_t *page = shared_page();
	struct cgroup_figures figures;
	pid_t pid = spawn(cgroup, body_write_file, (void *)(uintptr_t)page);

	(void)state;
	wait_until(page[1] == 1);
	cgroup_sample(cgroup, &figures);
	assert_in_range(figures.memory_bytes, 15 * MIB, 40 * MIB);
	assert_in_range(figures.memory_used_bytes, 0, 8 * MIB);
	assert_int_equal(figures.memory_limit_bytes, CGROUP_UNLIMITED);
	page[2] = 1;
	expect_exit(wait_for(pid), 0);
	end_group(cgroup);
	drop_page(page);
}

static void less_than_is_in_use_is_refused_and_nobody_killed(void **state)
{
	const struct cgroup_limits limits = with_memory(64 * MIB);
	const struct cgroup_limits lower = with_memory(16 * MIB);
	struct cgroup *cgroup = make_limited(ID_A, &limits);
	volatile int64_t *page = shared_page();
	struct cgroup_figures figures;
	struct error err;
	pid_t pid;

	(void)state;
	page[0] = 40 * MIB;
	pid = spawn(cgroup, body_use_memory, (void *)(uintptr_t)page);
	wait_until(page[1] == 1);
	assert_int_equal(cgroup_update(cgroup, &lower, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_int_equal(err.sys_errno, EBUSY);
	assert_string_equal(err.subject, "memory_bytes");
	if (cgroups_find(cgroup->cgroups, "memory")->version == 1)
		assert_string_equal(err.message, "memory.limit_in_bytes=16777216: Device or "
						 "resource busy");
	else
		assert_string_equal(err.message, "memory.max=16777216: Device or resource busy");
	cgroup_sample(cgroup, &figures);
	assert_int_equal(figures.memory_limit_bytes, 64 * MIB);
	assert_int_equal(figures.oom_kills, 0);
	page[2] = 1;
	expect_exit(wait_for(pid), 0);
	expect_update(cgroup, &lower);
	expect_file(cgroup, "memory", "memory.limit_in_bytes", "memory.max", "16777216",
		    "16777216");
	expect_file(cgroup, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max", "16777216",
		    "0");
	end_group(cgroup);
	drop_page(page);
}

static void a_limit_is_raised_and_lifted_again(void **state)
{
	struct cgroup_limits limits = with_memory(16 * MIB);
	struct cgroup *cgroup = make_limited(ID_A, &limits);
	struct cgroup_figures figures;

	(void)state;
	limits = with_memory(256 * MIB);
	expect_update(cgroup, &limits);
	cgroup_sample(cgroup, &figures);
	assert_int_equal(figures.memory_limit_bytes, 256 * MIB);
	limits = with_memory(CGROUP_UNLIMITED);
	expect_update(cgroup, &limits);
	cgroup_sample(cgroup, &figures);
	assert_int_equal(figures.memory_limit_bytes, CGROUP_UNLIMITED);
	end_group(cgroup);
}

/* --- Processes ------------------------------------------------------------------------------- */

/* Exits with how many children it could have at once, or 200. */
static void body_fork(void *argument)
{
	int n = 0;

	(void)argument;
	while (n < 20) {
		pid_t pid = fork();

		if (pid < 0)
			_exit(errno == EAGAIN ? n : 200);
		if (pid == 0)
			body_sleep(NULL);
		n++;
	}
	_exit(n);
}

static void forks_beyond_the_limit_fail(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct cgroup *cgroup;
	struct cgroup_figures figures;

	(void)state;
	limits.pids = 7;
	cgroup = make_limited(ID_A, &limits);
	expect_exit(wait_for(spawn(cgroup, body_fork, NULL)), 6);
	cgroup_sample(cgroup, &figures);
	assert_int_equal(figures.pids, 6);
	limits.pids = CGROUP_UNLIMITED;
	expect_update(cgroup, &limits);
	expect_exit(wait_for(spawn(cgroup, body_fork, NULL)), 20);
	end_group(cgroup);
}

static void without_a_wish_there_are_2048_processes(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);

	(void)state;
	expect_file(cgroup, "pids", "pids.max", "pids.max", "2048", "2048");
	end_group(cgroup);
}

/* --- All or nothing -------------------------------------------------------------------------- */

static void an_update_that_fails_half_way_changes_nothing(void **state)
{
	struct cgroup_limits before = with_memory(64 * MIB);
	struct cgroup_limits limits = with_memory(128 * MIB);
	struct cgroup *cgroup;
	struct error err;

	(void)state;
	before.pids = 100;
	before.cpu_shares = 2048;
	before.cpuset_cpus = alloc_strdup("0");
	cgroup = make_limited(ID_A, &before);
	limits.pids = 50;
	limits.cpu_shares = 512;
	limits.nano_cpus = 500000000;
	limits.cpuset_cpus = alloc_strdup("1");
	assert_int_equal(cgroup_limits_add_file(&limits, "pids.max=few", &err), 0);
	assert_int_equal(cgroup_update(cgroup, &limits, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_string_equal(err.subject, "pids.max");
	assert_string_equal(err.message, "pids.max=few: Invalid argument");
	expect_file(cgroup, "pids", "pids.max", "pids.max", "100", "100");
	expect_file(cgroup, "cpu", "cpu.shares", "cpu.weight", "2048", "200");
	expect_file(cgroup, "cpu", "cpu.cfs_quota_us", "cpu.max", "-1", "max 100000");
	expect_file(cgroup, "cpuset", "cpuset.cpus", "cpuset.cpus", "0", "0");
	expect_file(cgroup, "memory", "memory.limit_in_bytes", "memory.max", "67108864",
		    "67108864");
	expect_file(cgroup, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max", "67108864",
		    "0");
	end_group(cgroup);
	cgroup_limits_done(&before);
	cgroup_limits_done(&limits);
}

static void a_new_group_with_a_wrong_limit_is_none(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct cgroup *cgroup;
	struct error err;

	(void)state;
	assert_int_equal(cgroup_limits_add_file(&limits, "pids.max=few", &err), 0);
	assert_int_equal(cgroup_new(fixture.cgroups, ID_A, &limits, &cgroup, &err), -1);
	assert_string_equal(err.message, "pids.max=few: Invalid argument");
	assert_int_equal(cgroup_adopt(fixture.cgroups, ID_A, &cgroup, &err), -1);
	cgroup_limits_done(&limits);
}

static void the_old_quota_does_what_it_did(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	volatile int64_t *page = shared_page();
	struct cgroup *cgroup;
	struct error err;

	(void)state;
	assert_int_equal(cgroup_limits_add_quota(&limits,
						 "memory:memory.limit_in_bytes:16M"
						 "::memory:memory.memsw.limit_in_bytes:16M"
						 "::pids:pids.max:7::cpu:cpu.shares:512",
						 &err),
			 0);
	cgroup = make_limited(ID_A, &limits);
	page[0] = 64 * MIB;
	expect_killed(wait_for(spawn(cgroup, body_use_memory, (void *)(uintptr_t)page)));
	assert_int_equal(cgroup_oom_kills(cgroup), 1);
	expect_exit(wait_for(spawn(cgroup, body_fork, NULL)), 6);
	expect_file(cgroup, "cpu", "cpu.shares", "cpu.weight", "512", "50");
	end_group(cgroup);
	cgroup_limits_done(&limits);
	drop_page(page);
}

/* --- Hosts that have less -------------------------------------------------------------------- */

static void expect_lacking(const char *message)
{
	const struct cgroup_limits limits = with_memory(64 * MIB);
	struct cgroup_figures figures;
	struct cgroup *cgroup;
	struct error err;

	assert_int_equal(cgroup_new(fixture.cgroups, ID_A, &limits, &cgroup, &err), -1);
	assert_string_equal(err.subject, "memory_bytes");
	assert_string_equal(err.message, message);
	cgroup = make_group(ID_A);
	expect_exit(wait_for(spawn(cgroup, body_nothing, NULL)), 0);
	cgroup_sample(cgroup, &figures);
	assert_int_equal(figures.memory_bytes, -1);
	assert_int_equal(figures.pids, -1);
	assert_int_equal(figures.io_pressure.full_avg10_percent_hundredths, -1);
	assert_int_equal(cgroup_oom_kills(cgroup), -1);
	assert_false(cgroup_is_populated(cgroup));
	assert_int_equal(cgroup_remove(cgroup, &err), 0);
	(void)cgroup_free(cgroup);
}

static void see_only(const char *mountinfo)
{
	_cleanup_(fclosep) FILE *file = NULL;

	fixture.cgroups = cgroups_free(fixture.cgroups);
	fixture.mountinfo = alloc_printf("%s/mountinfo", fixture.dir);
	file = fopen(fixture.mountinfo, "we");
	assert_non_null(file);
	assert_true(fputs(mountinfo, file) >= 0);
	assert_int_equal(fflush(file), 0);
	fixture.cgroups = open_cgroups();
}

static void a_host_without_groups_is_no_error_until_one_asks_for_limits(void **state)
{
	(void)state;
	see_only("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
	assert_string_equal(cgroups_version(fixture.cgroups), "none");
	assert_false(cgroups_has(fixture.cgroups, "memory"));
	expect_lacking("this host has no cgroup controller memory");
}

static void what_is_mounted_there_no_more_is_not_used(void **state)
{
	(void)state;
	see_only("33 31 0:30 / /proc rw - cgroup none rw,memory\n");
	assert_string_equal(cgroups_version(fixture.cgroups), "v1");
	expect_lacking("the cgroup controller memory cannot be used: /proc: No such device");
}

/* Makes a limited group in one that was given. */
static int limit_in_given(const char *name, const struct cgroup_limits *limits, struct error *err)
{
	const struct cgroups_params params = { .run_dir = fixture.dir, .v2_parent = name };
	struct cgroups *given;
	struct cgroup *cgroup;
	struct error ignored;
	int r;

	assert_int_equal(cgroups_new(&params, &given, err), 0);
	r = cgroup_new(given, ID_C, limits, &cgroup, err);
	if (r == 0) {
		(void)cgroup_remove(cgroup, &ignored);
		(void)cgroup_free(cgroup);
	}
	(void)cgroups_free(given);
	return r;
}

/* cgroup v2: a group has processes, or controllers for the groups below it (cgroups(7), "no
 * internal processes").
 */
static void processes_of_a_given_group_make_room(void **state)
{
	_cleanup_(freep) char *name = alloc_printf("test-%s", fixture.cgroups->instance);
	_cleanup_(freep) char *keeper = alloc_printf("%s/keeper", name);
	_cleanup_(freep) char *procs = alloc_printf("%s/cgroup.procs", name);
	const struct cgroup_limits limits = with_memory(64 * MIB);
	_cleanup_(fd_closep) int fd = -1;
	struct error err;
	pid_t pid = fork();
	int r;

	(void)state;
	if (pid == 0)
		body_sleep(NULL);
	assert_int_equal(mkdirat(v2_mount(), name, 0755), 0);
	fd = openat(v2_mount(), procs, O_WRONLY | O_CLOEXEC);
	assert_true(dprintf(fd, "%d", (int)pid) > 0);
	r = limit_in_given(name, &limits, &err);
	assert_int_equal(unlinkat(v2_mount(), keeper, AT_REMOVEDIR), -1);
	assert_int_equal(errno, EBUSY);
	(void)kill(pid, SIGKILL);
	(void)wait_for(pid);
	wait_until(unlinkat(v2_mount(), keeper, AT_REMOVEDIR) == 0);
	wait_until(unlinkat(v2_mount(), name, AT_REMOVEDIR) == 0);
	assert_int_equal(r, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cgroup_test(more_memory_than_allowed_ends_in_a_kill_that_is_counted),
		cgroup_test(memory_within_the_limit_is_there_and_is_measured),
		cgroup_test(page_cache_counts_as_memory_but_not_as_used),
		cgroup_test(less_than_is_in_use_is_refused_and_nobody_killed),
		cgroup_test(a_limit_is_raised_and_lifted_again),
		cgroup_test(forks_beyond_the_limit_fail),
		cgroup_test(without_a_wish_there_are_2048_processes),
		cgroup_test(an_update_that_fails_half_way_changes_nothing),
		cgroup_test(a_new_group_with_a_wrong_limit_is_none),
		cgroup_test(the_old_quota_does_what_it_did),
		cgroup_test(a_host_without_groups_is_no_error_until_one_asks_for_limits),
		cgroup_test(what_is_mounted_there_no_more_is_not_used),
	};
	const struct CMUnitTest v2_tests[] = {
		cgroup_test(processes_of_a_given_group_make_room),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (host_is("v2"))
		failed += cmocka_run_group_tests(v2_tests, NULL, NULL);
	return failed;
}
