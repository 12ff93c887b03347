/* The daemon: builds the rooms from the bottom up, runs the loop, and takes them down in reverse. */
#pragma once

#include "common/error.h"
#include "daemon/config.h"

struct daemon;

enum daemon_end {
	DAEMON_ENDED,	 /* all containers are stopped */
	DAEMON_LEFT,	 /* they are left running, for the daemon that comes next */
	DAEMON_EXECUTES, /* the same, and that is a new image of this very process: daemon_execute */
};

/* Everything up to listening. config outlives the daemon. */
int daemon_new(const struct config *config, struct daemon **ret, struct error *err);

/* Runs until SIGTERM or SIGINT, and until the containers are stopped; a second signal kills them. Where
 * systemd restarts the unit, and keeps descriptors, they are left running instead. SIGUSR2: see above.
 */
int daemon_run(struct daemon *daemon, enum daemon_end *ret_end, struct error *err);

/* Executes the program at config->executable in place of this one, and passes it the containers.
 * Returns only on failure.
 */
int daemon_execute(struct daemon *daemon, char *const *argv, struct error *err);

struct daemon *daemon_free(struct daemon *daemon);
