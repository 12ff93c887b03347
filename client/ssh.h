/* The way to a daemon on another machine: ssh(1), which runs `dokrustctl dial-stdio` there. Names,
 * keys and everything else about the connection are ssh's and its configuration's.
 */
#pragma once

#include <sys/types.h>

#include "client/host.h"
#include "common/error.h"

struct ssh {
	pid_t pid;  /* 0: none */
	int errors; /* a memfd: what it, and the program there, wrote to standard error; or -1 */
};

#define SSH_NULL ((struct ssh){ .errors = -1 })

/* *ret_fd is the near end of a socket pair, the caller's. ssh ends with the process that started
 * it (prctl(2), PR_SET_PDEATHSIG), and is told nothing by the keys that interrupt.
 */
int ssh_start(const struct host *host, struct ssh *ssh, int *ret_fd, struct error *err);

/* The connection has ended: waits a moment for ssh to do the same. Always returns -1, with the
 * reason as far as ssh, or its remote command, told one.
 */
int ssh_explain(struct ssh *ssh, const struct host *host, struct error *err);

/* Closes fd, which is taken, and waits a moment for ssh to say goodbye. */
void ssh_end(struct ssh *ssh, int fd);

/* The command for the remote shell, whichever that is; the caller's. A path with control
 * characters cannot be quoted for all of them: ERROR_INVALID_VALUE.
 */
int ssh_command(const char *socket_path, char **ret, struct error *err);
