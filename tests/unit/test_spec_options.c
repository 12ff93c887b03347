#include "client/spec_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"

static void options_free(struct spec_options *options)
{
	spec_options_done(options);
	options_done(spec_options_table, options);
}

/* A command line of words between blanks, as `run` and `create` read it. */
static int parse(const char *line, struct spec_options *options, struct error *err)
{
	_cleanup_(freep) char *text = alloc_strdup(line);
	char *argv[33] = { NULL }, *rest = text, *word;
	size_t n = 0;
	int r;

	while ((word = strsep(&rest, " ")))
		if (word[0] && n < ARRAY_SIZE(argv) - 1)
			argv[n++] = word;
	*options = spec_options_defaults;
	r = options_parse(spec_options_table, true, argv, options, err);
	return r < 0 ? -1 : spec_options_finish(options, argv, err);
}

static void read_line(const char *line, struct spec_options *options)
{
	struct error err;

	if (parse(line, options, &err) < 0)
		fail_msg("%s: %s", line, err.message);
}

static void assert_refused(const char *line, const char *message)
{
	_cleanup_(options_free) struct spec_options options;
	struct error err = ERROR_NULL;

	if (parse(line, &options, &err) == 0)
		fail_msg("%s was accepted", line);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	if (!strstr(err.message, message))
		fail_msg("%s", err.message);
}

static void assert_vector(char *const *vector, const char *expected)
{
	char joined[256] = "";

	for (; vector && *vector; vector++) {
		(void)strcat(joined, "|");
		(void)strcat(joined, *vector);
	}
	assert_string_equal(joined, expected);
}

static void the_first_operand_is_the_image_and_the_rest_the_command(void **state)
{
	_cleanup_(options_free) struct spec_options image;
	_cleanup_(options_free) struct spec_options command;

	(void)state;
	read_line("busybox", &image);
	assert_string_equal(image.spec.image, "busybox");
	assert_null(image.spec.command);
	assert_null(image.spec.entrypoint);
	read_line("-it --name web busybox sh -i --name x", &command);
	assert_string_equal(command.name, "web");
	assert_true(command.spec.terminal && command.spec.stdin_open);
	assert_vector(command.spec.command, "|sh|-i|--name|x");
	assert_refused("-it", "name an image");
}

static void with_a_rootfs_all_operands_are_the_command(void **state)
{
	_cleanup_(options_free) struct spec_options options;
	_cleanup_(options_free) struct spec_options none;

	(void)state;
	read_line("--rootfs /srv/debian ls -l", &options);
	assert_null(options.spec.image);
	assert_string_equal(options.spec.rootfs, "/srv/debian");
	assert_vector(options.spec.command, "|ls|-l");
	read_line("--rootfs /srv/debian", &none);
	assert_null(none.spec.command);
}

