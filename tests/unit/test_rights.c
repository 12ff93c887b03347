/* What people write about a container's rights: capabilities, limits, parameters, devices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/alloc.h"
#include "common/capability.h"
#include "common/cleanup.h"
#include "common/device.h"
#include "common/json.h"
#include "common/rights.h"
#include "common/sysctl.h"
#include "common/text.h"
#include "common/ulimit.h"

static struct rights read_rights(const char *text)
{
	_cleanup_(json_putp) struct json_object *object = NULL;
	struct rights rights = RIGHTS_NULL;
	struct error err;

	if (json_parse(text, strlen(text), &object, &err) < 0 ||
	    rights_from_json(object, &rights, &err) < 0)
		fail_msg("%s", err.message);
	return rights;
}

/* --- Capabilities ---------------------------------------------------------------------------- */

static void capabilities_have_names_in_any_case(void **state)
{
	static const char *const texts[] = { "NET_ADMIN", "net_admin", "CAP_NET_ADMIN",
					     "cap_Net_Admin" };
	struct error err;
	uint64_t set;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(capability_parse(texts[i], &set, &err), 0);
		assert_int_equal(set, CAPABILITY(CAP_NET_ADMIN));
	}
	assert_int_equal(capability_parse("all", &set, &err), 0);
	assert_int_equal(set, CAPABILITIES_ALL);
	for (unsigned int i = 0; i < CAPABILITIES; i++) {
		assert_int_equal(capability_parse(capability_name(i), &set, &err), 0);
		assert_int_equal(set, CAPABILITY(i));
	}
	assert_null(capability_name(CAPABILITIES));
}

static void a_capability_that_is_none_has_a_neighbour(void **state)
{
	struct error err;
	uint64_t set;

	(void)state;
	assert_int_equal(capability_parse("NET_ADMON", &set, &err), -1);
	assert_string_equal(err.message, "\"CAP_NET_ADMON\" is no capability; did you mean "
					 "CAP_NET_ADMIN?");
	assert_int_equal(capability_parse("", &set, &err), -1);
	assert_int_equal(capability_parse("CAP_", &set, &err), -1);
	assert_int_equal(capability_parse("0", &set, &err), -1);
}

static void the_default_set_is_dockers(void **state)
{
	struct rights rights = RIGHTS_NULL;

	(void)state;
	assert_int_equal(capabilities_default, 0xa80425fb);
	assert_int_equal(rights_capabilities(&rights), capabilities_default);
	assert_int_equal(rights_ambient(&rights), 0);
}

static void capabilities_are_added_and_dropped(void **state)
{
	static const struct {
		const char *text;
		uint64_t set, ambient;
	} cases[] = {
		{ "{\"cap_add\":[\"BPF\"]}", 0xa80425fb | CAPABILITY(CAP_BPF),
		  CAPABILITY(CAP_BPF) },
		{ "{\"cap_drop\":[\"CHOWN\"]}", 0xa80425fa, 0 },
		{ "{\"cap_drop\":[\"ALL\"]}", 0, 0 },
		{ "{\"cap_drop\":[\"ALL\"],\"cap_add\":[\"KILL\"]}", CAPABILITY(CAP_KILL),
		  CAPABILITY(CAP_KILL) },
		{ "{\"cap_add\":[\"ALL\"],\"cap_drop\":[\"CHOWN\"]}",
		  CAPABILITIES_ALL & ~UINT64_C(1), CAPABILITIES_ALL & ~UINT64_C(1) },
		{ "{\"privileged\":true}", CAPABILITIES_ALL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rights rights = read_rights(cases[i].text);
		struct error err;

		assert_int_equal(rights_validate(&rights, &err), 0);
		assert_int_equal(rights_capabilities(&rights), cases[i].set & CAPABILITIES_ALL);
		assert_int_equal(rights_ambient(&rights), cases[i].ambient & CAPABILITIES_ALL);
		rights_done(&rights);
	}
}

/* --- Limits ---------------------------------------------------------------------------------- */

static void limits_are_soft_and_hard(void **state)
{
	struct ulimit limit;
	struct error err;

	(void)state;
	assert_int_equal(ulimit_parse("nofile=10:20", &limit, &err), 0);
	assert_true(limit.resource == RLIMIT_NOFILE && limit.soft == 10 && limit.hard == 20);
	assert_int_equal(ulimit_parse("core=0", &limit, &err), 0);
	assert_true(limit.resource == RLIMIT_CORE && limit.soft == 0 && limit.hard == 0);
	assert_int_equal(ulimit_parse("memlock=1:-1", &limit, &err), 0);
	assert_true(limit.soft == 1 && limit.hard == RLIM_INFINITY);
	assert_int_equal(ulimit_parse("stack=unlimited", &limit, &err), 0);
	assert_true(limit.soft == RLIM_INFINITY && limit.hard == RLIM_INFINITY);
}

static void what_is_no_limit_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"nofile",
		"nofile=",
		"=5",
		"nofile=5:",
		"nofile=x",
		"nofile=5:4",
		"nofile=-2",
		"nofile=5:6:7",
		"files=5",
		"nofile=unlimited:5",
		"NOFILE=5",
		"nofile=99999999999999999999",
		"nofile= 5",
	};
	struct ulimit limit;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (ulimit_parse(texts[i], &limit, &err) == 0)
			fail_msg("taken: %s", texts[i]);
}

