/* The launch plan: what is written is read back, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "daemon/init/plan.h"

static const char *argv_of_plan[] = { "sh", "-c", "", NULL };
static const char *environment_of_plan[] = { "PATH=/bin", "EMPTY=", NULL };

static struct plan sample(void)
{
	return (struct plan){
		.flags = PLAN_INIT | PLAN_STDIN,
		.hostname = "web",
		.workdir = "/",
		.argv = argv_of_plan,
		.environment = environment_of_plan,
	};
}

struct encoded {
	unsigned char data[PLAN_SIZE_MAX];
	size_t size;
	const char *vector[PLAN_VECTOR_MAX];
	struct plan_mount mounts[PLAN_MOUNTS_MAX];
};

static struct encoded *encode(const struct plan *plan)
{
	struct encoded *encoded = calloc(1, sizeof(*encoded));
	struct error err;

	assert_non_null(encoded);
	assert_int_equal(
		plan_encode(plan, encoded->data, sizeof(encoded->data), &encoded->size, &err), 0);
	return encoded;
}

static int decode(struct encoded *encoded, struct plan *ret)
{
	struct error err = ERROR_NULL;
	int r = plan_decode(encoded->data, encoded->size, encoded->vector, encoded->mounts, ret,
			    &err);

	if (r < 0)
		assert_int_equal(err.code, ERROR_PROTOCOL);
	return r;
}

static void a_plan_is_read_as_it_was_written(void **state)
{
	const struct plan plan = sample();
	_cleanup_(freep) struct encoded *encoded = encode(&plan);
	struct plan read;

	(void)state;
	assert_int_equal(decode(encoded, &read), 0);
	assert_int_equal(read.flags, plan.flags);
	assert_null(read.user);
	assert_string_equal(read.hostname, plan.hostname);
	assert_string_equal(read.argv[1], "-c");
	assert_string_equal(read.argv[2], "");
	assert_null(read.argv[3]);
	assert_string_equal(read.environment[1], "EMPTY=");
	assert_int_equal(read.n_environment, 2);
	assert_null(read.environment[2]);
}

static void a_containers_root_and_devices_come_as_descriptors(void **state)
{
	(void)state;
	assert_int_equal(plan_fds(PLAN_INIT), 2 + 2);
	assert_int_equal(plan_fds(PLAN_INIT | PLAN_STDIN | PLAN_OVERLAY), 3 + 3);
	assert_int_equal(plan_fds(PLAN_TERMINAL | PLAN_USERNS), 2 + 2);
	assert_int_equal(plan_stream_fds(PLAN_TERMINAL | PLAN_OVERLAY), 2);
	assert_int_equal(plan_fds(PLAN_EXEC | PLAN_TERMINAL | PLAN_USERNS), 1);
}

static void a_variable_can_be_added(void **state)
{
	const struct plan plan = sample();
	_cleanup_(freep) struct encoded *encoded = encode(&plan);
	struct plan read;

	(void)state;
	assert_int_equal(decode(encoded, &read), 0);
	plan_add_variable(&read, "HOME=/root");
	assert_string_equal(read.environment[2], "HOME=/root");
	assert_null(read.environment[3]);
}

static void every_plan_that_is_cut_short_is_refused(void **state)
{
	const struct plan plan = sample();
	_cleanup_(freep) struct encoded *encoded = encode(&plan);
	size_t whole = encoded->size;
	struct plan read;

	(void)state;
	for (size_t n = 0; n < whole; n++) {
		encoded->size = n;
		assert_int_equal(decode(encoded, &read), -1);
	}
	encoded->size = whole + 1;
	assert_int_equal(decode(encoded, &read), -1);
}

/* Under the address sanitizer this looks for reads beyond the end. */
static void no_byte_that_is_changed_does_harm(void **state)
{
	const struct plan plan = sample();
	_cleanup_(freep) struct encoded *encoded = encode(&plan);

	(void)state;
	for (size_t n = 0; n < encoded->size; n++) {
		unsigned char saved = encoded->data[n];

		for (unsigned int flip = 1; flip < 256; flip <<= 1) {
			_cleanup_(freep) unsigned char *copy = malloc(encoded->size);
			struct error err;
			struct plan read;

			assert_non_null(copy);
			encoded->data[n] = (unsigned char)(saved ^ flip);
			(void)memcpy(copy, encoded->data, encoded->size);
			if (plan_decode(copy, encoded->size, encoded->vector, encoded->mounts,
					&read, &err) == 0)
				assert_non_null(read.argv[0]);
		}
		encoded->data[n] = saved;
	}
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const char *const none[] = { NULL };
	struct plan plans[4], read;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
		plans[i] = sample();
	plans[0].argv = (const char **)(uintptr_t)none;
	plans[1].workdir = NULL;
	plans[2].hostname = NULL;
	plans[3].flags = 1U << 20;
	for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
		_cleanup_(freep) struct encoded *encoded = encode(&plans[i]);

		assert_int_equal(decode(encoded, &read), -1);
	}
}

