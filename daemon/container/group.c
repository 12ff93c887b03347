/* A container's control group: its limits, and freezing it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/parse.h"
#include "common/text.h"
#include "daemon/container/object.h"
#include "daemon/launch/launch.h"
#include "daemon/loop/fault.h"

enum { PREPARE_AFTER_MS = 10, REMOVE_AGAIN_MS = 20 };

/* --- Limits ---------------------------------------------------------------------------------- */

static int in_resources(struct error *err)
{
	char subject[ERROR_SUBJECT_SIZE];

	(void)snprintf(subject, sizeof(subject), "spec.resources.%.100s", err->subject);
	(void)memcpy(err->subject, subject, sizeof(subject));
	return -1;
}

/* KIND:PATH=RATE */
static int add_rate(struct cgroup_limits *limits, const char *text, struct error *err)
{
	static const char *const kinds[CGROUP_RATE_COUNT] = {
		[CGROUP_RATE_READ_BYTES] = "read_bps",
		[CGROUP_RATE_WRITE_BYTES] = "write_bps",
		[CGROUP_RATE_READ_IOS] = "read_iops",
		[CGROUP_RATE_WRITE_IOS] = "write_iops",
	};
	const char *colon = strchr(text, ':'), *equals = strrchr(text, '=');
	_cleanup_(freep) char *path = NULL;
	unsigned int major, minor;
	int64_t rate;
	size_t kind = 0;

	if (!colon || !equals || equals < colon)
		return error_set_subject(err, ERROR_INVALID_VALUE, "device_rates",
					 "\"%.64s\": a rate is KIND:PATH=RATE", text);
	while (kind < CGROUP_RATE_COUNT &&
	       (strncmp(kinds[kind], text, (size_t)(colon - text)) != 0 ||
		kinds[kind][colon - text]))
		kind++;
	if (kind == CGROUP_RATE_COUNT)
		return error_set_subject(err, ERROR_INVALID_VALUE, "device_rates",
					 "\"%.64s\": unknown kind of rate", text);
	path = alloc_printf("%.*s", (int)(equals - colon - 1), colon + 1);
	if (cgroup_device_numbers(path, &major, &minor, err) < 0 ||
	    parse_integer(equals + 1, 0, INT64_MAX, &rate, err) < 0)
		return error_set_subject(err, ERROR_INVALID_VALUE, "device_rates",
					 "\"%.64s\": %.200s", text, err->message);
	return cgroup_limits_add_rate(limits, major, minor, (enum cgroup_rate)kind, rate, err);
}

static void take_figures(const struct resources *from, struct cgroup_limits *limits)
{
	limits->memory_bytes = from->memory_bytes;
	limits->memory_swap_bytes = from->memory_swap_bytes;
	limits->memory_reservation_bytes = from->memory_reservation_bytes;
	limits->nano_cpus = from->nano_cpus;
	limits->cpu_shares = from->cpu_shares;
	limits->pids = from->pids_limit;
	limits->blkio_weight = from->blkio_weight;
	limits->cpuset_cpus = alloc_strdup(from->cpuset_cpus);
	limits->cpuset_mems = alloc_strdup(from->cpuset_mems);
}

static int make_limits(const struct resources *from, struct cgroup_limits *limits,
		       struct error *err)
{
	take_figures(from, limits);
	for (char **s = from->device_rates; s && *s; s++)
		if (add_rate(limits, *s, err) < 0)
			return -1;
	for (char **s = from->files; s && *s; s++)
		if (cgroup_limits_add_file(limits, *s, err) < 0)
			return -1;
	for (char **s = from->quotas; s && *s; s++)
		if (cgroup_limits_add_quota(limits, *s, err) < 0)
			return -1;
	return cgroup_limits_validate(limits, err);
}

/* NOLINTNEXTLINE(misc-redundant-expression): that is what it says */
_Static_assert(RESOURCE_UNSET == CGROUP_UNSET, "figures are passed on as they are");

int group_check(const struct resources *resources, struct error *err)
{
	_cleanup_(cgroup_limits_done) struct cgroup_limits limits = CGROUP_LIMITS_NULL;

	return make_limits(resources, &limits, err) < 0 ? in_resources(err) : 0;
}

/* --- Ahead ----------------------------------------------------------------------------------- */

