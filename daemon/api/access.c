#include "daemon/api/access.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/parse.h"
#include "common/text.h"
#include "daemon/api/server.h"
#include "daemon/api/subids.h"
#include "daemon/image/volume.h"

/* --- Who it is ------------------------------------------------------------------------------- */

bool access_find_group(const char *text, gid_t *ret)
{
	const struct group *group = getgrnam(text);
	struct error ignored;
	int64_t number;

	if (group)
		*ret = group->gr_gid;
	else if (parse_integer(text, 0, UINT32_MAX - 1, &number, &ignored) == 0)
		*ret = (gid_t)number;
	else
		return false;
	return true;
}

static bool is_in(const char *name, gid_t own, const gid_t *groups, size_t n)
{
	gid_t gid;

	if (!access_find_group(name, &gid))
		return false;
	for (size_t i = 0; i < n; i++)
		if (groups[i] == gid)
			return true;
	return own == gid;
}

/* An id that a container may have is nobody who may ask for another one. */
static bool is_subordinate(const struct access_settings *settings, uid_t uid)
{
	return (uid >= settings->ids_first && uid - settings->ids_first < settings->ids_count) ||
	       subids_has(settings->subuid_file, uid);
}

static enum access_role role_of(const struct access_settings *settings,
				const struct access_peer *peer, const gid_t *groups, size_t n)
{
	if (peer->uid == 0 || peer->uid == geteuid())
		return ACCESS_ADMIN;
	if (is_subordinate(settings, peer->uid))
		return ACCESS_NOBODY;
	if (is_in(settings->admin_group, peer->gid, groups, n))
		return ACCESS_ADMIN;
	return is_in(settings->group, peer->gid, groups, n) ? ACCESS_USER : ACCESS_NOBODY;
}

bool access_identify(const struct access_settings *settings, int fd, struct access_peer *ret)
{
	_cleanup_(freep) gid_t *groups = NULL;
	struct access_peer peer;
	struct ucred credentials;
	socklen_t size = sizeof(credentials), groups_size = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return false;
	peer = (struct access_peer){ credentials.pid, credentials.uid, credentials.gid,
				     ACCESS_NOBODY };
	/* Its size, first; root need not be asked. */
	if (peer.uid != 0 && getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &groups_size) < 0 &&
	    errno == ERANGE) {
		groups = malloc(groups_size);
		if (!groups || getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &groups_size) < 0)
			return false;
	}
	peer.role = role_of(settings, &peer, groups, groups ? groups_size / sizeof(*groups) : 0);
	*ret = peer;
	return true;
}

/* --- What it may call, and see --------------------------------------------------------------- */

static int denied(const struct access_peer *peer, const char *what, struct error *err)
{
	return error_set(err, ERROR_NOT_ALLOWED,
			 "uid %u may not %s: only root may, and the administrators' group",
			 peer->uid, what);
}

int access_method(const struct access_peer *peer, enum access_need need, struct error *err)
{
	(void)need;
	if (peer->role != ACCESS_NOBODY)
		return 0;
	return error_set(err, ERROR_PERMISSION_DENIED,
			 "uid %u may not use this daemon: it is not in its group", peer->uid);
}

bool access_sees_owner(const struct access_peer *peer, uid_t owner)
{
	return peer->role == ACCESS_ADMIN || (peer->role == ACCESS_USER && owner == peer->uid);
}

bool access_sees(const struct access_peer *peer, const struct container *container)
{
	return access_sees_owner(peer, container_owner(container));
}

int access_container(const struct access_peer *peer, const struct container *container,
		     const char *reference, struct error *err)
{
	if (access_sees(peer, container))
		return 0;
	return error_set_subject(err, ERROR_CONTAINER_NOT_FOUND, reference,
				 "no container named \"%.100s\"", reference);
}

int access_volume(const struct access_peer *peer, const struct volume *volume, struct error *err)
{
	if (access_sees_owner(peer, volume_owner(volume)))
		return 0;
	return error_set_subject(err, ERROR_VOLUME_NOT_FOUND, volume_name(volume),
				 "volume \"%s\" is somebody else's", volume_name(volume));
}

