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

/* --- What it costs ---------------------------------------------------------------------------- */

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
		cgroup_test(a_child_is_born_into_the_group_on_every_hierarchy),
		cgroup_test(a_group_without_processes_is_removed_from_every_hierarchy),
		cgroup_test(a_name_that_is_taken_is_an_error_and_changes_nothing),
		cgroup_test(a_group_with_a_process_is_not_removed),
		cgroup_test(a_zombie_does_not_keep_a_group),
		cgroup_test(a_group_outlives_its_handle_and_is_adopted),
		cgroup_test(groups_made_inside_go_with_it),
		cgroup_test(a_process_deep_inside_is_seen_and_killed),
		cgroup_test(a_group_costs_no_descriptor),
		cgroup_test(descriptors_stay_open_only_while_it_is_watched),
	};
	int failed = 0;

	run_with_and_without_v2(tests, failed);
	return failed;
}
