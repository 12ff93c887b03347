#include "daemon/api/access.h"

#include <unistd.h>

/* root, and whoever the daemon itself runs as. The members of the socket's group may ask for what
 * ACCESS_ANYONE allows: to let them have containers without making them root needs user
 * namespaces, which this version does not set up.
 */
static bool may_do_all(const struct ucred *peer)
{
	return peer->uid == 0 || peer->uid == geteuid();
}

static int denied(const struct ucred *peer, struct error *err)
{
	return error_set(err, ERROR_PERMISSION_DENIED, "uid %u may not do that: only root may",
			 peer->uid);
}

int access_method(const struct ucred *peer, enum access_need need, struct error *err)
{
	return need == ACCESS_ANYONE || may_do_all(peer) ? 0 : denied(peer, err);
}

int access_container(const struct ucred *peer, const struct container *container, struct error *err)
{
	(void)container;
	return may_do_all(peer) ? 0 : denied(peer, err);
}

/* A file of the host that is named by its path is opened with the daemon's rights. */
int access_spec(const struct ucred *peer, const struct spec *spec, struct error *err)
{
	return spec->record && !may_do_all(peer) ? denied(peer, err) : 0;
}

int access_exec(const struct ucred *peer, const struct exec_spec *spec, struct error *err)
{
	return spec->privileged && !may_do_all(peer) ? denied(peer, err) : 0;
}

bool access_sees(const struct ucred *peer, const struct container *container)
{
	return access_sees_owner(peer, container_owner(container));
}

bool access_sees_owner(const struct ucred *peer, uid_t owner)
{
	return may_do_all(peer) || owner == peer->uid;
}
