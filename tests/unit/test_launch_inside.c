/* What a launched command finds around itself, and what it cannot do. */
#include "tests/unit/launch_fixture.h"

/* --- Who and where --------------------------------------------------------------------------- */

static void the_environment_is_what_was_asked_for_and_home(void **state)
{
	const char *const argv[] = { "env", NULL };
	const struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	run_params(&run, &params);
	expect_output(&run, "PATH=/usr/local/bin:/usr/bin:/sbin:/bin\nGREETING=hello\n"
			    "HOME=/root\n");
	run_script(&run, "hostname; umask; ulimit -n; pwd");
	expect_output(&run, "box\n0022\n1024\n/\n");
}

static void an_environment_of_64_kib_arrives(void **state)
{
	_cleanup_(freep) char *large = alloc_zero(1, 64 * 1024);
	const char *const many[] = { "PATH=/bin", large, NULL };
	const char *const argv[] = { "sh", "-c", "echo ${#LARGE}", NULL };
	struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	(void)memset(large, 'x', 64 * 1024 - 1);
	(void)memcpy(large, "LARGE=", 6);
	params.environment = vector(many);
	run_params(&run, &params);
	expect_exit(&run, 0);
	expect_output(&run, "65529\n");
}

static void run_as(struct run *run, const char *user)
{
	const char *const argv[] = { "sh", "-c", "id -u; id -g; id -G; echo $HOME", NULL };
	struct launch_params params = params_for(argv);

	params.user = user;
	run_params(run, &params);
}

static void a_user_is_looked_up_in_the_container(void **state)
{
	static const struct {
		const char *user, *output;
	} cases[] = {
		{ NULL, "0\n0\n0\n/root\n" },
		{ "root", "0\n0\n0 10\n/root\n" },
		{ "www-data", "33\n33\n33\n/var/www\n" },
		{ "www-data:mail", "33\n8\n8\n/var/www\n" },
		{ "33:7777", "33\n7777\n7777\n/var/www\n" },
		{ "1234", "1234\n0\n0\n/\n" },
		{ "1234:5", "1234\n5\n5\n/\n" },
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		run_as(&run, cases[i].user);
		expect_exit(&run, 0);
		expect_output(&run, cases[i].output);
	}
}

static void a_user_that_is_unknown_is_an_invalid_value(void **state)
{
	static const char *const users[] = {
		"nobody-here",	  "",	":",	      "root:",
		"root:nothing",	  "-1", "4294967295", "99999999999999999999",
		"root:root:root",
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(users); i++) {
		run_as(&run, users[i]);
		expect_failure(&run, ERROR_INVALID_VALUE, "spec.user");
	}
	run_as(&run, "bob");
	assert_string_equal(run.error.message, "user \"bob\": not in the container's /etc/passwd");
}

static void a_working_directory_is_made_and_stays_inside(void **state)
{
	const char *const argv[] = { "pwd", NULL };
	struct launch_params params = params_for(argv);
	_cleanup_(freep) char *made = alloc_printf("%s/tmp/a", fixture.rootfs);
	_cleanup_(freep) char *link = alloc_printf("%s/tmp/up", fixture.rootfs);
	static const char *const refused[] = { "/proc/self/fd/3", "/proc/self/root", "/etc/passwd",
					       "/proc/1/cwd/x" };
	struct run run;

	(void)state;
	params.workdir = "/tmp/a";
	run_params(&run, &params);
	expect_output(&run, "/tmp/a\n");
	assert_int_equal(rmdir(made), 0);
	assert_int_equal(symlink("../../../../../../etc", link), 0);
	params.workdir = "/tmp/up/../usr/bin";
	run_params(&run, &params);
	expect_output(&run, "/usr/bin\n");
	assert_int_equal(unlink(link), 0);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		params.workdir = refused[i];
		run_params(&run, &params);
		expect_failure(&run, ERROR_INVALID_VALUE, "spec.workdir");
	}
}

/* --- Containment ----------------------------------------------------------------------------- */

