#include "common/health_spec.h"

#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

enum { TIME_MAX_MS = 24 * 3600 * 1000, RETRIES_MAX = 1000 };

static const struct json_field fields[] = {
	JSON_FIELD(struct health_spec, command, JSON_STRINGS),
	JSON_FIELD(struct health_spec, interval_ms, JSON_INT),
	JSON_FIELD(struct health_spec, timeout_ms, JSON_INT),
	JSON_FIELD(struct health_spec, retries, JSON_INT),
	JSON_FIELD(struct health_spec, start_period_ms, JSON_INT),
};

int health_spec_from_json(struct json_object *spec, struct health_spec *health, struct error *err)
{
	struct json_object *object = json_object_object_get(spec, "health");
	char subject[ERROR_SUBJECT_SIZE];

	if (!object)
		return 0;
	if (json_object_get_type(object) != json_type_object)
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.health",
					 "health: expected an object");
	if (json_read_fields(object, fields, ARRAY_SIZE(fields), health, err) == 0)
		return 0;
	(void)snprintf(subject, sizeof(subject), "spec.health.%.90s", err->subject);
	(void)memcpy(err->subject, subject, sizeof(subject));
	return -1;
}

void health_spec_to_json(const struct health_spec *health, struct json_object *spec)
{
	struct json_object *object;

	if (!health->command)
		return;
	object = json_object_new_object();
	json_write_fields(object, fields, ARRAY_SIZE(fields), health);
	json_object_object_add(spec, "health", object);
}

#define INVALID(err, field, ...) \
	error_set_subject(err, ERROR_INVALID_VALUE, "spec.health." field, __VA_ARGS__)

int health_spec_validate(const struct health_spec *health, struct error *err)
{
	if (health->command && (!strv_length(health->command) || !health->command[0][0]))
		return INVALID(err, "command", "the command that tells the health is empty");
	if (health->interval_ms < 1 || health->interval_ms > TIME_MAX_MS)
		return INVALID(err, "interval_ms", "an interval is above 0, and at most a day");
	if (health->timeout_ms < 1 || health->timeout_ms > TIME_MAX_MS)
		return INVALID(err, "timeout_ms", "a timeout is above 0, and at most a day");
	if (health->retries < 1 || health->retries > RETRIES_MAX)
		return INVALID(err, "retries", "retries are 1 to %d", RETRIES_MAX);
	if (health->start_period_ms < 0 || health->start_period_ms > TIME_MAX_MS)
		return INVALID(err, "start_period_ms", "a start period is at most a day");
	return 0;
}

void health_spec_done(struct health_spec *health)
{
	health->command = strv_free(health->command);
}
