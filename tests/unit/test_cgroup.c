/* Groups and the processes in them. Runs with all that the host has, and again with v2 hidden,
 * where there is something else.
 */
#include "tests/unit/cgroup_fixture.h"

#include "common/fdio.h"

static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n;
}

/* On how many hierarchies a process is in the group. */
static size_t groups_named_a(pid_t pid)
{
	_cleanup_(freep) char *path = alloc_printf("/proc/%d/cgroup", (int)pid);
	_cleanup_(freep) char *text = NULL;
	struct error err;
	size_t size, n = 0;

	if (fd_read_file_at(AT_FDCWD, path, 64 * 1024, &text, &size, &err) < 0)
		fail_msg("%s", err.message);
	for (const char *at = text; (at = strstr(at, "/" ID_A "\n")); at++)
		n++;
	return n;
}

static size_t usable_hierarchies(void)
{
	size_t n = 0;

	for (size_t i = 0; i < fixture.cgroups->n; i++)
		n += fixture.cgroups->hierarchies[i].top_fd >= 0;
	return n;
}

/* --- Being there ----------------------------------------------------------------------------- */

static void a_child_is_born_into_the_group_on_every_hierarchy(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	pid_t pid = spawn(cgroup, body_sleep, NULL);

	(void)state;
	assert_true(usable_hierarchies() > 0);
	assert_int_equal(groups_named_a(pid), usable_hierarchies());
	assert_int_equal(groups_named_a(getpid()), 0);
	assert_true(cgroup_is_populated(cgroup));
	end_group(cgroup);
	expect_killed(wait_for(pid));
}

static void a_group_without_processes_is_removed_from_every_hierarchy(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	struct cgroup *again;
	struct error err;

	(void)state;
	assert_false(cgroup_is_populated(cgroup));
	assert_int_equal(cgroup_remove(cgroup, &err), 0);
	assert_int_equal(cgroup_remove(cgroup, &err), 0);
	assert_int_equal(cgroup_adopt(fixture.cgroups, ID_A, &again, &err), -1);
	assert_int_equal(err.sys_errno, ENOENT);
	(void)cgroup_free(cgroup);
}

static void a_name_that_is_taken_is_an_error_and_changes_nothing(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	struct cgroup *second = NULL;
	struct error err;

	(void)state;
	assert_int_equal(cgroup_new(fixture.cgroups, ID_A, &CGROUP_LIMITS_NULL, &second, &err), -1);
	assert_int_equal(err.sys_errno, EEXIST);
	assert_null(second);
	expect_exit(wait_for(spawn(cgroup, body_nothing, NULL)), 0);
	end_group(cgroup);
}

static void a_group_with_a_process_is_not_removed(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	pid_t pid = spawn(cgroup, body_sleep, NULL);
	struct error err;

	(void)state;
	assert_int_equal(cgroup_remove(cgroup, &err), -1);
	assert_int_equal(err.sys_errno, EBUSY);
	assert_true(cgroup_is_populated(cgroup));
	assert_int_equal(kill(pid, SIGKILL), 0);
	expect_killed(wait_for(pid));
	assert_int_equal(cgroup_remove(cgroup, &err), 0);
	(void)cgroup_free(cgroup);
}

static void a_zombie_does_not_keep_a_group(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	pid_t pid = spawn(cgroup, body_sleep, NULL);
	siginfo_t info;
	struct error err;

	(void)state;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	wait_until(!cgroup_is_populated(cgroup));
	assert_int_equal(cgroup_remove(cgroup, &err), 0);
	expect_killed(wait_for(pid));
	(void)cgroup_free(cgroup);
}

static void a_group_outlives_its_handle_and_is_adopted(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	pid_t pid = spawn(cgroup, body_sleep, NULL);
	struct error err;

	(void)state;
	(void)cgroup_free(cgroup);
	assert_int_equal(cgroup_adopt(fixture.cgroups, ID_A, &cgroup, &err), 0);
	assert_true(cgroup_is_populated(cgroup));
	end_group(cgroup);
	expect_killed(wait_for(pid));
}

/* On all hierarchies, as somebody in the container might. */
static void make_inside(const char *path)
{
	for (size_t i = 0; i < fixture.cgroups->n; i++) {
		_cleanup_(freep) char *full = alloc_printf("%s/%s", ID_A, path);

		if (fixture.cgroups->hierarchies[i].top_fd >= 0)
			assert_int_equal(
				mkdirat(fixture.cgroups->hierarchies[i].top_fd, full, 0755), 0);
	}
}