static void capabilities_are_dockers(void **state)
{
	static const char *const expected = "CapInh:\t0000000000000000\n"
					    "CapPrm:\t00000000a80425fb\n"
					    "CapEff:\t00000000a80425fb\n"
					    "CapBnd:\t00000000a80425fb\n"
					    "CapAmb:\t0000000000000000\n"
					    "NoNewPrivs:\t1\n";
	const char *const argv[] = { "grep", "-E", "^(Cap|NoNew)", "/proc/self/status", NULL };
	struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	for (int init = 0; init < 2; init++) {
		params.init = init;
		run_params(&run, &params);
		expect_output(&run, expected);
	}
	params.user = "1000";
	run_params(&run, &params);
	assert_non_null(strstr(run.output, "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
					   "CapBnd:\t00000000a80425fb\n"));
}

static void signals_are_at_their_defaults(void **state)
{
	const char *const argv[] = { "grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status", NULL };
	const struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	run_params(&run, &params);
	expect_output(&run, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

static void only_the_standard_streams_are_open(void **state)
{
	const char *const argv[] = { "ls", "/proc/self/fd", NULL };
	struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	/* 3 is the directory that ls reads. */
	for (int i = 0; i < 4; i++) {
		params.terminal = i % 2;
		params.init = i / 2;
		run_params(&run, &params);
		expect_output(&run, i % 2 ? "0  1  2  3\r\n" : "0\n1\n2\n3\n");
	}
}

static void masks_hide_what_tells_of_the_host(void **state)
{
	struct run run;

	(void)state;
	run_script(&run, "for f in kcore keys latency_stats timer_list timer_stats sched_debug "
			 "interrupts; do [ -e /proc/$f ] && cat /proc/$f; done; "
			 "for d in /proc/asound /proc/acpi /proc/scsi /sys/firmware "
			 "/sys/devices/virtual/powercap; do [ -d $d ] && ls -A $d && "
			 "touch $d/x 2>/dev/null && echo written $d; done; "
			 "for d in bus fs irq sys; do [ -d /proc/$d ] || continue; "
			 "grep -q \" /proc/$d ro,\" /proc/self/mountinfo || echo open $d; done; "
			 "(echo x >/proc/sys/kernel/core_pattern) 2>/dev/null && echo core; "
			 "(echo x >/proc/sysrq-trigger) 2>/dev/null && echo sysrq; "
			 "mkdir /sys/kernel/x 2>/dev/null && echo sys; echo end");
	expect_output(&run, "end\n");
}

static void nothing_of_the_host_is_mounted(void **state)
{
	struct run run;

	(void)state;
	run_script(&run, "cut -d ' ' -f 5 /proc/self/mountinfo | "
			 "grep -v -E '^/$|^/(proc|sys|dev)(/|$)'; "
			 "grep -c ' - ext4\\| - overlay\\| - xfs\\| - btrfs' /proc/self/mountinfo; "
			 "grep shared: /proc/self/mountinfo; ls /../../.. | head -n 1");
	expect_output(&run, "1\nbin\n");
}

static void process_1_cannot_be_looked_into(void **state)
{
	struct run run;

	(void)state;
	run_script(&run, "cat /proc/1/exe; readlink /proc/1/exe; readlink /proc/1/cwd; "
			 "(echo x >/proc/1/exe); (echo x >/proc/1/mem); cat /proc/1/environ; "
			 "readlink /proc/1/fd/3; cat /proc/1/maps; readlink /proc/1/root");
	for (char *line = strtok(run.output, "\n"); line; line = strtok(NULL, "\n"))
		if (!strstr(line, "ermission denied"))
			fail_msg("%s", line);
	run_script(&run, "tr '\\0' ' ' </proc/1/cmdline; cat /proc/1/comm; "
			 "kill -9 1; kill -STOP 1; sleep 0.05; echo alive");
	expect_output(&run, "dokrust-init dokrust-init\nalive\n");
}

static void process_1_keeps_one_capability(void **state)
{
	struct run run;

	(void)state;
	/* It has no privileges only after the command has started. */
	run_script(&run, "sleep 0.1; grep -E '^(Cap[PEB]|NoNew)' /proc/1/status");
	expect_output(&run, "CapPrm:\t0000000000000020\nCapEff:\t0000000000000020\n"
			    "CapBnd:\t0000000000000020\nNoNewPrivs:\t1\n");
}

static void device_nodes_that_are_made_inside_cannot_be_opened(void **state)
{
	_cleanup_(freep) char *own = alloc_printf("%s/etc/null", fixture.rootfs);
	struct run run;

	(void)state;
	assert_int_equal(mknod(own, S_IFCHR | 0666, (1 << 8) | 3), 0);
	run_script(&run, "for d in /tmp /dev /dev/shm /etc; do mknod $d/n c 1 3 && "
			 "(: <$d/n) 2>/dev/null && echo opened $d/n; rm -f $d/n; done; "
			 "(: </etc/null) 2>/dev/null && echo opened /etc/null; "
			 "for d in null zero full random urandom; do : </dev/$d; done; "
			 "echo x >/dev/null; echo end");
	expect_output(&run, "end\n");
	assert_int_equal(unlink(own), 0);
}

static void new_mounts_and_namespaces_are_refused(void **state)
{
	struct run run;

	(void)state;
	run_script(&run, "mount -t tmpfs x /mnt 2>/dev/null && echo mount; "
			 "mount -o remount,rw /proc/sys 2>/dev/null && echo remount; "
			 "umount /proc/sys 2>/dev/null && echo umount; "
			 "unshare -m true 2>/dev/null && echo unshare; "
			 "hostname x 2>/dev/null && echo hostname; echo end");
	expect_output(&run, "end\n");
}

static void loopback_is_the_only_interface_and_is_up(void **state)
{
	struct run run;

	(void)state;
	run_script(&run, "ls /sys/class/net; ip addr show lo | grep -o '127.0.0.1/8'; "
			 "ping -c 1 -W 1 127.0.0.1 >/dev/null && echo up");
	expect_output(&run, "lo\n127.0.0.1/8\nup\n");
}

/* --- Hostile trees and overlays -------------------------------------------------------------- */

/* In a directory whose name no option string could carry unescaped. */
static void make_overlay(char **layer, struct launch_params *params, const char *name)
{
	_cleanup_(freep) char *path = alloc_printf("%s,:\\layer", name);
	_cleanup_(freep) char *upper = alloc_printf("%s/upper", path);
	_cleanup_(freep) char *work = alloc_printf("%s/work", path);

	*layer = make_dir(path);
	free(make_dir(upper));
	free(make_dir(work));
	params->rootfs = NULL;
	params->overlay.lower = fixture.rootfs;
	params->overlay.layer = *layer;
}

static char *path_in(const char *layer, const char *name)
{
	return alloc_printf("%s/upper/%s", layer, name);
}

static void an_overlay_leaves_the_lower_layer_as_it_is(void **state)
{
	_cleanup_(freep) char *below = alloc_printf("%s/etc/new", fixture.rootfs);
	_cleanup_(freep) char *hosts = alloc_printf("%s/etc/hosts", fixture.rootfs);
	_cleanup_(freep) char *layer = NULL;
	_cleanup_(freep) char *above = NULL;
	const char *const argv[] = { "sh", "-c",
				     "echo hi >/etc/new; rm /etc/hosts; "
				     "ls /etc/new /etc/hosts; "
				     "grep -c 'dir=/[^p]' /proc/self/mountinfo",
				     NULL };
	struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	for (int i = 0; i < 2; i++) {
		free(layer);
		make_overlay(&layer, &params, i ? "volatile" : "kept");
		params.overlay.is_volatile = i;
		run_params(&run, &params);
		expect_exit(&run, 1);
		expect_output(&run, "/etc/new\n0\nls: /etc/hosts: No such file or directory\n");
		assert_int_equal(access(below, F_OK), -1);
		assert_int_equal(access(hosts, F_OK), 0);
		free(above);
		above = path_in(layer, "etc/new");
		assert_int_equal(access(above, F_OK), 0);
	}
}

static void an_overlay_can_be_used_again_once_it_is_gone(void **state)
{
	_cleanup_(freep) char *layer = NULL;
	const char *const argv[] = { "sh", "-c", "echo x >>/count; wc -l </count", NULL };
	struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	make_overlay(&layer, &params, "again");
	run_params(&run, &params);
	run_params(&run, &params);
	expect_output(&run, "2\n");
}

static void a_link_in_place_of_a_mount_point_is_refused(void **state)
{
	static const char *const names[] = { "proc", "sys", "dev" };
	_cleanup_(freep) char *layer = NULL;
	const char *const argv[] = { "true", NULL };
	struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	make_overlay(&layer, &params, "links");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_(freep) char *path = path_in(layer, names[i]);

		assert_int_equal(symlink("/etc", path), 0);
		run_params(&run, &params);
		assert_string_equal(run.events, "fg");
		assert_int_equal(run.error.sys_errno, ELOOP);
		assert_int_equal(unlink(path), 0);
	}
}

static void what_stands_for_passwd_can_neither_block_nor_lead_out(void **state)
{
	_cleanup_(freep) char *layer = NULL;
	const char *const argv[] = { "id", "-u", NULL };
	struct launch_params params = params_for(argv);
	_cleanup_(freep) char *etc = NULL;
	_cleanup_(freep) char *passwd = NULL;
	struct run run;

	(void)state;
	make_overlay(&layer, &params, "passwd");
	etc = path_in(layer, "etc");
	passwd = path_in(layer, "etc/passwd");
	assert_int_equal(mkdir(etc, 0755), 0);
	assert_int_equal(mkfifo(passwd, 0644), 0);
	params.user = "www-data";
	run_params(&run, &params);
	expect_failure(&run, ERROR_FAILED, "");
	assert_int_equal(unlink(passwd), 0);
	/* "games" is known on the host and not in the container. */
	assert_int_equal(symlink("../../../../../../../etc/passwd-", passwd), 0);
	params.user = "games";
	run_params(&run, &params);
	expect_failure(&run, ERROR_INVALID_VALUE, "spec.user");
	assert_int_equal(unlink(passwd), 0);
	make_file(passwd, "broken\n:::::::\nx:x:-1:0::/:\nwww-data:x:12:13", 0644);
	params.user = "www-data";
	run_params(&run, &params);
	expect_failure(&run, ERROR_INVALID_VALUE, "spec.user");
	assert_int_equal(truncate(passwd, 2 * 1024 * 1024), 0);
	run_params(&run, &params);
	expect_failure(&run, ERROR_FAILED, "");
	assert_int_equal(run.error.sys_errno, EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_environment_is_what_was_asked_for_and_home),
		cmocka_unit_test(an_environment_of_64_kib_arrives),
		cmocka_unit_test(a_user_is_looked_up_in_the_container),
		cmocka_unit_test(a_user_that_is_unknown_is_an_invalid_value),
		cmocka_unit_test(a_working_directory_is_made_and_stays_inside),
		cmocka_unit_test(capabilities_are_dockers),
		cmocka_unit_test(signals_are_at_their_defaults),
		cmocka_unit_test(only_the_standard_streams_are_open),
		cmocka_unit_test(masks_hide_what_tells_of_the_host),
		cmocka_unit_test(nothing_of_the_host_is_mounted),
		cmocka_unit_test(process_1_cannot_be_looked_into),
		cmocka_unit_test(process_1_keeps_one_capability),
		cmocka_unit_test(device_nodes_that_are_made_inside_cannot_be_opened),
		cmocka_unit_test(new_mounts_and_namespaces_are_refused),
		cmocka_unit_test(loopback_is_the_only_interface_and_is_up),
		cmocka_unit_test(an_overlay_leaves_the_lower_layer_as_it_is),
		cmocka_unit_test(an_overlay_can_be_used_again_once_it_is_gone),
		cmocka_unit_test(a_link_in_place_of_a_mount_point_is_refused),
		cmocka_unit_test(what_stands_for_passwd_can_neither_block_nor_lead_out),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
