/* What is read: mountinfo, and limits as people write them, with what is refused without a look at
 * the host.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "daemon/cgroup/hierarchy.h"

/* --- What is mounted ------------------------------------------------------------------------- */

static void controllers_are_found_wherever_they_are_mounted(void **state)
{
	char text[] =
		"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
		"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
		"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
		"33 31 0:30 / /mnt/a\\040b rw - cgroup none rw,xattr,memory,clone_children\n"
		"34 31 0:31 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
		"35 31 0:32 / /sys/fs/cgroup/unified rw master:1 - cgroup2 cgroup2 rw,nsdelegate\n"
		"36 31 0:29 / /chroot/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
		"37 31 0:33 / /sys/fs/cgroup/cpuset rw - cgroup cgroup "
		"rw,cpuset,cpuset_v2_mode,release_agent=/sbin/x\n"
		"38 31 0:32 / /elsewhere rw - cgroup2 none rw\n"
		"39 31 0:34 / /half";
	struct hierarchy found[CGROUP_HIERARCHIES_MAX];
	size_t n = hierarchies_parse(text, found);
	static const struct {
		int version;
		const char *mount_point;
		const char *controllers[3];
	} expected[] = {
		{ 1, "/sys/fs/cgroup/cpu,cpuacct", { "cpu", "cpuacct" } },
		{ 1, "/mnt/a b", { "memory" } },
		{ 2, "/sys/fs/cgroup/unified", { NULL } },
		{ 1, "/sys/fs/cgroup/cpuset", { "cpuset" } },
	};

	(void)state;
	assert_int_equal(n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < n; i++) {
		size_t k = 0;

		assert_int_equal(found[i].version, expected[i].version);
		assert_string_equal(found[i].mount_point, expected[i].mount_point);
		for (; expected[i].controllers[k]; k++)
			assert_string_equal(found[i].controllers[k], expected[i].controllers[k]);
		assert_int_equal(strv_length(found[i].controllers), k);
		free(found[i].mount_point);
		(void)strv_free(found[i].controllers);
	}
}

static void a_mountinfo_without_end_is_read_as_far_as_there_is_room(void **state)
{
	struct hierarchy found[CGROUP_HIERARCHIES_MAX];
	_cleanup_(freep) char *text = alloc_strdup("");
	size_t n;

	(void)state;
	for (int i = 0; i < CGROUP_HIERARCHIES_MAX + 5; i++) {
		char *longer =
			alloc_printf("%s3 1 0:1 / /c%d rw - cgroup none rw,c%d\n", text, i, i);

		free(text);
		text = longer;
	}
	n = hierarchies_parse(text, found);
	assert_int_equal(n, CGROUP_HIERARCHIES_MAX);
	while (n-- > 0) {
		free(found[n].mount_point);
		(void)strv_free(found[n].controllers);
	}
}

/* --- Files ----------------------------------------------------------------------------------- */

