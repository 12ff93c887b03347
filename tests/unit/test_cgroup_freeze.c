/* Freezing a group and killing all that is in it. */
#include "tests/unit/cgroup_fixture.h"

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
	expect_still(counter, 100);
	seen = *counter;
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

	(void)state;
	expect_exit(wait_for(spawn(cgroup, body_escape, (void *)(uintptr_t)counter)), 0);
	wait_until(*counter > 0);
	assert_true(cgroup_is_populated(cgroup));
	wait_until(cgroup_kill(cgroup, &err) == 0);
	wait_until(!cgroup_is_populated(cgroup));
	expect_still(counter, 50);
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

	(void)state;
	wait_until(*counter > 0);
	assert_true(cgroup_is_populated(cgroup));
	assert_int_equal(cgroup_freeze(cgroup, true, &err), 0);
	wait_until(cgroup_is_frozen(cgroup));
	expect_still(counter, 20);
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

	(void)state;
	expect_exit(wait_for(spawn(cgroup, body_run_away, (void *)(uintptr_t)generation)), 0);
	wait_until(*generation > 50);
	wait_until(cgroup_kill(cgroup, &err) == 0);
	wait_until(!cgroup_is_populated(cgroup));
	expect_still(generation, 50);
	end_group(cgroup);
	drop_page(generation);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cgroup_test(what_is_frozen_stands_still_until_it_is_thawed),
		cgroup_test(what_is_frozen_is_killed_all_the_same),
		cgroup_test(a_process_that_was_forked_off_twice_is_killed),
		cgroup_test(a_group_inside_is_killed_by_itself),
		cgroup_test(a_group_inside_stands_still_and_ends_with_the_outer_one),
		cgroup_test(processes_that_run_away_by_forking_are_killed),
	};
	int failed = 0;

	run_with_and_without_v2(tests, failed);
	return failed;
}
