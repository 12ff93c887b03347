/* Descriptors that are found again: what the notes are good for, and what they are not. */
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

#include "common/cleanup.h"
#include "common/json.h"
#include "daemon/launch/given.h"

enum { PATH_SIZE = 64 };

static char top[] = "/tmp/test-given-XXXXXX";

static int make_top(void **state)
{
	(void)state;
	return mkdtemp(top) ? 0 : -1;
}

static int remove_top(void **state)
{
	(void)state;
	return rmdir(top);
}

/* The origin of a new directory, which is removed by whoever made it. */
static struct json_object *make(const char *name, char path[PATH_SIZE])
{
	_cleanup_(fd_closep) int fd = -1;
	struct json_object *origin;
	struct error err;

	(void)snprintf(path, PATH_SIZE, "%s/%s", top, name);
	assert_int_equal(mkdir(path, 0700), 0);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (given_accept(fd, name, &origin, &err) < 0)
		fail_msg("%s", err.message);
	return origin;
}

static void refuse(struct json_object *origin, const char *why)
{
	struct error err;
	int fd;

	assert_int_equal(given_open(origin, "it", &fd, &err), -1);
	assert_string_equal(err.subject, "source_fd");
	if (!strstr(err.message, why))
		fail_msg("%s", err.message);
}

static void the_same_file_is_opened_again(void **state)
{
	_cleanup_(json_putp) struct json_object *origin = NULL;
	_cleanup_(fd_closep) int fd = -1;
	struct stat before, after;
	char path[PATH_SIZE];
	struct error err;

	(void)state;
	origin = make("a b\\c\n", path);
	assert_non_null(origin);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(given_open(origin, "it", &fd, &err), 0);
	assert_int_equal(fstat(fd, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(rmdir(path), 0);
	refuse(origin, "deleted");
}

static void a_path_that_is_no_text_is_not_noted(void **state)
{
	char path[PATH_SIZE];

	(void)state;
	assert_null(make("\xff", path));
	assert_int_equal(rmdir(path), 0);
	refuse(NULL, "cannot be told");
}

static void what_is_damaged_is_refused(void **state)
{
	static const struct {
		const char *key, *value, *why;
	} damages[] = {
		{ "handle", "0", "cannot be told" },
		{ "handle", "zz", "cannot be told" },
		{ "handle", NULL, "cannot be told" },
		{ "path", NULL, "cannot be told" },
		{ "path", "/elsewhere", "moved" },
		{ "identity", "x", "deleted" },
		{ "mount_root", "/x", "not mounted as it was" },
		{ "mount_point", "/tmp/\\", "not mounted as it was" },
		{ "mount_point", "/proc", "not mounted as it was" },
		{ "mount_point", "/proc/self/cwd", "not mounted as it was" },
		{ "mount_point", "", "not mounted as it was" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(damages) / sizeof(*damages); i++) {
		_cleanup_(json_putp) struct json_object *origin = NULL;
		char path[PATH_SIZE];

		origin = make("a", path);
		assert_non_null(origin);
		json_object_object_del(origin, damages[i].key);
		if (damages[i].value)
			json_object_object_add(origin, damages[i].key,
					       json_object_new_string(damages[i].value));
		refuse(origin, damages[i].why);
		assert_int_equal(rmdir(path), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_file_is_opened_again),
		cmocka_unit_test(a_path_that_is_no_text_is_not_noted),
		cmocka_unit_test(what_is_damaged_is_refused),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