static void move_inside(pid_t pid, const char *path)
{
	for (size_t i = 0; i < fixture.cgroups->n; i++) {
		_cleanup_(freep) char *full = alloc_printf("%s/%s/cgroup.procs", ID_A, path);
		_cleanup_(fd_closep) int fd = -1;

		if (fixture.cgroups->hierarchies[i].top_fd < 0)
			continue;
		fd = openat(fixture.cgroups->hierarchies[i].top_fd, full, O_WRONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_true(dprintf(fd, "%d", (int)pid) > 0);
	}
}

static void groups_made_inside_go_with_it(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	struct error err;

	(void)state;
	make_inside("one");
	make_inside("two");
	make_inside("one/deep");
	make_inside("one/deep/deeper");
	assert_int_equal(cgroup_remove(cgroup, &err), 0);
	(void)cgroup_free(cgroup);
}

static void a_process_deep_inside_is_seen_and_killed(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	pid_t pid = spawn(cgroup, body_sleep, NULL);
	struct error err;

	(void)state;
	make_inside("one");
	make_inside("one/deep");
	move_inside(pid, "one/deep");
	assert_true(cgroup_is_populated(cgroup));
	assert_int_equal(cgroup_remove(cgroup, &err), -1);
	assert_int_equal(err.sys_errno, EBUSY);
	end_group(cgroup);
	expect_killed(wait_for(pid));
}

/* --- Freezing and killing -------------------------------------------------------------------- */

static void body_count(void *argument)
{
	volatile int64_t *counter = argument;

	for (;;) {
		(*counter)++;
		sleep_ms(1);
	}
}

static void what_is_frozen_stands_still_until_it_is_thawed(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	volatile int64_t *counter = shared_page();
	pid_t pid = spawn(cgroup, body_count, (void *)(uintptr_t)counter);
	struct error err;
	int64_t seen;

	(void)state;
	wait_until(*counter > 0);
	assert_false(cgroup_is_frozen(cgroup));
	assert_int_equal(cgroup_freeze(cgroup, true, &err), 0);
	wait_until(cgroup_is_frozen(cgroup));
	seen = *counter;
	sleep_ms(100);
	assert_int_equal(*counter, seen);
	assert_int_equal(cgroup_freeze(cgroup, false, &err), 0);
	wait_until(*counter > seen);
	assert_false(cgroup_is_frozen(cgroup));
	end_group(cgroup);
	expect_killed(wait_for(pid));
	drop_page(counter);
}

static void what_is_frozen_is_killed_all_the_same(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	pid_t pid = spawn(cgroup, body_sleep, NULL);
	struct error err;

	(void)state;
	assert_int_equal(cgroup_freeze(cgroup, true, &err), 0);
	wait_until(cgroup_is_frozen(cgroup));
	assert_int_equal(cgroup_kill(cgroup, &err), 0);
	expect_killed(wait_for(pid));
	assert_false(cgroup_is_frozen(cgroup));
	end_group(cgroup);
}

/* Leaves a process that has neither parent nor session in common with it. */
static void body_escape(void *argument)
{
	volatile int64_t *counter = argument;

	if (fork() != 0)
		return;
	(void)setsid();
	if (fork() != 0)
		_exit(0);
	body_count((void *)(uintptr_t)counter);
}

static void a_process_that_was_forked_off_twice_is_killed(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	volatile int64_t *counter = shared_page();
	struct error err;
	int64_t seen;

	(void)state;
	expect_exit(wait_for(spawn(cgroup, body_escape, (void *)(uintptr_t)counter)), 0);
	wait_until(*counter > 0);
	assert_true(cgroup_is_populated(cgroup));
	wait_until(cgroup_kill(cgroup, &err) == 0);
	wait_until(!cgroup_is_populated(cgroup));
	seen = *counter;
	sleep_ms(50);
	assert_int_equal(*counter, seen);
	end_group(cgroup);
	drop_page(counter);
}

/* With what it has forked off; the rest of the outer group goes on, and feels nothing of it. */
static void a_group_inside_is_killed_by_itself(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	pid_t outer = spawn(cgroup, body_sleep, NULL);
	volatile int64_t *counter = shared_page();
	struct error err;
	int64_t seen;

	(void)state;
	expect_exit(
		wait_for(spawn_inner(cgroup, "exec-1", body_escape, (void *)(uintptr_t)counter)),
		0);
	wait_until(*counter > 0);
	wait_until(cgroup_kill_inner(cgroup, "exec-1", &err) == 0);
	wait_until((seen = *counter, sleep_ms(50), *counter == seen));
	assert_int_equal(waitpid(outer, NULL, WNOHANG), 0);
	cgroup_remove_inner(cgroup, "exec-1");
	assert_int_equal(cgroup_kill_inner(cgroup, "exec-1", &err), -1);
	assert_int_equal(err.sys_errno, ENOENT);
	end_group(cgroup);
	expect_killed(wait_for(outer));
	drop_page(counter);
}

static void a_group_inside_stands_still_and_ends_with_the_outer_one(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	volatile int64_t *counter = shared_page();
	pid_t pid = spawn_inner(cgroup, "exec-1", body_count, (void *)(uintptr_t)counter);
	struct error err;
	int64_t seen;

	(void)state;
	wait_until(*counter > 0);
	assert_true(cgroup_is_populated(cgroup));
	assert_int_equal(cgroup_freeze(cgroup, true, &err), 0);
	wait_until(cgroup_is_frozen(cgroup));
	seen = *counter;
	sleep_ms(20);
	assert_int_equal(*counter, seen);
	end_group(cgroup);
	expect_killed(wait_for(pid));
	drop_page(counter);
}

/* Each generation forks and ends: whoever reads a list of pids is always too late. */
static void body_run_away(void *argument)
{
	volatile int64_t *generation = argument;

	for (;;) {
		pid_t pid = fork();

		if (pid > 0)
			_exit(0);
		if (pid == 0) {
			(*generation)++;
			(void)setsid();
		}
	}
}

static void processes_that_run_away_by_forking_are_killed(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);
	volatile int64_t *generation = shared_page();
	struct error err;
	int64_t seen;

	(void)state;
	expect_exit(wait_for(spawn(cgroup, body_run_away, (void *)(uintptr_t)generation)), 0);
	wait_until(*generation > 50);
	wait_until(cgroup_kill(cgroup, &err) == 0);
	wait_until(!cgroup_is_populated(cgroup));
	seen = *generation;
	sleep_ms(50);
	assert_int_equal(*generation, seen);
	end_group(cgroup);
	drop_page(generation);
}

