#include "common/resources.h"

#include <ctype.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

static const struct json_field figures[] = {
	JSON_FIELD(struct resources, memory_bytes, JSON_INT),
	JSON_FIELD(struct resources, memory_swap_bytes, JSON_INT),
	JSON_FIELD(struct resources, memory_reservation_bytes, JSON_INT),
	JSON_FIELD(struct resources, nano_cpus, JSON_INT),
	JSON_FIELD(struct resources, cpu_shares, JSON_INT),
	JSON_FIELD(struct resources, pids_limit, JSON_INT),
	JSON_FIELD(struct resources, blkio_weight, JSON_INT),
};

static const struct json_field strings[] = {
	JSON_FIELD(struct resources, cpuset_cpus, JSON_STRING),
	JSON_FIELD(struct resources, cpuset_mems, JSON_STRING),
	JSON_FIELD(struct resources, device_rates, JSON_STRINGS),
	JSON_FIELD(struct resources, files, JSON_STRINGS),
	JSON_FIELD(struct resources, quotas, JSON_STRINGS),
};

int resources_from_json(struct json_object *object, struct resources *resources, struct error *err)
{
	if (json_read_fields(object, figures, ARRAY_SIZE(figures), resources, err) < 0)
		return -1;
	return json_read_fields(object, strings, ARRAY_SIZE(strings), resources, err);
}

struct json_object *resources_to_json(const struct resources *resources)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
		int64_t figure;

		(void)memcpy(&figure, (const char *)resources + figures[i].offset, sizeof(figure));
		if (figure != RESOURCE_UNSET)
			json_object_object_add(object, figures[i].key,
					       json_object_new_int64(figure));
	}
	json_write_fields(object, strings, ARRAY_SIZE(strings), resources);
	if (json_object_object_length(object) > 0)
		return object;
	json_object_put(object);
	return NULL;
}

void resources_copy(const struct resources *from, struct resources *ret)
{
	*ret = *from;
	ret->cpuset_cpus = alloc_strdup(from->cpuset_cpus);
	ret->cpuset_mems = alloc_strdup(from->cpuset_mems);
	ret->device_rates = strv_copy(from->device_rates);
	ret->files = strv_copy(from->files);
	ret->quotas = strv_copy(from->quotas);
}

void resources_done(struct resources *resources)
{
	json_free_fields(strings, ARRAY_SIZE(strings), resources);
	*resources = RESOURCES_NULL;
}

/* --- What people type ------------------------------------------------------------------------ */

/* Digits with a fraction, as a multiple of 10^-9 below 10^18; advances *at. */
static bool read_decimal(const char **at, int64_t *ret)
{
	const int64_t one = 1000000000;
	int64_t whole = 0, fraction = 0, scale = one;
	const char *s = *at;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s); s++) {
		whole = whole * 10 + (*s - '0');
		if (whole >= one)
			return false;
	}
	if (*s == '.') {
		for (s++; isdigit((unsigned char)*s); s++) {
			scale /= 10;
			fraction += scale * (*s - '0');
		}
	}
	*at = s;
	*ret = whole * one + fraction;
	return true;
}

/* The power of 1024 that a unit stands for, or -1. */
static int unit_power(const char *unit)
{
	static const char units[] = "bkmgt";
	const char *found;

	if (!*unit)
		return 0;
	found = strchr(units, tolower((unsigned char)*unit));
	if (!found || (found == units ? unit[1] != '\0' :
					unit[1] && strcasecmp(unit + 1, "b") != 0 &&
						strcasecmp(unit + 1, "ib") != 0))
		return -1;
	return (int)(found - units);
}

static int read_size(const char *text, int64_t *ret)
{
	const char *at = text;
	int64_t whole = 0, decimal;
	int power;

	/* Plain bytes may be more than a decimal can hold. */
	if (strspn(text, "0123456789") == strlen(text) && *text && strlen(text) <= 18) {
		for (; *at; at++)
			whole = whole * 10 + (*at - '0');
		*ret = whole;
		return 0;
	}
	if (!read_decimal(&at, &decimal))
		return -1;
	power = unit_power(at);
	if (power < 0)
		return -1;
	for (whole = decimal / 1000000000, decimal %= 1000000000; power > 0; power--) {
		if (whole >= INT64_MAX / 1024 / 2)
			return -1;
		decimal *= 1024;
		whole = whole * 1024 + decimal / 1000000000;
		decimal %= 1000000000;
	}
	*ret = whole;
	return 0;
}

int parse_size(const char *text, int64_t *ret_bytes, struct error *err)
{
	if (strcmp(text, "-1") == 0) {
		*ret_bytes = -1;
		return 0;
	}
	if (read_size(text, ret_bytes) == 0)
		return 0;
	return error_set(err, ERROR_INVALID_VALUE,
			 "\"%.32s\" is no size; write 536870912, 512m, 1.5g, or -1 for no limit",
			 text);
}

int parse_cpus(const char *text, int64_t *ret_nano_cpus, struct error *err)
{
	const char *at = text;
	int64_t nano_cpus;

	if (!read_decimal(&at, &nano_cpus) || *at || nano_cpus == 0)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.32s\" is no number of CPUs; write 2, or 0.5", text);
	*ret_nano_cpus = nano_cpus;
	return 0;
}
