/* What outlives the process: records as JSON files, one directory a container, volume
 * or network.
 *
 *	STATE_DIR/lock				held (flock) while the daemon runs, contains its pid
 *	STATE_DIR/containers/ID/record.json	what the user asked for; durable
 *	STATE_DIR/containers/ID/{upper,work}	the container's own layer (daemon/container)
 *	STATE_DIR/volumes/ID/record.json		the same for volumes (daemon/image/volume.h)
 *	STATE_DIR/volumes/ID/data		what is in them
 *	STATE_DIR/networks/ID/record.json	and for networks (daemon/network/network.h)
 *	STATE_DIR/trash/			trees on their way out
 *	RUN_DIR/lock				as above
 *	STATE_DIR/containers/ID/{logs,recordings}	what it has written (daemon/logs)
 *	RUN_DIR/containers/ID.json		what dies with the boot; on tmpfs
 *	RUN_DIR/containers/ID/			files of a container that lives only until it exits
 *
 * STORE_STATE records are written by a process of their own (new file, fsync, rename, fsync of the
 * directory), so that a slow disk never stops the loop: the callback says when a write has reached
 * the disk. Writes of one id keep their order; of several queued for one id only the last needs to
 * reach the disk, and all their callbacks are called. STORE_RUN records are written at once,
 * renamed into place, not synced.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <event2/event.h>

#include "common/error.h"
#include "daemon/loop/reaper.h"

struct store;

/* STORE_VOLUME and STORE_NETWORK are like STORE_STATE in all that follows. No id of any comes twice. */
enum store_place { STORE_STATE, STORE_RUN, STORE_VOLUME, STORE_NETWORK };

/* err is NULL on success. Called from the loop, never from within store_write. May be NULL. */
typedef void (*store_callback)(void *userdata, const struct error *err);

/* Makes what is missing (0700), takes both locks, starts the writer, moves directories without a
 * record and temporary files to the trash. A lock that another daemon holds is ERROR_FAILED with
 * errno EWOULDBLOCK and a message that names the directory and that daemon's pid.
 */
int store_open(struct event_base *base, struct reaper *reaper, const char *state_dir,
	       const char *run_dir, struct store **ret, struct error *err);

/* Waits until everything queued is on disk and the writer is gone. NULL-safe. */
struct store *store_close(struct store *store);

/* Calls back once a record, in no particular order. text is borrowed. A file that cannot be read
 * is reported with text NULL and err set, and the rest goes on. For STORE_RUN likewise.
 */
typedef void (*store_record_callback)(void *userdata, const char *id, const char *text, size_t size,
				      const struct error *err);
int store_load(struct store *store, enum store_place place, store_record_callback callback,
	       void *userdata, struct error *err);

/* Sets a corrupt record aside (as record.json.corrupt, ID.json.corrupt): nothing is lost. */
int store_set_aside(struct store *store, enum store_place place, const char *id, struct error *err);

/* text is copied. For STORE_RUN a failure is returned at once and callback may be NULL; for
 * STORE_STATE it comes by the callback (0 is returned).
 */
int store_write(struct store *store, enum store_place place, const char *id, const char *text,
		size_t size, store_callback callback, void *userdata, struct error *err);

/* STORE_RUN: unlinks the file at once. STORE_STATE: moves the container's whole directory to the
 * trash, after what is queued for it, and calls back when that is durable; the trees themselves are
 * deleted later, by a sweeper process of idle priority that no loop waits for. A container without
 * a directory is no error.
 */
int store_remove(struct store *store, enum store_place place, const char *id,
		 store_callback callback, void *userdata, struct error *err);

/* For containers that live only until they exit (--rm): moves their layer to the trash at once,
 * without syncing anything, and deletes what they have below RUN_DIR.
 */
void store_discard_layer(struct store *store, const char *id);

/* Where the record of a container is; to be freed. */
char *store_record_path(const struct store *store, enum store_place place, const char *id);

/* The directory containers/ID below STATE_DIR or RUN_DIR, or volumes/ID, made if missing (mode 0700). In
 * those of RUN_DIR are only directories of files. A descriptor, or -1.
 */
int store_open_dir(struct store *store, enum store_place place, const char *id, struct error *err);

/* A file RUN_DIR/files/NAME for a while, to be read by all. A descriptor, or -1; the name is for
 * store_drop_temporary. Those that are forgotten go when the store is opened the next time.
 */
enum { STORE_TEMPORARY_SIZE = 24 };
int store_open_temporary(struct store *store, char name[STORE_TEMPORARY_SIZE], struct error *err);
void store_drop_temporary(struct store *store, const char *name);

/* STATE_DIR itself; the store's. */
int store_state_fd(const struct store *store);

/* STATE_DIR/containers/ID, with the directories `upper` and `work` in it, made if missing (mode 0755
 * within the 0700 tree), as an absolute path into buffer.
 */
int store_layer(struct store *store, const char *id, char *buffer, size_t size, struct error *err);

/* STATE_DIR/volumes/ID/data in the same way. store_volume_path is that path, of one that is there.
 */
int store_volume_dir(struct store *store, const char *id, struct error *err);
char *store_volume_path(const struct store *store, const char *id);
