#include "daemon/logs/logs.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "daemon/logs/link.h"
#include "daemon/logs/reader.h"

enum {
	REST_MAX = 16 * 1024 *
		   1024, /* bytes of logs that are at their end, while the writer is stuck */
	RETRY_US = 1000 * 1000,
	PIECES_OF_MESSAGE = 2 + 3 * LOG_PIECES_MAX,
};

struct logs {
	struct ledger ledger;
	struct link files, journal;
	bool journal_runs;
	struct log_readers readers;
};

int logs_new(struct event_base *base, struct reaper *reaper, struct keep *keep, struct logs **ret,
	     struct error *err)
{
	struct logs *logs = ALLOC(struct logs);

	logs->readers.reaper = reaper;
	link_init(&logs->files, base, "dokrustd-logs", &logs->ledger, LEDGER_FILES);
	link_init(&logs->journal, base, "dokrustd-jrnl", &logs->ledger, LEDGER_JOURNAL);
	if (ledger_open(&logs->ledger, keep, err) < 0 || link_start(&logs->files, err) < 0) {
		logs_free(logs);
		return -1;
	}
	logs->files.n_left = logs->ledger.memory->used[LEDGER_FILES];
	logs->journal.n_left = logs->ledger.memory->used[LEDGER_JOURNAL];
	*ret = logs;
	return 0;
}

struct logs *logs_free(struct logs *logs)
{
	if (!logs)
		return NULL;
	log_readers_done(&logs->readers);
	link_done(&logs->files);
	link_done(&logs->journal);
	ledger_close(&logs->ledger);
	free(logs);
	return NULL;
}

void logs_settle(struct logs *logs)
{
	link_settle(&logs->files);
	link_settle(&logs->journal);
}

void logs_leave(const struct logs *logs, struct keep *keep)
{
	ledger_leave(&logs->ledger, keep);
}

struct log_readers *logs_readers(struct logs *logs)
{
	return &logs->readers;
}

/* --- Waiting --------------------------------------------------------------------------------- */

void logs_sync_cancel(struct logs_sync *sync)
{
	if (!sync->logs)
		return;
	TAILQ_REMOVE(&sync->logs->files.syncs, sync, entry);
	event_free(TAKE_PTR(sync->deadline));
	sync->logs = NULL;
}

static void complete(struct logs_sync *sync)
{
	logs_sync_cancel(sync);
	sync->done(sync);
}

static void on_sync_deadline(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	complete(userdata);
}

void logs_sync(struct logs *logs, struct logs_sync *sync, void (*done)(struct logs_sync *sync))
{
	/* Without a writer there is nothing to wait for, but the callback comes from the loop. */
	struct link *link = &logs->files;
	int ms = link->socket >= 0 ? LOGS_SYNC_MS : 0;
	const struct timeval deadline = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
	struct log_message message = { .kind = LOG_MESSAGE_SYNC, .number = ++link->last_sync };
	struct iovec piece = { &message, sizeof(message) };

	sync->logs = logs;
	sync->done = done;
	sync->number = link->last_sync;
	sync->deadline = evtimer_new(link->base, on_sync_deadline, sync);
	if (!sync->deadline || event_add(sync->deadline, &deadline) < 0)
		abort();
	TAILQ_INSERT_TAIL(&link->syncs, sync, entry);
	link_send(link, &piece, 1);
}

/* Those before it have been answered, too, or an answer was lost. */
static void synced(struct link *link, uint32_t number)
{
	struct logs_sync *sync;

	while ((sync = TAILQ_FIRST(&link->syncs)) && (int32_t)(sync->number - number) <= 0)
		complete(sync);
}

/* --- Its writer ------------------------------------------------------------------------------ */

static struct link *link_of(struct logs *logs, enum log_kind kind)
{
	struct error ignored;

	if (kind != LOG_JOURNAL)
		return &logs->files;
	if (!logs->journal_runs)
		logs->journal_runs = link_start(&logs->journal, &ignored) == 0;
	return &logs->journal;
}

/* --- What is lost ---------------------------------------------------------------------------- */

