/* Launches, for real: how they begin and end, and what comes between. */
#include "tests/unit/launch_fixture.h"

/* --- Beginning and end ----------------------------------------------------------------------- */

static void a_command_starts_and_exits_and_is_gone_in_this_order(void **state)
{
	struct run run;

	(void)state;
	run_command(&run, "true");
	expect_exit(&run, 0);
}

static void an_exit_status_is_reported(void **state)
{
	struct run run;

	(void)state;
	run_script(&run, "exit 42");
	expect_exit(&run, 42);
}

static void a_signal_that_ends_the_command_is_reported(void **state)
{
	struct run run;

	(void)state;
	run_script(&run, "kill -USR1 $$");
	assert_string_equal(run.events, "sxg");
	assert_true(WIFSIGNALED(run.wait_status));
	assert_int_equal(WTERMSIG(run.wait_status), SIGUSR1);
}

static void an_exit_is_told_before_the_tree_is_gone(void **state)
{
	const char *const argv[] = { "true", NULL };
	const struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	begin(&run, &params);
	wait_for_event(&run, 'x');
	assert_true(launch_pid(run.launch) > 0);
	end(&run);
	expect_exit(&run, 0);
}

static void a_command_that_is_not_there_is_not_found(void **state)
{
	static const char *const commands[] = { "nothing", "/bin/nothing", "/nowhere/sh", "" };
	struct run run;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		run_command(&run, commands[i]);
		expect_failure(&run, ERROR_COMMAND_NOT_FOUND, "");
	}
	run_command(&run, "nothing");
	assert_string_equal(run.error.message, "nothing: not found in the container's PATH");
}

static void what_is_not_a_program_is_not_executable(void **state)
{
	_cleanup_(freep) char *text = alloc_printf("%s/bin/text", fixture.rootfs);
	_cleanup_(freep) char *noise = alloc_printf("%s/bin/noise", fixture.rootfs);
	static const char *const commands[] = { "/etc", "/bin/text", "text", "/bin/noise",
						"noise" };
	struct run run;

	(void)state;
	make_file(text, "#!/bin/sh\n", 0644);
	make_file(noise, "\1\2\3", 0755);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		run_command(&run, commands[i]);
		expect_failure(&run, ERROR_NOT_EXECUTABLE, "");
	}
	run_command(&run, "/etc");
	assert_string_equal(run.error.message, "/etc: is a directory");
	(void)unlink(text);
	(void)unlink(noise);
}

static void a_script_without_its_interpreter_says_so(void **state)
{
	_cleanup_(freep) char *script = alloc_printf("%s/bin/script", fixture.rootfs);
	struct run run;

	(void)state;
	make_file(script, "#!/opt/nothing\n", 0755);
	run_command(&run, "script");
	expect_failure(&run, ERROR_COMMAND_NOT_FOUND, "");
	assert_non_null(strstr(run.error.message, "interpreter"));
	(void)unlink(script);
}

/* At once, and nothing is left open. */
static void expect_refusal(const struct launch_params *params, struct error *err)
{
	size_t before = count_fds();
	struct launch_stdio stdio;
	struct launch *launch;

	assert_int_equal(
		launch_start(fixture.launcher, params, &callbacks, NULL, &launch, &stdio, err), -1);
	assert_int_equal(err->code, ERROR_INVALID_VALUE);
	assert_int_equal(count_fds(), before);
}

static void a_rootfs_that_is_no_directory_is_an_invalid_value(void **state)
{
	_cleanup_(freep) char *file = alloc_printf("%s/etc/passwd", fixture.rootfs);
	const char *const argv[] = { "true", NULL };
	struct launch_params params = params_for(argv);
	struct error err;

	(void)state;
	params.rootfs = "/nowhere at all";
	expect_refusal(&params, &err);
	assert_string_equal(err.message, "rootfs /nowhere at all: No such file or directory");
	params.rootfs = file;
	expect_refusal(&params, &err);
	assert_string_equal(err.subject, "spec.rootfs");
}

static void a_command_that_is_too_large_is_refused_at_once(void **state)
{
	_cleanup_(freep) char *large = alloc_zero(1, 200 * 1024);
	const char *const argv[] = { "echo", large, NULL };
	const struct launch_params params = params_for(argv);
	struct error err;

	(void)state;
	(void)memset(large, 'x', 200 * 1024 - 1);
	expect_refusal(&params, &err);
}

