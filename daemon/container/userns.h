/* A container's user namespace. Which ids it has is decided when it is made; whether it has one at all,
 * when it runs for the first time, for as long as it lives: its layer is written accordingly.
 */
#pragma once

#include "daemon/container/object.h"

/* These, whatever its spec says. */
void container_userns_set_ids(struct container *container, const struct launch_userns *ids);

/* Gives it a range of ids, if it needs one and can have it. ERROR_LIMIT_REACHED; ERROR_FAILED where it
 * has to have a namespace, and this host allows none.
 */
int container_userns_take(struct container *container, struct error *err);
void container_userns_release(struct container *container);

/* A namespace for the next run. 1: *ret is that, and its descriptor the caller's; 0: it has the
 * host's.
 */
int container_userns_open(struct container *container, struct launch_userns *ret,
			  struct error *err);

/* Whether its root is a user of the host's, who has access to files as they are on the disk. */
bool container_userns_is_owners(const struct container *container);

/* The maps of one that has run; false if it has the host's. The descriptor is -1. */
bool container_userns_maps(const struct container *container, struct launch_userns *ret);

/* A launch with a namespace has failed: true if it was not asked for, and is the reason; then it has
 * the host's from now on.
 */
bool container_userns_fall_back(struct container *container, const struct error *err);

/* A launch has gone well, with a namespace or without. */
void container_userns_decide(struct container *container, bool own);

/* Both kinds of records have it: the durable one is not written again until a run ends. */
void container_userns_to_record(const struct container *container, struct json_object *record);
int container_userns_from_record(struct container *container, struct json_object *record,
				 struct error *err);
void container_userns_to_detail(const struct container *container, struct json_object *detail);
