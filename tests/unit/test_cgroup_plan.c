/* From what people ask for to what is written where, for v1 and v2 on any host: the groups here are
 * directories with plain files in them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "daemon/cgroup/changes.h"

#define ID "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct fixture {
	char dir[64];
	struct cgroups cgroups;
	struct cgroup cgroup;
	struct changes changes;
} fixture;

static void put(const char *file, const char *text)
{
	_cleanup_(freep) char *path = alloc_printf("%s/" ID "/%s", fixture.dir, file);
	_cleanup_(fclosep) FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
}

/* One hierarchy with everything, of the given version. */
static void host_of(int version)
{
	static const char *const names[3][7] = {
		[1] = { "cpu", "cpuacct", "cpuset", "memory", "pids", "blkio", "hugetlb" },
		[2] = { "cpu", "cpuset", "memory", "pids", "io", "hugetlb", "misc" },
	};
	struct hierarchy *hierarchy = &fixture.cgroups.hierarchies[0];

	hierarchy->version = version;
	hierarchy->controllers = strv_free(hierarchy->controllers);
	for (size_t i = 0; i < ARRAY_SIZE(names[version]); i++)
		strv_append(&hierarchy->controllers, names[version][i]);
}

static int plan(const struct cgroup_limits *limits, struct error *err)
{
	static const struct controller *const controllers[] = {
		&memory_controller, &cpu_controller, &cpuset_controller,
		&pids_controller,   &io_controller,
	};
	const struct hierarchy *hierarchy = &fixture.cgroups.hierarchies[0];

	for (size_t i = 0; i < ARRAY_SIZE(controllers); i++)
		if (controllers[i]->wanted(limits) &&
		    controllers[i]->ops[hierarchy->version].plan(&fixture.cgroup, hierarchy, limits,
								 &fixture.changes, err) < 0)
			return -1;
	return files_plan(&fixture.cgroup, limits, &fixture.changes, err);
}

/* "FILE=VALUE FILE=VALUE" with ';' between. */
static void expect_plan(const struct cgroup_limits *limits, const char *expected)
{
	_cleanup_(freep) char *text = alloc_strdup("");
	struct error err;

	if (plan(limits, &err) < 0)
		fail_msg("%s", err.message);
	for (size_t i = 0; i < fixture.changes.n; i++) {
		char *longer = alloc_printf("%s%s%s=%s", text, i ? "; " : "",
					    fixture.changes.list[i].file,
					    fixture.changes.list[i].value);

		free(text);
		text = longer;
	}
	assert_string_equal(text, expected);
}

static void expect_quota(const char *quota, const char *expected)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct error err;

	if (cgroup_limits_add_quota(&limits, quota, &err) < 0)
		fail_msg("%s", err.message);
	expect_plan(&limits, expected);
	cgroup_limits_done(&limits);
}

static void expect_no_plan(const struct cgroup_limits *limits, const char *subject,
			   const char *message)
{
	struct error err;

	assert_int_equal(plan(limits, &err), -1);
	assert_string_equal(err.subject, subject);
	assert_string_equal(err.message, message);
}

static void expect_no_quota(const char *quota, const char *subject, const char *message)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct error err;

	if (cgroup_limits_add_quota(&limits, quota, &err) < 0)
		fail_msg("%s", err.message);
	expect_no_plan(&limits, subject, message);
	cgroup_limits_done(&limits);
}

/* --- Figures --------------------------------------------------------------------------------- */

static void memory_alone_gets_as_much_swap_again(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	(void)state;
	limits.memory_bytes = 10485760;
	put("memory.memsw.limit_in_bytes", "9223372036854771712\n");
	host_of(1);
	expect_plan(&limits,
		    "memory.limit_in_bytes=10485760; memory.memsw.limit_in_bytes=20971520");
}

static void memory_alone_gets_as_much_swap_again_on_v2(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	(void)state;
	limits.memory_bytes = 10485760;
	put("memory.swap.max", "max\n");
	host_of(2);
	expect_plan(&limits, "memory.max=10485760; memory.swap.max=10485760");
}

static void no_swap_is_what_is_left_of_both_together(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	(void)state;
	limits.memory_bytes = limits.memory_swap_bytes = 10485760;
	host_of(2);
	expect_plan(&limits, "memory.max=10485760; memory.swap.max=0");
}