/* --- Mounts ---------------------------------------------------------------------------------- */

static struct plan with_mounts(struct plan_mount *mounts, size_t n)
{
	struct plan plan = sample();

	plan.mounts = mounts;
	plan.n_mounts = n;
	return plan;
}

static void mounts_are_read_as_they_were_written(void **state)
{
	struct plan_mount mounts[] = {
		{ .fd = 7,
		  .target = "/data",
		  .attributes = MOUNT_ATTR_RDONLY,
		  .flags = PLAN_MOUNT_FILL },
		{ .fd = -1, .target = "/t", .flags = PLAN_MOUNT_TMPFS, .size = "64m" },
	};
	const struct plan plan = with_mounts(mounts, 2);
	_cleanup_(freep) struct encoded *encoded = encode(&plan);
	struct plan read;

	(void)state;
	assert_int_equal(decode(encoded, &read), 0);
	assert_int_equal(read.n_mounts, 2);
	assert_string_equal(read.mounts[0].target, "/data");
	assert_int_equal(read.mounts[0].attributes, MOUNT_ATTR_RDONLY);
	assert_int_equal(read.mounts[0].flags, PLAN_MOUNT_FILL);
	/* A descriptor is never read from the plan itself. */
	assert_int_equal(read.mounts[0].fd, -1);
	assert_true(plan_mount_has_fd(&read.mounts[0]));
	assert_string_equal(read.mounts[1].size, "64m");
	assert_null(read.mounts[1].mode);
	assert_false(plan_mount_has_fd(&read.mounts[1]));
}

static void a_mount_that_makes_no_sense_is_refused(void **state)
{
	static const struct plan_mount wrong[] = {
		{ .target = NULL },
		{ .target = "data" },
		{ .target = "" },
		{ .target = "/a", .flags = 1U << 5 },
		{ .target = "/a", .flags = PLAN_MOUNT_PEERS | PLAN_MOUNT_TMPFS },
		{ .target = "/a", .attributes = MOUNT_ATTR_IDMAP },
		{ .target = "/a", .size = "64m" },
		{ .target = "/a", .mode = "755", .flags = PLAN_MOUNT_FILL },
		{ .target = "/a", .flags = PLAN_MOUNT_TMPFS | PLAN_MOUNT_FILL },
		{ .target = "/a", .flags = PLAN_MOUNT_LAZY },
		/* Only of a container that runs is something taken away. */
		{ .target = "/a", .flags = PLAN_MOUNT_DETACH },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct plan_mount mount = wrong[i];
		const struct plan plan = with_mounts(&mount, 1);
		_cleanup_(freep) struct encoded *encoded = encode(&plan);
		struct plan read;

		assert_int_equal(decode(encoded, &read), -1);
	}
}

static void as_many_mounts_as_there_may_be_are_read_and_not_one_more(void **state)
{
	struct plan_mount mounts[PLAN_MOUNTS_MAX + 1];
	_cleanup_(freep) struct encoded *most = NULL;
	_cleanup_(freep) struct encoded *more = NULL;
	struct plan plan, read;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++)
		mounts[i] = (struct plan_mount){ .target = "/a" };
	plan = with_mounts(mounts, PLAN_MOUNTS_MAX);
	most = encode(&plan);
	assert_int_equal(decode(most, &read), 0);
	assert_int_equal(read.n_mounts, PLAN_MOUNTS_MAX);
	plan = with_mounts(mounts, PLAN_MOUNTS_MAX + 1);
	more = encode(&plan);
	assert_int_equal(decode(more, &read), -1);
}

