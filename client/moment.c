#include "client/moment.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/call.h"
#include "common/clock.h"
#include "common/parse.h"

/* "Z", "+01:00", "-0130" or nothing, which is local time. False if it is none of them. */
static bool read_zone(const char *text, struct tm *tm, int64_t *ret_s)
{
	int hours, minutes, used = 0;
	char sign;

	if (!*text) {
		tm->tm_isdst = -1;
		*ret_s = mktime(tm);
		return true;
	}
	*ret_s = timegm(tm);
	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0)
		return true;
	if (sscanf(text, "%c%2d:%2d%n", &sign, &hours, &minutes, &used) != 3 &&
	    sscanf(text, "%c%2d%2d%n", &sign, &hours, &minutes, &used) != 3)
		return false;
	if ((sign != '+' && sign != '-') || text[used] || hours > 23 || minutes > 59)
		return false;
	*ret_s -= (sign == '+' ? 1 : -1) * (hours * 3600 + minutes * 60);
	return true;
}

/* The digits of a fraction as microseconds; returns what follows them. */
static const char *read_fraction(const char *text, int64_t *ret_us)
{
	int64_t unit = 100000;

	*ret_us = 0;
	if (*text != '.')
		return text;
	for (text++; isdigit((unsigned char)*text); text++, unit /= 10)
		*ret_us += (*text - '0') * unit;
	return text;
}

static bool read_date(const char *text, int64_t *ret_us)
{
	struct tm tm = { 0 };
	int64_t us, s;
	int used = 0, more = 0;

	if (sscanf(text, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &used) != 3)
		return false;
	text += used;
	if (*text == 'T' || *text == 't' || *text == ' ') {
		if (sscanf(text + 1, "%2d:%2d%n", &tm.tm_hour, &tm.tm_min, &more) != 2)
			return false;
		text += 1 + more;
		if (*text == ':' && sscanf(text, ":%2d%n", &tm.tm_sec, &more) == 1)
			text += more;
	}
	text = read_fraction(text, &us);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 || tm.tm_mday > 31 ||
	    tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 60 || !read_zone(text, &tm, &s))
		return false;
	*ret_us = s * 1000000 + us;
	return true;
}

static bool read_unix(const char *text, int64_t *ret_us)
{
	char *end;
	long long s;
	int64_t us;

	if (!isdigit((unsigned char)*text))
		return false;
	s = strtoll(text, &end, 10);
	if (*read_fraction(end, &us) || s > INT64_MAX / 2000000)
		return false;
	*ret_us = s * 1000000 + us;
	return true;
}

int option_moment(const char *text, void *value, struct error *err)
{
	struct error ignored;
	int64_t us, ms;

	if (!read_unix(text, &us) && !read_date(text, &us)) {
		if (parse_duration_ms(text, &ms, &ignored) < 0 || ms < 0)
			return error_set(err, ERROR_INVALID_VALUE,
					 "\"%.48s\" is no time: 2026-11-24T08:54:12Z, UNIX "
					 "seconds, or how long ago, as 10m",
					 text);
		us = clock_realtime_us() - ms * 1000;
	}
	/* 0 is what means that none was given. */
	*(int64_t *)value = us > 0 ? us : 1;
	return 0;
}

void moment_add(struct json_object *parameters, const char *key, int64_t moment_us)
{
	char text[CLOCK_TEXT_SIZE];

	if (moment_us)
		call_add_string(parameters, key, clock_format(moment_us, text));
}