int access_networks(const struct access_peer *peer, struct error *err)
{
	return peer->role == ACCESS_ADMIN ? 0 : denied(peer, "change or list networks", err);
}

int access_volume_create(const struct access_peer *peer, const struct server_params *server,
			 uint32_t *ret_project, struct error *err)
{
	*ret_project = 0;
	if (peer->role == ACCESS_ADMIN)
		return 0;
	return containers_claim_disk(server->containers, peer->uid, ret_project, err);
}

/* --- What a container may have --------------------------------------------------------------- */

#define ASKS(name, condition)                            \
	static bool asks_##name(const struct spec *spec) \
	{                                                \
		return (condition);                      \
	}

ASKS(rootfs, spec->rootfs)
ASKS(record, spec->record)
ASKS(userns, spec->userns &&strcmp(spec->userns, "auto") != 0)
ASKS(network, spec->network.mode &&strcmp(spec->network.mode, "none") != 0)

static bool asks_networks(const struct spec *spec)
{
	const struct network_attachments *networks = &spec->network.networks;

	for (size_t i = 0; i < networks->n; i++)
		if (strcmp(networks->items[i].network, NETWORK_DEFAULT) != 0)
			return true;
	return false;
}

static bool asks_ports(const struct spec *spec)
{
	struct port_range range;
	struct error ignored;

	for (char **port = spec->network.ports; port && *port; port++)
		if (port_parse(*port, &range, &ignored) == 0 && range.host && range.host < 1024)
			return true;
	return false;
}

ASKS(privileged, spec->rights.privileged)
ASKS(capabilities, strv_length(spec->rights.cap_add))
ASKS(devices, strv_length(spec->rights.devices) || strv_length(spec->rights.device_rules))
ASKS(seccomp, spec->rights.seccomp)
ASKS(paths, spec->rights.unmasked_paths)
ASKS(ulimits, strv_length(spec->rights.ulimits))
ASKS(oom_score, spec->rights.oom_score_adj < 0)
ASKS(files, strv_length(spec->resources.files) || strv_length(spec->resources.quotas))

/* Whatever would be done with the daemon's rights, or that makes the wall lower. */
static const struct {
	bool (*asks)(const struct spec *spec);
	const char *what;
} administrators[] = {
	{ asks_rootfs, "name a root file system by its path" },
	{ asks_record, "name a file of the host's to record to" },
	{ asks_userns, "choose the ids of a container" },
	{ asks_network, "have this network" },
	{ asks_networks, "have another network than \"" NETWORK_DEFAULT "\"" },
	{ asks_ports, "publish ports below 1024" },
	{ asks_privileged, "have a privileged container" },
	{ asks_capabilities, "add capabilities" },
	{ asks_devices, "give a container devices of the host's" },
	{ asks_seccomp, "choose a seccomp profile" },
	{ asks_paths, "uncover what /proc and /sys hide" },
	{ asks_ulimits, "set limits beyond their own (--ulimit)" },
	{ asks_oom_score, "be spared when memory runs out" },
	{ asks_files, "write files of the control groups" },
};

int access_mount(const struct access_peer *peer, const struct server_params *server,
		 const struct mount_spec *mount, struct error *err)
{
	struct volume *volume;
	struct error ignored;

	if (peer->role == ACCESS_ADMIN)
		return 0;
	if (strcmp(mount->type, "volume") == 0 && mount->source &&
	    volumes_find(server->volumes, mount->source, &volume, &ignored) == 0)
		return access_volume(peer, volume, err);
	if (strcmp(mount->type, "bind") != 0)
		return 0;
	/* By path, it would be opened with the daemon's rights. */
	if (mount->source_fd < 0)
		return denied(peer, "have a source mounted that they have not opened themselves",
			      err);
	if (mount->propagation)
		return denied(peer, "have mounts propagate", err);
	/* Else what is hidden below a mount would come to light. */
	if (!mount->recursive)
		return denied(peer, "have a bind that is not recursive", err);
	return 0;
}

