/* The descriptors that outlive the process. Whoever started the daemon keeps copies of them and hands
 * them to the next one: systemd's file-descriptor store (sd_notify(3), FDSTORE=1; systemd.service(5),
 * FileDescriptorStoreMax=), or `dokrustd --keep`, which speaks the same protocol.
 *
 * Each descriptor has a name of its own, of at most KEEP_NAME_MAX letters, digits, '.' and '-': the
 * order in which they come back is not the one in which they went.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <event2/event.h>

#include "common/error.h"

struct keep;

enum { KEEP_NAME_MAX = 120, KEPT_FDS_MAX = 65536 };

/* Takes over what was passed in the environment (sd_listen_fds(3)). Messages go to NOTIFY_SOCKET; where
 * there is none, or nobody listens there any more, nothing is sent or kept.
 */
int keep_new(struct event_base *base, struct keep **ret, struct error *err);

/* NULL-safe. Closes descriptors that nobody took. What waits to be sent is sent if that takes no more
 * than a moment.
 */
struct keep *keep_free(struct keep *keep);

/* Whether descriptors are kept (FDSTORE in the environment says so), so that containers can be left
 * running when the daemon ends.
 */
bool keep_is_active(const struct keep *keep);

/* A descriptor that was passed under this name, the caller's from then on; -1 if there is none. */
int keep_take(struct keep *keep, const char *name);

/* The i-th name of those not yet taken; NULL past the last. */
const char *keep_left(const struct keep *keep, size_t i);

/* Has a copy kept under the name. Never blocks: what cannot be sent now is sent later, from the loop,
 * with copies of its own. A descriptor that is kept already is not kept twice.
 */
void keep_store(struct keep *keep, const char *name, int fd);

/* From now on keep_store collects, for the program that this process is about to become; nothing is sent
 * any more.
 */
void keep_hand_over(struct keep *keep);

/* Executes the program at path with these arguments, and passes it what was collected. Returns only on
 * failure, and then nothing can be done but to end.
 */
int keep_execute(struct keep *keep, const char *path, char *const *argv, struct error *err);

/* Has it forgotten. */
void keep_forget(struct keep *keep, const char *name);

/* Sends a plain state, such as "READY=1", in the same order. */
void keep_notify(struct keep *keep, const char *state);
