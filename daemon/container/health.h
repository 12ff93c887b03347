/* How healthy a container is: a command that is executed in it from time to time says so by its exit
 * status (common/health_spec.h). Such a look is no exec: it has no session, no event and no log, and
 * is killed when it takes too long. Private to daemon/container.
 */
#pragma once

#include <json-c/json_object.h>

struct container;
struct health;

/* Begins to look at a container that runs: NULL if its spec does not ask for it. */
struct health *health_new(struct container *container);

/* A look that goes on is ended. NULL-safe; so are the functions below. */
struct health *health_free(struct health *health);

/* "starting", "healthy", "unhealthy"; NULL for NULL. */
const char *health_status(const struct health *health);

/* Adds the interface's health, health_failures and health_results. */
void health_to_json(const struct health *health, struct json_object *detail);

/* For the record of a run, and back. */
void health_to_record(const struct health *health, struct json_object *record);
void health_from_record(struct health *health, struct json_object *record);
