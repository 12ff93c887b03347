/* One call for each of several containers, or volumes: stop, kill, rm and their like. */
#pragma once

#include <stdbool.h>

#include <json-c/json_object.h>

#include "client/host.h"
#include "common/error.h"

struct each {
	const char *verb; /* for messages: "stop" */
	const char *method;
	const char *key; /* the parameter that names it; NULL: "container" */

	/* Adds what else the call needs to its parameters; may be NULL. */
	void (*add)(struct json_object *parameters, const void *userdata);

	/* Does what is to be done with an answer (NULL: it has no parameters); without it, the
	 * operand is printed.
	 */
	void (*done)(struct json_object *reply, const char *operand, void *userdata);

	/* Whether an error is none; may be NULL. */
	bool (*forgive)(const struct error *err, const void *userdata);
	void *userdata;

	/* May be asked of the next daemon when the connection is lost: it does no harm twice. */
	bool again;
};

/* The calls run at the same time, so that containers that take long to stop do so together; results
 * are printed in the order of the operands, and errors, one line each. Over ssh, one connection
 * serves them one by one. Returns the number of those that failed.
 */
unsigned int each_container(const struct host *host, const struct each *each,
			    char *const *operands);