/* --- Streams --------------------------------------------------------------------------------- */

static void a_terminal_has_a_name_and_a_size(void **state)
{
	const char *const argv[] = { "sh", "-c",
				     "tty; stty size; echo to the tty >/dev/tty; "
				     "echo to the console >/dev/console; ls /dev/pts",
				     NULL };
	struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	params.terminal = true;
	run_params(&run, &params);
	expect_exit(&run, 0);
	expect_output(&run, "/dev/pts/0\r\n33 101\r\nto the tty\r\nto the console\r\n"
			    "0     ptmx\r\n");
}

static void a_terminal_controls_the_session(void **state)
{
	const char *const argv[] = { "sleep", "100", NULL };
	struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	params.terminal = true;
	begin(&run, &params);
	wait_for_event(&run, 's');
	assert_int_equal(write(run.stdio.pty_master, "\3", 1), 1);
	end(&run);
	assert_string_equal(run.events, "sxg");
	assert_true(WIFSIGNALED(run.wait_status) && WTERMSIG(run.wait_status) == SIGINT);
}

static void pipes_carry_input_and_its_end(void **state)
{
	const char *const argv[] = { "sh", "-c", "cat; echo done >&2", NULL };
	struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	params.stdin_open = true;
	begin(&run, &params);
	assert_int_equal(write(run.stdio.stdin_fd, "one\ntwo\n", 8), 8);
	run.stdio.stdin_fd = fd_close(run.stdio.stdin_fd);
	end(&run);
	expect_exit(&run, 0);
	expect_output(&run, "one\ntwo\ndone\n");
}

static void without_input_there_is_the_containers_null(void **state)
{
	struct run run;

	(void)state;
	run_script(&run, "cat; readlink /proc/self/fd/0; chmod 600 /dev/stdin");
	expect_exit(&run, 0);
	expect_output(&run, "/dev/null\n");
	assert_int_equal(access("/dev/null", R_OK | W_OK), 0);
}

static void the_end_of_output_is_seen_when_the_command_has_closed_it(void **state)
{
	const char *const argv[] = { "sh", "-c", "exec >&- 2>&-; sleep 100", NULL };
	const struct launch_params params = params_for(argv);
	struct error err;
	struct run run;
	ssize_t n;
	char c;

	(void)state;
	begin(&run, &params);
	wait_for_event(&run, 's');
	for (int tries = 0; (n = read(run.stdio.stdout_fd, &c, 1)) < 0 && tries < 500; tries++)
		sleep_ms(10);
	assert_int_equal(n, 0);
	assert_int_equal(launch_signal(run.launch, SIGKILL, &err), 0);
	end(&run);
}

static void streams_can_be_opened_by_another_user(void **state)
{
	const char *const argv[] = { "sh", "-c", "echo out >/dev/stdout; echo err >/dev/stderr",
				     NULL };
	struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	params.user = "1000";
	run_params(&run, &params);
	expect_exit(&run, 0);
	expect_output(&run, "out\nerr\n");
	params.terminal = true;
	run_params(&run, &params);
	expect_output(&run, "out\r\nerr\r\n");
}

/* --- Signals and process 1 ------------------------------------------------------------------- */

static void kill_ends_the_whole_tree(void **state)
{
	const char *const argv[] = { "sh", "-c", "trap '' TERM; sleep 100 & sleep 100", NULL };
	const struct launch_params params = params_for(argv);
	struct error err;
	struct run run;

	(void)state;
	begin(&run, &params);
	wait_for_event(&run, 's');
	assert_int_equal(launch_signal(run.launch, SIGKILL, &err), 0);
	end(&run);
	assert_string_equal(run.events, "sxg");
	assert_true(WIFSIGNALED(run.wait_status) && WTERMSIG(run.wait_status) == SIGKILL);
}

static const char *const trap_script = "trap 'echo got it; exit 3' TERM; echo ready; "
				       "while :; do sleep 0.01; done";

static void wait_for_output(struct run *run, const char *text)
{
	for (int tries = 0; tries < 500 && !strstr(run->output, text); tries++) {
		sleep_ms(5);
		read_output(run, run->stdio.stdout_fd);
	}
	assert_non_null(strstr(run->output, text));
}