/* --- Kernel parameters ----------------------------------------------------------------------- */

static void a_containers_own_parameters_are_taken(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{ "net.ipv4.ip_forward=1", "net/ipv4/ip_forward" },
		{ "net/ipv4/conf/eth0.1/forwarding=1", "net/ipv4/conf/eth0.1/forwarding" },
		{ "net.ipv4.conf.eth0/1.forwarding=1", "net/ipv4/conf/eth0.1/forwarding" },
		{ "kernel.shmmax=1", "kernel/shmmax" },
		{ "kernel.sem=1\t2 3 4", "kernel/sem" },
		{ "fs.mqueue.msg_max=1", "fs/mqueue/msg_max" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[SYSCTL_PATH_SIZE];
		struct error err;

		if (sysctl_check(cases[i].text, &err) < 0)
			fail_msg("%s", err.message);
		sysctl_path(cases[i].text, path);
		assert_string_equal(path, cases[i].path);
	}
}

static void the_hosts_parameters_are_refused(void **state)
{
	static const char *const texts[] = {
		"kernel.core_pattern=x",
		"kernel.shm=1",
		"kernel.shmmax.x=1",
		"vm.swappiness=1",
		"fs.mqueue=1",
		"fs.mqueue.=1",
		"net=1",
		"net.=1",
		"=1",
		"net.ipv4.ip_forward",
		"net/../kernel/core_pattern=x",
		"net/./x=1",
		"net//x=1",
		"/net/x=1",
		"net/x/=1",
		"net.ipv4.ip_forward=1\n2",
		"net.\x01=1",
		"fs/mqueue/../../kernel/panic=1",
		"kernel/msgmax/../panic=1",
		"net...kernel=1",
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (sysctl_check(texts[i], &err) == 0)
			fail_msg("taken: %s", texts[i]);
}

/* --- Devices --------------------------------------------------------------------------------- */

static void devices_have_a_place_and_an_access(void **state)
{
	static const struct {
		const char *text, *host, *container, *access;
	} cases[] = {
		{ "/dev/fuse", "/dev/fuse", "/dev/fuse", "rwm" },
		{ "/dev/fuse:/dev/a/b", "/dev/fuse", "/dev/a/b", "rwm" },
		{ "/dev/fuse:r", "/dev/fuse", "/dev/fuse", "r" },
		{ "/srv/disk:/dev/disk:rw", "/srv/disk", "/dev/disk", "rw" },
		{ "/dev/nullify", "/dev/nullify", "/dev/nullify", "rwm" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct device_option device;
		struct error err;

		if (device_parse(cases[i].text, &device, &err) < 0)
			fail_msg("%s", err.message);
		assert_string_equal(device.host, cases[i].host);
		assert_string_equal(device.container, cases[i].container);
		assert_int_equal(device.read, strchr(cases[i].access, 'r') != NULL);
		assert_int_equal(device.write, strchr(cases[i].access, 'w') != NULL);
		assert_int_equal(device.make, strchr(cases[i].access, 'm') != NULL);
	}
}

static void what_is_no_device_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"fuse",
		"dev/fuse",
		"/dev/fuse:",
		":/dev/fuse",
		"/dev/fuse::r",
		"/dev/fuse:/dev/x:",
		"/dev/fuse:/dev/x:q",
		"/dev/fuse:/dev/x:r:w",
		"/dev/fuse:x",
		"/dev/fuse:/etc/x",
		"/dev/fuse:/dev/",
		"/dev/fuse:/dev/../etc/x",
		"/dev/fuse:/dev/./x",
		"/dev/fuse:/dev/a//b",
		"/dev/fuse:/dev/x/",
		"/dev/fuse:/dev/null",
		"/dev/fuse:/dev/pts/5",
		"/dev/fuse:/dev/shm",
		"/dev/fuse:/dev/..",
		"/etc/passwd",
		"/dev/fuse:rwmr",
	};
	struct device_option device;
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (device_parse(texts[i], &device, &err) == 0)
			fail_msg("taken: %s", texts[i]);
}

