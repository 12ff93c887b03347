/* Starting again what has ended (common/restart_policy.h). */
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/restart_policy.h"
#include "daemon/container/object.h"

enum {
	DELAY_MIN_MS = 100,
	DELAY_MAX_MS = 60 * 1000,
	STEADY_US = 10 * 1000 * 1000, /* after such a run the delays begin anew */
	STAGGER_MS = 4,		      /* between the starts when the daemon starts */
};

static struct restart_policy policy_of(const struct container *container)
{
	struct restart_policy policy = { 0 };
	struct error ignored; /* it was validated with the spec */

	if (!container->unreadable)
		(void)parse_restart_policy(container->spec.restart, &policy, &ignored);
	return policy;
}

bool restart_has_policy(const struct container *container)
{
	return policy_of(container).when != RESTART_NO;
}

/* By its exit, its health, or by not having started. */
static bool has_failed(const struct container *container)
{
	return container->exit_status != 0 || container->error || container->unhealthy;
}

static bool allows(const struct container *container)
{
	struct restart_policy policy = policy_of(container);

	switch (policy.when) {
	case RESTART_ON_FAILURE:
	case RESTART_ON_UNHEALTHY:
		return has_failed(container) &&
		       (!policy.retries || container->restart_count < policy.retries);
	case RESTART_ALWAYS:
	case RESTART_UNLESS_STOPPED:
		return true;
	case RESTART_NO:
	default:
		return false;
	}
}

bool restart_is_due(const struct container *container)
{
	return container->wanted && !container->set->stopped && allows(container);
}

void restart_cancel(struct container *container)
{
	if (container->restart_timer)
		event_free(TAKE_PTR(container->restart_timer));
}

static void on_time(evutil_socket_t fd, short what, void *userdata)
{
	struct container *container = userdata;

	(void)fd;
	(void)what;
	restart_cancel(container);
	container->restart_count++;
	container_start_again(container);
}

static void start_in(struct container *container, int64_t ms)
{
	const struct timeval delay = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };

	restart_cancel(container);
	container_transition(container, CONTAINER_RESTARTING);
	container->restart_timer =
		event_new(container->set->params.base, -1, 0, on_time, container);
	if (!container->restart_timer || event_add(container->restart_timer, &delay) < 0)
		abort();
}

void restart_later(struct container *container)
{
	bool ran = container->state != CONTAINER_STARTING &&
		   container->state != CONTAINER_RESTARTING;
	bool steady = ran && clock_monotonic_us() - container->ran_from_us >= STEADY_US;
	int64_t ms = container->restart_delay_ms * 2;

	if (steady || ms < DELAY_MIN_MS)
		ms = DELAY_MIN_MS;
	if (ms > DELAY_MAX_MS)
		ms = DELAY_MAX_MS;
	container->restart_delay_ms = ms;
	start_in(container, ms);
}

void restart_give_up(struct container *container)
{
	restart_cancel(container);
	container_transition(container, CONTAINER_EXITED);
	container_notify(container, CONTAINER_EVENT_EXITED, NULL);
}

void restart_unhealthy(struct container *container)
{
	if (policy_of(container).when == RESTART_ON_UNHEALTHY)
		container_stop_unhealthy(container);
}

/* --- Changing it ----------------------------------------------------------------------------- */

int restart_check_change(const struct container *container, const char *text, struct error *err)
{
	struct spec changed = container->spec;

	changed.restart = (char *)(uintptr_t)text;
	return spec_validate(&changed, err);
}

void restart_change(struct container *container, const char *text)
{
	free(container->spec.restart);
	container->spec.restart = alloc_strdup(text);
	if (container->state != CONTAINER_RESTARTING || restart_is_due(container))
		return;
	container->wanted = false;
	restart_give_up(container);
}

/* --- When the daemon starts ------------------------------------------------------------------ */

static bool starts_with_daemon(const struct container *container)
{
	bool anew = container->set->params.anew && policy_of(container).when == RESTART_ALWAYS;

	return container->state == CONTAINER_EXITED &&
	       (anew || (container->wanted && allows(container)));
}

/* In the order of their creation, and not all at the same moment. */
void restart_lost(struct containers *set)
{
	struct container *container;
	int64_t ms = 0;

	TAILQ_FOREACH (container, &set->list, entry) {
		if (starts_with_daemon(container)) {
			container->wanted = true;
			start_in(container, ms);
			ms += STAGGER_MS;
		} else if (container->state == CONTAINER_EXITED) {
			container->wanted = false;
		}
	}
}
