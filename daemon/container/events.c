#include "daemon/container/events.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/text.h"
#include "daemon/container/object.h"

/* --- Publishing ------------------------------------------------------------------------------ */

static void clear(struct happening *happening)
{
	free(happening->id);
	free(happening->name);
	free(happening->image);
	strv_free(happening->attributes);
	*happening = (struct happening){ 0 };
}

/* Everybody is woken once for all that a turn of the loop brings. */
static void on_wake(evutil_socket_t fd, short what, void *userdata)
{
	struct events *events = userdata;
	struct container_listener *listener, *next;

	(void)fd;
	(void)what;
	for (listener = LIST_FIRST(&events->listeners); listener; listener = next) {
		next = LIST_NEXT(listener, entry);
		listener->wake(listener);
	}
}

void events_init(struct events *events, struct event_base *base)
{
	LIST_INIT(&events->listeners);
	events->wake = evtimer_new(base, on_wake, events);
	if (!events->wake)
		abort();
}

void events_done(struct events *events)
{
	for (size_t i = 0; events->ring && i < EVENTS_MAX; i++)
		clear(&events->ring[i]);
	free(events->ring);
	event_free(events->wake);
}

static void publish(const struct container *container, const char *event, int exit_status,
		    va_list attributes)
{
	static const struct timeval now = { 0 };
	struct events *events = &container->set->events;
	struct happening *happening;
	const char *key;

	if (!events->ring)
		events->ring = alloc_zero(EVENTS_MAX, sizeof(*events->ring));
	happening = &events->ring[++events->last % EVENTS_MAX];
	clear(happening);
	*happening = (struct happening){
		.serial = events->last,
		.time_us = clock_realtime_us(),
		.event = event,
		.owner = container->owner,
		.exit_status = exit_status,
		.id = alloc_strdup(container->id),
		.name = alloc_strdup(container->name),
		.image = alloc_strdup(container->spec.image),
	};
	while ((key = va_arg(attributes, const char *)))
		strv_set(&happening->attributes, key, va_arg(attributes, const char *));
	if (!LIST_EMPTY(&events->listeners))
		(void)event_add(events->wake, &now);
}

void container_event(const struct container *container, const char *event, ...)
{
	va_list attributes;

	va_start(attributes, event);
	publish(container, event, -1, attributes);
	va_end(attributes);
}

void container_event_exit(const struct container *container, const char *event, int exit_status,
			  ...)
{
	va_list attributes;

	va_start(attributes, exit_status);
	publish(container, event, exit_status, attributes);
	va_end(attributes);
}

void container_viewer_event(const struct container *container, const char *exec, uid_t uid,
			    bool input, bool came)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%u", (unsigned int)uid);
	container_event(container, came ? "attach" : "detach", "uid", number, "read_only",
			input ? "false" : "true", exec ? "exec" : NULL, exec, NULL);
}

/* --- Reading --------------------------------------------------------------------------------- */

void containers_listen(struct containers *set, struct container_listener *listener)
{
	listener->listening = true;
	LIST_INSERT_HEAD(&set->events.listeners, listener, entry);
}

void container_listener_cancel(struct container_listener *listener)
{
	if (!listener->listening)
		return;
	LIST_REMOVE(listener, entry);
	listener->listening = false;
}

uint64_t containers_last_event(const struct containers *set)
{
	return set->events.last;
}

uint64_t containers_events_since(const struct containers *set, int64_t since_us)
{
	const struct events *events = &set->events;
	uint64_t serial = events->last > EVENTS_MAX ? events->last - EVENTS_MAX : 0;

	while (serial < events->last && events->ring[(serial + 1) % EVENTS_MAX].time_us < since_us)
		serial++;
	return serial;
}

