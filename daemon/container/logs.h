/* A container's log: what its main process writes, from the session's tap to daemon/logs. Private
 * to daemon/container but for the names in container.h.
 */
#pragma once

#include "daemon/logs/reader.h"
#include "daemon/session/tap.h"

struct container;
struct error;

struct container_log {
	struct session_tap tap;
	struct log *log;
	struct log_reader_list followers;
	struct logs_sync sync; /* before they are told that nothing more will come */
};

void container_log_init(struct container_log *log);

/* Whether this host can do what a spec asks for. */
struct spec;
int container_log_check_spec(const struct spec *spec, struct error *err);

/* The main process has a session. */
void container_log_begin(struct container *container);

/* It ran when the daemon before ended, and does not run any more: what is missing of its output is told.
 */
void container_log_lost(struct container *container);

/* It has none any more; followers go on only if the container runs again at once. */
void container_log_end(struct container *container);

/* n chunks (at most LOG_PIECES_MAX) as pieces of a log, with the time that it is now. */
void log_pieces_of(const struct session_chunk *chunks, size_t n, struct log_piece *ret);

/* The container's own directory, which lasts as long as it does. */
int container_open_dir(struct container *container, struct error *err);

/* The container is about to be freed. */
void container_log_done(struct container *container);