static void raising_both_raises_the_larger_one_first(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	(void)state;
	put("memory.memsw.limit_in_bytes", "20971520\n");
	limits.memory_bytes = 104857600;
	host_of(1);
	expect_plan(&limits,
		    "memory.memsw.limit_in_bytes=209715200; memory.limit_in_bytes=104857600");
}

static void lifting_limits_lifts_the_larger_one_first(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	(void)state;
	put("memory.memsw.limit_in_bytes", "20971520\n");
	limits.memory_bytes = CGROUP_UNLIMITED;
	host_of(1);
	expect_plan(&limits, "memory.memsw.limit_in_bytes=-1; memory.limit_in_bytes=-1");
}

static void a_kernel_that_does_not_account_swap_limits_memory_alone(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	(void)state;
	limits.memory_bytes = 10485760;
	host_of(1);
	expect_plan(&limits, "memory.limit_in_bytes=10485760");
	changes_clear(&fixture.changes);
	host_of(2);
	expect_plan(&limits, "memory.max=10485760");
}

static void swap_is_measured_against_the_limit_that_is_there(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	(void)state;
	put("memory.max", "20971520\n");
	put("memory.limit_in_bytes", "20971520\n");
	limits.memory_swap_bytes = 31457280;
	host_of(2);
	expect_plan(&limits, "memory.swap.max=10485760");
	for (int version = 1; version <= 2; version++) {
		changes_clear(&fixture.changes);
		host_of(version);
		limits.memory_swap_bytes = 10485760;
		expect_no_plan(&limits, "memory_swap_bytes",
			       "memory and swap together (10485760 bytes) are less than the limit "
			       "of memory alone");
	}
}

static void less_than_is_in_use_is_probed_before_it_is_set_on_v2(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	(void)state;
	put("memory.current", "20000000\n");
	put("memory.high", "max\n");
	limits.memory_bytes = 10485760;
	host_of(2);
	expect_plan(&limits, "memory.high=10485760; memory.max=10485760; memory.high=max");
}

static void every_member_has_its_file_on_v1(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct error err;

	(void)state;
	put("blkio.bfq.weight", "100\n");
	limits.memory_reservation_bytes = 4096;
	limits.nano_cpus = 1500000000;
	limits.cpu_shares = 512;
	limits.cpuset_cpus = alloc_strdup("0");
	limits.cpuset_mems = alloc_strdup("0");
	limits.pids = CGROUP_UNLIMITED;
	limits.blkio_weight = 300;
	assert_int_equal(cgroup_limits_add_rate(&limits, 8, 16, CGROUP_RATE_READ_BYTES, 1000, &err),
			 0);
	assert_int_equal(cgroup_limits_add_rate(&limits, 8, 16, CGROUP_RATE_WRITE_IOS, 0, &err), 0);
	host_of(1);
	expect_plan(&limits, "memory.soft_limit_in_bytes=4096; cpu.cfs_period_us=100000; "
			     "cpu.cfs_quota_us=150000; cpu.shares=512; cpuset.cpus=0; "
			     "cpuset.mems=0; pids.max=max; "
			     "blkio.throttle.read_bps_device=8:16 1000; "
			     "blkio.throttle.write_iops_device=8:16 0; blkio.bfq.weight=300");
	cgroup_limits_done(&limits);
}

static void every_member_has_its_file_on_v2(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct error err;

	(void)state;
	put("io.weight", "default 100\n");
	limits.memory_reservation_bytes = 4096;
	limits.nano_cpus = 1500000000;
	limits.cpu_shares = 512;
	limits.cpuset_cpus = alloc_strdup("0");
	limits.cpuset_mems = alloc_strdup("0");
	limits.pids = CGROUP_UNLIMITED;
	limits.blkio_weight = 300;
	assert_int_equal(cgroup_limits_add_rate(&limits, 8, 16, CGROUP_RATE_READ_BYTES, 1000, &err),
			 0);
	assert_int_equal(cgroup_limits_add_rate(&limits, 8, 16, CGROUP_RATE_WRITE_IOS, 0, &err), 0);
	host_of(2);
	expect_plan(&limits, "memory.low=4096; cpu.max=150000 100000; cpu.weight=50; "
			     "cpuset.cpus=0; cpuset.mems=0; pids.max=max; "
			     "io.max=8:16 rbps=1000 wiops=max; io.weight=300");
	cgroup_limits_done(&limits);
}