static void prepare(evutil_socket_t fd, short what, void *userdata)
{
	struct containers *set = userdata;

	(void)fd;
	(void)what;
	cgroups_prepare(set->params.cgroups);
}

void groups_init(struct containers *set)
{
	set->prepare_groups = evtimer_new(set->params.base, prepare, set);
	if (!set->prepare_groups)
		abort();
}

void groups_done(struct containers *set)
{
	event_free(set->prepare_groups);
}

/* Not while starts come one after the other, when it would be in the way of one. */
static void prepare_later(struct containers *set)
{
	static const struct timeval later = { .tv_usec = PREPARE_AFTER_MS * 1000 };

	(void)event_add(set->prepare_groups, &later);
}

/* --- Devices --------------------------------------------------------------------------------- */

static unsigned int access_of(bool read, bool write, bool make)
{
	return (read ? CGROUP_DEVICE_READ : 0U) | (write ? CGROUP_DEVICE_WRITE : 0U) |
	       (make ? CGROUP_DEVICE_MAKE : 0U);
}

/* NOLINTNEXTLINE(misc-redundant-expression): as above */
_Static_assert(CGROUP_DEVICE_ANY == -1, "a rule's numbers are passed on as they are");

/* Only a rule for all there is can stand for both types at once. */
static void add_rule(const struct device_rule *rule, struct cgroup_device *devices, size_t *n)
{
	const struct cgroup_device device = {
		.type = rule->type == 'a' ? 'b' : rule->type,
		.major = rule->major,
		.minor = rule->minor,
		.access = access_of(rule->read, rule->write, rule->make),
	};

	devices[(*n)++] = device;
	if (rule->type != 'a')
		return;
	devices[*n] = device;
	devices[(*n)++].type = 'c';
}

static int allow_devices(const struct container *container, struct error *err)
{
	const struct rights *rights = &container->spec.rights;
	struct cgroup_device devices[DEVICES_MAX + 2 * DEVICE_RULES_MAX];
	struct launch_device device;
	struct device_rule rule;
	size_t n = 0;

	if (rights->privileged)
		return cgroup_allow_all_devices(container->cgroup, err);
	for (char **text = rights->devices; text && *text; text++) {
		if (launch_find_device(*text, &device, err) < 0)
			return -1;
		devices[n++] = (struct cgroup_device){
			.type = S_ISBLK(device.mode) ? 'b' : 'c',
			.major = major(device.number),
			.minor = minor(device.number),
			.access = access_of(device.option.read, device.option.write,
					    device.option.make),
		};
	}
	for (char **text = rights->device_rules; text && *text; text++) {
		if (device_rule_parse(*text, &rule, err) < 0)
			return -1;
		add_rule(&rule, devices, &n);
	}
	return cgroup_allow_devices(container->cgroup, devices, n, err);
}

/* --- The group ------------------------------------------------------------------------------- */

int group_make(struct container *container, struct cgroup_entry *ret_entry, struct error *err)
{
	_cleanup_(cgroup_limits_done) struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	struct containers *set = container->set;
	_cleanup_(freep) char *name = NULL;

	*ret_entry = CGROUP_ENTRY_NULL;
	if (make_limits(&container->spec.resources, &limits, err) < 0)
		return in_resources(err);
	name = alloc_printf("%s-%.*s", container->name, CGROUP_SHORT_ID, container->id);
	if (cgroup_new(set->params.cgroups, name, &limits, &container->cgroup, err) < 0)
		return err->subject[0] ? in_resources(err) : -1;
	fault_point("with its groups");
	prepare_later(set);
	if (allow_devices(container, err) < 0)
		return -1;
	return group_enter(container, ret_entry, err);
}

int group_enter(const struct container *container, struct cgroup_entry *ret_entry,
		struct error *err)
{
	*ret_entry = CGROUP_ENTRY_NULL;
	if (!container->cgroup)
		return 0;
	return cgroup_open_entry(container->cgroup, ret_entry, err);
}

struct launch_cgroup group_for_launch(const struct cgroup_entry *entry)
{
	return (struct launch_cgroup){
		.v2_fd = entry->v2_fd,
		.tasks_fds = entry->tasks_fds,
		.n_tasks = entry->n_tasks,
	};
}

