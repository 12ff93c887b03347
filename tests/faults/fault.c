/* The file that DOKRUST_FAULT names has a number: so many fault points are passed, the last of them
 * with SIGKILL. What is left of the number, and the name of that point, are written to it.
 */
#define FAULT_POINTS 1 /* here they are, however this is compiled */
#include "daemon/loop/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"

void fault_point(const char *name)
{
	const char *path = getenv("DOKRUST_FAULT");
	_cleanup_(fd_closep) int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	char text[64] = "";
	int left, n;

	if (fd < 0 || pread(fd, text, sizeof(text) - 1, 0) <= 0)
		return;
	left = atoi(text) - 1;
	if (left < 0)
		return;
	/* In one write, of one length: whoever reads it reads one or the other. */
	n = snprintf(text, sizeof(text), "%-3d%-40s\n", left, left ? "" : name);
	if (pwrite(fd, text, (size_t)n, 0) < 0)
		abort();
	if (left == 0)
		(void)kill(getpid(), SIGKILL);
}
