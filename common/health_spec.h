/* How a container's health is looked at, as io.dokrust.Container's type Health has it. */
#pragma once

#include <stdint.h>

#include <json-c/json_object.h>

#include "common/error.h"

enum {
	HEALTH_INTERVAL_DEFAULT_MS = 30 * 1000,
	HEALTH_TIMEOUT_DEFAULT_MS = 30 * 1000,
	HEALTH_RETRIES_DEFAULT = 3,
};

struct health_spec {
	char **command; /* NULL: nothing is looked at */
	int64_t interval_ms, timeout_ms;
	int64_t retries; /* failures in a row that make it unhealthy */
	int64_t start_period_ms;
};

#define HEALTH_SPEC_NULL                                                                   \
	{                                                                                  \
		.interval_ms = HEALTH_INTERVAL_DEFAULT_MS,                                 \
		.timeout_ms = HEALTH_TIMEOUT_DEFAULT_MS, .retries = HEALTH_RETRIES_DEFAULT \
	}

/* From the interface's Spec; those that it lacks stay as they are. */
int health_spec_from_json(struct json_object *spec, struct health_spec *health, struct error *err);

/* Adds it to a Spec, if it has a command. */
void health_spec_to_json(const struct health_spec *health, struct json_object *spec);

/* ERROR_INVALID_VALUE, subject "spec.health.*". */
int health_spec_validate(const struct health_spec *health, struct error *err);

void health_spec_done(struct health_spec *health);