static void shares_keep_their_proportion_to_a_group_that_has_none(void **state)
{
	(void)state;
	assert_int_equal(cpu_weight_of_shares(1024), 100);
	assert_int_equal(cpu_weight_of_shares(2048), 200);
	assert_int_equal(cpu_weight_of_shares(512), 50);
	assert_int_equal(cpu_weight_of_shares(102400), 10000);
	assert_int_equal(cpu_weight_of_shares(10), 1);
	assert_int_equal(cpu_weight_of_shares(2), 1);
	assert_int_equal(cpu_weight_of_shares(262144), 10000);
}

static void a_weight_that_no_scheduler_takes_is_an_error(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	(void)state;
	limits.blkio_weight = 200;
	host_of(1);
	expect_no_plan(&limits, "blkio_weight",
		       "no I/O scheduler of this host takes weights: there is no blkio.bfq.weight");
}

static void cpus_that_the_host_lacks_are_named(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	(void)state;
	put("../cpuset.cpus", "0-3,8\n");
	put("../cpuset.cpus.effective", "0-3,8\n");
	for (int version = 1; version <= 2; version++) {
		host_of(version);
		limits.cpuset_cpus = alloc_strdup("1,2-3,8");
		expect_plan(&limits, "cpuset.cpus=1,2-3,8");
		free(limits.cpuset_cpus);
		limits.cpuset_cpus = alloc_strdup("3-4");
		changes_clear(&fixture.changes);
		expect_no_plan(&limits, "cpuset_cpus", "cpuset.cpus=3-4: this host has 0-3,8");
		free(limits.cpuset_cpus);
		changes_clear(&fixture.changes);
	}
}

/* --- Files ----------------------------------------------------------------------------------- */

static void a_quota_of_v1_is_written_as_it_is_on_v1(void **state)
{
	(void)state;
	put("memory.limit_in_bytes", "");
	put("cpu.shares", "");
	put("blkio.throttle.read_bps_device", "");
	host_of(1);
	expect_quota("memory:memory.limit_in_bytes:512M::cpu,cpuacct:cpu.shares:256"
		     "::blkio:blkio.throttle.read_bps_device:8:0 1048576",
		     "memory.limit_in_bytes=512M; cpu.shares=256; "
		     "blkio.throttle.read_bps_device=8:0 1048576");
}

static void a_quota_of_v1_means_the_same_on_v2(void **state)
{
	static const struct {
		const char *quota, *plan;
	} cases[] = {
		{ "memory:memory.limit_in_bytes:512M", "memory.max=536870912" },
		{ "memory:memory.limit_in_bytes:-1", "memory.max=max" },
		{ "memory:memory.limit_in_bytes:64m::memory:memory.memsw.limit_in_bytes:100663296",
		  "memory.max=67108864; memory.swap.max=33554432" },
		{ "memory:memory.memsw.limit_in_bytes:-1", "memory.swap.max=max" },
		{ "memory:memory.soft_limit_in_bytes:4096", "memory.low=4096" },
		{ "cpu:cpu.shares:2048", "cpu.weight=200" },
		{ "cpu:cpu.shares:1", "cpu.weight=1" },
		{ "cpu:cpu.cfs_quota_us:50000", "cpu.max=50000 100000" },
		{ "cpu:cpu.cfs_quota_us:-1", "cpu.max=max 100000" },
		{ "cpu:cpu.cfs_period_us:20000::cpu:cpu.cfs_quota_us:5000",
		  "cpu.max=max 20000; cpu.max=5000 20000" },
		{ "cpu:cpu.cfs_quota_us:5000::cpu:cpu.cfs_period_us:20000",
		  "cpu.max=5000 100000; cpu.max=5000 20000" },
		{ "blkio:blkio.bfq.weight:250", "io.weight=250" },
		{ "blkio:blkio.weight_device:8:0 50", "io.weight=8:0 50" },
		{ "blkio:blkio.throttle.write_bps_device:8:0 1048576", "io.max=8:0 wbps=1048576" },
		{ "blkio:blkio.throttle.read_iops_device:8:0 0", "io.max=8:0 riops=max" },
		{ "hugetlb:hugetlb.2MB.limit_in_bytes:4M", "hugetlb.2MB.max=4194304" },
		{ "pids:pids.max:17", "pids.max=17" },
		{ "unified:memory.high:1000000", "memory.high=1000000" },
	};

	(void)state;
	put("io.weight", "default 100\n");
	put("pids.max", "max\n");
	put("memory.high", "max\n");
	host_of(2);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		expect_quota(cases[i].quota, cases[i].plan);
		changes_clear(&fixture.changes);
	}
}

