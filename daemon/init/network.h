/* The container's network namespace. */
#pragma once

#include "common/error.h"
#include "daemon/init/setup.h"

/* Moves the calling thread into the one that the plan has: a new one, with its loopback interface
 * up, which the daemon is told of if it is to put interfaces there; another container's; or it stays
 * in the host's.
 */
int network_enter(const struct setup *setup, struct error *err);

/* Waits until the daemon has done so. */
int network_wait(const struct setup *setup, struct error *err);
