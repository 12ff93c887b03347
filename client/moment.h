/* Moments as people name them: --since, --until. */
#pragma once

#include <stdint.h>

#include <json-c/json_object.h>

#include "common/error.h"

/* For OPTION_PARSED, into an int64_t of microseconds since 1970: RFC 3339 ("2026-11-24T08:54:12Z",
 * "...+01:00"), any beginning of it from the date on, and then, without a zone, in local time; UNIX
 * seconds ("1764017652.5"); or how long ago ("10m", "1h30m").
 */
int option_moment(const char *text, void *value, struct error *err);

/* Adds it as the API has it, unless it is 0. */
void moment_add(struct json_object *parameters, const char *key, int64_t moment_us);