/* --- Together -------------------------------------------------------------------------------- */

static void every_right_is_written_as_it_was_read(void **state)
{
	static const char text[] =
		"{\"cap_add\":[\"BPF\"],\"cap_drop\":[\"KILL\"],\"privileged\":false,"
		"\"no_new_privileges\":false,\"unmasked_paths\":true,\"seccomp\":\"unconfined\","
		"\"ulimits\":[\"core=0\"],\"sysctls\":{\"net.ipv4.ip_forward\":\"1\"},"
		"\"devices\":[\"/dev/fuse\"],\"groups\":[\"video\",\"7\"],\"oom_score_adj\":-5,"
		"\"shm_bytes\":4096}";
	_cleanup_(json_putp) struct json_object *object = json_object_new_object();
	struct rights rights = read_rights(text);
	struct error err;

	(void)state;
	assert_int_equal(rights_validate(&rights, &err), 0);
	rights_to_json(&rights, object);
	assert_string_equal(json_object_to_json_string_ext(object,
							   JSON_C_TO_STRING_PLAIN |
								   JSON_C_TO_STRING_NOSLASHESCAPE),
			    text);
	rights_done(&rights);
	assert_true(rights.no_new_privileges && !rights.devices);
}

static void what_is_wrong_is_blamed_on_its_field(void **state)
{
	static const struct {
		const char *text, *field;
	} wrong[] = {
		{ "{\"cap_add\":[\"NOPE\"]}", "spec.cap_add" },
		{ "{\"cap_drop\":[\"NOPE\"]}", "spec.cap_drop" },
		{ "{\"cap_add\":[\"KILL\"],\"cap_drop\":[\"cap_kill\"]}", "spec.cap_add" },
		{ "{\"cap_add\":[\"ALL\"],\"cap_drop\":[\"ALL\"]}", "spec.cap_add" },
		{ "{\"privileged\":true,\"cap_drop\":[\"KILL\"]}", "spec.cap_drop" },
		{ "{\"privileged\":true,\"seccomp\":\"{}\"}", "spec.seccomp" },
		{ "{\"seccomp\":\"\"}", "spec.seccomp" },
		{ "{\"seccomp\":\"Unconfined\"}", "spec.seccomp" },
		{ "{\"ulimits\":[\"nofile=5\",\"nofile=6\"]}", "spec.ulimits" },
		{ "{\"sysctls\":{\"kernel.panic\":\"1\"}}", "spec.sysctls" },
		{ "{\"devices\":[\"x\"]}", "spec.devices" },
		{ "{\"groups\":[\"\"]}", "spec.groups" },
		{ "{\"groups\":[\"a:b\"]}", "spec.groups" },
		{ "{\"groups\":[\"a\\nb\"]}", "spec.groups" },
		{ "{\"oom_score_adj\":1001}", "spec.oom_score_adj" },
		{ "{\"shm_bytes\":0}", "spec.shm_bytes" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct rights rights = read_rights(wrong[i].text);
		struct error err = ERROR_NULL;

		if (rights_validate(&rights, &err) == 0)
			fail_msg("taken: %s", wrong[i].text);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
		assert_string_equal(err.subject, wrong[i].field);
		rights_done(&rights);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_have_names_in_any_case),
		cmocka_unit_test(a_capability_that_is_none_has_a_neighbour),
		cmocka_unit_test(the_default_set_is_dockers),
		cmocka_unit_test(capabilities_are_added_and_dropped),
		cmocka_unit_test(limits_are_soft_and_hard),
		cmocka_unit_test(what_is_no_limit_is_refused),
		cmocka_unit_test(a_containers_own_parameters_are_taken),
		cmocka_unit_test(the_hosts_parameters_are_refused),
		cmocka_unit_test(devices_have_a_place_and_an_access),
		cmocka_unit_test(what_is_no_device_is_refused),
		cmocka_unit_test(every_right_is_written_as_it_was_read),
		cmocka_unit_test(what_is_wrong_is_blamed_on_its_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
