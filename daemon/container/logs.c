#include "daemon/container/logs.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "daemon/container/object.h"

_Static_assert((int)SPEC_LOG_BYTES_MIN == (int)LOG_BYTES_MIN &&
		       (int)SPEC_LOG_FILES_MAX == (int)LOG_FILES_MAX,
	       "what a spec may ask for can be done");

static bool keeps_files(const struct container *container)
{
	const char *driver = container->spec.log_driver;

	return !driver || strcmp(driver, "local") == 0;
}

/* --- From the session to the log ------------------------------------------------------------- */

static struct container_log *of_tap(struct session_tap *tap)
{
	return (struct container_log *)((uintptr_t)tap - offsetof(struct container_log, tap));
}

static size_t take_output(struct session_tap *tap, const struct session_chunk *chunks, size_t n,
			  bool last)
{
	struct log_piece pieces[LOG_PIECES_MAX];

	log_pieces_of(chunks, n, pieces);
	return log_write(of_tap(tap)->log, pieces, n, last);
}

static void take_lost(struct session_tap *tap, uint64_t bytes)
{
	log_lost(of_tap(tap)->log, bytes);
}

static const struct session_tap_ops tap_ops = { .output = take_output, .lost = take_lost };

void log_pieces_of(const struct session_chunk *chunks, size_t n, struct log_piece *ret)
{
	int64_t now = clock_realtime_us();

	for (size_t i = 0; i < n; i++) {
		ret[i] = (struct log_piece){
			.type = (enum log_type)chunks[i].stream,
			.time_us = now,
			.size = chunks[i].size,
			.n_data = chunks[i].n_pieces,
		};
		(void)memcpy(ret[i].data, chunks[i].pieces, sizeof(ret[i].data));
	}
}

/* --- From the log ---------------------------------------------------------------------------- */

static int open_directory(void *userdata, struct error *err)
{
	return container_open_dir(userdata, err);
}

static void on_ready(void *userdata)
{
	struct container *container = userdata;

	session_tap_ready(&container->log.tap);
}

static void on_dropped(void *userdata, const struct error *why)
{
	container_event(userdata, "log_dropped", "reason", why->message, NULL);
}

static const struct log_callbacks callbacks = {
	.open = open_directory,
	.ready = on_ready,
	.dropped = on_dropped,
};

int container_open_dir(struct container *container, struct error *err)
{
	enum store_place place = container->spec.auto_remove ? STORE_RUN : STORE_STATE;

	return store_open_dir(container->set->params.store, place, container->id, err);
}

/* --- Its life -------------------------------------------------------------------------------- */

int container_log_check_spec(const struct spec *spec, struct error *err)
{
	bool journald = spec->log_driver && strcmp(spec->log_driver, "journald") == 0;

	return journald ? logs_check_journal(err) : 0;
}

static void close_log(struct container *container)
{
	struct container_log *log = &container->log;

	session_remove_tap(&log->tap);
	if (log->log && container->process.session)
		session_uncount(container->process.session, log_count(log->log));
	log->log = log_close(log->log);
}

/* The fields that docker's driver has, so that what reads the journal knows them. */
static char *journal_fields(const struct container *container)
{
	const struct spec *spec = &container->spec;
	const char *tag = spec->log_tag ? spec->log_tag : container->name;
	const char *image = spec->image ? spec->image : spec->rootfs;

	return alloc_printf("CONTAINER_NAME=%s\nCONTAINER_ID=%.12s\nCONTAINER_ID_FULL=%s\n"
			    "CONTAINER_TAG=%s\nSYSLOG_IDENTIFIER=%s\nIMAGE_NAME=%.1024s\n",
			    container->name, container->id, container->id, tag, tag, image);
}

