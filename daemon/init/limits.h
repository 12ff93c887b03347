/* What the kernel bounds in a process: resource limits, and the OOM killer's liking. */
#pragma once

#include "common/error.h"
#include "daemon/init/plan.h"

/* Sets the plan's limits for the calling process and what comes of it. One that may not be raised
 * is set as high as it may be, with a warning. Without one for descriptors, the soft limit becomes
 * what select(2) can bear: the daemon has raised its own.
 */
int limits_set(const struct plan_rights *rights, struct error *err);

/* Sets the calling process's adjustment, while the host's /proc is there. One that may not be
 * lowered so far stays, with a warning.
 */
int limits_set_oom_score(const struct plan_rights *rights, struct error *err);
