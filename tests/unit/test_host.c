#include "client/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "client/ssh.h"
#include "common/cleanup.h"

static void assert_text(const char *text, const char *expected)
{
	if (!expected)
		assert_null(text);
	else
		assert_string_equal(text, expected);
}

static void assert_unix(const char *address, const char *path)
{
	_cleanup_(host_done) struct host host = { 0 };
	struct error err;

	assert_int_equal(host_parse(address, &host, &err), 0);
	assert_false(host.ssh);
	assert_string_equal(host.path, path);
	assert_null(host.destination);
	assert_null(host.port);
	assert_string_equal(host_describe(&host), path);
}

static void assert_ssh(const char *address, const char *destination, const char *port,
		       const char *path)
{
	_cleanup_(host_done) struct host host = { 0 };
	struct error err;

	if (host_parse(address, &host, &err) < 0)
		fail_msg("%s: %s", address, err.message);
	assert_true(host.ssh);
	assert_string_equal(host.destination, destination);
	assert_text(host.port, port);
	assert_text(host.path, path);
	assert_string_equal(host_describe(&host), destination);
}

static void assert_refused(const char *address, const char *why)
{
	struct host host = { .port = (char *)(uintptr_t) "untouched" };
	struct error err = ERROR_NULL;

	if (host_parse(address, &host, &err) == 0)
		fail_msg("\"%s\" was accepted", address);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	assert_string_equal(host.port, "untouched");
	if (!strstr(err.message, why))
		fail_msg("%s", err.message);
}

static void a_path_needs_no_scheme(void **state)
{
	(void)state;
	assert_unix("/run/dokrust/dokrust.sock", "/run/dokrust/dokrust.sock");
	assert_unix("unix:///run/dokrust.sock", "/run/dokrust.sock");
	assert_unix("unix:/run/dokrust.sock", "/run/dokrust.sock");
	assert_unix("relative.sock", "relative.sock");
	assert_unix("unix://relative.sock", "relative.sock");
	assert_unix("/with blanks/and:colons", "/with blanks/and:colons");
}

static void a_host_is_reached_by_ssh(void **state)
{
	(void)state;
	assert_ssh("ssh://box", "box", NULL, NULL);
	assert_ssh("ssh://box/", "box", NULL, NULL);
	assert_ssh("ssh://me@box", "me@box", NULL, NULL);
	assert_ssh("ssh://box:2222", "box", "2222", NULL);
	assert_ssh("ssh://me@box.example.org:22/run/d.sock", "me@box.example.org", "22",
		   "/run/d.sock");
	assert_ssh("ssh://box/a path", "box", NULL, "/a path");
	assert_ssh("ssh://box/a:b@c", "box", NULL, "/a:b@c");
}

static void an_ipv6_address_stands_in_brackets(void **state)
{
	(void)state;
	assert_ssh("ssh://[::1]", "::1", NULL, NULL);
	assert_ssh("ssh://me@[fe80::1%eth0]:2222/s", "me@fe80::1%eth0", "2222", "/s");
	assert_refused("ssh://[::1", "bad address in brackets");
	assert_refused("ssh://[]", "bad address in brackets");
	assert_refused("ssh://[::1]x", "bad port");
	assert_refused("ssh://::1", "bad host name");
}

/* What ssh would take for an option, or a shell for more than a word. */
static void a_host_or_user_that_is_no_word_is_refused(void **state)
{
	(void)state;
	assert_refused("ssh://", "bad host name");
	assert_refused("ssh:///path", "bad host name");
	assert_refused("ssh://-oProxyCommand=x", "bad host name");
	assert_refused("ssh://a b", "bad host name");
	assert_refused("ssh://a;b", "bad host name");
	assert_refused("ssh://$(id)", "bad host name");
	assert_refused("ssh://a\nb", "bad host name");
	assert_refused("ssh://@box", "bad user name");
	assert_refused("ssh://-l@box", "bad user name");
	assert_refused("ssh://a`b@box", "bad user name");
	assert_refused("ssh://me@", "bad host name");
	assert_refused("ssh://me@-box", "bad host name");
}

static void a_port_is_a_number_in_range(void **state)
{
	(void)state;
	assert_ssh("ssh://box:1", "box", "1", NULL);
	assert_ssh("ssh://box:65535", "box", "65535", NULL);
	assert_refused("ssh://box:", "bad port");
	assert_refused("ssh://box:0", "bad port");
	assert_refused("ssh://box:65536", "bad port");
	assert_refused("ssh://box:22x", "bad port");
	assert_refused("ssh://box:-1", "bad port");
	assert_refused("ssh://[::1]:99999", "bad port");
}

static void other_kinds_of_address_are_refused(void **state)
{
	(void)state;
	assert_refused("tcp://box:2375", "unknown kind");
	assert_refused("http://box", "unknown kind");
	assert_refused("", "empty path");
	assert_refused("unix://", "empty path");
	assert_refused("unix:", "empty path");
}

static void nothing_is_left_after_done(void **state)
{
	struct host host;
	struct error err;

	(void)state;
	assert_int_equal(host_parse("ssh://me@box:22/s", &host, &err), 0);
	host_done(&host);
	assert_null(host.path);
	assert_null(host.destination);
	assert_null(host.port);
	assert_false(host.ssh);
	host_done(&host);
}

static void assert_command(const char *path, const char *expected)
{
	_cleanup_(freep) char *command = NULL;
	struct error err;

	assert_int_equal(ssh_command(path, &command, &err), 0);
	assert_string_equal(command, expected);
}

static void a_path_goes_through_a_remote_shell_as_it_is(void **state)
{
	(void)state;
	assert_command(NULL, "dokrustctl dial-stdio");
	assert_command("/run/d-1_2.sock", "dokrustctl dial-stdio --socket /run/d-1_2.sock");
	assert_command("/a b", "dokrustctl dial-stdio --socket /a\\ b");
	assert_command("/'\"\\$(id)`;&|<>*?[]{}~!#",
		       "dokrustctl dial-stdio --socket "
		       "/\\'\\\"\\\\\\$\\(id\\)\\`\\;\\&\\|\\<\\>\\*\\?\\[\\]\\{\\}\\~\\!\\#");
	assert_command("/\xc3\xa4", "dokrustctl dial-stdio --socket /\xc3\xa4");
}

static void a_path_with_control_characters_goes_through_no_shell(void **state)
{
	static const char *const paths[] = { "/a\nb", "/\t", "/\x1b[2J", "/\x7f" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		char *command = NULL;
		struct error err = ERROR_NULL;

		assert_int_equal(ssh_command(paths[i], &command, &err), -1);
		assert_int_equal(err.code, ERROR_INVALID_VALUE);
		assert_null(command);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_path_needs_no_scheme),
		cmocka_unit_test(a_host_is_reached_by_ssh),
		cmocka_unit_test(an_ipv6_address_stands_in_brackets),
		cmocka_unit_test(a_host_or_user_that_is_no_word_is_refused),
		cmocka_unit_test(a_port_is_a_number_in_range),
		cmocka_unit_test(other_kinds_of_address_are_refused),
		cmocka_unit_test(nothing_is_left_after_done),
		cmocka_unit_test(a_path_goes_through_a_remote_shell_as_it_is),
		cmocka_unit_test(a_path_with_control_characters_goes_through_no_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
