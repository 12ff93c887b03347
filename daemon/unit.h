/* What systemd is about to do with the daemon's unit. */
#pragma once

#include <stdbool.h>

#include "common/error.h"

/* Whether the job that ends this process is a restart. False where systemd does not run us, or does not
 * answer within a second.
 */
bool unit_is_restarted(void);

/* The control group of a unit that is active and has Delegate=yes, as a path below the mount point,
 * the caller's. Waits for systemd's answer, some seconds at most.
 */
int unit_group(const char *unit, char **ret, struct error *err);
