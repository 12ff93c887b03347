#include "client/resource_options.h"

#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/parse.h"
#include "common/text.h"

int option_size(const char *text, void *value, struct error *err)
{
	return parse_size(text, value, err);
}

int option_cpus(const char *text, void *value, struct error *err)
{
	return parse_cpus(text, value, err);
}

int option_count(const char *text, void *value, struct error *err)
{
	return parse_integer(text, -1, INT64_MAX - 1, value, err);
}

/* PATH:RATE, docker's form, as an element of struct resources' device_rates. */
static int add_rate(const char *kind, const char *text, bool bytes, void *value, struct error *err)
{
	const char *colon = strrchr(text, ':');
	_cleanup_(freep) char *rate = NULL;
	int64_t number;

	if (!colon || colon == text)
		return error_set(err, ERROR_INVALID_VALUE, "\"%.64s\": write PATH:RATE", text);
	if (bytes ? parse_size(colon + 1, &number, err) < 0 :
		    parse_integer(colon + 1, 0, INT64_MAX - 1, &number, err) < 0)
		return -1;
	rate = alloc_printf("%s:%.*s=%lld", kind, (int)(colon - text), text, (long long)number);
	strv_append(value, rate);
	return 0;
}

int option_read_bps(const char *text, void *value, struct error *err)
{
	return add_rate("read_bps", text, true, value, err);
}

int option_write_bps(const char *text, void *value, struct error *err)
{
	return add_rate("write_bps", text, true, value, err);
}

int option_read_iops(const char *text, void *value, struct error *err)
{
	return add_rate("read_iops", text, false, value, err);
}

int option_write_iops(const char *text, void *value, struct error *err)
{
	return add_rate("write_iops", text, false, value, err);
}
