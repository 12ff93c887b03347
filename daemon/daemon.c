#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <event2/event.h>
#include <systemd/sd-daemon.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/fdio.h"
#include "daemon/announce.h"
#include "daemon/api/server.h"
#include "daemon/cgroup/cgroup.h"
#include "daemon/container/container.h"
#include "daemon/image/volume.h"
#include "daemon/launch/launch.h"
#include "daemon/launch/userns.h"
#include "daemon/logs/logs.h"
#include "daemon/loop/bus.h"
#include "daemon/loop/reaper.h"
#include "daemon/machines.h"
#include "daemon/network/network.h"
#include "daemon/store/keep.h"
#include "daemon/store/store.h"
#include "daemon/unit.h"

/* The listening socket's name: as the socket unit has it, and where it is our own. */
#define DOOR_PASSED "varlink"
#define DOOR_UNNAMED "unknown"
#define DOOR_OWN "door"

enum { SIGNALS_COUNT = 4, SETTLE_MS = 10 };

struct daemon {
	const struct config *config;
	struct event_base *base;
	struct reaper *reaper;
	struct store *store;
	struct launcher *launcher;
	struct userns_pool *userns_pool;
	struct volumes *volumes;
	struct networks *networks;
	struct logs *logs;
	struct containers *containers;
	struct server *server;
	struct keep *keep;
	struct cgroups *cgroups;
	struct bus *bus;
	struct machines *machines;
	struct event *signals[SIGNALS_COUNT];
	struct event *watchdog; /* NULL: nobody asks for it */
	struct announcer *announcer;
	int door;	 /* a copy of the listening socket */
	bool own_socket; /* bound by us, not passed */
	enum daemon_end end;
};

static void complain(const char *id, const struct error *err)
{
	log_warning("container %.12s: %s", id ? id : "", err->message);
}

static void complain_of_volume(const char *id, const struct error *err)
{
	log_warning("volume %s: %s", id, err->message);
}

static void complain_of_network(const char *name, const struct error *err)
{
	log_warning("network %s: %s", name, err->message);
}

static void tell(const char *message)
{
	log_info("%s", message);
}

/* --- Leaving --------------------------------------------------------------------------------- */

static void on_all_stopped(void *userdata)
{
	struct daemon *daemon = userdata;

	(void)event_base_loopbreak(daemon->base);
}

static void stop(struct daemon *daemon)
{
	daemon->end = DAEMON_ENDED;
	keep_notify(daemon->keep, "STOPPING=1");
	server_stop_accepting(daemon->server);
	containers_stop_all(daemon->containers, on_all_stopped, daemon);
}

/* What is in the middle of its start is waited for: a moment later it can be left like the others. */
static void leave_when_settled(evutil_socket_t fd, short what, void *userdata)
{
	static const struct timeval later = { .tv_usec = SETTLE_MS * 1000 };
	struct daemon *daemon = userdata;

	(void)fd;
	(void)what;
	if (containers_count(daemon->containers, CONTAINER_STARTING) == 0)
		(void)event_base_loopbreak(daemon->base);
	else if (event_base_once(daemon->base, -1, EV_TIMEOUT, leave_when_settled, daemon, &later) <
		 0)
		abort();
}

static void leave(struct daemon *daemon, enum daemon_end end)
{
	daemon->end = end;
	server_stop_accepting(daemon->server);
	leave_when_settled(-1, 0, daemon);
}

static void on_stop_signal(evutil_socket_t number, short what, void *userdata)
{
	struct daemon *daemon = userdata;

	(void)what;
	if (keep_is_active(daemon->keep) && unit_is_restarted()) {
		log_info("%s for a restart: the containers are left running", strsignal(number));
		leave(daemon, DAEMON_LEFT);
		return;
	}
	log_info("%s: stopping", strsignal(number));
	stop(daemon);
}

static void on_reload_signal(evutil_socket_t number, short what, void *userdata)
{
	struct daemon *daemon = userdata;

	(void)what;
	log_info("%s: going on as a new process image", strsignal(number));
	keep_notify(daemon->keep, "RELOADING=1");
	keep_hand_over(daemon->keep);
	leave(daemon, DAEMON_EXECUTES);
}

