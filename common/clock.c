#include "common/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static int64_t now_us(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

int64_t clock_realtime_us(void)
{
	return now_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

const char *clock_format(int64_t realtime_us, char buffer[CLOCK_TEXT_SIZE])
{
	time_t seconds = (time_t)(realtime_us / 1000000);
	struct tm tm;
	size_t n;

	(void)gmtime_r(&seconds, &tm);
	n = strftime(buffer, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(buffer + n, CLOCK_TEXT_SIZE - n, ".%06dZ", (int)(realtime_us % 1000000));
	return buffer;
}

int clock_parse(const char *text, int64_t *ret_realtime_us)
{
	struct tm tm = { 0 };
	int us = 0, used = 0;

	if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d.%6dZ%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
		   &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &us, &used) != 7 ||
	    used != 27 || text[used] != '\0')
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	*ret_realtime_us = (int64_t)timegm(&tm) * 1000000 + us;
	return 0;
}
