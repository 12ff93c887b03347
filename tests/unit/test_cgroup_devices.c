/* Which devices a group may use: on this machine's own hierarchies, by what a process in the group
 * comes to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/cgroup/devices.h"

/* A group of the test's own on one hierarchy. */
struct group {
	const char *file; /* by which a process enters it */
	char path[128];
	int fd;
	int (*set)(int fd, const struct cgroup_device *allowed, size_t n, struct error *err);
};

static void make_group(struct group *group, const char *hierarchy, const char *file)
{
	group->file = file;
	(void)snprintf(group->path, sizeof(group->path), "%s/dokrust-test-%d", hierarchy, getpid());
	assert_int_equal(mkdir(group->path, 0755), 0);
	group->fd = open(group->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_true(group->fd >= 0);
}

static void remove_group(struct group *group)
{
	(void)fd_close(group->fd);
	assert_int_equal(rmdir(group->path), 0);
}

/* --- What a process may ---------------------------------------------------------------------- */

static void enter(const struct group *group)
{
	_cleanup_(freep) char *path = alloc_printf("%s/%s", group->path, group->file);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(255);
	(void)close(fd);
}

static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return errno;
	(void)close(fd);
	return 0;
}

static int try_mknod(mode_t type, unsigned int major_number, unsigned int minor_number)
{
	_cleanup_(freep) char *path = alloc_printf("/tmp/test-devices-%d", getpid());
	int r = mknod(path, type | 0600, makedev(major_number, minor_number)) < 0 ? errno : 0;

	(void)unlink(path);
	return r;
}

/* 0 or errno of `what`, done in the group; 255: it could not be entered. */
static int in_group(const struct group *group, const char *what)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		enter(group);
		if (strcmp(what, "read null") == 0)
			_exit(try_open("/dev/null", O_RDONLY));
		if (strcmp(what, "write null") == 0)
			_exit(try_open("/dev/null", O_WRONLY));
		if (strcmp(what, "read zero") == 0)
			_exit(try_open("/dev/zero", O_RDONLY));
		if (strcmp(what, "read kmsg") == 0)
			_exit(try_open("/dev/kmsg", O_RDONLY));
		if (strcmp(what, "make null") == 0)
			_exit(try_mknod(S_IFCHR, 1, 3));
		if (strcmp(what, "make loop0") == 0)
			_exit(try_mknod(S_IFBLK, 7, 0));
		_exit(254);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void set(const struct group *group, const struct cgroup_device *allowed, size_t n)
{
	struct error err;

	if (group->set(group->fd, allowed, n, &err) < 0)
		fail_msg("%s", err.message);
}

static void check_defaults(const struct group *group)
{
	set(group, cgroup_devices_default, cgroup_devices_default_n);
	assert_int_equal(in_group(group, "read null"), 0);
	assert_int_equal(in_group(group, "write null"), 0);
	assert_int_equal(in_group(group, "read zero"), 0);
	assert_int_equal(in_group(group, "make null"), 0);
	assert_int_equal(in_group(group, "make loop0"), 0);
	assert_int_equal(in_group(group, "read kmsg"), EPERM);
}

static void check_nothing(const struct group *group)
{
	set(group, NULL, 0);
	assert_int_equal(in_group(group, "read null"), EPERM);
	assert_int_equal(in_group(group, "make null"), EPERM);
	assert_int_equal(in_group(group, "make loop0"), EPERM);
}

