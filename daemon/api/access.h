/* Who may do what, decided here and nowhere else, from the peer's credentials at the time it
 * connected (SO_PEERCRED, unix(7)).
 */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "common/error.h"
#include "common/exec_spec.h"
#include "daemon/container/container.h"

enum access_need {
	ACCESS_ANYONE,	  /* learns nothing about others: versions, introspection */
	ACCESS_CREATE,	  /* makes a container */
	ACCESS_CONTAINER, /* acts on a container, checked by access_container once it is known */
};

/* ERROR_PERMISSION_DENIED if this peer may never call a method with this need. */
int access_method(const struct ucred *peer, enum access_need need, struct error *err);

/* ERROR_PERMISSION_DENIED unless the peer may act on this container. */
int access_container(const struct ucred *peer, const struct container *container,
		     struct error *err);

/* Whether it may ask for such a container. */
int access_spec(const struct ucred *peer, const struct spec *spec, struct error *err);

/* Whether it may have that executed, in a container that it may act on. */
int access_exec(const struct ucred *peer, const struct exec_spec *spec, struct error *err);

/* Whether a listing shows it, or anything of that owner's, to this peer. */
bool access_sees(const struct ucred *peer, const struct container *container);
bool access_sees_owner(const struct ucred *peer, uid_t owner);