/* --- Arriving -------------------------------------------------------------------------------- */

static int make_directory(const char *path, mode_t mode, struct error *err)
{
	_cleanup_(freep) char *copy = alloc_strdup(path);

	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return error_set_errno(err, errno, "make %s", copy);
		*slash = '/';
	}
	if (mkdir(copy, mode) < 0 && errno != EEXIST)
		return error_set_errno(err, errno, "make %s", copy);
	return 0;
}

static int make_directories(const struct config *config, struct error *err)
{
	_cleanup_(freep) char *socket_dir = alloc_strdup(config->socket);
	char *slash = strrchr(socket_dir, '/');

	if (make_directory(config->state_dir, 0700, err) < 0 ||
	    make_directory(config->run_dir, 0755, err) < 0)
		return -1;
	*slash = '\0';
	return *socket_dir ? make_directory(socket_dir, 0755, err) : 0;
}

/* A socket that was passed, by systemd or by the daemon before; *ret_fd is -1 if there is none. */
static int passed_socket(struct daemon *daemon, int *ret_fd, struct error *err)
{
	int found = keep_take(daemon->keep, DOOR_OWN);

	daemon->own_socket = found >= 0;
	if (found < 0)
		found = keep_take(daemon->keep, DOOR_PASSED);
	/* A socket unit that gives its one socket no name. */
	if (found < 0)
		found = keep_take(daemon->keep, DOOR_UNNAMED);
	if (found < 0)
		return 0;
	*ret_fd = found;
	if (sd_is_socket(found, AF_UNIX, SOCK_STREAM, 1) <= 0)
		return error_set(err, ERROR_FAILED,
				 "what was passed is no listening Unix stream socket");
	if (fd_set_nonblocking(found, true) < 0)
		return error_set_errno(err, errno, "the socket that was passed");
	return 0;
}

static int open_door(struct daemon *daemon, struct error *err)
{
	const struct config *config = daemon->config;
	const struct server_params params = {
		.base = daemon->base,
		.containers = daemon->containers,
		.volumes = daemon->volumes,
		.networks = daemon->networks,
		.socket = config->socket,
		.state_dir = config->state_dir,
		.run_dir = config->run_dir,
		.image_dir = config->image_dir,
		.access = {
			.group = config->group,
			.admin_group = config->admin_group,
			.subuid_file = config->subuid_file,
			.subgid_file = config->subgid_file,
			.ids_first = config->ids.first,
			.ids_count = config->ids.count,
			.containers_max = config->user_containers_max,
			.memory_max_bytes = config->user_memory_max_bytes,
		},
		.connections_max = (unsigned int)config->connections_max,
		.connections_per_user_max = (unsigned int)config->connections_per_user_max,
		.started_at_us = clock_realtime_us(),
	};
	_cleanup_(fd_closep) int fd = -1;

	if (passed_socket(daemon, &fd, err) < 0)
		return -1;
	if (fd < 0) {
		if (server_listen(config->socket, config->group, &fd, err) < 0)
			return -1;
		daemon->own_socket = true;
	}
	daemon->door = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (daemon->door < 0)
		return error_set_errno(err, errno, "copy the listening socket");
	if (server_new(&params, fd, &daemon->server, err) < 0)
		return -1;
	fd = -1;
	/* Clients that come while there is no daemon wait for the next one. */
	if (daemon->own_socket)
		keep_store(daemon->keep, DOOR_OWN, daemon->door);
	return 0;
}

/* Whether a daemon before has left anything to this one, besides what the socket unit passes. */
static bool is_anew(const struct daemon *daemon)
{
	const char *name;

	for (size_t i = 0; (name = keep_left(daemon->keep, i)); i++)
		if (strcmp(name, DOOR_PASSED) != 0 && strcmp(name, DOOR_UNNAMED) != 0)
			return false;
	return true;
}

/* Without the unit there is the top of the hierarchy, as where there is no systemd. */
static int find_cgroups(struct daemon *daemon, struct error *err)
{
	const char *unit = daemon->config->cgroup_unit;
	struct cgroups_params params = { .run_dir = daemon->config->run_dir, .base = daemon->base };
	_cleanup_(freep) char *group = NULL;
	struct error why;

	if (unit && unit_group(unit, &group, &why) < 0)
		log_warning("%s; the containers' control groups go to the top", why.message);
	params.v2_parent = group;
	return cgroups_new(&params, &daemon->cgroups, err);
}

