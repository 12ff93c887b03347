#include "client/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"

static char dir[] = "/tmp/test-settings-XXXXXX";

static void assert_keys(const struct detach_keys *keys, const char *expected)
{
	assert_int_equal(keys->n, strlen(expected));
	assert_memory_equal(keys->keys, expected, keys->n);
}

static void parse(const char *text, const char *expected)
{
	_cleanup_(freep) char *copy = alloc_strdup(text);
	struct settings settings = SETTINGS_NULL;
	struct error err;

	if (settings_parse(copy, "file", &settings, &err) < 0)
		fail_msg("%s", err.message);
	assert_keys(&settings.detach_keys, expected);
}

static void assert_refused(const char *text, const char *message)
{
	_cleanup_(freep) char *copy = alloc_strdup(text);
	struct settings settings = SETTINGS_NULL;
	struct error err = ERROR_NULL;

	assert_int_equal(settings_parse(copy, "file", &settings, &err), -1);
	if (!strstr(err.message, message))
		fail_msg("%s", err.message);
}

static void a_setting_is_a_key_and_a_value_with_any_blanks(void **state)
{
	(void)state;
	parse("detach_keys=ctrl-a,d", "\x01"
				      "d");
	parse(" \tdetach_keys\t = ctrl-a,d \r\n", "\x01"
						  "d");
	parse("# comment\n\n;another\n   # and one\ndetach_keys = none\n", "");
	parse("detach_keys =\n", "");
	parse("detach_keys = a\ndetach_keys = b\n", "b");
}

static void without_a_setting_the_default_stays(void **state)
{
	(void)state;
	parse("", "\x10\x11");
	parse("#detach_keys = a\n", "\x10\x11");
}

static void what_is_no_setting_is_told_with_its_line(void **state)
{
	(void)state;
	assert_refused("\n\ndetach = x\n", "file:3: \"detach\" is no setting");
	assert_refused("detach_keys\n", "file:1: a setting is KEY = VALUE");
	assert_refused("# x\ndetach_keys = ctrl-\n", "file:2: detach_keys: \"ctrl-\"");
	assert_refused("= x\n", "file:1: \"\" is no setting");
}

/* --- Where they are looked for --------------------------------------------------------------- */

static void put_file(const char *below, const char *text)
{
	_cleanup_(freep) char *config = alloc_printf("%s%s", dir, below);
	_cleanup_(freep) char *dokrust = alloc_printf("%s/dokrust", config);
	_cleanup_(freep) char *path = alloc_printf("%s/client.conf", dokrust);
	_cleanup_(fclosep) FILE *file = NULL;

	(void)mkdir(config, 0755);
	(void)mkdir(dokrust, 0755);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static void environment(const char *keys, const char *config, const char *home)
{
	assert_int_equal(
		keys ? setenv("DOKRUST_DETACH_KEYS", keys, 1) : unsetenv("DOKRUST_DETACH_KEYS"), 0);
	assert_int_equal(
		config ? setenv("XDG_CONFIG_HOME", config, 1) : unsetenv("XDG_CONFIG_HOME"), 0);
	assert_int_equal(home ? setenv("HOME", home, 1) : unsetenv("HOME"), 0);
}

static void assert_found(const char *expected)
{
	struct detach_keys keys = { .n = 77 };
	struct error err;

	if (settings_detach_keys(&keys, &err) < 0)
		fail_msg("%s", err.message);
	assert_keys(&keys, expected);
}

static void the_variable_wins_over_the_file_and_the_file_over_the_default(void **state)
{
	_cleanup_(freep) char *other = alloc_printf("%s/xdg", dir);

	(void)state;
	environment(NULL, NULL, dir);
	assert_found("\x10\x11");
	put_file("/.config", "detach_keys = a\n");
	assert_found("a");
	put_file("/xdg", "detach_keys = b\n");
	environment(NULL, other, dir);
	assert_found("b");
	environment("c", other, dir);
	assert_found("c");
	environment("", other, dir);
	assert_found("");
}

static void without_a_home_there_is_only_the_default(void **state)
{
	(void)state;
	environment(NULL, NULL, NULL);
	assert_found("\x10\x11");
	environment(NULL, "relative", "relative");
	assert_found("\x10\x11");
	environment(NULL, "/dev/null", "/nonexistent");
	assert_found("\x10\x11");
}

static void mistakes_name_where_they_are(void **state)
{
	_cleanup_(freep) char *config = alloc_printf("%s/bad", dir);
	struct detach_keys keys = { .n = 77 };
	struct error err;

	(void)state;
	environment("ctrl-", NULL, dir);
	assert_int_equal(settings_detach_keys(&keys, &err), -1);
	assert_int_equal(strncmp(err.message, "DOKRUST_DETACH_KEYS: ", 21), 0);
	put_file("/bad", "what = x\n");
	environment(NULL, config, dir);
	assert_int_equal(settings_detach_keys(&keys, &err), -1);
	assert_non_null(strstr(err.message, "/bad/dokrust/client.conf:1: "));
	assert_int_equal(keys.n, 77);
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	_cleanup_(freep) char *command = alloc_printf("rm -rf %s", dir);

	(void)state;
	return system(command) == 0 ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_setting_is_a_key_and_a_value_with_any_blanks),
		cmocka_unit_test(without_a_setting_the_default_stays),
		cmocka_unit_test(what_is_no_setting_is_told_with_its_line),
		cmocka_unit_test(the_variable_wins_over_the_file_and_the_file_over_the_default),
		cmocka_unit_test(without_a_home_there_is_only_the_default),
		cmocka_unit_test(mistakes_name_where_they_are),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
