#include "daemon/launch/deaf.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/fdio.h"

enum { STATUS_SIZE_MAX = 64 * 1024 };

/* Such as do nothing to a process that has no handler for them (signal(7)). */
static bool ends_nobody(int number)
{
	static const int numbers[] = { SIGCHLD, SIGCONT, SIGURG,  SIGWINCH,
				       SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU };

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i] == number)
			return true;
	return false;
}

/* A set of signals in /proc/PID/status (proc(5)): hexadecimal, the first signal the lowest bit. */
static bool set_has(const char *status, const char *field, int number)
{
	const char *at = strstr(status, field);

	return at && strtoull(at + strlen(field), NULL, 16) >> (number - 1) & 1;
}

bool deaf_to(pid_t pid, int number)
{
	_cleanup_(freep) char *status = NULL;
	char path[32];
	struct error ignored;
	size_t size;

	if (number < 1 || number > 64 || ends_nobody(number))
		return false;
	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (fd_read_file_at(AT_FDCWD, path, STATUS_SIZE_MAX, &status, &size, &ignored) < 0)
		return false;
	return !set_has(status, "\nSigBlk:", number) && !set_has(status, "\nSigIgn:", number) &&
	       !set_has(status, "\nSigCgt:", number);
}
