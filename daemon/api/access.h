/* Who may do what, decided here and nowhere else, from the peer's credentials at the time it
 * connected (SO_PEERCRED and SO_PEERGROUPS, unix(7)).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"
#include "common/exec_spec.h"
#include "daemon/container/container.h"
#include "daemon/launch/launch.h"

struct server_params;
struct volume;

/* The settings that it follows; the strings outlive the server. */
struct access_settings {
	const char *group, *admin_group;       /* names or numbers */
	const char *subuid_file, *subgid_file; /* subuid(5) */
	uint32_t ids_first, ids_count;	       /* the pool that containers' ids come from */
	int64_t containers_max,
		memory_max_bytes; /* of a user who is no administrator; 0: no limit */
};

enum access_role {
	ACCESS_NOBODY, /* nothing at all */
	ACCESS_USER,   /* containers that cannot do more on this host than their owner */
	ACCESS_ADMIN,  /* everything */
};

struct access_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	enum access_role role;
};

enum access_need {
	ACCESS_ANYONE,	  /* learns nothing about others: versions, introspection */
	ACCESS_CREATE,	  /* makes a container */
	ACCESS_CONTAINER, /* acts on a container, checked by access_container once it is known */
};

/* By name, or by number; false if there is none of that name. */
bool access_find_group(const char *text, gid_t *ret);

/* Who is at the other end. False if the kernel does not say. */
bool access_identify(const struct access_settings *settings, int fd, struct access_peer *ret);

/* ERROR_PERMISSION_DENIED if this peer may never call a method with this need. */
int access_method(const struct access_peer *peer, enum access_need need, struct error *err);

/* Unless the peer may act on it, it is not there: ERROR_CONTAINER_NOT_FOUND, subject the reference that it
 * was found by; ERROR_VOLUME_NOT_FOUND.
 */
int access_container(const struct access_peer *peer, const struct container *container,
		     const char *reference, struct error *err);
int access_volume(const struct access_peer *peer, const struct volume *volume, struct error *err);

/* Networks are administrators': others are on the default one. ERROR_NOT_ALLOWED. */
int access_networks(const struct access_peer *peer, struct error *err);

/* Whether it may make a volume, and the project (daemon/image/volume.h) that this is to be of.
 * ERROR_LIMIT_REACHED.
 */
int access_volume_create(const struct access_peer *peer, const struct server_params *server,
			 uint32_t *ret_project, struct error *err);

/* Whether it may ask for such a container, and whose ids that gets: *ret_own says that it is to have
 * those of *ret_ids, and no others. ERROR_NOT_ALLOWED, ERROR_LIMIT_REACHED.
 */
int access_spec(const struct access_peer *peer, const struct server_params *server,
		const struct spec *spec, struct launch_userns *ret_ids, bool *ret_own,
		struct error *err);

/* Whether it may have that mounted. */
int access_mount(const struct access_peer *peer, const struct server_params *server,
		 const struct mount_spec *mount, struct error *err);

/* Whether it may change a container's limits so; changes fit the interface's Resources. */
int access_update(const struct access_peer *peer, const struct server_params *server,
		  const struct container *container, struct json_object *changes,
		  struct error *err);

/* Whether it may have that executed, in a container that it may act on. */
int access_exec(const struct access_peer *peer, const struct exec_spec *spec, struct error *err);

/* Whether a listing shows it, or anything of that owner's, to this peer. */
bool access_sees(const struct access_peer *peer, const struct container *container);
bool access_sees_owner(const struct access_peer *peer, uid_t owner);