uint64_t containers_next_event(const struct containers *set, uint64_t after,
			       const struct happening **ret)
{
	const struct events *events = &set->events;
	uint64_t oldest = events->last > EVENTS_MAX ? events->last - EVENTS_MAX + 1 : 1;
	uint64_t lost = after + 1 < oldest ? oldest - after - 1 : 0;

	*ret = NULL;
	if (after + lost < events->last)
		*ret = &events->ring[(after + lost + 1) % EVENTS_MAX];
	return lost;
}

const char *happening_event(const struct happening *happening)
{
	return happening->event;
}

uint64_t happening_serial(const struct happening *happening)
{
	return happening->serial;
}

uid_t happening_owner(const struct happening *happening)
{
	return happening->owner;
}

int64_t happening_time_us(const struct happening *happening)
{
	return happening->time_us;
}

struct json_object *happening_to_json(const struct happening *happening)
{
	struct json_object *object = json_object_new_object();
	struct json_object *attributes = json_object_new_object();

	record_add_time(object, "time", happening->time_us);
	record_add_string(object, "event", happening->event);
	record_add_string(object, "id", happening->id);
	record_add_string(object, "name", happening->name);
	record_add_string(object, "image", happening->image);
	if (happening->exit_status >= 0)
		record_add_int(object, "exit_status", happening->exit_status);
	for (char **a = happening->attributes; a && *a; a++) {
		_cleanup_(freep) char *key = strndup(*a, strcspn(*a, "="));

		record_add_string(attributes, key, strchr(*a, '=') + 1);
	}
	json_object_object_add(object, "attributes", attributes);
	return object;
}

/* --- Filters --------------------------------------------------------------------------------- */

static bool match_event(const struct happening *happening, const char *value)
{
	return strcmp(happening->event, value) == 0;
}

static bool match_name(const struct happening *happening, const char *value)
{
	return strcmp(happening->name, value) == 0;
}

static bool match_id(const struct happening *happening, const char *value)
{
	return value[0] && strncmp(happening->id, value, strlen(value)) == 0;
}

static bool match_container(const struct happening *happening, const char *value)
{
	return match_name(happening, value) || match_id(happening, value);
}

static bool match_image(const struct happening *happening, const char *value)
{
	return happening->image && strcmp(happening->image, value) == 0;
}

static const struct {
	const char *key;
	bool (*match)(const struct happening *happening, const char *value);
} keys[] = {
	{ "event", match_event }, { "container", match_container }, { "name", match_name },
	{ "id", match_id },	  { "image", match_image },
};

/* The index of a filter's key; ARRAY_SIZE(keys) if it is none. */
static size_t find_key(const char *filter)
{
	size_t n = strcspn(filter, "="), i = 0;

	if (filter[n] != '=')
		return ARRAY_SIZE(keys);
	while (i < ARRAY_SIZE(keys) &&
	       (strlen(keys[i].key) != n || strncmp(keys[i].key, filter, n) != 0))
		i++;
	return i;
}

int happening_check_filters(char *const *filters, struct error *err)
{
	char field[32];

	for (size_t i = 0; filters && filters[i]; i++) {
		if (find_key(filters[i]) < ARRAY_SIZE(keys))
			continue;
		(void)snprintf(field, sizeof(field), "filters[%zu]", i);
		return error_set_subject(err, ERROR_INVALID_VALUE, field,
					 "\"%.64s\": a filter is KEY=VALUE with a key of event, "
					 "container, name, id and image",
					 filters[i]);
	}
	return 0;
}

/* Several values of a key are alternatives. */
bool happening_matches(const struct happening *happening, char *const *filters)
{
	bool asked[ARRAY_SIZE(keys)] = { false }, fits[ARRAY_SIZE(keys)] = { false };

	for (; filters && *filters; filters++) {
		size_t i = find_key(*filters);

		asked[i] = true;
		fits[i] = fits[i] || keys[i].match(happening, strchr(*filters, '=') + 1);
	}
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (asked[i] && !fits[i])
			return false;
	return true;
}