static int make_networks(struct daemon *daemon, struct error *err)
{
	const struct networks_params params = {
		.base = daemon->base,
		.store = daemon->store,
		.run_dir = daemon->config->run_dir,
		.bus = daemon->bus,
		.leave_firewalls = !daemon->config->firewall_exceptions,
		.publish_address = daemon->config->publish_address,
		.complain = complain_of_network,
		.tell = tell,
	};

	if (networks_new(&params, &daemon->networks, err) < 0)
		return -1;
	return networks_load(daemon->networks, err);
}

static int build_rooms(struct daemon *daemon, struct error *err)
{
	const struct config *config = daemon->config;
	struct containers_params params = {
		.image_dir = config->image_dir,
		.complain = complain,
	};

	if (keep_new(daemon->base, &daemon->keep, err) < 0 || make_directories(config, err) < 0 ||
	    reaper_new(daemon->base, &daemon->reaper, err) < 0 ||
	    store_open(daemon->base, daemon->reaper, config->state_dir, config->run_dir,
		       &daemon->store, err) < 0 ||
	    logs_new(daemon->base, daemon->reaper, daemon->keep, &daemon->logs, err) < 0 ||
	    launcher_new(daemon->base, daemon->reaper, &daemon->launcher, err) < 0)
		return -1;
	daemon->bus = bus_new(daemon->base);
	if (find_cgroups(daemon, err) < 0)
		return error_prefix(err, "control groups");
	params.userns_pool = daemon->userns_pool =
		userns_pool_new(daemon->base, config->ids.first, config->ids.count);
	if (userns_pool_refusal(daemon->userns_pool))
		log_warning("containers get the host's ids: %s",
			    userns_pool_refusal(daemon->userns_pool)->message);
	params.base = daemon->base;
	params.anew = is_anew(daemon);
	params.store = daemon->store;
	params.launcher = daemon->launcher;
	params.keep = daemon->keep;
	params.cgroups = daemon->cgroups;
	params.volumes = daemon->volumes = volumes_new(daemon->store, complain_of_volume);
	if (volumes_load(daemon->volumes, err) < 0)
		return error_prefix(err, "read the volumes' records");
	if (make_networks(daemon, err) < 0)
		return error_prefix(err, "read the networks' records");
	params.networks = daemon->networks;
	params.default_network = daemon->config->default_network;
	params.logs = daemon->logs;
	daemon->containers = containers_new(&params);
	if (containers_limit_disk(daemon->containers, config->user_disk_max_bytes, err) < 0)
		return -1;
	if (containers_load(daemon->containers, err) < 0)
		return error_prefix(err, "read the records");
	containers_begin_disk(daemon->containers);
	userns_pool_prepare(daemon->userns_pool);
	daemon->machines = machines_new(daemon->bus, daemon->containers);
	networks_settle(daemon->networks);
	return open_door(daemon, err);
}

static void watch_signals(struct daemon *daemon)
{
	static const struct {
		int number;
		event_callback_fn callback;
	} watched[SIGNALS_COUNT] = {
		{ SIGTERM, on_stop_signal },
		{ SIGINT, on_stop_signal },
		{ SIGUSR2, on_reload_signal },
		{ SIGHUP, on_reload_signal },
	};

	for (size_t i = 0; i < SIGNALS_COUNT; i++) {
		daemon->signals[i] =
			evsignal_new(daemon->base, watched[i].number, watched[i].callback, daemon);
		if (!daemon->signals[i] || event_add(daemon->signals[i], NULL) < 0)
			abort();
	}
}

/* Each container takes a handful of descriptors. The hard limit is what there is to be had. */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void on_watchdog(evutil_socket_t fd, short what, void *userdata)
{
	struct daemon *daemon = userdata;

	(void)fd;
	(void)what;
	keep_notify(daemon->keep, "WATCHDOG=1");
}

/* A loop that hangs does not come to it: systemd kills and starts the daemon again then, and the
 * containers go on. Half of the time that it gives, as sd_watchdog_enabled(3) recommends.
 */
