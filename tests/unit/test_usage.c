/* What trees take on the disk, counted by a worker, whatever shape they have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <event2/event.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "daemon/store/usage.h"

enum { PATH_SIZE = 64, FILE_SIZE = 1 << 20, DEPTH = 3000, SLACK = 256 * 1024 };

static char top[] = "/tmp/test-usage-XXXXXX";
static int top_fd = -1;

static int make_top(void **state)
{
	(void)state;
	top_fd = mkdtemp(top) ? open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	return top_fd < 0 ? -1 : 0;
}

static int remove_top(void **state)
{
	char command[PATH_SIZE];

	(void)state;
	(void)close(top_fd);
	(void)snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static void on_counted(void *userdata, int64_t bytes)
{
	*(int64_t *)userdata = bytes;
}

static int64_t count(const char *path)
{
	struct event_base *base = event_base_new();
	char *paths[] = { (char *)(uintptr_t)path, NULL };
	int64_t bytes = INT64_MIN;
	struct usage *usage;
	struct error err;

	assert_non_null(base);
	if (usage_count(base, top_fd, paths, on_counted, &bytes, &usage, &err) < 0)
		fail_msg("%s", err.message);
	while (bytes == INT64_MIN)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	assert_null(usage_free(usage));
	assert_true(wait(NULL) > 0);
	event_base_free(base);
	return bytes;
}

static int make_directory(int at, const char *name)
{
	int fd;

	assert_int_equal(mkdirat(at, name, 0700), 0);
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void make_file(int at, const char *name)
{
	_cleanup_(fd_closep) int fd =
		openat(at, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	static const char bytes[FILE_SIZE];

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, bytes, sizeof(bytes)), 0);
	/* Only then it is known what it takes. */
	assert_int_equal(fsync(fd), 0);
}

static void assert_about(int64_t bytes, int64_t expected)
{
	assert_in_range(bytes, expected, expected + SLACK);
}

static void a_file_counts_once_whatever_names_it_has(void **state)
{
	_cleanup_(fd_closep) int dir = make_directory(top_fd, "links");

	(void)state;
	make_file(dir, "a");
	assert_int_equal(linkat(dir, "a", dir, "b", 0), 0);
	assert_int_equal(linkat(dir, "a", dir, "c", 0), 0);
	assert_about(count("links"), FILE_SIZE);
}

static void holes_count_for_nothing(void **state)
{
	_cleanup_(fd_closep) int dir = make_directory(top_fd, "holes");
	_cleanup_(fd_closep) int fd = openat(dir, "a", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)state;
	assert_int_equal(ftruncate(fd, (off_t)FILE_SIZE << 10), 0);
	assert_about(count("holes"), 0);
}

static void links_lead_nowhere(void **state)
{
	_cleanup_(fd_closep) int dir = make_directory(top_fd, "away");
	_cleanup_(fd_closep) int other = make_directory(top_fd, "other");

	(void)state;
	make_file(other, "a");
	assert_int_equal(symlinkat("../other", dir, "link"), 0);
	assert_int_equal(symlinkat("/usr", dir, "usr"), 0);
	assert_about(count("away"), 0);
}

static void a_tree_may_be_deeper_than_any_path(void **state)
{
	int fd = make_directory(top_fd, "deep");

	(void)state;
	for (int i = 0; i < DEPTH; i++) {
		int below = make_directory(fd, "d");

		(void)close(fd);
		fd = below;
	}
	make_file(fd, "a");
	(void)close(fd);
	assert_in_range(count("deep"), FILE_SIZE + DEPTH * 1024, FILE_SIZE + DEPTH * 8192);
}

static void what_is_not_there_takes_nothing(void **state)
{
	(void)state;
	assert_int_equal(count("nothing"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_counts_once_whatever_names_it_has),
		cmocka_unit_test(holes_count_for_nothing),
		cmocka_unit_test(links_lead_nowhere),
		cmocka_unit_test(a_tree_may_be_deeper_than_any_path),
		cmocka_unit_test(what_is_not_there_takes_nothing),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
