/* Being told of kills for want of memory. Runs with all that the host has, and again with v2 hidden, where
 * there is something else.
 */
#include "tests/unit/cgroup_fixture.h"

#include <event2/event.h>

enum { LIMIT_MIB = 16 };

static struct event_base *base;

/* Of a test: a group whose processes take too much, and how often it was looked at. */
struct told {
	struct cgroup *cgroup;
	int64_t kills;
};

static void look(void *userdata)
{
	struct told *told = userdata;

	told->kills = cgroup_oom_kills(told->cgroup);
}

static void body_take_too_much(void *argument)
{
	size_t size = (size_t)4 * LIMIT_MIB * MIB;
	char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)argument;
	for (size_t at = 0; memory != MAP_FAILED && at < size; at += 4096)
		memory[at] = 1;
}

static void limit(struct cgroup *cgroup)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct error err;

	limits.memory_bytes = LIMIT_MIB * (int64_t)MIB;
	limits.memory_swap_bytes = limits.memory_bytes;
	if (cgroup_update(cgroup, &limits, &err) < 0)
		fail_msg("%s", err.message);
}

static void expect_a_kill(struct told *told, int64_t kills)
{
	expect_killed(wait_for(spawn(told->cgroup, body_take_too_much, NULL)));
	wait_until((event_base_loop(base, EVLOOP_NONBLOCK), told->kills == kills));
}

static void each_kill_is_told_of(void **state)
{
	struct told told = { .cgroup = make_group(ID_A) };

	(void)state;
	limit(told.cgroup);
	cgroup_watch_kills(told.cgroup, look, &told);
	expect_a_kill(&told, 1);
	expect_a_kill(&told, 2);
	cgroup_unwatch_kills(told.cgroup);
	expect_killed(wait_for(spawn(told.cgroup, body_take_too_much, NULL)));
	sleep_ms(20);
	(void)event_base_loop(base, EVLOOP_NONBLOCK);
	assert_int_equal(told.kills, 2);
	end_group(told.cgroup);
}

static void a_group_that_is_watched_is_not_looked_at_for_its_neighbour(void **state)
{
	struct told told = { .cgroup = make_group(ID_A) };
	struct told other = { .cgroup = make_group(ID_B), .kills = -5 };

	(void)state;
	limit(told.cgroup);
	limit(other.cgroup);
	cgroup_watch_kills(told.cgroup, look, &told);
	cgroup_watch_kills(other.cgroup, look, &other);
	expect_a_kill(&told, 1);
	assert_int_equal(other.kills, -5);
	end_group(other.cgroup);
	expect_a_kill(&told, 2);
	end_group(told.cgroup);
}

static void a_limit_that_comes_later_is_watched_from_then_on(void **state)
{
	struct told told = { .cgroup = make_group(ID_A) };

	(void)state;
	cgroup_watch_kills(told.cgroup, look, &told);
	limit(told.cgroup);
	cgroup_watch_kills(told.cgroup, look, &told);
	expect_a_kill(&told, 1);
	end_group(told.cgroup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cgroup_test(each_kill_is_told_of),
		cgroup_test(a_group_that_is_watched_is_not_looked_at_for_its_neighbour),
		cgroup_test(a_limit_that_comes_later_is_watched_from_then_on),
	};
	int failed = 0;

	fixture.base = base = event_base_new();
	run_with_and_without_v2(tests, failed);
	event_base_free(base);
	return failed;
}
