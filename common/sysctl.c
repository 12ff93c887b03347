#include "common/sysctl.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "common/cleanup.h"

static const char *const files[] = {
	/* System V IPC: ipc/ipc_sysctl.c */
	"kernel/msgmax", "kernel/msgmnb",      "kernel/msgmni",		 "kernel/msg_next_id",
	"kernel/sem",	 "kernel/sem_next_id", "kernel/shmall",		 "kernel/shmmax",
	"kernel/shmmni", "kernel/shm_next_id", "kernel/shm_rmid_forced",
};

static const char *const directories[] = { "fs/mqueue/", "net/" };

void sysctl_path(const char *text, char path[SYSCTL_PATH_SIZE])
{
	size_t n = strcspn(text, "=");
	bool dots = text[strcspn(text, "./")] == '.';

	if (n >= SYSCTL_PATH_SIZE)
		n = SYSCTL_PATH_SIZE - 1;
	for (size_t i = 0; i < n; i++) {
		path[i] = text[i];
		if (dots && (text[i] == '.' || text[i] == '/'))
			path[i] = text[i] == '.' ? '/' : '.';
	}
	path[n] = '\0';
}

static bool is_namespaced(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(path, files[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(directories); i++) {
		size_t n = strlen(directories[i]);

		if (strncmp(path, directories[i], n) == 0 && path[n])
			return true;
	}
	return false;
}

/* A component that is ".." could lead elsewhere, and one that is empty is a mistake. */
static bool is_plain(const char *path)
{
	for (;;) {
		size_t n = strcspn(path, "/");

		if (n == 0 || (n == 1 && path[0] == '.') || (n == 2 && memcmp(path, "..", 2) == 0))
			return false;
		if (!path[n])
			return true;
		path += n + 1;
	}
}

int sysctl_check(const char *text, struct error *err)
{
	const char *equals = strchr(text, '=');
	char path[SYSCTL_PATH_SIZE] = "";

	if (!equals || equals == text || equals - text >= SYSCTL_PATH_SIZE ||
	    strlen(equals + 1) > SYSCTL_VALUE_MAX)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.64s\": a kernel parameter is KEY=VALUE", text);
	for (const char *at = text; *at; at++)
		if (iscntrl((unsigned char)*at) && !(at > equals && *at == '\t'))
			return error_set(err, ERROR_INVALID_VALUE,
					 "a kernel parameter has no control characters");
	sysctl_path(text, path);
	if (!is_plain(path) || !is_namespaced(path))
		return error_set(err, ERROR_INVALID_VALUE,
				 "%.*s: not a container's own; those are kernel.shm*, kernel.msg*, "
				 "kernel.sem*, fs.mqueue.* and net.*",
				 (int)(equals - text) > 96 ? 96 : (int)(equals - text), text);
	return 0;
}
