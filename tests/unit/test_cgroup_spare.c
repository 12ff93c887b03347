/* Groups that are made ahead. Runs with all that the host has, and again with v2 hidden. */
#include "tests/unit/cgroup_fixture.h"

/* On how many hierarchies there is a group of that name. */
static size_t places_of(const char *name)
{
	const struct cgroups *cgroups = fixture.cgroups;
	size_t n = 0;

	for (size_t i = 0; i < cgroups->n; i++)
		n += cgroups->hierarchies[i].top_fd >= 0 &&
		     faccessat(cgroups->hierarchies[i].top_fd, name, F_OK, 0) == 0;
	return n;
}

static size_t hierarchies_of(int version)
{
	size_t n = 0;

	for (size_t i = 0; i < fixture.cgroups->n; i++)
		n += fixture.cgroups->hierarchies[i].top_fd >= 0 &&
		     fixture.cgroups->hierarchies[i].version == version;
	return n;
}

static void prepare(void)
{
	(void)cgroups_has(fixture.cgroups, "pids");
	cgroups_prepare(fixture.cgroups);
	assert_int_equal(places_of("spare"), hierarchies_of(1));
}

/* A process that is born in it is in it everywhere, which frees and removes it again. */
static void expect_usable(struct cgroup *cgroup, const char *id)
{
	pid_t pid = spawn(cgroup, body_sleep, NULL);
	size_t n = 0;

	assert_int_equal(places_of(id), hierarchies_of(1) + hierarchies_of(2));
	for (size_t i = 0; i < fixture.cgroups->n; i++)
		if (fixture.cgroups->hierarchies[i].top_fd >= 0)
			n += tree_processes(fixture.cgroups->hierarchies[i].top_fd, id, NULL, NULL);
	assert_int_equal(n, hierarchies_of(1) + hierarchies_of(2));
	end_group(cgroup);
	expect_killed(wait_for(pid));
	assert_int_equal(places_of(id), 0);
}

static void what_was_made_ahead_becomes_the_next_group(void **state)
{
	struct cgroup *cgroup;

	(void)state;
	for (int i = 0; i < 3; i++) {
		prepare();
		cgroups_prepare(fixture.cgroups);
		cgroup = make_group(ID_A);
		assert_int_equal(places_of("spare"), 0);
		expect_file(cgroup, "pids", "pids.max", "pids.max", "2048", "2048");
		expect_usable(cgroup, ID_A);
	}
}

static void its_limits_are_those_that_were_asked_for(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct cgroup *cgroup;

	(void)state;
	prepare();
	limits.pids = 100;
	cgroup = make_limited(ID_A, &limits);
	expect_file(cgroup, "pids", "pids.max", "pids.max", "100", "100");
	expect_usable(cgroup, ID_A);
}

static void it_can_be_entered_more_than_once(void **state)
{
	struct cgroup *cgroup;

	(void)state;
	prepare();
	cgroup = make_group(ID_A);
	expect_exit(wait_for(spawn(cgroup, body_nothing, NULL)), 0);
	expect_exit(wait_for(spawn(cgroup, body_nothing, NULL)), 0);
	expect_usable(cgroup, ID_A);
}

static void a_name_that_is_taken_is_an_error_and_changes_nothing(void **state)
{
	struct cgroup *cgroup = make_group(ID_A), *second = NULL;
	struct error err;

	(void)state;
	prepare();
	assert_int_equal(cgroup_new(fixture.cgroups, ID_A, &CGROUP_LIMITS_NULL, &second, &err), -1);
	assert_int_equal(err.sys_errno, EEXIST);
	assert_null(second);
	expect_usable(cgroup, ID_A);
}

/* On the last hierarchy: the others have their new name by then. */
static void one_that_somebody_has_taken_apart_is_made_anew(void **state)
{
	const struct cgroups *cgroups = fixture.cgroups;

	(void)state;
	prepare();
	for (size_t i = cgroups->n; i-- > 0;) {
		const struct hierarchy *hierarchy = &cgroups->hierarchies[i];

		if (hierarchy->version != 1 || hierarchy->top_fd < 0)
			continue;
		assert_int_equal(unlinkat(hierarchy->top_fd, "spare", AT_REMOVEDIR), 0);
		break;
	}
	expect_usable(make_group(ID_A), ID_A);
	assert_int_equal(places_of("spare"), 0);
}

static void one_that_was_left_behind_is_not_used(void **state)
{
	struct cgroup *left;
	pid_t pid;

	(void)state;
	(void)cgroups_has(fixture.cgroups, "pids");
	for (size_t i = 0; i < fixture.cgroups->n; i++)
		if (fixture.cgroups->hierarchies[i].version == 1)
			assert_int_equal(
				mkdirat(fixture.cgroups->hierarchies[i].top_fd, "spare", 0755), 0);
	left = make_group(ID_B);
	assert_int_equal(places_of("spare"), hierarchies_of(1));
	prepare();
	pid = spawn(left, body_sleep, NULL);
	expect_usable(make_group(ID_A), ID_A);
	end_group(left);
	expect_killed(wait_for(pid));
}

/* With nothing left of it on the host. */
static void it_goes_with_the_daemon(void **state)
{
	(void)state;
	prepare();
	fixture.cgroups = cgroups_free(fixture.cgroups);
	fixture.cgroups = open_cgroups();
	assert_false(top_groups_exist());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cgroup_test(what_was_made_ahead_becomes_the_next_group),
		cgroup_test(its_limits_are_those_that_were_asked_for),
		cgroup_test(it_can_be_entered_more_than_once),
		cgroup_test(a_name_that_is_taken_is_an_error_and_changes_nothing),
		cgroup_test(one_that_somebody_has_taken_apart_is_made_anew),
		cgroup_test(one_that_was_left_behind_is_not_used),
		cgroup_test(it_goes_with_the_daemon),
	};
	int failed = 0;

	run_with_and_without_v2(tests, failed);
	return failed;
}
