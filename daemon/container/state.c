#include <assert.h>
#include <signal.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "daemon/container/object.h"
#include "daemon/container/userns.h"
#include "daemon/loop/fault.h"

#define TO(state) (1u << CONTAINER_##state)

static const struct {
	const char *name;
	unsigned int next; /* the states that it may change to */
} states[CONTAINER_STATE_COUNT] = {
	[CONTAINER_CREATED] = { "created", TO(STARTING) | TO(REMOVING) },
	[CONTAINER_RESTARTING] = { "restarting", TO(STARTING) | TO(EXITED) | TO(REMOVING) },
	[CONTAINER_STARTING] = { "starting", TO(RUNNING) | TO(CREATED) | TO(RESTARTING) |
						     TO(EXITED) | TO(REMOVING) },
	[CONTAINER_RUNNING] = { "running", TO(PAUSED) | TO(STOPPING) | TO(RESTARTING) | TO(EXITED) |
						   TO(REMOVING) },
	[CONTAINER_PAUSED] = { "paused", TO(RUNNING) | TO(RESTARTING) | TO(EXITED) | TO(REMOVING) },
	[CONTAINER_STOPPING] = { "stopping", TO(RESTARTING) | TO(EXITED) | TO(REMOVING) },
	[CONTAINER_EXITED] = { "exited", TO(STARTING) | TO(RESTARTING) | TO(REMOVING) },
	[CONTAINER_REMOVING] = { "removing", 0 },
};

const char *container_state_name(enum container_state state)
{
	return states[state].name;
}

void container_changed(struct container *container)
{
	free(TAKE_PTR(container->summary));
}

void container_set_error(struct container *container, const char *message)
{
	free(container->error);
	container->error = message ? alloc_strdup(message) : NULL;
}

static void complain(struct container *container, const struct error *err)
{
	container->set->params.complain(container->id, err);
}

static void saved(void *userdata, const struct error *err)
{
	_cleanup_(freep) char *id = userdata;
	struct containers *set;
	struct container *container;
	struct error ignored;

	/* The container may be gone by now; the set is not, since it outlives the store's queue. */
	(void)memcpy(&set, id + ID_LENGTH + 1, sizeof(set));
	if (containers_find(set, id, &container, &ignored) < 0)
		return;
	container->saves--;
	if (err) {
		complain(container, err);
		if (!container->saved_once) {
			container_notify(container, CONTAINER_EVENT_SAVED, err);
			container_notify(container, CONTAINER_EVENT_STARTED, err);
			if (container->process.launch)
				(void)process_signal(&container->process, SIGKILL, &ignored);
			container_discard(container);
			return;
		}
	}
	container->saved_once = true;
	if (container->saves)
		return;
	if (container->start_untold) {
		container->start_untold = false;
		container_notify(container, CONTAINER_EVENT_STARTED, NULL);
	}
	container_notify(container, CONTAINER_EVENT_SAVED, err);
}

/* For a store callback: the id, and behind it the set. */
static char *save_ticket(struct container *container)
{
	char *ticket = alloc_zero(1, ID_LENGTH + 1 + sizeof(container->set));

	(void)memcpy(ticket, container->id, ID_LENGTH + 1);
	(void)memcpy(ticket + ID_LENGTH + 1, &container->set, sizeof(container->set));
	return ticket;
}

store_callback container_save_begin(struct container *container, void **ret_ticket)
{
	container->saves++;
	*ret_ticket = save_ticket(container);
	return saved;
}

/* It was not queued. */
void container_save_failed(struct container *container, void *ticket)
{
	container->saves--;
	free(ticket);
}

