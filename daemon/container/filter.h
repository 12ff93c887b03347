/* Filters of a listing: KEY=VALUE; several values of a key are alternatives, several keys must all
 * fit. Keys: name, id (parts of them), state (or status), exit_status (or exited), image, label
 * (KEY or KEY=VALUE).
 */
#pragma once

#include <stdbool.h>

#include "common/error.h"
#include "daemon/container/container.h"

/* Checks the form of filters (a vector, or NULL): ERROR_INVALID_VALUE, subject "filters[N]". */
int filter_check(char *const *filters, struct error *err);

bool filter_matches(char *const *filters, const struct container *container);
