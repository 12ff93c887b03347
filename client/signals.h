/* Signals that a client which is attached to a container deals with itself, read as events from a
 * signalfd(2): there is no handler, and nothing that one would share with the program.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>

#include "common/error.h"

struct signals {
	int fd;
	sigset_t before; /* those that were blocked when it was opened */
	int kept;	 /* one that came while the call was under way; 0: none */
};

#define SIGNALS_NULL ((struct signals){ .fd = -1 })

/* From here on, they wait to be read: SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM,
 * the real-time signals, SIGWINCH and SIGCONT. SIGPIPE is blocked: a write to a broken pipe fails
 * with EPIPE. It stays so until signals_release, or until the process ends.
 */
int signals_open(struct signals *signals, struct error *err);
void signals_done(struct signals *signals);

/* They do again what they did before; SIGPIPE is ignored. */
void signals_release(const struct signals *signals);

/* The next that came, without waiting; 0 if none did. */
int signals_next(struct signals *signals);

/* Those that ask a program to end. */
bool signals_ends(int number);