/* --- Several daemons, and one after the other ------------------------------------------------- */

static bool known_is_b(const char *id, void *userdata)
{
	(*(size_t *)userdata)++;
	return strcmp(id, ID_B) == 0;
}

static void a_sweep_ends_what_nobody_knows_and_nothing_else(void **state)
{
	struct cgroup *orphan = make_group(ID_A);
	pid_t a = spawn(orphan, body_sleep, NULL);
	struct cgroup *known = make_group(ID_B);
	pid_t b = spawn(known, body_sleep, NULL);
	struct cgroup *found;
	struct error err;
	size_t asked = 0;

	(void)state;
	(void)cgroup_free(orphan);
	wait_until(cgroups_sweep(fixture.cgroups, known_is_b, &asked) == 0);
	assert_true(asked >= 2);
	expect_killed(wait_for(a));
	assert_int_equal(waitpid(b, NULL, WNOHANG), 0);
	assert_int_equal(cgroup_adopt(fixture.cgroups, ID_A, &found, &err), -1);
	assert_true(cgroup_is_populated(known));
	end_group(known);
	expect_killed(wait_for(b));
}

static void a_sweep_leaves_groups_whose_name_is_no_id(void **state)
{
	int top, left;

	(void)state;
	(void)cgroups_has(fixture.cgroups, "memory");
	top = fixture.cgroups->hierarchies[0].top_fd;
	assert_int_equal(mkdirat(top, "daemon", 0755), 0);
	assert_int_equal(cgroups_sweep(fixture.cgroups, known_to_nobody, NULL), 0);
	left = unlinkat(top, "daemon", AT_REMOVEDIR);
	assert_int_equal(left, 0);
}

static void top_groups_go_with_the_last_group(void **state)
{
	struct cgroup *cgroup = make_group(ID_A);

	(void)state;
	fixture.cgroups = cgroups_free(fixture.cgroups);
	fixture.cgroups = open_cgroups();
	assert_true(top_groups_exist());
	(void)cgroup_free(cgroup);
	wait_until(cgroups_sweep(fixture.cgroups, known_to_nobody, NULL) == 0);
	fixture.cgroups = cgroups_free(fixture.cgroups);
	fixture.cgroups = open_cgroups();
	assert_false(top_groups_exist());
}

static void every_run_directory_has_an_instance_of_its_own(void **state)
{
	char a[INSTANCE_NAME_SIZE], b[INSTANCE_NAME_SIZE];
	_cleanup_(freep) char *link = alloc_printf("%s/link", fixture.dir);

	(void)state;
	assert_string_equal(instance_name("/run/dokrust", a), "dokrust");
	assert_int_equal(strlen(instance_name(fixture.dir, a)), strlen("dokrust-") + 16);
	assert_string_not_equal(a, instance_name("/run/other", b));
	assert_int_equal(symlink(fixture.dir, link), 0);
	assert_string_equal(instance_name(link, b), a);
	assert_int_equal(unlink(link), 0);
}