static void a_signal_is_forwarded_to_the_command(void **state)
{
	const char *const argv[] = { "sh", "-c", trap_script, NULL };
	struct launch_params params = params_for(argv);
	struct error err;
	struct run run;

	(void)state;
	for (int i = 0; i < 3; i++) {
		params.init = i != 2;
		begin(&run, &params);
		wait_for_event(&run, 's');
		wait_for_output(&run, "ready");
		/* By the daemon; from the host, to process 1; to a command that is process 1. */
		if (i == 1)
			assert_int_equal(kill(launch_pid(run.launch), SIGTERM), 0);
		else
			assert_int_equal(launch_signal(run.launch, SIGTERM, &err), 0);
		end(&run);
		expect_exit(&run, 3);
		expect_output(&run, "ready\ngot it\n");
	}
}

static void a_signal_that_comes_during_the_set_up_is_kept(void **state)
{
	const char *const argv[] = { "sleep", "100", NULL };
	const struct launch_params params = params_for(argv);
	struct error err;
	struct run run;

	(void)state;
	begin(&run, &params);
	assert_int_equal(launch_signal(run.launch, SIGTERM, &err), 0);
	end(&run);
	assert_string_equal(run.events, "sxg");
	assert_true(WIFSIGNALED(run.wait_status) && WTERMSIG(run.wait_status) == SIGTERM);
}

static void a_set_up_that_is_killed_is_a_failure(void **state)
{
	const char *const argv[] = { "true", NULL };
	struct launch_params params = params_for(argv);
	struct error err;
	struct run run;

	(void)state;
	for (int init = 0; init < 2; init++) {
		params.init = init;
		begin(&run, &params);
		assert_int_equal(launch_signal(run.launch, SIGKILL, &err), 0);
		end(&run);
		expect_failure(&run, ERROR_FAILED, "");
	}
}

static void a_signal_to_what_is_gone_is_no_error(void **state)
{
	const char *const argv[] = { "true", NULL };
	const struct launch_params params = params_for(argv);
	struct error err;
	struct run run;

	(void)state;
	begin(&run, &params);
	wait_for_event(&run, 'x');
	assert_int_equal(launch_signal(run.launch, SIGTERM, &err), 0);
	assert_int_equal(launch_signal(run.launch, SIGKILL, &err), 0);
	wait_for_event(&run, 'g');
	assert_int_equal(launch_signal(run.launch, SIGTERM, &err), 0);
	assert_int_equal(launch_signal(run.launch, SIGKILL, &err), 0);
	end(&run);
}

static void orphans_are_reaped(void **state)
{
	struct run run;

	(void)state;
	run_script(&run, "for i in 1 2 3 4 5; do (true &); done; sleep 0.2; "
			 "cat /proc/[0-9]*/status | grep -c 'State:.Z'");
	expect_output(&run, "0\n");
}

static void what_the_command_leaves_behind_is_killed(void **state)
{
	struct run run;

	(void)state;
	run_script(&run, "setsid sleep 100 & trap '' TERM; sleep 0.05; echo left");
	expect_exit(&run, 0);
	expect_output(&run, "left\n");
}

/* Whoever inherited it may not have reaped it. */
static bool has_ended(pid_t pid)
{
	_cleanup_(freep) char *path = alloc_printf("/proc/%d/stat", (int)pid);
	_cleanup_(fclosep) FILE *file = fopen(path, "re");
	char line[64] = "";

	return !file || !fgets(line, sizeof(line), file) || strstr(line, ") Z");
}

static void expect_end_of(pid_t pid)
{
	for (int tries = 0; !has_ended(pid); tries++) {
		assert_true(tries < 500);
		sleep_ms(10);
	}
}

