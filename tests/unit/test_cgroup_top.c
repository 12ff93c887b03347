/* Top groups: several daemons, and one after the other. */
#include "tests/unit/cgroup_fixture.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cgroup_test(a_sweep_ends_what_nobody_knows_and_nothing_else),
		cgroup_test(a_sweep_leaves_groups_whose_name_is_no_id),
		cgroup_test(top_groups_go_with_the_last_group),
		cgroup_test(every_run_directory_has_an_instance_of_its_own),
	};
	const struct CMUnitTest v2_tests[] = {
		cgroup_test(a_v2_group_that_was_given_is_used_and_left),
	};
	int failed = 0;

	if (host_is("hybrid") || host_is("v2"))
		failed += cmocka_run_group_tests(v2_tests, NULL, NULL);
	run_with_and_without_v2(tests, failed);
	return failed;
}