static void expect_bad_file(const char *text, const char *message)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct error err;

	assert_int_equal(cgroup_limits_add_file(&limits, text, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_string_equal(err.message, message);
	assert_int_equal(limits.n_files, 0);
}

static void only_names_of_files_within_the_group_pass(void **state)
{
	(void)state;
	expect_bad_file("memory.max", "\"memory.max\": write FILE=VALUE");
	expect_bad_file("../memory.max=1", "\"../memory.max\": a file's name is CONTROLLER.NAME");
	expect_bad_file("sub/memory.max=1", "\"sub/memory.max\": a file's name is CONTROLLER.NAME");
	expect_bad_file(".max=1", "\".max\": a file's name is CONTROLLER.NAME");
	expect_bad_file("memory=1", "\"memory\": a file's name is CONTROLLER.NAME");
	expect_bad_file("=1", "\"\": a file's name is CONTROLLER.NAME");
	expect_bad_file("cgroup.procs=1",
			"\"cgroup.procs\": this file is the daemon's own to write");
	expect_bad_file("tasks=1", "\"tasks\": this file is the daemon's own to write");
	expect_bad_file("freezer.state=FROZEN",
			"\"freezer.state\": this file is the daemon's own to write");
	expect_bad_file("memory.max=",
			"\"memory.max\": its value is empty, too long or has control "
			"characters");
	expect_bad_file("memory.max=1\n2", "\"memory.max\": its value is empty, too long or has "
					   "control characters");
}

static void a_file_keeps_all_that_is_behind_the_first_equals_sign(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct error err;

	(void)state;
	assert_int_equal(cgroup_limits_add_file(&limits, "io.max=8:0 rbps=1 wbps=2", &err), 0);
	assert_string_equal(limits.files[0].controller, "io");
	assert_string_equal(limits.files[0].file, "io.max");
	assert_string_equal(limits.files[0].value, "8:0 rbps=1 wbps=2");
	cgroup_limits_done(&limits);
}

static void a_quota_is_taken_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *quota, *message;
	} cases[] = {
		{ "", "\"\": write GROUP:FILE:VALUE" },
		{ "memory", "\"memory\": write GROUP:FILE:VALUE" },
		{ "memory:memory.max", "\"memory:memory.max\": write GROUP:FILE:VALUE" },
		{ "pids:pids.max:5::cpu", "\"cpu\": write GROUP:FILE:VALUE" },
		{ "pids:pids.max:5::", "\"\": write GROUP:FILE:VALUE" },
		{ "pids:pids.max:5::cpu:memory.max:1",
		  "\"cpu:memory.max:1\": the file is none of that group" },
		{ "pids:pids.max:5::memory:tasks:1",
		  "\"tasks\": this file is the daemon's own to write" },
		{ "../x:memory.max:5", "\"../x:memory.max:5\": the file is none of that group" },
	};
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct error err;

	(void)state;
	assert_int_equal(cgroup_limits_add_quota(&limits, "cpu:cpu.shares:2", &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(cgroup_limits_add_quota(&limits, cases[i].quota, &err), -1);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
		assert_string_equal(err.message, cases[i].message);
		assert_int_equal(limits.n_files, 1);
	}
	cgroup_limits_done(&limits);
	assert_int_equal(limits.n_files, 0);
}

static void there_is_an_end_to_files_and_devices(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct error err;

	(void)state;
	for (int i = 0; i < CGROUP_FILES_MAX; i++)
		assert_int_equal(cgroup_limits_add_file(&limits, "pids.max=1", &err), 0);
	assert_int_equal(cgroup_limits_add_file(&limits, "pids.max=1", &err), -1);
	for (unsigned int i = 0; i < CGROUP_RATED_DEVICES_MAX; i++)
		assert_int_equal(
			cgroup_limits_add_rate(&limits, 8, i, CGROUP_RATE_READ_IOS, 1, &err), 0);
	assert_int_equal(cgroup_limits_add_rate(&limits, 9, 0, CGROUP_RATE_READ_IOS, 1, &err), -1);
	assert_int_equal(cgroup_limits_add_rate(&limits, 8, 0, CGROUP_RATE_READ_BYTES, 1, &err), 0);
	assert_int_equal(cgroup_limits_add_rate(&limits, 8, 0, CGROUP_RATE_READ_BYTES, -1, &err),
			 -1);
	cgroup_limits_done(&limits);
}

/* --- Ranges ---------------------------------------------------------------------------------- */