/* A disk that is nearly full, or nearly too slow, drops bytes again and again: one story. */
static void dropping(struct log *log, const struct error *why)
{
	int64_t now = clock_monotonic_us();
	bool again = log->dropped_us && now - log->dropped_us < LOG_DROPPED_AGAIN_US;

	log->dropped_us = now;
	if (!again)
		log->callbacks.dropped(log->userdata, why);
}

void log_lost(struct log *log, uint64_t bytes)
{
	struct error err;

	if (log->ended || !bytes)
		return;
	log->position += bytes;
	(void)error_set(&err, ERROR_FAILED, "the disk, or the journal, cannot keep up");
	dropping(log, &err);
}

/* --- Opening --------------------------------------------------------------------------------- */

static void send_open(struct log *log, int fd)
{
	struct log_message message = { .kind = LOG_MESSAGE_OPEN, .number = log->number };
	struct log_open open = {
		.max_bytes = log->params.max_bytes,
		.max_files = log->params.max_files,
		.start_us = log->params.start_us,
		.kind = log->params.kind,
		.owner = log->owner,
		.has_fd = fd >= 0,
	};
	struct iovec pieces[] = {
		{ &message, sizeof(message) },
		{ &open, sizeof(open) },
		{ log->name, strlen(log->name) + 1 },
		{ log->text, strlen(log->text) },
	};

	message.size = (uint32_t)(sizeof(open) + strlen(log->name) + 1 + strlen(log->text));
	link_send(log->link, pieces, ARRAY_SIZE(pieces));
	log->opened = true;
}

/* Whether the writer knows the log now. What keeps failing is not tried for each byte. */
static bool ensure_open(struct log *log)
{
	_cleanup_(fd_closep) int fd = -1;
	struct error err;

	if (log->opened)
		return true;
	if (log->ended || (log->retry_us && clock_monotonic_us() < log->retry_us))
		return false;
	if (log->params.kind != LOG_JOURNAL) {
		fd = log->callbacks.open(log->userdata, &err);
		if (fd >= 0 && !link_send_fd(log->link, fd)) {
			(void)error_set_errno(&err, errno, "pass it to the writer");
			fd = fd_close(fd);
		}
		if (fd < 0) {
			log->retry_us = clock_monotonic_us() + RETRY_US;
			dropping(log, &err);
			return false;
		}
	}
	send_open(log, fd);
	return true;
}

void log_begin(struct log *log)
{
	if (log->link->socket >= 0)
		(void)ensure_open(log);
}

/* --- Writing --------------------------------------------------------------------------------- */

/* A message that is put together from pieces which stay where they are. */
struct message {
	struct log_message header;
	struct log_record records[LOG_PIECES_MAX];
	struct iovec pieces[PIECES_OF_MESSAGE];
	int n;
};

static void message_add(struct message *message, const void *data, size_t n)
{
	message->pieces[message->n++] = (struct iovec){ (void *)(uintptr_t)data, n };
	message->header.size += (uint32_t)n;
}

static void message_begin(struct message *message, const struct log *log)
{
	message->n = 0;
	message->header = (struct log_message){ .kind = LOG_MESSAGE_RECORDS,
						.number = log->number,
						.position = log->position };
	message_add(message, &message->header, sizeof(message->header));
	message->header.size = 0;
}

/* The writer looks at what is missing until now. */
static void touch(struct log *log)
{
	struct message message;

	if (log->link->socket < 0 || !ensure_open(log))
		return;
	message_begin(&message, log);
	link_send(log->link, message.pieces, message.n);
}

static uint64_t output_bytes(const struct log_piece *pieces, size_t n)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < n; i++)
		if (pieces[i].type == LOG_STDOUT || pieces[i].type == LOG_STDERR)
			bytes += pieces[i].size;
	return bytes;
}