static void what_v2_does_not_have_is_said(void **state)
{
	(void)state;
	host_of(2);
	expect_no_quota("memory:memory.kmem.limit_in_bytes:1000", "memory.kmem.limit_in_bytes",
			"memory.kmem.limit_in_bytes: no such file; memory is on cgroup v2 here");
	expect_no_quota("memory:memory.limit_in_bytes:lots", "memory.limit_in_bytes",
			"memory.limit_in_bytes=lots: not a number of bytes");
	expect_no_quota("net_cls:net_cls.classid:1", "net_cls.classid",
			"this host has no cgroup controller net_cls");
	expect_no_quota("cpu:cpu.shares:many", "cpu.shares",
			"cpu.shares: \"many\" is no whole number");
	expect_no_quota("blkio:blkio.throttle.read_bps_device:sda 5",
			"blkio.throttle.read_bps_device",
			"blkio.throttle.read_bps_device=sda 5: not MAJOR:MINOR and a number");
	host_of(1);
	expect_no_quota("memory:memory.high:1000", "memory.high",
			"memory.high: no such file; memory is on cgroup v1 here");
}

/* --- Before and after ------------------------------------------------------------------------ */

static int make_group(void **state)
{
	_cleanup_(freep) char *path = NULL;

	(void)state;
	(void)strcpy(fixture.dir, "/tmp/test-cgroup-plan-XXXXXX");
	if (!mkdtemp(fixture.dir))
		return -1;
	path = alloc_printf("%s/" ID, fixture.dir);
	fixture.cgroups.n = 1;
	fixture.cgroups.hierarchies[0].top_fd = open(fixture.dir, O_PATH | O_CLOEXEC);
	fixture.cgroup.cgroups = &fixture.cgroups;
	(void)strcpy(fixture.cgroup.name, ID);
	return mkdir(path, 0755);
}

static int drop_group(void **state)
{
	_cleanup_(freep) char *command = alloc_printf("rm -rf %s", fixture.dir);
	struct hierarchy *hierarchy = &fixture.cgroups.hierarchies[0];

	(void)state;
	changes_clear(&fixture.changes);
	(void)fd_close(hierarchy->top_fd);
	hierarchy->controllers = strv_free(hierarchy->controllers);
	return system(command) == 0 ? 0 : -1;
}

#define with_group(test) cmocka_unit_test_setup_teardown(test, make_group, drop_group)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_group(memory_alone_gets_as_much_swap_again),
		with_group(memory_alone_gets_as_much_swap_again_on_v2),
		with_group(no_swap_is_what_is_left_of_both_together),
		with_group(raising_both_raises_the_larger_one_first),
		with_group(lifting_limits_lifts_the_larger_one_first),
		with_group(a_kernel_that_does_not_account_swap_limits_memory_alone),
		with_group(swap_is_measured_against_the_limit_that_is_there),
		with_group(less_than_is_in_use_is_probed_before_it_is_set_on_v2),
		with_group(every_member_has_its_file_on_v1),
		with_group(every_member_has_its_file_on_v2),
		cmocka_unit_test(shares_keep_their_proportion_to_a_group_that_has_none),
		with_group(a_weight_that_no_scheduler_takes_is_an_error),
		with_group(cpus_that_the_host_lacks_are_named),
		with_group(a_quota_of_v1_is_written_as_it_is_on_v1),
		with_group(a_quota_of_v1_means_the_same_on_v2),
		with_group(what_v2_does_not_have_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