static void a_change_of_mounts_has_nothing_else(void **state)
{
	struct plan_mount mount = { .target = "/a", .flags = PLAN_MOUNT_DETACH | PLAN_MOUNT_LAZY };
	struct plan good = { .flags = PLAN_REMOUNT, .mounts = &mount, .n_mounts = 1 };
	struct plan wrong[] = { good, good, good, good, good }, read;
	_cleanup_(freep) struct encoded *encoded = encode(&good);

	(void)state;
	assert_int_equal(decode(encoded, &read), 0);
	assert_int_equal(plan_fds(read.flags), 1);
	wrong[0].flags |= PLAN_EXEC;
	wrong[1].argv = argv_of_plan;
	wrong[2].workdir = "/";
	wrong[3].hostname = "web";
	wrong[4].environment = environment_of_plan;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		_cleanup_(freep) struct encoded *bad = encode(&wrong[i]);

		assert_int_equal(decode(bad, &read), -1);
	}
}

static void every_plan_with_mounts_that_is_cut_short_is_refused(void **state)
{
	struct plan_mount mounts[] = {
		{ .target = "/data" },
		{ .target = "/t", .flags = PLAN_MOUNT_TMPFS, .size = "1", .mode = "755" },
	};
	const struct plan plan = with_mounts(mounts, 2);
	_cleanup_(freep) struct encoded *encoded = encode(&plan);
	size_t whole = encoded->size;
	struct plan read;

	(void)state;
	for (size_t n = 0; n < whole; n++) {
		encoded->size = n;
		assert_int_equal(decode(encoded, &read), -1);
	}
}