size_t log_write(struct log *log, const struct log_piece *pieces, size_t n, bool last)
{
	struct message message;
	struct link *link = log->link;

	assert(n <= LOG_PIECES_MAX);
	if (log->ended)
		return n;
	if (!link_is_free(link) && !last) {
		log->blocked = true;
		return 0;
	}
	if (link->socket < 0 || evbuffer_get_length(link->rest) > REST_MAX || !ensure_open(log)) {
		log_lost(log, output_bytes(pieces, n));
		return n;
	}
	message_begin(&message, log);
	for (size_t i = 0; i < n; i++) {
		message.records[i] = (struct log_record){ .length = (uint32_t)pieces[i].size,
							  .mark = LOG_RECORD_MARK,
							  .type = (uint8_t)pieces[i].type,
							  .time_us = pieces[i].time_us };
		message_add(&message, &message.records[i], sizeof(message.records[i]));
		for (int k = 0; k < pieces[i].n_data; k++)
			message_add(&message, pieces[i].data[k].iov_base,
				    pieces[i].data[k].iov_len);
	}
	link_send(link, message.pieces, message.n);
	log->position += output_bytes(pieces, n);
	return n;
}

/* --- Its life ------------------------------------------------------------------------------- */

struct log *log_new(struct logs *logs, const struct log_params *params,
		    const struct log_callbacks *callbacks, void *userdata)
{
	struct log *log = ALLOC(struct log);

	assert(!params->text || strlen(params->text) <= LOG_TEXT_MAX);
	assert(!params->name || strlen(params->name) <= LOG_NAME_MAX);
	log->link = link_of(logs, params->kind);
	log->params = *params;
	log->name = alloc_strdup(params->name ? params->name : "");
	log->text = alloc_strdup(params->text ? params->text : "");
	log->callbacks = *callbacks;
	log->userdata = userdata;
	if (log_take_entry(log) && log_unlogged(log))
		touch(log);
	return log;
}

struct log *log_close(struct log *log)
{
	struct log_message close;
	struct iovec piece = { &close, sizeof(close) };

	if (!log)
		return NULL;
	close = (struct log_message){ .kind = LOG_MESSAGE_CLOSE,
				      .number = log->number,
				      .position = log->position };
	/* Where all of it was lost, there is that to be told. */
	if (log->opened || (log->position && log->link->socket >= 0 && ensure_open(log)))
		link_send(log->link, &piece, 1);
	log_give_back_entry(log);
	free(log->name);
	free(log->text);
	free(log);
	return NULL;
}

/* --- From the link --------------------------------------------------------------------------- */

void log_link_is_free(struct link *link)
{
	for (uint32_t i = 0; i < link->n_logs && link_is_free(link); i++) {
		struct log *log = link->logs[i];

		if (!log || !log->blocked)
			continue;
		log->blocked = false;
		log->callbacks.ready(log->userdata);
	}
}

void log_writer_is_back(struct link *link)
{
	for (uint32_t i = 0; i < link->n_logs; i++)
		if (link->logs[i] && log_unlogged(link->logs[i]))
			touch(link->logs[i]);
	log_link_is_free(link);
}

static void end(struct log *log, const struct error *why)
{
	if (log->ended)
		return;
	log->ended = true;
	if (log->callbacks.ended)
		log->callbacks.ended(log->userdata, why);
}

void log_answered(struct link *link, const struct log_answer *answer)
{
	struct log *log;
	struct error err;

	if (answer->kind == LOG_ANSWER_SYNCED) {
		synced(link, answer->number);
		return;
	}
	log = answer->number < link->n_logs ? link->logs[answer->number] : NULL;
	if (!log)
		return;
	if (answer->errnum)
		(void)error_set_errno(&err, answer->errnum, "write");
	else
		(void)error_set(&err, ERROR_LIMIT_REACHED, "it has reached its size");
	if (answer->kind == LOG_ANSWER_ENDED)
		end(log, &err);
	else
		dropping(log, &err);
}

void log_writer_died(struct link *link)
{
	struct error err;

	(void)error_set(&err, ERROR_FAILED, "the process that writes it has died");
	for (uint32_t i = 0; i < link->n_logs; i++) {
		struct log *log = link->logs[i];

		if (!log)
			continue;
		log->opened = false;
		log->retry_us = 0;
		if (log->params.kind == LOG_RECORDING)
			end(log, &err);
	}
	synced(link, link->last_sync);
}