static void a_v2_group_that_was_given_is_used_and_left(void **state)
{
	_cleanup_(freep) char *name = alloc_printf("/test-%s", fixture.cgroups->instance);
	const struct cgroups_params params = { .run_dir = fixture.dir, .v2_parent = name };
	struct cgroups *given;
	struct cgroup *cgroup;
	struct error err;
	int v2 = v2_mount(), top;

	(void)state;
	assert_int_equal(mkdirat(v2, name + 1, 0755), 0);
	assert_int_equal(cgroups_new(&params, &given, &err), 0);
	assert_int_equal(cgroup_new(given, ID_C, &CGROUP_LIMITS_NULL, &cgroup, &err), 0);
	top = openat(v2, name + 1, O_PATH | O_CLOEXEC);
	assert_int_equal(faccessat(top, ID_C, F_OK, 0), 0);
	(void)close(top);
	assert_int_equal(cgroup_remove(cgroup, &err), 0);
	(void)cgroup_free(cgroup);
	(void)cgroups_free(given);
	assert_int_equal(unlinkat(v2, name + 1, AT_REMOVEDIR), 0);
}

static void a_group_costs_no_descriptor(void **state)
{
	struct cgroup *cgroup;
	struct cgroup_figures figures;
	size_t before;

	(void)state;
	(void)cgroups_has(fixture.cgroups, "memory");
	before = count_fds();
	for (int i = 0; i < 20; i++) {
		pid_t pid;

		cgroup = make_group(ID_A);
		pid = spawn(cgroup, body_sleep, NULL);
		cgroup_sample(cgroup, &figures);
		assert_int_equal(count_fds(), before);
		end_group(cgroup);
		expect_killed(wait_for(pid));
	}
	assert_int_equal(count_fds(), before);
}

static void descriptors_stay_open_only_while_it_is_watched(void **state)
{
	struct cgroup_figures first, again;
	struct cgroup *cgroup;
	size_t before, watched;
	pid_t pid;

	(void)state;
	(void)cgroups_has(fixture.cgroups, "memory");
	before = count_fds();
	cgroup = make_group(ID_A);
	pid = spawn(cgroup, body_sleep, NULL);
	cgroup_watch(cgroup, true);
	cgroup_sample(cgroup, &first);
	watched = count_fds();
	assert_true(watched > before);
	cgroup_sample(cgroup, &again);
	assert_int_equal(count_fds(), watched);
	assert_int_equal(again.pids, first.pids);
	assert_true(again.cpu_usage_us >= first.cpu_usage_us);
	end_group(cgroup);
	assert_int_equal(count_fds(), before);
	expect_killed(wait_for(pid));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cgroup_test(descriptors_stay_open_only_while_it_is_watched),
		cgroup_test(a_child_is_born_into_the_group_on_every_hierarchy),
		cgroup_test(a_group_without_processes_is_removed_from_every_hierarchy),
		cgroup_test(a_name_that_is_taken_is_an_error_and_changes_nothing),
		cgroup_test(a_group_with_a_process_is_not_removed),
		cgroup_test(a_zombie_does_not_keep_a_group),
		cgroup_test(a_group_outlives_its_handle_and_is_adopted),
		cgroup_test(groups_made_inside_go_with_it),
		cgroup_test(a_process_deep_inside_is_seen_and_killed),
		cgroup_test(what_is_frozen_stands_still_until_it_is_thawed),
		cgroup_test(what_is_frozen_is_killed_all_the_same),
		cgroup_test(a_process_that_was_forked_off_twice_is_killed),
		cgroup_test(a_group_inside_is_killed_by_itself),
		cgroup_test(a_group_inside_stands_still_and_ends_with_the_outer_one),
		cgroup_test(processes_that_run_away_by_forking_are_killed),
		cgroup_test(a_sweep_ends_what_nobody_knows_and_nothing_else),
		cgroup_test(a_sweep_leaves_groups_whose_name_is_no_id),
		cgroup_test(top_groups_go_with_the_last_group),
		cgroup_test(every_run_directory_has_an_instance_of_its_own),
		cgroup_test(a_group_costs_no_descriptor),
	};
	const struct CMUnitTest v2_tests[] = {
		cgroup_test(a_v2_group_that_was_given_is_used_and_left),
	};
	int failed = cmocka_run_group_tests_name("as it is", tests, NULL, NULL);

	if (host_is("hybrid") || host_is("v2"))
		failed += cmocka_run_group_tests(v2_tests, NULL, NULL);
	if (host_is("hybrid")) {
		fixture.hidden = "cgroup2";
		failed += cmocka_run_group_tests_name("v1 alone", tests, NULL, NULL);
	}
	return failed;
}