void group_adopt(struct container *container, const char *name)
{
	struct error ignored; /* it may have been made by a daemon that made none */

	(void)cgroup_adopt(container->set->params.cgroups, name, &container->cgroup, &ignored);
}

struct removal {
	struct cgroup *cgroup;
	struct containers *set;
};

static void remove_later(evutil_socket_t fd, short what, void *userdata);

/* What is still dying in it is waited for. */
static void remove_group(struct removal *removal)
{
	static const struct timeval again = { .tv_usec = REMOVE_AGAIN_MS * 1000 };
	struct error err;

	if (cgroup_remove(removal->cgroup, &err) < 0 && err.sys_errno == EBUSY &&
	    event_base_once(removal->set->params.base, -1, EV_TIMEOUT, remove_later, removal,
			    &again) == 0)
		return;
	(void)cgroup_free(removal->cgroup);
	free(removal);
}

static void remove_later(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	remove_group(userdata);
}

void group_remove(struct container *container)
{
	struct removal *removal;

	if (!container->cgroup)
		return;
	if (container_is_active(container))
		(void)kills_tell(container);
	cgroup_unwatch_kills(container->cgroup);
	meter_end(container);
	removal = ALLOC(struct removal);
	removal->cgroup = TAKE_PTR(container->cgroup);
	removal->set = container->set;
	remove_group(removal);
}

/* --- Update ---------------------------------------------------------------------------------- */

static int update_limits(struct container *container, struct json_object *changes,
			 struct error *err)
{
	_cleanup_(cgroup_limits_done) struct cgroup_limits limits = CGROUP_LIMITS_NULL;
	_cleanup_(resources_done) struct resources wanted = RESOURCES_NULL;
	_cleanup_(resources_done) struct resources merged = RESOURCES_NULL;

	if (resources_from_json(changes, &wanted, err) < 0)
		return in_resources(err);
	resources_copy(&container->spec.resources, &merged);
	if (resources_from_json(changes, &merged, err) < 0 || group_check(&merged, err) < 0)
		return -1;
	if (make_limits(&wanted, &limits, err) < 0)
		return in_resources(err);
	if (container->cgroup && cgroup_update(container->cgroup, &limits, err) < 0)
		return err->subject[0] ? in_resources(err) : -1;
	fault_point("with other limits");
	resources_done(&container->spec.resources);
	container->spec.resources = merged;
	merged = RESOURCES_NULL;
	return 0;
}

int container_update(struct container *container, struct json_object *changes, const char *restart,
		     struct error *err)
{
	if (container_check_readable(container, err) < 0)
		return -1;
	if (restart && restart_check_change(container, restart, err) < 0)
		return -1;
	if (changes && update_limits(container, changes, err) < 0)
		return -1;
	kills_watch(container);
	if (restart)
		restart_change(container, restart);
	container_changed(container);
	container_save(container);
	container_event(container, "update", NULL);
	return 0;
}

/* --- Pause ----------------------------------------------------------------------------------- */

static int wrong_state(const struct container *container, const char *wanted, struct error *err)
{
	return error_set_subject(err, ERROR_WRONG_STATE, container_state_name(container->state),
				 "container \"%s\" is %s, not %s", container->name,
				 container_state_name(container->state), wanted);
}

static int freeze(struct container *container, bool freeze, struct error *err)
{
	if (!container->cgroup)
		return error_set_errno(err, EOPNOTSUPP, "this host has no freezer");
	return cgroup_freeze(container->cgroup, freeze, err);
}

int container_pause(struct container *container, struct error *err)
{
	if (container->state != CONTAINER_RUNNING)
		return wrong_state(container, "running", err);
	if (freeze(container, true, err) < 0)
		return -1;
	container_transition(container, CONTAINER_PAUSED);
	return 0;
}

int container_unpause(struct container *container, struct error *err)
{
	if (container->state != CONTAINER_PAUSED)
		return wrong_state(container, "paused", err);
	if (freeze(container, false, err) < 0)
		return -1;
	container_transition(container, CONTAINER_RUNNING);
	return 0;
}

void group_thaw(struct container *container)
{
	struct error ignored;

	if (container->state == CONTAINER_PAUSED)
		(void)container_unpause(container, &ignored);
}
