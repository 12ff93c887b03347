/* What containers use: readings in rounds, as long as somebody watches. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "daemon/container/object.h"
#include "daemon/container/traffic.h"

/* The first round comes sooner, for who wants but one: long enough to tell what a CPU does. */
enum { FIRST_ROUND_MS = 250, ROUND_MS = 1000, COMPARED_US_MIN = 100 * 1000 };

struct meter {
	struct cgroup_figures figures;
	struct traffic traffic;
	uint64_t round;	       /* of the reading */
	int64_t at_us, day_us; /* when it was: monotonic, and of the day */
	/* What cpu_percent_hundredths is measured from. */
	int64_t compared_at_us, compared_usage_us;
	int64_t cpu_percent_hundredths; /* -1: not known yet */
};

/* --- Rounds ---------------------------------------------------------------------------------- */

void meter_end(struct container *container)
{
	if (!container->meter)
		return;
	if (container->cgroup)
		cgroup_watch(container->cgroup, false);
	free(TAKE_PTR(container->meter));
}

/* Of containers that nobody asked for in the round before; or of all. */
static void end_meters(struct containers *set, bool all)
{
	struct container *container;

	TAILQ_FOREACH (container, &set->list, entry)
		if (container->meter && (all || container->meter->round + 1 < set->watch.round))
			meter_end(container);
}

static void set_tick(struct watch *watch, int ms)
{
	const struct timeval time = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (!watch->tick || event_add(watch->tick, &time) < 0)
		abort();
}

static void on_tick(evutil_socket_t fd, short what, void *userdata)
{
	struct containers *set = userdata;
	struct container_watcher *watcher, *next;

	(void)fd;
	(void)what;
	set_tick(&set->watch, ROUND_MS);
	set->watch.round++;
	end_meters(set, false);
	for (watcher = LIST_FIRST(&set->watch.watchers); watcher; watcher = next) {
		next = LIST_NEXT(watcher, entry);
		watcher->wake(watcher); /* which may end it, and no other */
	}
}

void containers_watch(struct containers *set, struct container_watcher *watcher)
{
	LIST_INSERT_HEAD(&set->watch.watchers, watcher, entry);
	watcher->watching = true;
	watcher->set = set;
	if (set->watch.tick)
		return;
	set->watch.tick = evtimer_new(set->params.base, on_tick, set);
	set->watch.round++;
	set_tick(&set->watch, FIRST_ROUND_MS);
}

void container_watcher_cancel(struct container_watcher *watcher)
{
	struct containers *set = watcher->set;

	if (!watcher->watching)
		return;
	watcher->watching = false;
	LIST_REMOVE(watcher, entry);
	if (!LIST_EMPTY(&set->watch.watchers))
		return;
	end_meters(set, true);
	event_free(TAKE_PTR(set->watch.tick));
}

uint64_t containers_round(const struct containers *set)
{
	return set->watch.round;
}

/* --- Readings -------------------------------------------------------------------------------- */

static struct meter *meter_new(struct container *container)
{
	struct meter *meter = ALLOC(struct meter);

	meter->cpu_percent_hundredths = -1;
	meter->compared_usage_us = -1;
	cgroup_watch(container->cgroup, true);
	return meter;
}

/* Two readings that came close together tell nothing: then the one before stays what is compared. */
static void measure_cpu(struct meter *meter)
{
	int64_t passed_us = meter->at_us - meter->compared_at_us;
	int64_t usage_us = meter->figures.cpu_usage_us;

	if (usage_us < 0 || (meter->compared_usage_us >= 0 && passed_us < COMPARED_US_MIN))
		return;
	if (meter->compared_usage_us >= 0)
		meter->cpu_percent_hundredths =
			(usage_us - meter->compared_usage_us) * 10000 / passed_us;
	meter->compared_usage_us = usage_us;
	meter->compared_at_us = meter->at_us;
}