static void figures_are_held_to_their_ranges(void **state)
{
	static const struct {
		size_t offset;
		const char *subject;
		int64_t good[2], bad[2];
	} cases[] = {
#define MEMBER(member) offsetof(struct cgroup_limits, member), #member
		{ MEMBER(memory_bytes), { 6 << 20, CGROUP_UNLIMITED }, { (6 << 20) - 1, -2 } },
		{ MEMBER(memory_swap_bytes), { 6 << 20, CGROUP_UNLIMITED }, { 0, -2 } },
		{ MEMBER(memory_reservation_bytes),
		  { 0, CGROUP_UNLIMITED },
		  { -2, INT64_MIN + 1 } },
		{ MEMBER(pids), { 1, CGROUP_UNLIMITED }, { 0, -2 } },
		{ MEMBER(nano_cpus), { 10000000, CGROUP_UNLIMITED }, { 9999999, INT64_MAX } },
		{ MEMBER(cpu_shares), { 2, 262144 }, { 1, 262145 } },
		{ MEMBER(blkio_weight), { 1, 1000 }, { 0, 1001 } },
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t k = 0; k < 2; k++) {
			struct cgroup_limits limits = CGROUP_LIMITS_NULL;
			int64_t *member = (int64_t *)(void *)((char *)&limits + cases[i].offset);

			*member = cases[i].good[k];
			assert_int_equal(cgroup_limits_validate(&limits, &err), 0);
			*member = cases[i].bad[k];
			assert_int_equal(cgroup_limits_validate(&limits, &err), -1);
			assert_int_equal(err.code, ERROR_INVALID_VALUE);
			assert_string_equal(err.subject, cases[i].subject);
		}
}

static void figures_of_memory_must_fit_each_other(void **state)
{
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct error err;

	(void)state;
	limits.memory_bytes = 64 << 20;
	limits.memory_swap_bytes = 32 << 20;
	assert_int_equal(cgroup_limits_validate(&limits, &err), -1);
	assert_string_equal(err.subject, "memory_swap_bytes");
	limits.memory_swap_bytes = 64 << 20;
	assert_int_equal(cgroup_limits_validate(&limits, &err), 0);
	limits.memory_reservation_bytes = 65 << 20;
	assert_int_equal(cgroup_limits_validate(&limits, &err), -1);
	assert_string_equal(err.subject, "memory_reservation_bytes");
	limits.memory_reservation_bytes = CGROUP_UNSET;
	limits.memory_bytes = CGROUP_UNLIMITED;
	assert_int_equal(cgroup_limits_validate(&limits, &err), -1);
	assert_string_equal(err.subject, "memory_swap_bytes");
}

static void lists_of_cpus_are_well_formed(void **state)
{
	static const char *const good[] = { "0", "0-3", "1,3,5-7", "8191" };
	static const char *const bad[] = { "",	  "a",	   "1-",   "-1",
					   "3-1", "1,,2",  "1, 2", "8192",
					   "0x1", "1-2-3", "1,",   "99999999999999999999" };
	struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		limits.cpuset_cpus = alloc_strdup(good[i]);
		assert_int_equal(cgroup_limits_validate(&limits, &err), 0);
		cgroup_limits_done(&limits);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		limits.cpuset_mems = alloc_strdup(bad[i]);
		assert_int_equal(cgroup_limits_validate(&limits, &err), -1);
		assert_string_equal(err.subject, "cpuset_mems");
		cgroup_limits_done(&limits);
	}
}

static void only_a_block_device_has_rates(void **state)
{
	unsigned int major, minor;
	struct error err;

	(void)state;
	assert_int_equal(cgroup_device_numbers("/dev/null", &major, &minor, &err), -1);
	assert_string_equal(err.message, "/dev/null is no block device");
	assert_int_equal(cgroup_device_numbers("/dev/nothing", &major, &minor, &err), -1);
	assert_int_equal(err.code, ERROR_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controllers_are_found_wherever_they_are_mounted),
		cmocka_unit_test(a_mountinfo_without_end_is_read_as_far_as_there_is_room),
		cmocka_unit_test(only_names_of_files_within_the_group_pass),
		cmocka_unit_test(a_file_keeps_all_that_is_behind_the_first_equals_sign),
		cmocka_unit_test(a_quota_is_taken_whole_or_not_at_all),
		cmocka_unit_test(there_is_an_end_to_files_and_devices),
		cmocka_unit_test(figures_are_held_to_their_ranges),
		cmocka_unit_test(figures_of_memory_must_fit_each_other),
		cmocka_unit_test(lists_of_cpus_are_well_formed),
		cmocka_unit_test(only_a_block_device_has_rates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