static void a_command_that_does_not_fit_is_an_invalid_value(void **state)
{
	_cleanup_(freep) char *large = malloc(PLAN_SIZE_MAX);
	_cleanup_(freep) const char **many = calloc(PLAN_VECTOR_MAX + 1, sizeof(*many));
	_cleanup_(freep) unsigned char *buffer = malloc(PLAN_SIZE_MAX);
	const char *argv[] = { "echo", large, NULL };
	struct plan plan = sample();
	struct error err;
	size_t size = 7;

	(void)state;
	assert_true(large && many && buffer);
	(void)memset(large, 'x', PLAN_SIZE_MAX - 1);
	large[PLAN_SIZE_MAX - 1] = '\0';
	plan.argv = argv;
	assert_int_equal(plan_encode(&plan, buffer, PLAN_SIZE_MAX, &size, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_string_equal(err.subject, "spec.command");
	for (size_t i = 0; i < PLAN_VECTOR_MAX; i++)
		many[i] = "";
	plan.argv = many;
	assert_int_equal(plan_encode(&plan, buffer, PLAN_SIZE_MAX, &size, &err), -1);
	assert_int_equal(size, 7);
}

static void as_many_strings_as_can_be_written_can_be_read(void **state)
{
	_cleanup_(freep) const char **many = calloc(PLAN_VECTOR_MAX, sizeof(*many));
	_cleanup_(freep) struct encoded *encoded = NULL;
	struct plan plan = sample(), read;

	(void)state;
	assert_non_null(many);
	for (size_t i = 0; i < PLAN_VECTOR_MAX - 6 - 2; i++)
		many[i] = "x";
	plan.argv = many;
	encoded = encode(&plan);
	assert_int_equal(decode(encoded, &read), 0);
	plan_add_variable(&read, "HOME=/");
	assert_ptr_equal(&read.environment[3], &encoded->vector[PLAN_VECTOR_MAX - 4]);
}

/* --- Rights ---------------------------------------------------------------------------------- */

static const char *groups_of_plan[] = { "video", "7", NULL };
static const char *sysctls_of_plan[] = { "net/ipv4/ip_forward=1", NULL };
static const uint64_t filter_of_plan[] = { 1, 2, 3 };

static struct plan sample_with_rights(const char **devices)
{
	struct plan plan = sample();

	plan.flags |= PLAN_NO_NEW_PRIVILEGES | PLAN_UNMASKED;
	plan.rights = (struct plan_rights){
		.capabilities = 0xff,
		.ambient = 0x0f,
		.shm_bytes = 4096,
		.oom_score_adj = -5,
		.n_limits = 1,
		.limits = { { .resource = 7, .soft = 1, .hard = UINT64_MAX } },
	};
	plan.groups = groups_of_plan;
	plan.sysctls = sysctls_of_plan;
	plan.devices = devices;
	plan.filter = filter_of_plan;
	plan.n_filter = sizeof(filter_of_plan) / PLAN_INSTRUCTION_SIZE;
	return plan;
}

static void rights_are_read_as_they_were_written(void **state)
{
	const char *devices[] = { "fuse", "net/tun", NULL };
	const struct plan plan = sample_with_rights(devices);
	_cleanup_(freep) struct encoded *encoded = encode(&plan);
	struct plan read;

	(void)state;
	assert_int_equal(decode(encoded, &read), 0);
	assert_int_equal(read.flags, plan.flags);
	assert_memory_equal(&read.rights, &plan.rights, sizeof(plan.rights));
	assert_string_equal(read.groups[1], "7");
	assert_null(read.groups[2]);
	assert_string_equal(read.sysctls[0], sysctls_of_plan[0]);
	assert_string_equal(read.devices[1], devices[1]);
	assert_null(read.devices[2]);
	assert_int_equal(read.n_filter, 3);
	assert_memory_equal(read.filter, filter_of_plan, sizeof(filter_of_plan));
	/* The environment still has its room. */
	plan_add_variable(&read, "HOME=/");
	assert_string_equal(read.groups[0], "video");
}

static void refused(const struct plan *plan)
{
	_cleanup_(freep) struct encoded *encoded = encode(plan);
	struct plan read;

	assert_int_equal(decode(encoded, &read), -1);
}

static void rights_that_make_no_sense_are_refused(void **state)
{
	static const char *const names[] = { "",   "/fuse", "a//b", "a/",     ".",
					     "..", "a/..",  "../x", "a/../b", ".hidden" };
	const char *many[PLAN_DEVICES_MAX + 2] = { NULL }, *devices[] = { NULL, NULL };
	struct plan plan = sample_with_rights(devices);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		devices[0] = names[i];
		refused(&plan);
	}
	for (size_t i = 0; i < PLAN_DEVICES_MAX + 1; i++)
		many[i] = "fuse";
	plan = sample_with_rights(many);
	refused(&plan);
	plan = sample_with_rights(NULL);
	plan.rights.n_limits = PLAN_LIMITS_MAX + 1;
	refused(&plan);
	plan.rights.n_limits = 0;
	plan.rights.ambient = 0x100;
	refused(&plan);
}

static void an_exec_changes_nothing_of_the_container(void **state)
{
	const char *devices[] = { "fuse", NULL };
	struct plan plan = sample_with_rights(NULL);
	_cleanup_(freep) struct encoded *encoded = NULL;
	struct plan read;

	(void)state;
	plan.flags = PLAN_EXEC | PLAN_NO_NEW_PRIVILEGES;
	plan.hostname = NULL;
	refused(&plan); /* it has sysctls */
	plan.sysctls = NULL;
	encoded = encode(&plan);
	assert_int_equal(decode(encoded, &read), 0);
	plan.flags |= PLAN_PRIVILEGED;
	refused(&plan);
	plan.flags = PLAN_EXEC;
	plan.devices = devices;
	refused(&plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_plan_is_read_as_it_was_written),
		cmocka_unit_test(a_containers_root_and_devices_come_as_descriptors),
		cmocka_unit_test(a_variable_can_be_added),
		cmocka_unit_test(every_plan_that_is_cut_short_is_refused),
		cmocka_unit_test(no_byte_that_is_changed_does_harm),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(mounts_are_read_as_they_were_written),
		cmocka_unit_test(a_mount_that_makes_no_sense_is_refused),
		cmocka_unit_test(as_many_mounts_as_there_may_be_are_read_and_not_one_more),
		cmocka_unit_test(a_change_of_mounts_has_nothing_else),
		cmocka_unit_test(every_plan_with_mounts_that_is_cut_short_is_refused),
		cmocka_unit_test(a_command_that_does_not_fit_is_an_invalid_value),
		cmocka_unit_test(as_many_strings_as_can_be_written_can_be_read),
		cmocka_unit_test(rights_are_read_as_they_were_written),
		cmocka_unit_test(rights_that_make_no_sense_are_refused),
		cmocka_unit_test(an_exec_changes_nothing_of_the_container),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
