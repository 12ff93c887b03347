/* What the daemon is told (daemon/init/plan.h, "After the plan"). */
#pragma once

#include "common/error.h"

void report_started(void);
/* PLAN_NETWORK: the namespace is there. */
void report_network(void);

void report_failure(const struct error *err);

/* Something that was asked for is not to be had here; the command runs without. */
void report_warning(const struct error *err);