static void write_record(struct container *container, enum store_place place,
			 struct json_object *record, bool awaited)
{
	bool durable = place == STORE_STATE && awaited;
	char *ticket;
	struct error err;
	size_t size;
	const char *text = json_object_to_json_string_length(
		record, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

	/* One that is not understood stays as it is. */
	if (container->unreadable) {
		json_object_put(record);
		return;
	}
	ticket = durable ? save_ticket(container) : NULL;
	container->saves += durable;
	fault_point("before a record");
	if (store_write(container->set->params.store, place, container->id, text, size,
			durable ? saved : NULL, ticket, &err) < 0) {
		complain(container, &err);
		if (durable) {
			container->saves--;
			free(ticket);
		}
	}
	json_object_put(record);
	fault_point("after a record");
}

void container_save_run(struct container *container)
{
	write_record(container, STORE_RUN, record_to_run_json(container), false);
}

static void remove_run_record(struct container *container)
{
	struct error err;

	if (store_remove(container->set->params.store, STORE_RUN, container->id, NULL, NULL, &err) <
	    0)
		complain(container, &err);
	fault_point("without its run's record");
}

void container_save(struct container *container)
{
	/* A --rm container dies with the boot at the latest, so its record may, too. One that
	 * exists only once it runs has it written then.
	 */
	if (container->spec.auto_remove) {
		if (!container->discard_on_failure)
			container_save_run(container);
		return;
	}
	write_record(container, STORE_STATE, record_to_json(container), true);
}

void container_save_wanted(struct container *container)
{
	if (!container->spec.auto_remove)
		write_record(container, STORE_STATE, record_to_json(container),
			     restart_has_policy(container));
}

static void publish_end(const struct container *container)
{
	char kills[24];

	(void)snprintf(kills, sizeof(kills), "%lld", (long long)container->oom_kills);
	container_event_exit(container, "die", container->exit_status,
			     container->oom_kills ? "oom_killed" : NULL, "true", "oom_kills", kills,
			     NULL);
}

/* What is to be discarded when it does not start has not been there for anybody until it runs. */
static void publish(const struct container *container, enum container_state from,
		    enum container_state to)
{
	bool ran = from == CONTAINER_RUNNING || from == CONTAINER_PAUSED ||
		   from == CONTAINER_STOPPING;
	bool starts = from == CONTAINER_STARTING && to == CONTAINER_RUNNING;

	if (starts && container->discard_on_failure)
		container_event(container, "create", NULL);
	if (starts)
		container_event(container, "start", NULL);
	if (to == CONTAINER_PAUSED)
		container_event(container, "pause", NULL);
	if (from == CONTAINER_PAUSED && to == CONTAINER_RUNNING)
		container_event(container, "unpause", NULL);
	if (to == CONTAINER_STOPPING)
		container_event(container, "stop", NULL);
	if (ran &&
	    (to == CONTAINER_EXITED || to == CONTAINER_RESTARTING || to == CONTAINER_REMOVING))
		publish_end(container);
	if (to == CONTAINER_REMOVING && !container->discard_on_failure)
		container_event(container, "remove", NULL);
}

void container_transition(struct container *container, enum container_state to)
{
	enum container_state from = container->state;

	if (from == to)
		return;
	assert(states[from].next & (1u << to));
	container->state = to;
	container_changed(container);
	switch (to) {
	case CONTAINER_RUNNING:
	case CONTAINER_PAUSED:
	case CONTAINER_STOPPING:
		container_save_run(container);
		break;
	case CONTAINER_EXITED:
		if (from != CONTAINER_STARTING && from != CONTAINER_RESTARTING)
			remove_run_record(container);
		container_save(container);
		break;
	case CONTAINER_CREATED:
		container_save(container);
		break;
	case CONTAINER_RESTARTING:
		if (from == CONTAINER_STARTING || from == CONTAINER_EXITED)
			break;
		remove_run_record(container);
		container_save(container);
		break;
	case CONTAINER_REMOVING:
		if (container->spec.auto_remove || from == CONTAINER_RUNNING ||
		    from == CONTAINER_PAUSED || from == CONTAINER_STOPPING)
			remove_run_record(container);
		break;
	default: /* a moment that no restart of the daemon needs to know of */
		break;
	}
	if (container_userns_is_owners(container))
		containers_disk_changed(container->set, container->owner);
	publish(container, from, to);
}

bool container_is_saved(const struct container *container)
{
	return container->saves == 0;
}

pid_t container_pid(const struct container *container)
{
	return container->process.launch ? launch_pid(container->process.launch) : 0;
}

enum container_state container_state(const struct container *container)
{
	return container->state;
}

bool container_is_active(const struct container *container)
{
	return container->state >= CONTAINER_RESTARTING && container->state <= CONTAINER_STOPPING;
}
