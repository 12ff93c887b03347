/* Frames of an upgraded connection that is only read from: logs, recordings. */
#pragma once

#include <json-c/json_object.h>

#include "client/call.h"
#include "common/error.h"
#include "common/frame.h"

struct frames {
	struct channel *channel;
	unsigned char *data; /* start..end was received */
	size_t start, end;
};

/* Calls the method (parameters are taken) with `upgrade` on a channel that is open. */
int frames_open(struct frames *frames, struct channel *channel, const char *method,
		struct json_object *parameters, struct error *err);
void frames_done(struct frames *frames);

/* Whether a whole frame is there without waiting. */
bool frames_ready(const struct frames *frames);

/* The next one, valid until the next call. 0 at the end (EOF), -1 when the connection ends without
 * one.
 */
int frames_next(struct frames *frames, struct frame *ret, struct error *err);