/* NULL: it keeps none. */
static struct log *open_log(struct container *container)
{
	const struct spec *spec = &container->spec;
	_cleanup_(freep) char *fields = NULL;
	struct log_params params = {
		.kind = LOG_FILES,
		.name = LOG_DIRECTORY,
		.max_bytes = spec->log_max_bytes ? spec->log_max_bytes : SPEC_LOG_MAX_BYTES_DEFAULT,
		.max_files = spec->log_max_files ? spec->log_max_files : SPEC_LOG_MAX_FILES_DEFAULT,
		.owner = container->id,
	};

	if (!keeps_files(container)) {
		if (strcmp(spec->log_driver, "none") == 0)
			return NULL;
		params.kind = LOG_JOURNAL;
		fields = journal_fields(container);
		params.text = fields;
	}
	return log_new(container->set->params.logs, &params, &callbacks, container);
}

void container_log_begin(struct container *container)
{
	struct container_log *log = &container->log;

	log->log = open_log(container);
	if (!log->log)
		return;
	session_count(container->process.session, log_count(log->log));
	log->tap.ops = &tap_ops;
	session_add_tap(container->process.session, &log->tap, true);
}

void container_log_lost(struct container *container)
{
	static const char note[] =
		"[dokrust: the daemon ended while this ran: output may be missing here]\n";
	const struct log_piece piece = {
		.type = LOG_NOTE,
		.time_us = clock_realtime_us(),
		.size = sizeof(note) - 1,
		.data = { { (void *)(uintptr_t)note, sizeof(note) - 1 } },
		.n_data = 1,
	};
	struct log *log = open_log(container);

	/* Where it is known how much was read, it is known what is missing. */
	if (log && log_count(log)->bytes == 0)
		(void)log_write(log, &piece, 1, true);
	(void)log_close(log);
}

static void on_written(struct logs_sync *sync)
{
	struct container *container =
		(struct container *)((uintptr_t)sync - offsetof(struct container, log.sync));

	if (!container_is_active(container))
		log_readers_finish(&container->log.followers);
}

void container_log_end(struct container *container)
{
	struct container_log *log = &container->log;

	close_log(container);
	logs_sync_cancel(&log->sync);
	if (!LIST_EMPTY(&log->followers))
		logs_sync(container->set->params.logs, &log->sync, on_written);
}

void container_log_init(struct container_log *log)
{
	LIST_INIT(&log->followers);
}

void container_log_done(struct container *container)
{
	struct container_log *log = &container->log;

	close_log(container);
	logs_sync_cancel(&log->sync);
	log_readers_finish(&log->followers);
}

/* --- Reading --------------------------------------------------------------------------------- */

int container_check_log(const struct container *container, struct error *err)
{
	if (keeps_files(container))
		return 0;
	if (strcmp(container->spec.log_driver, "journald") == 0)
		return error_set(err, ERROR_FAILED,
				 "the log of container \"%s\" is in the journal: journalctl "
				 "CONTAINER_ID_FULL=%s",
				 container->name, container->id);
	return error_set(err, ERROR_FAILED, "container \"%s\" keeps no log (log driver none)",
			 container->name);
}

void container_sync_log(struct container *container, struct logs_sync *sync,
			void (*done)(struct logs_sync *sync))
{
	session_tap_flush(&container->log.tap);
	logs_sync(container->set->params.logs, sync, done);
}

int container_read_log(struct container *container, int socket,
		       const struct container_log_selection *selection, const void *first,
		       size_t first_bytes, struct error *err)
{
	_cleanup_(fd_closep) int dir = container_open_dir(container, err);
	const struct log_reader_params params = {
		.dir_fd = dir,
		.name = LOG_DIRECTORY,
		.socket = socket,
		.first = first,
		.first_bytes = first_bytes,
		.selection = {
			.follow = selection->follow && container_is_active(container),
			.tail = selection->tail,
			.since_us = selection->since_us,
			.until_us = selection->until_us,
			.types = (selection->no_stdout ? 0u : 1u << LOG_STDOUT) |
				 (selection->no_stderr ? 0u : 1u << LOG_STDERR),
		},
	};

	if (dir < 0)
		return -1;
	return log_reader_start(container->set->params.logs, &params, &container->log.followers,
				err);
}