/* Memory that the user's containers may have, but for one. */
static int64_t memory_of(const struct access_peer *peer, const struct server_params *server,
			 const struct container *but)
{
	struct container *container = containers_next(server->containers, 0);
	int64_t sum = 0;

	for (; container; container = container_following(container)) {
		int64_t bytes = container_spec(container)->resources.memory_bytes;

		if (container != but && container_owner(container) == peer->uid && bytes > 0)
			sum += bytes;
	}
	return sum;
}

static int check_memory(const struct access_peer *peer, const struct server_params *server,
			const struct container *but, int64_t bytes, struct error *err)
{
	const int64_t max = server->access.memory_max_bytes;

	if (!max)
		return 0;
	if (bytes <= 0)
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.resources.memory_bytes",
					 "a container of uid %u's needs a limit of memory "
					 "(--memory)",
					 peer->uid);
	if (bytes > max || memory_of(peer, server, but) > max - bytes)
		return error_set(err, ERROR_LIMIT_REACHED,
				 "uid %u may have containers of %lld bytes of memory together",
				 peer->uid, (long long)max);
	return 0;
}

static int check_quotas(const struct access_peer *peer, const struct server_params *server,
			const struct spec *spec, struct error *err)
{
	struct container *container = containers_next(server->containers, 0);
	int64_t n = 0;

	for (; container; container = container_following(container))
		n += container_owner(container) == peer->uid;
	if (server->access.containers_max && n >= server->access.containers_max)
		return error_set(err, ERROR_LIMIT_REACHED, "uid %u has %lld containers already",
				 peer->uid, (long long)n);
	return check_memory(peer, server, NULL, spec->resources.memory_bytes, err);
}

/* Root in there is the peer itself, and the others are its subordinate ids. */
static int find_ids(const struct access_peer *peer, const struct access_settings *settings,
		    struct launch_userns *ret, struct error *err)
{
	struct launch_userns ids = {
		.fd = -1,
		.uids = { .ranges = { { 0, peer->uid, 1 } }, .n = 1 },
		.gids = { .ranges = { { 0, peer->gid, 1 } }, .n = 1 },
	};

	if (subids_add(settings->subuid_file, peer->uid, &ids.uids, err) < 0 ||
	    subids_add(settings->subgid_file, peer->uid, &ids.gids, err) < 0)
		return -1;
	*ret = ids;
	return 0;
}

int access_spec(const struct access_peer *peer, const struct server_params *server,
		const struct spec *spec, struct launch_userns *ret_ids, bool *ret_own,
		struct error *err)
{
	*ret_own = false;
	if (peer->role == ACCESS_ADMIN)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(administrators); i++)
		if (administrators[i].asks(spec))
			return denied(peer, administrators[i].what, err);
	for (size_t i = 0; i < spec->mounts.n; i++)
		if (access_mount(peer, server, &spec->mounts.items[i], err) < 0)
			return -1;
	*ret_own = true;
	if (check_quotas(peer, server, spec, err) < 0)
		return -1;
	return find_ids(peer, &server->access, ret_ids, err);
}

int access_update(const struct access_peer *peer, const struct server_params *server,
		  const struct container *container, struct json_object *changes, struct error *err)
{
	struct json_object *bytes = json_object_object_get(changes, "memory_bytes");

	if (peer->role == ACCESS_ADMIN)
		return 0;
	if (json_object_object_get(changes, "files") || json_object_object_get(changes, "quotas"))
		return denied(peer, "write files of the control groups", err);
	if (!bytes)
		return 0;
	return check_memory(peer, server, container, json_object_get_int64(bytes), err);
}

int access_exec(const struct access_peer *peer, const struct exec_spec *spec, struct error *err)
{
	if (peer->role == ACCESS_ADMIN || !spec->privileged)
		return 0;
	return denied(peer, "have privileged processes", err);
}