static void check_parts(const struct group *group)
{
	static const struct cgroup_device read_null[] = {
		{ 'b', 1, 3, CGROUP_DEVICE_ALL },
		{ 'c', 1, 3, CGROUP_DEVICE_READ },
	};
	static const struct cgroup_device memory[] = {
		{ 'c', 1, CGROUP_DEVICE_ANY, CGROUP_DEVICE_READ | CGROUP_DEVICE_WRITE },
	};
	static const struct cgroup_device make_blocks[] = {
		{ 'b', CGROUP_DEVICE_ANY, CGROUP_DEVICE_ANY, CGROUP_DEVICE_MAKE },
	};

	set(group, read_null, ARRAY_SIZE(read_null));
	assert_int_equal(in_group(group, "read null"), 0);
	assert_int_equal(in_group(group, "write null"), EPERM);
	assert_int_equal(in_group(group, "read zero"), EPERM);
	set(group, memory, ARRAY_SIZE(memory));
	assert_int_equal(in_group(group, "write null"), 0);
	assert_int_equal(in_group(group, "read zero"), 0);
	assert_int_equal(in_group(group, "make null"), EPERM);
	set(group, make_blocks, ARRAY_SIZE(make_blocks));
	assert_int_equal(in_group(group, "make loop0"), 0);
	assert_int_equal(in_group(group, "make null"), EPERM);
	assert_int_equal(in_group(group, "read null"), EPERM);
}

static void check_everything(const struct group *group)
{
	static const struct cgroup_device all = { 'a', CGROUP_DEVICE_ANY, CGROUP_DEVICE_ANY,
						  CGROUP_DEVICE_ALL };

	set(group, &all, 1);
	assert_int_equal(in_group(group, "read null"), 0);
	assert_int_equal(in_group(group, "make loop0"), 0);
	assert_int_not_equal(in_group(group, "read kmsg"), EPERM);
}

/* --- On the hierarchies that there are -------------------------------------------------------- */

static const char *v2_mount(void)
{
	static const char *const paths[] = { "/sys/fs/cgroup/unified", "/sys/fs/cgroup" };
	struct statfs fs;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (statfs(paths[i], &fs) == 0 && fs.f_type == 0x63677270) /* CGROUP2_SUPER_MAGIC */
			return paths[i];
	return NULL;
}

static void a_group_of_v1_may_use_what_it_is_allowed(void **state)
{
	struct group group = { .set = cgroup_devices_set_v1 };

	(void)state;
	if (access("/sys/fs/cgroup/devices/devices.list", F_OK) < 0)
		skip();
	make_group(&group, "/sys/fs/cgroup/devices", "tasks");
	check_defaults(&group);
	check_parts(&group);
	check_nothing(&group);
	check_everything(&group);
	remove_group(&group);
}

static void a_group_of_v2_may_use_what_it_is_allowed(void **state)
{
	struct group group = { .set = cgroup_devices_set_v2 };

	(void)state;
	if (!v2_mount())
		skip();
	make_group(&group, v2_mount(), "cgroup.procs");
	check_defaults(&group);
	check_parts(&group);
	check_nothing(&group);
	check_everything(&group);
	remove_group(&group);
}

static void the_longest_list_is_a_program_that_the_kernel_takes(void **state)
{
	struct cgroup_device many[CGROUP_DEVICES_MAX];
	struct group group = { .set = cgroup_devices_set_v2 };

	(void)state;
	if (!v2_mount())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(many); i++)
		many[i] = (struct cgroup_device){ 'c', 200, (int64_t)i, CGROUP_DEVICE_READ };
	many[ARRAY_SIZE(many) - 1] = (struct cgroup_device){ 'c', 1, 3, CGROUP_DEVICE_READ };
	make_group(&group, v2_mount(), "cgroup.procs");
	set(&group, many, ARRAY_SIZE(many));
	assert_int_equal(in_group(&group, "read null"), 0);
	assert_int_equal(in_group(&group, "read zero"), EPERM);
	remove_group(&group);
}

static void a_group_that_is_none_is_an_error(void **state)
{
	_cleanup_(fd_closep) int fd = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct error err;

	(void)state;
	assert_int_equal(cgroup_devices_set_v1(fd, NULL, 0, &err), -1);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_int_equal(cgroup_devices_set_v2(fd, NULL, 0, &err), -1);
	assert_int_equal(err.code, ERROR_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_group_of_v1_may_use_what_it_is_allowed),
		cmocka_unit_test(a_group_of_v2_may_use_what_it_is_allowed),
		cmocka_unit_test(the_longest_list_is_a_program_that_the_kernel_takes),
		cmocka_unit_test(a_group_that_is_none_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