void container_measure(struct container *container)
{
	struct meter *meter;

	if (!container->cgroup || !container->process.launch || !container_is_active(container))
		return;
	if (!container->meter)
		container->meter = meter_new(container);
	meter = container->meter;
	if (meter->round == container->set->watch.round)
		return;
	meter->round = container->set->watch.round;
	meter->at_us = clock_monotonic_us();
	meter->day_us = clock_realtime_us();
	cgroup_sample(container->cgroup, &meter->figures);
	traffic_read(launch_pid(container->process.launch), &meter->traffic);
	measure_cpu(meter);
}

/* --- Telling --------------------------------------------------------------------------------- */

static void add_known(struct json_object *object, const char *key, int64_t value)
{
	if (value >= 0)
		record_add_int(object, key, value);
}

/* With two places, and not as the nearest binary number would print. */
static void add_hundredths(struct json_object *object, const char *key, int64_t value)
{
	char text[32];

	if (value < 0)
		return;
	(void)snprintf(text, sizeof(text), "%lld.%02lld", (long long)value / 100,
		       (long long)value % 100);
	json_object_object_add(object, key, json_object_new_double_s((double)value / 100, text));
}

static void add_memory(struct json_object *object, const struct cgroup_figures *figures)
{
	int64_t limit = figures->memory_limit_bytes, host = -1;
	struct sysinfo info;

	if (figures->memory_bytes < 0)
		return;
	if (sysinfo(&info) == 0)
		host = (int64_t)info.totalram * info.mem_unit;
	if (limit < 0 || (host >= 0 && limit > host))
		limit = host;
	add_known(object, "memory_bytes", figures->memory_bytes);
	add_known(object, "memory_used_bytes", figures->memory_used_bytes);
	add_known(object, "memory_limit_bytes", limit);
	if (limit > 0 && figures->memory_used_bytes >= 0)
		add_hundredths(object, "memory_percent",
			       figures->memory_used_bytes * 10000 / limit);
}

static void add_pressure(struct json_object *object, const char *key,
			 const struct cgroup_pressure *pressure)
{
	struct json_object *told;

	if (pressure->some_total_us < 0)
		return;
	told = json_object_new_object();
	add_hundredths(told, "some_avg10_percent", pressure->some_avg10_percent_hundredths);
	add_hundredths(told, "full_avg10_percent", pressure->full_avg10_percent_hundredths);
	add_known(told, "some_total_us", pressure->some_total_us);
	add_known(told, "full_total_us", pressure->full_total_us);
	json_object_object_add(object, key, told);
}

static void add_figures(struct json_object *object, const struct meter *meter)
{
	const struct cgroup_figures *figures = &meter->figures;

	add_hundredths(object, "cpu_percent", meter->cpu_percent_hundredths);
	add_known(object, "cpu_usage_us", figures->cpu_usage_us);
	add_memory(object, figures);
	add_known(object, "oom_kills", figures->oom_kills);
	add_known(object, "pids", figures->pids);
	add_known(object, "io_read_bytes", figures->io_read_bytes);
	add_known(object, "io_write_bytes", figures->io_write_bytes);
	add_known(object, "io_reads", figures->io_reads);
	add_known(object, "io_writes", figures->io_writes);
	add_known(object, "network_rx_bytes", meter->traffic.rx_bytes);
	add_known(object, "network_tx_bytes", meter->traffic.tx_bytes);
	add_known(object, "network_rx_packets", meter->traffic.rx_packets);
	add_known(object, "network_tx_packets", meter->traffic.tx_packets);
	add_pressure(object, "cpu_pressure", &figures->cpu_pressure);
	add_pressure(object, "memory_pressure", &figures->memory_pressure);
	add_pressure(object, "io_pressure", &figures->io_pressure);
}

struct json_object *container_stats(struct container *container)
{
	struct json_object *object = json_object_new_object();
	const struct meter *meter;

	container_measure(container);
	meter = container->meter;
	if (meter && meter->round != container->set->watch.round)
		meter = NULL; /* it has ended since */
	record_add_string(object, "id", container->id);
	record_add_string(object, "name", container->name);
	record_add_string(object, "state", container_state_name(container->state));
	record_add_time(object, "time", meter ? meter->day_us : clock_realtime_us());
	if (meter)
		add_figures(object, meter);
	return object;
}
