/* Other processes in a container that runs. */
#include "tests/unit/launch_fixture.h"

#include <sys/ioctl.h>

/* A container to be joined; ended by killing it. */
static void begin_container(struct run *container)
{
	const char *const argv[] = { "sh", "-c", "export SECRET=1; sleep 100 & wait", NULL };
	const struct launch_params params = params_for(argv);

	begin(container, &params);
	wait_for_event(container, 's');
}

static void end_container(struct run *container)
{
	struct error err;

	assert_int_equal(launch_signal(container->launch, SIGKILL, &err), 0);
	end(container);
}

static struct launch_exec_params exec_params(const struct run *container, const char *const *argv)
{
	return (struct launch_exec_params){
		.container = container->launch,
		.cgroup = LAUNCH_CGROUP_NULL,
		.argv = vector(argv),
		.environment = vector(environment),
		.workdir = "/",
		.rows = 41,
		.columns = 99,
		.rights = &default_rights,
	};
}

static void begin_exec(struct run *run, const struct launch_exec_params *params)
{
	struct error err;

	*run = (struct run){ 0 };
	if (launch_exec(fixture.launcher, params, &callbacks, run, &run->launch, &run->stdio,
			&err) < 0)
		fail_msg("launch_exec: %s", err.message);
}

static void exec_script(struct run *run, const struct run *container, const char *script)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const struct launch_exec_params params = exec_params(container, argv);

	begin_exec(run, &params);
	end(run);
}

static void it_runs_in_the_container_and_its_status_comes_back(void **state)
{
	struct run container, run;

	(void)state;
	begin_container(&container);
	exec_script(&run, &container, "hostname; echo $GREETING; echo err >&2; exit 42");
	expect_exit(&run, 42);
	expect_output(&run, "box\nhello\nerr\n");
	end_container(&container);
}

static void it_sees_the_processes_of_the_container_and_is_not_process_one(void **state)
{
	struct run container, run;

	(void)state;
	begin_container(&container);
	exec_script(&run, &container,
		    "test $$ -ne 1 && tr -d '\\0' < /proc/1/comm && "
		    "until ps -o args | grep -q 'sleep 10[0]'; do :; done; echo seen");
	expect_exit(&run, 0);
	expect_output(&run, "dokrust-init\nseen\n");
	end_container(&container);
}

static void it_is_in_the_very_namespaces_of_process_one(void **state)
{
	struct run container, run;
	/* Those of process 1 are out of reach from inside; those of the command are the same. It has
	 * its name a moment after vfork(2) has let its parent go on.
	 */
	static const char script[] =
		"until pid=$(pidof sleep); do :; done; for n in mnt pid uts ipc net cgroup; do "
		"test \"$(readlink /proc/self/ns/$n)\" = \"$(readlink /proc/$pid/ns/$n)\" || "
		"echo differs $n; done";

	(void)state;
	begin_container(&container);
	exec_script(&run, &container, script);
	expect_exit(&run, 0);
	expect_output(&run, "");
	end_container(&container);
}

static void it_has_the_rights_of_a_container_and_no_other_descriptors(void **state)
{
	struct run container, run;

	(void)state;
	begin_container(&container);
	exec_script(&run, &container,
		    "grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status | tr -d '\\t'; "
		    "ls /proc/self/fd | wc -l");
	expect_exit(&run, 0);
	/* ls has opened the directory itself. */
	expect_output(&run, "CapEff:00000000a80425fb\nCapBnd:00000000a80425fb\nNoNewPrivs:1\n4\n");
	end_container(&container);
}

static void its_terminal_is_one_of_the_containers_and_has_its_size(void **state)
{
	const char *const argv[] = { "sh", "-c", "tty; stty size; exit 3", NULL };
	struct launch_exec_params params;
	struct run container, run;

	(void)state;
	begin_container(&container);
	params = exec_params(&container, argv);
	params.terminal = true;
	begin_exec(&run, &params);
	wait_for_event(&run, 's');
	run.stdio.pty_master = launch_take_terminal(run.launch);
	assert_true(run.stdio.pty_master >= 0);
	assert_int_equal(launch_take_terminal(run.launch), -1);
	end(&run);
	expect_exit(&run, 3);
	expect_output(&run, "/dev/pts/0\r\n41 99\r\n");
	end_container(&container);
}

static void a_command_that_is_not_there_is_told(void **state)
{
	const char *const argv[] = { "nonesuch", NULL };
	struct launch_exec_params params;
	struct run container, run;

	(void)state;
	begin_container(&container);
	params = exec_params(&container, argv);
	begin_exec(&run, &params);
	end(&run);
	expect_failure(&run, ERROR_COMMAND_NOT_FOUND, "");
	end_container(&container);
}

static void a_signal_ends_it_and_not_the_container(void **state)
{
	const char *const argv[] = { "sleep", "100", NULL };
	struct launch_exec_params params;
	struct run container, run;
	struct error err;

	(void)state;
	begin_container(&container);
	params = exec_params(&container, argv);
	begin_exec(&run, &params);
	wait_for_event(&run, 's');
	assert_int_equal(launch_signal(run.launch, SIGKILL, &err), 0);
	end(&run);
	assert_string_equal(run.events, "sxg");
	assert_int_equal(WTERMSIG(run.wait_status), SIGKILL);
	assert_string_equal(container.events, "s");
	end_container(&container);
}

static void it_ends_with_the_container(void **state)
{
	const char *const argv[] = { "sleep", "100", NULL };
	struct launch_exec_params params;
	struct run container, run;

	(void)state;
	begin_container(&container);
	params = exec_params(&container, argv);
	begin_exec(&run, &params);
	wait_for_event(&run, 's');
	end_container(&container);
	end(&run);
	assert_string_equal(run.events, "sxg");
	assert_int_equal(WTERMSIG(run.wait_status), SIGKILL);
}

static void one_that_is_given_up_while_it_starts_leaves_nothing(void **state)
{
	const char *const argv[] = { "sleep", "100", NULL };
	struct launch_exec_params params;
	struct run container, run;
	size_t before;

	(void)state;
	begin_container(&container);
	params = exec_params(&container, argv);
	before = count_fds();
	for (int i = 0; i < 20; i++) {
		struct timeval time = { .tv_usec = i * 100 };

		begin_exec(&run, &params);
		(void)event_base_loopexit(fixture.base, &time);
		(void)event_base_dispatch(fixture.base);
		run.launch = launch_free(run.launch);
		(void)fd_close(run.stdio.stdout_fd);
		(void)fd_close(run.stdio.stderr_fd);
	}
	/* The loop reaps them. */
	for (int i = 0; i < 200 && count_fds() > before; i++) {
		struct timeval time = { .tv_usec = 10000 };

		(void)event_base_loopexit(fixture.base, &time);
		(void)event_base_dispatch(fixture.base);
	}
	assert_int_equal(count_fds(), before);
	end_container(&container);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_runs_in_the_container_and_its_status_comes_back),
		cmocka_unit_test(it_sees_the_processes_of_the_container_and_is_not_process_one),
		cmocka_unit_test(it_is_in_the_very_namespaces_of_process_one),
		cmocka_unit_test(it_has_the_rights_of_a_container_and_no_other_descriptors),
		cmocka_unit_test(its_terminal_is_one_of_the_containers_and_has_its_size),
		cmocka_unit_test(a_command_that_is_not_there_is_told),
		cmocka_unit_test(a_signal_ends_it_and_not_the_container),
		cmocka_unit_test(it_ends_with_the_container),
		cmocka_unit_test(one_that_is_given_up_while_it_starts_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
