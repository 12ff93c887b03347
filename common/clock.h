/* Time, in microseconds. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { CLOCK_TEXT_SIZE = 32 };

/* Of the day, since 1970 in UTC: for records and people. */
int64_t clock_realtime_us(void);

/* For measuring durations: never set, never jumps. */
int64_t clock_monotonic_us(void);

/* RFC 3339 in UTC with microseconds, "2026-11-24T08:54:12.012345Z". */
const char *clock_format(int64_t realtime_us, char buffer[CLOCK_TEXT_SIZE]);

/* The reverse, for exactly that form. 0, or -1 and *ret untouched. */
int clock_parse(const char *text, int64_t *ret_realtime_us);
