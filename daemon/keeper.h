/* `dokrustd --keep`: a small parent for hosts without systemd. It starts the daemon, keeps copies of
 * the descriptors that the containers depend on, and hands them to the next daemon when this one dies.
 * It speaks sd_notify(3)'s protocol with it (FDSTORE, FDSTOREREMOVE, FDNAME), as systemd would.
 */
#pragma once

#include <stdbool.h>

/* False in the daemon that a keeper has started. */
bool keeper_is_wanted(void);

/* Runs until the daemon has ended by itself; returns the exit status. Signals are passed on to the
 * daemon. A daemon that dies otherwise is started again; one that never came up ends the keeper, too.
 */
int keeper_run(const char *executable, char **argv);
