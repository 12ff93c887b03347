/* io.dokrust.Daemon */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/fdio.h"
#include "common/frame.h"
#include "common/text.h"
#include "daemon/api/connection.h"
#include "daemon/api/interface.h"
#include "daemon/image/image.h"

static void add_string(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

static void add_int(struct json_object *object, const char *key, int64_t value)
{
	json_object_object_add(object, key, json_object_new_int64(value));
}

/* What GetVersion and GetInfo have in common. */
static struct json_object *describe(const struct server *server, const struct utsname *host)
{
	struct json_object *reply = json_object_new_object();
	char text[CLOCK_TEXT_SIZE];

	add_string(reply, "version", DOKRUST_VERSION);
	add_string(reply, "kernel", host->release);
	add_string(reply, "architecture", host->machine);
	add_int(reply, "pid", getpid());
	add_string(reply, "started_at", clock_format(server->params.started_at_us, text));
	return reply;
}

static void get_version(struct request *request)
{
	struct utsname host;
	struct json_object *reply;

	(void)uname(&host);
	reply = describe(request->connection->server, &host);
	add_int(reply, "framing", FRAME_VERSION);
	request_reply(request, reply);
}

/* PRETTY_NAME of os-release(5). */
static void add_operating_system(struct json_object *reply)
{
	_cleanup_(freep) char *text = NULL;
	char name[128] = "Linux";
	const char *line;
	struct error ignored;
	size_t size;

	if (fd_read_file_at(-1, "/etc/os-release", 64 * 1024, &text, &size, &ignored) == 0) {
		line = strstr(text, "PRETTY_NAME=\"");
		if (line)
			(void)sscanf(line, "PRETTY_NAME=\"%127[^\"\n]", name);
	}
	add_string(reply, "operating_system", text_is_utf8(name, strlen(name)) ? name : "Linux");
}

/* Where v1 hierarchies and the unified one are both mounted, it is hybrid (cgroups(7)). */
static const char *cgroup_version(void)
{
	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
		return "v2";
	return access("/sys/fs/cgroup/unified/cgroup.controllers", F_OK) == 0 ? "hybrid" : "v1";
}

/* Of those that the peer gets to see. */
static void add_counts(struct json_object *reply, const struct connection *connection)
{
	struct container *container = containers_next(connection->server->params.containers, 0);
	int64_t active = 0, inactive = 0;

	for (; container; container = container_following(container)) {
		enum container_state state = container_state(container);

		if (!access_sees(&connection->peer, container))
			continue;
		if (state == CONTAINER_STARTING || state == CONTAINER_RUNNING ||
		    state == CONTAINER_STOPPING)
			active++;
		else
			inactive++;
	}
	add_int(reply, "containers", active + inactive);
	add_int(reply, "containers_running", active);
	add_int(reply, "containers_stopped", inactive);
}

static void add_images(struct json_object *reply, const char *image_dir)
{
	_cleanup_(strv_freep) char **names = image_names(image_dir);
	struct json_object *array = json_object_new_array();

	for (char **name = names; name && *name; name++)
		json_object_array_add(array, json_object_new_string(*name));
	json_object_object_add(reply, "images", array);
}

static void get_info(struct request *request)
{
	const struct server *server = request->connection->server;
	struct json_object *reply;
	struct utsname host;

	(void)uname(&host);
	reply = describe(server, &host);
	add_string(reply, "hostname", host.nodename);
	add_operating_system(reply);
	add_int(reply, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	add_int(reply, "memory_bytes",
		(int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE));
	add_string(reply, "socket", server->params.socket);
	add_string(reply, "state_directory", server->params.state_dir);
	add_string(reply, "run_directory", server->params.run_dir);
	add_string(reply, "cgroup_version", cgroup_version());
	add_counts(reply, request->connection);
	add_images(reply, server->params.image_dir);
	add_int(reply, "peer_uid", request->connection->peer.uid);
	add_int(reply, "connections", server->n_connections);
	request_reply(request, reply);
}

const struct method daemon_methods[] = {
	{ .name = "GetVersion", .need = ACCESS_ANYONE, .call = get_version },
	{ .name = "GetInfo", .need = ACCESS_ANYONE, .call = get_info },
	{ 0 },
};
