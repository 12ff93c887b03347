#include "daemon/announce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/log.h"

struct announcer {
	struct containers *containers;
	struct container_listener listener;
	uint64_t told; /* serial number of the last event */
};

static const struct {
	const char *event, *message_id, *words;
} kinds[] = {
	{ "start", "c778be1da96a452382a0146d8234d28e", "has started" },
	{ "die", "08122e0d934f42aca1144851aaeb5466", "has ended" },
	{ "health_status", "60f5da2a1adc4e848dfccaec8e4e4069", "is" },
	{ "remove", "08502588bb1c48faa031e275ab0292d3", "is removed" },
};

static const char *text_of(struct json_object *object, const char *key)
{
	const char *text = json_object_get_string(json_object_object_get(object, key));

	return text ? text : "";
}

static void tell(size_t kind, struct json_object *event)
{
	struct json_object *attributes = json_object_object_get(event, "attributes");
	struct json_object *status = json_object_object_get(event, "exit_status");
	_cleanup_(freep) char *fields = NULL;
	const char *name = text_of(event, "name");

	fields = alloc_printf("CONTAINER_NAME=%s\nCONTAINER_ID=%.12s\nCONTAINER_ID_FULL=%s\n%s%s%s",
			      name, text_of(event, "id"), text_of(event, "id"),
			      status ? "EXIT_STATUS=" : "",
			      status ? json_object_get_string(status) : "", status ? "\n" : "");
	log_event(kinds[kind].message_id, fields, "container %s %s%s%s%s%s", name,
		  kinds[kind].words, status ? " with status " : "",
		  status ? json_object_get_string(status) : "",
		  json_object_object_get(attributes, "status") ? " " : "",
		  text_of(attributes, "status"));
}

static void on_wake(struct container_listener *listener)
{
	struct announcer *announcer =
		(struct announcer *)((char *)listener - offsetof(struct announcer, listener));
	const struct happening *happening;

	for (;;) {
		_cleanup_(json_putp) struct json_object *event = NULL;

		announcer->told +=
			containers_next_event(announcer->containers, announcer->told, &happening);
		if (!happening)
			return;
		announcer->told = happening_serial(happening);
		event = happening_to_json(happening);
		for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
			if (strcmp(text_of(event, "event"), kinds[i].event) == 0)
				tell(i, event);
	}
}

struct announcer *announcer_new(struct containers *containers)
{
	struct announcer *announcer;

	if (!log_has_events())
		return NULL;
	announcer = ALLOC(struct announcer);
	announcer->containers = containers;
	announcer->told = containers_last_event(containers);
	announcer->listener.wake = on_wake;
	containers_listen(containers, &announcer->listener);
	return announcer;
}

struct announcer *announcer_free(struct announcer *announcer)
{
	if (!announcer)
		return NULL;
	container_listener_cancel(&announcer->listener);
	free(announcer);
	return NULL;
}
