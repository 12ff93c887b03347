/* User namespaces: made with their maps before anything runs in them, so that a launch only enters
 * one; and the pool of ids that containers get ranges of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <event2/event.h>

#include "common/error.h"
#include "common/id_map.h"

/* How many ids a container has of the pool: those of a whole system. */
enum { USERNS_RANGE = 65536 };

struct userns_pool;

/* Makes a namespace that is the child of the daemon's. *ret_fd is the caller's; the namespace lives as
 * long as a descriptor of it, or a process or mount in it.
 */
int userns_make(const struct id_map *uids, const struct id_map *gids, int *ret_fd,
		struct error *err);

/* Whether a container can have a namespace of its own on this host: false, with the reason, where the
 * kernel lets nobody mount a procfs or a sysfs in one. It does so only where one is to be seen whole
 * (mount_too_revealing in fs/namespace.c), and within a container of another manager, none is. This
 * takes as long as a container's namespaces do: it is for the daemon's start.
 */
bool userns_is_of_use(struct error *err);

/* That of a process, which the caller knows not to have been reaped. */
int userns_of(pid_t pid, int *ret_fd, struct error *err);

/* --- The pool -------------------------------------------------------------------------------- */

/* Hands out ranges of USERNS_RANGE ids from `first` on, count ids in all, and keeps a namespace for the
 * next one ready, which it makes when the loop has nothing else to do. Asks userns_is_of_use, once.
 */
struct userns_pool *userns_pool_new(struct event_base *base, uint32_t first, uint32_t count);
struct userns_pool *userns_pool_free(struct userns_pool *pool);

/* NULL, or why no container can have a namespace of its own; LAUNCH_NO_USERNS is its subject. */
const struct error *userns_pool_refusal(const struct userns_pool *pool);

/* Makes it now. */
void userns_pool_prepare(struct userns_pool *pool);

/* A range that nobody has, by its first id. What was given back last is given out last.
 * ERROR_LIMIT_REACHED.
 */
int userns_pool_take(struct userns_pool *pool, uint32_t *ret_first, struct error *err);

/* One that an earlier daemon gave out; false if it is not of this pool, or taken. */
bool userns_pool_claim(struct userns_pool *pool, uint32_t first);
void userns_pool_release(struct userns_pool *pool, uint32_t first);

/* The map of a range, and a namespace with it. */
struct id_map userns_pool_map(uint32_t first);
int userns_pool_make(struct userns_pool *pool, uint32_t first, int *ret_fd, struct error *err);
