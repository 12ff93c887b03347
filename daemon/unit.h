/* What systemd is about to do with the daemon's unit. */
#pragma once

#include <stdbool.h>

/* Whether the job that ends this process is a restart. False where systemd does not run us, or does not
 * answer within a second.
 */
bool unit_is_restarted(void);