static void feed_watchdog(struct daemon *daemon)
{
	struct timeval interval;
	uint64_t us;

	if (sd_watchdog_enabled(0, &us) <= 0)
		return;
	interval = (struct timeval){ .tv_sec = (time_t)(us / 2 / 1000000),
				     .tv_usec = (suseconds_t)(us / 2 % 1000000) };
	daemon->watchdog = event_new(daemon->base, -1, EV_PERSIST, on_watchdog, daemon);
	if (!daemon->watchdog || event_add(daemon->watchdog, &interval) < 0)
		abort();
}

static struct event_base *make_base(void)
{
	struct event_config *config = event_config_new();
	struct event_base *base;

	if (!config)
		return NULL;
	/* The clock that is cached is good enough, and the thread is alone. */
	(void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(config);
	event_config_free(config);
	return base;
}

int daemon_new(const struct config *config, struct daemon **ret, struct error *err)
{
	struct daemon *daemon = ALLOC(struct daemon);

	(void)signal(SIGPIPE, SIG_IGN);
	(void)umask(022);
	raise_descriptor_limit();
	daemon->config = config;
	daemon->door = -1;
	daemon->base = make_base();
	if (!daemon->base) {
		daemon_free(daemon);
		return error_set(err, ERROR_FAILED, "event loop: out of memory");
	}
	watch_signals(daemon);
	if (build_rooms(daemon, err) < 0) {
		daemon_free(daemon);
		return -1;
	}
	feed_watchdog(daemon);
	daemon->announcer = announcer_new(daemon->containers);
	*ret = daemon;
	return 0;
}

int daemon_run(struct daemon *daemon, enum daemon_end *ret_end, struct error *err)
{
	log_info("version " DOKRUST_VERSION ", listening on %s", daemon->config->socket);
	keep_notify(daemon->keep, "READY=1");
	if (event_base_dispatch(daemon->base) < 0)
		return error_set(err, ERROR_FAILED, "the event loop failed");
	*ret_end = daemon->end;
	return 0;
}

/* Everything but what is passed on. */
static void take_down(struct daemon *daemon)
{
	bool leaves = daemon->end != DAEMON_ENDED;

	if (daemon->server && daemon->own_socket && !leaves)
		(void)unlink(daemon->config->socket);
	daemon->server = server_free(daemon->server);
	daemon->announcer = announcer_free(daemon->announcer);
	if (leaves && daemon->containers) {
		containers_leave(daemon->containers);
		logs_leave(daemon->logs, daemon->keep);
		keep_store(daemon->keep, daemon->own_socket ? DOOR_OWN : DOOR_PASSED, daemon->door);
	}
	daemon->machines = machines_free(daemon->machines);
	/* The store first: what waits for its queue is called back into a set that is whole. */
	daemon->store = store_close(daemon->store);
	daemon->containers = containers_free(daemon->containers);
	daemon->volumes = volumes_free(daemon->volumes);
	daemon->networks = networks_free(daemon->networks, leaves);
	daemon->bus = bus_free(daemon->bus);
	daemon->logs = logs_free(daemon->logs);
	daemon->launcher = launcher_free(daemon->launcher);
	daemon->userns_pool = userns_pool_free(daemon->userns_pool);
	daemon->cgroups = cgroups_free(daemon->cgroups);
	daemon->reaper = reaper_free(daemon->reaper);
	if (daemon->watchdog)
		event_free(TAKE_PTR(daemon->watchdog));
	for (size_t i = 0; i < SIGNALS_COUNT; i++)
		if (daemon->signals[i])
			event_free(TAKE_PTR(daemon->signals[i]));
	daemon->door = fd_close(daemon->door);
}

int daemon_execute(struct daemon *daemon, char *const *argv, struct error *err)
{
	take_down(daemon);
	return keep_execute(daemon->keep, daemon->config->executable, argv, err);
}

struct daemon *daemon_free(struct daemon *daemon)
{
	if (!daemon)
		return NULL;
	take_down(daemon);
	keep_free(daemon->keep);
	if (daemon->base)
		event_base_free(daemon->base);
	free(daemon);
	return NULL;
}
