#include "daemon/cgroup/devices.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"

#define ANY CGROUP_DEVICE_ANY
#define ALL CGROUP_DEVICE_ALL

/* Documentation/admin-guide/devices.txt */
const struct cgroup_device cgroup_devices_default[] = {
	{ 'c', ANY, ANY, CGROUP_DEVICE_MAKE },
	{ 'b', ANY, ANY, CGROUP_DEVICE_MAKE },
	{ 'c', 1, 3, ALL },	/* null */
	{ 'c', 1, 5, ALL },	/* zero */
	{ 'c', 1, 7, ALL },	/* full */
	{ 'c', 1, 8, ALL },	/* random */
	{ 'c', 1, 9, ALL },	/* urandom */
	{ 'c', 5, 0, ALL },	/* tty */
	{ 'c', 5, 2, ALL },	/* ptmx */
	{ 'c', 136, ANY, ALL }, /* pts/N, and console, which is one of them */
};

const size_t cgroup_devices_default_n = ARRAY_SIZE(cgroup_devices_default);

/* --- v1 -------------------------------------------------------------------------------------- */

static int write_line(int group_fd, const char *file, const char *line, struct error *err)
{
	_cleanup_(fd_closep) int fd = openat(group_fd, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 || write(fd, line, strlen(line)) < 0)
		return error_set_errno(err, errno, "%s=%s", file, line);
	return 0;
}

static void format_number(int64_t number, char buffer[24])
{
	if (number == ANY)
		(void)strcpy(buffer, "*");
	else
		(void)snprintf(buffer, 24, "%lld", (long long)number);
}

int cgroup_devices_set_v1(int group_fd, const struct cgroup_device *allowed, size_t n,
			  struct error *err)
{
	assert(n <= CGROUP_DEVICES_MAX);
	if (write_line(group_fd, "devices.deny", "a", err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		char line[64], major_text[24], minor_text[24];

		/* "a" is all devices, whatever stands behind it. */
		assert(allowed[i].type == 'b' || allowed[i].type == 'c' ||
		       (allowed[i].major == ANY && allowed[i].minor == ANY &&
			allowed[i].access == ALL));
		format_number(allowed[i].major, major_text);
		format_number(allowed[i].minor, minor_text);
		(void)snprintf(line, sizeof(line), "%c %s:%s %s%s%s", allowed[i].type, major_text,
			       minor_text, allowed[i].access & CGROUP_DEVICE_READ ? "r" : "",
			       allowed[i].access & CGROUP_DEVICE_WRITE ? "w" : "",
			       allowed[i].access & CGROUP_DEVICE_MAKE ? "m" : "");
		if (write_line(group_fd, "devices.allow", line, err) < 0)
			return -1;
	}
	return 0;
}