static void a_relative_rootfs_is_made_absolute(void **state)
{
	char dir[] = "/tmp/test-spec-options-XXXXXX", before[4096];
	_cleanup_(options_free) struct spec_options options;
	_cleanup_(freep) char *expected = NULL;

	(void)state;
	assert_non_null(getcwd(before, sizeof(before)));
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(mkdir("root", 0755), 0);
	read_line("--rootfs ./root/../root sh", &options);
	expected = alloc_printf("%s/root", dir);
	assert_string_equal(options.spec.rootfs, expected);
	assert_int_equal(rmdir("root"), 0);
	assert_int_equal(chdir(before), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void a_rootfs_that_is_not_there_or_the_hosts_is_refused(void **state)
{
	_cleanup_(options_free) struct spec_options options;
	struct error err;

	(void)state;
	assert_int_equal(parse("--rootfs no-such-dir sh", &options, &err), -1);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_non_null(strstr(err.message, "--rootfs no-such-dir"));
	assert_refused("--rootfs / sh", "the host's own root");
}

static void a_line_of_shell_is_run_by_a_shell(void **state)
{
	_cleanup_(options_free) struct spec_options options;

	(void)state;
	read_line("-c exit busybox", &options);
	assert_vector(options.spec.command, "|/bin/sh|-c|exit");
	assert_refused("-c exit busybox sh", "--command is the whole command: \"sh\"");
}

static void an_entrypoint_is_one_word_or_none(void **state)
{
	_cleanup_(options_free) struct spec_options one;
	_cleanup_(options_free) struct spec_options none;

	(void)state;
	read_line("--entrypoint env busybox A=1 sh", &one);
	assert_vector(one.spec.entrypoint, "|env");
	assert_vector(one.spec.command, "|A=1|sh");
	read_line("--entrypoint= busybox", &none);
	assert_non_null(none.spec.entrypoint);
	assert_null(none.spec.entrypoint[0]);
}

static void single_variables_win_over_files_wherever_they_stand(void **state)
{
	char path[] = "/tmp/test-spec-options-XXXXXX";
	_cleanup_(freep) char *line = NULL;
	_cleanup_(options_free) struct spec_options options;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(dprintf(fd, "A=file\nB=file\n"), 14);
	fd_close(fd);
	assert_int_equal(setenv("DOKRUST_TEST_HERE", "here", 1), 0);
	line = alloc_printf("-e A=1 -e DOKRUST_TEST_HERE --env-file %s -e C=3 busybox", path);
	read_line(line, &options);
	assert_int_equal(strv_length(options.spec.environment), 4);
	assert_string_equal(strv_get(options.spec.environment, "A"), "1");
	assert_string_equal(strv_get(options.spec.environment, "B"), "file");
	assert_string_equal(strv_get(options.spec.environment, "C"), "3");
	assert_string_equal(strv_get(options.spec.environment, "DOKRUST_TEST_HERE"), "here");
	assert_int_equal(unlink(path), 0);
	assert_refused("-e =1 busybox", "--env: \"=1\"");
}

static void every_option_reaches_its_field(void **state)
{
	_cleanup_(options_free) struct spec_options options;
	const struct spec *spec = &options.spec;

	(void)state;
	read_line("-d --rm --hostname box -w /srv -u 7:8 --network none --label a=b --label c "
		  "--stop-signal int --stop-timeout 1.5 --no-init --no-sig-proxy "
		  "--detach-keys ctrl-a busybox",
		  &options);
	assert_true(options.detach && spec->auto_remove);
	assert_false(spec->init || options.sig_proxy);
	assert_string_equal(spec->hostname, "box");
	assert_string_equal(spec->workdir, "/srv");
	assert_string_equal(spec->user, "7:8");
	assert_string_equal(spec->network.mode, "none");
	assert_string_equal(strv_get(spec->labels, "a"), "b");
	assert_string_equal(strv_get(spec->labels, "c"), "");
	assert_string_equal(spec->stop_signal, "SIGINT");
	assert_int_equal(spec->stop_timeout_ms, 1500);
	assert_true(options.detach_keys.given);
	assert_int_equal(options.detach_keys.keys.n, 1);
}

static void a_health_check_is_a_line_of_shell(void **state)
{
	_cleanup_(options_free) struct spec_options options;
	const struct health_spec *health = &options.spec.health;

	(void)state;
	read_line("--health-cmd true --health-interval 1.5 --health-timeout 500ms "
		  "--health-retries 7 --health-start-period 1m --restart on-failure:2 busybox",
		  &options);
	assert_string_equal(health->command[0], "/bin/sh");
	assert_string_equal(health->command[2], "true");
	assert_int_equal(health->interval_ms, 1500);
	assert_int_equal(health->timeout_ms, 500);
	assert_int_equal(health->retries, 7);
	assert_int_equal(health->start_period_ms, 60000);
	assert_string_equal(options.spec.restart, "on-failure:2");
}

static void without_options_there_are_the_defaults(void **state)
{
	_cleanup_(options_free) struct spec_options options;

	(void)state;
	read_line("busybox", &options);
	assert_true(options.spec.init && options.sig_proxy);
	assert_false(options.detach || options.detach_keys.given);
	assert_int_equal(options.spec.stop_timeout_ms, SPEC_STOP_TIMEOUT_DEFAULT_MS);
}

static void what_cannot_be_is_refused_before_anyone_is_asked(void **state)
{
	(void)state;
	assert_refused("-w tmp busybox", "a working directory is absolute");
	assert_refused("--hostname -x busybox", "a host name is");
	assert_refused("--stop-signal foo busybox", "--stop-signal: \"foo\" is no signal");
	assert_refused("--detach-keys ctrl- busybox", "--detach-keys: \"ctrl-\"");
	assert_refused("-u : busybox", "a user is");
}

/* create has all but those of run alone; their number is in the header. */
static void the_options_of_run_alone_come_first(void **state)
{
	const struct option *first = &spec_options_table[SPEC_OPTIONS_OF_RUN];

	(void)state;
	assert_string_equal(first->name, "name");
	for (const struct option *option = first; option->name; option++) {
		assert_string_not_equal(option->name, "detach");
		assert_string_not_equal(option->name, "detach-keys");
		assert_string_not_equal(option->name, "sig-proxy");
	}
}

/* A name or letter that two options have would hide the second. */
static void no_two_options_have_a_name_or_letter_in_common(void **state)
{
	(void)state;
	for (const struct option *a = spec_options_table; a->name; a++) {
		assert_non_null(a->help);
		for (const struct option *b = a + 1; b->name; b++) {
			assert_string_not_equal(a->name, b->name);
			if (a->letter && a->letter == b->letter)
				fail_msg("-%c: --%s and --%s", a->letter, a->name, b->name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_operand_is_the_image_and_the_rest_the_command),
		cmocka_unit_test(with_a_rootfs_all_operands_are_the_command),
		cmocka_unit_test(a_relative_rootfs_is_made_absolute),
		cmocka_unit_test(a_rootfs_that_is_not_there_or_the_hosts_is_refused),
		cmocka_unit_test(a_line_of_shell_is_run_by_a_shell),
		cmocka_unit_test(an_entrypoint_is_one_word_or_none),
		cmocka_unit_test(single_variables_win_over_files_wherever_they_stand),
		cmocka_unit_test(every_option_reaches_its_field),
		cmocka_unit_test(a_health_check_is_a_line_of_shell),
		cmocka_unit_test(without_options_there_are_the_defaults),
		cmocka_unit_test(what_cannot_be_is_refused_before_anyone_is_asked),
		cmocka_unit_test(the_options_of_run_alone_come_first),
		cmocka_unit_test(no_two_options_have_a_name_or_letter_in_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