static void a_daemon_that_dies_takes_its_containers_along(void **state)
{
	const char *const argv[] = { "sleep", "1000", NULL };
	struct launch_params params = params_for(argv);
	pid_t pid, child;
	int channel[2];

	(void)state;
	for (int init = 0; init < 2; init++) {
		params.init = init;
		assert_int_equal(pipe2(channel, O_CLOEXEC), 0);
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			static struct run run;

			(void)event_reinit(fixture.base);
			begin(&run, &params);
			wait_for_event(&run, 's');
			pid = launch_pid(run.launch);
			(void)!write(channel[1], &pid, sizeof(pid));
			_exit(0);
		}
		(void)close(channel[1]);
		assert_int_equal(read(channel[0], &pid, sizeof(pid)), sizeof(pid));
		(void)close(channel[0]);
		assert_int_equal(waitpid(child, NULL, 0), child);
		expect_end_of(pid);
	}
}

static void a_launch_that_is_freed_early_says_no_more(void **state)
{
	const char *const argv[] = { "sleep", "100", NULL };
	const struct launch_params params = params_for(argv);
	const struct timeval moment = { .tv_usec = 100 * 1000 };
	struct run run;
	pid_t pid;

	(void)state;
	begin(&run, &params);
	pid = launch_pid(run.launch);
	assert_null(launch_free(run.launch));
	(void)event_base_loopexit(fixture.base, &moment);
	(void)event_base_dispatch(fixture.base);
	assert_string_equal(run.events, "");
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	(void)close(run.stdio.stdout_fd);
	(void)close(run.stdio.stderr_fd);
}

static void a_thousand_launches_leave_nothing_open(void **state)
{
	const char *const argv[] = { "true", NULL };
	const char *const missing[] = { "nothing", NULL };
	size_t before = count_fds();
	struct run run;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct launch_params params = params_for(i % 5 ? argv : missing);

		params.terminal = i % 2;
		params.init = i % 3;
		params.stdin_open = i % 7 == 0;
		run_params(&run, &params);
		assert_string_equal(run.events, i % 5 ? "sxg" : "fg");
	}
	assert_int_equal(count_fds(), before);
}

static void without_init_the_command_is_process_1(void **state)
{
	const char *const argv[] = { "sh", "-c", "echo $$; exit 5", NULL };
	const char *const missing[] = { "nothing", NULL };
	struct launch_params params = params_for(argv);
	struct run run;

	(void)state;
	params.init = false;
	run_params(&run, &params);
	expect_exit(&run, 5);
	expect_output(&run, "1\n");
	params.argv = vector(missing);
	run_params(&run, &params);
	expect_failure(&run, ERROR_COMMAND_NOT_FOUND, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_starts_and_exits_and_is_gone_in_this_order),
		cmocka_unit_test(an_exit_status_is_reported),
		cmocka_unit_test(a_signal_that_ends_the_command_is_reported),
		cmocka_unit_test(an_exit_is_told_before_the_tree_is_gone),
		cmocka_unit_test(a_command_that_is_not_there_is_not_found),
		cmocka_unit_test(what_is_not_a_program_is_not_executable),
		cmocka_unit_test(a_script_without_its_interpreter_says_so),
		cmocka_unit_test(a_rootfs_that_is_no_directory_is_an_invalid_value),
		cmocka_unit_test(a_command_that_is_too_large_is_refused_at_once),
		cmocka_unit_test(a_terminal_has_a_name_and_a_size),
		cmocka_unit_test(a_terminal_controls_the_session),
		cmocka_unit_test(pipes_carry_input_and_its_end),
		cmocka_unit_test(without_input_there_is_the_containers_null),
		cmocka_unit_test(the_end_of_output_is_seen_when_the_command_has_closed_it),
		cmocka_unit_test(streams_can_be_opened_by_another_user),
		cmocka_unit_test(kill_ends_the_whole_tree),
		cmocka_unit_test(a_signal_is_forwarded_to_the_command),
		cmocka_unit_test(a_signal_that_comes_during_the_set_up_is_kept),
		cmocka_unit_test(a_set_up_that_is_killed_is_a_failure),
		cmocka_unit_test(a_signal_to_what_is_gone_is_no_error),
		cmocka_unit_test(orphans_are_reaped),
		cmocka_unit_test(what_the_command_leaves_behind_is_killed),
		cmocka_unit_test(a_daemon_that_dies_takes_its_containers_along),
		cmocka_unit_test(a_launch_that_is_freed_early_says_no_more),
		cmocka_unit_test(a_thousand_launches_leave_nothing_open),
		cmocka_unit_test(without_init_the_command_is_process_1),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
