#include "daemon/logs/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"

enum { BUFFER_SIZE = 1024 * 1024 };

enum { NOTE_SIZE = 128 };

struct writer {
	struct log_writer_params params;
	unsigned char *buffer;
	size_t start, end;	     /* of what was received and not done yet */
	struct log_target **targets; /* by number */
	size_t n_targets;
};

static const struct log_target_ops *const kinds[] = {
	[LOG_FILES] = &log_files_ops,
	[LOG_JOURNAL] = &log_journal_ops,
	[LOG_RECORDING] = &log_recording_ops,
};

/* --- Answers --------------------------------------------------------------------------------- */

/* A daemon that does not read its answers is about to be told by others; none is waited for. */
static void answer(int socket, enum log_answer_kind kind, uint32_t number, int errnum)
{
	const struct log_answer answer = { kind, number, errnum };

	(void)send(socket, &answer, sizeof(answer), MSG_DONTWAIT | MSG_NOSIGNAL);
}

void log_target_dropped(struct log_target *target, int errnum)
{
	if (!target->failing)
		answer(target->socket, LOG_ANSWER_DROPPED, target->number, errnum);
	target->failing = true;
}

void log_target_ended(struct log_target *target, int errnum)
{
	answer(target->socket, LOG_ANSWER_ENDED, target->number, errnum);
}

void log_cut(int file, int64_t size)
{
	if (ftruncate(file, size) < 0)
		return; /* whoever opens it next finds where it ends */
}

void log_target_logged(struct log_target *target, uint64_t bytes)
{
	atomic_fetch_add(&target->entry->logged, bytes);
}

uint64_t log_output_bytes(const unsigned char *records, size_t size)
{
	uint64_t bytes = 0;

	for (size_t at = 0; at < size;) {
		struct log_record record;

		(void)memcpy(&record, records + at, sizeof(record));
		if (record.type == LOG_STDOUT || record.type == LOG_STDERR)
			bytes += record.length;
		at += sizeof(record) + record.length;
	}
	return bytes;
}

/* --- Messages -------------------------------------------------------------------------------- */

static struct log_target **find_place(const struct writer *writer, uint32_t number)
{
	return number < writer->n_targets ? &writer->targets[number] : NULL;
}

static struct log_target *find(const struct writer *writer, uint32_t number)
{
	struct log_target **place = find_place(writer, number);

	return place ? *place : NULL;
}

static void close_target(struct writer *writer, uint32_t number)
{
	struct log_target **place = find_place(writer, number);
	struct log_target *target;

	if (!place || !*place)
		return;
	target = TAKE_PTR(*place);
	target->ops->close(target);
	ledger_unlock(writer->params.lock_fd, writer->params.table, number);
	fd_close(target->fd);
	free(target->name);
	free(target);
}

static int take_fd(const struct writer *writer)
{
	int fds[FD_PASS_MAX];
	size_t n_fds;
	char byte;

	if (fd_receive(writer->params.fds_socket, &byte, sizeof(byte), fds, &n_fds) <= 0 ||
	    n_fds != 1)
		return -1;
	return fds[0];
}

static void make_room_for(struct writer *writer, uint32_t number)
{
	size_t wanted = (size_t)number + 64;

	if (number < writer->n_targets)
		return;
	writer->targets = realloc(writer->targets, wanted * sizeof(*writer->targets));
	if (!writer->targets)
		_exit(1);
	for (size_t i = writer->n_targets; i < wanted; i++)
		writer->targets[i] = NULL;
	writer->n_targets = wanted;
}

static void begin_entry(struct ledger_entry *entry, uint32_t owner)
{
	if (atomic_exchange(&entry->writing, 0))
		entry->cut = 1;
	if (entry->logged_owner == owner)
		return;
	entry->logged = 0;
	entry->cut = 0;
	entry->logged_owner = owner;
}

static void open_target(struct writer *writer, uint32_t number, const unsigned char *data,
			size_t size)
{
	char text[LOG_TEXT_MAX + 1] = "";
	struct log_target *target = ALLOC(struct log_target);
	struct log_open open;
	const char *name;
	int errnum;

	(void)memcpy(&open, data, sizeof(open));
	name = (const char *)data + sizeof(open);
	(void)memcpy(text, name + strlen(name) + 1, size - sizeof(open) - strlen(name) - 1);
	close_target(writer, number);
	make_room_for(writer, number);
	writer->targets[number] = target;
	*target = (struct log_target){
		.ops = kinds[open.kind],
		.socket = writer->params.socket,
		.number = number,
		.fd = open.has_fd ? take_fd(writer) : -1,
		.max_bytes = open.max_bytes,
		.max_files = open.max_files,
		.start_us = open.start_us,
		.name = alloc_strdup(name),
		.entry = &writer->params.entries[number],
		.file = -1,
	};
	/* The writer of a daemon that was killed may not have written all that it was given. */
	ledger_lock(writer->params.lock_fd, writer->params.table, number);
	begin_entry(target->entry, open.owner);
	errnum = target->ops->open(target, text);
	if (errnum)
		log_target_dropped(target, errnum);
}

/* What came before the position and is not written will not be any more. */
static int tell_lost(struct log_target *target, uint64_t position)
{
	uint64_t lost = position - target->entry->logged - target->held;
	bool doubtful = target->entry->doubtful || target->entry->cut;
	char line[NOTE_SIZE];
	int errnum;

	if (!lost) {
		target->entry->cut = 0;
		return 0;
	}
	(void)snprintf(line, sizeof(line),
		       doubtful ? "[dokrust: up to %" PRIu64
				  " bytes of output are missing here]\n" :
				  "[dokrust: %" PRIu64 " bytes of output are missing here]\n",
		       lost);
	errnum = target->ops->note(target, line);
	if (errnum)
		return errnum;
	log_target_logged(target, lost);
	target->entry->doubtful = 0;
	target->entry->cut = 0;
	return 0;
}

static void write_records(struct writer *writer, const struct log_message *message,
			  const unsigned char *records)
{
	struct log_target *target = find(writer, message->number);
	int errnum = target ? tell_lost(target, message->position) : 0;

	if (target && !errnum && message->size) {
		target->entry->writing = 1;
		errnum = target->ops->write(target, records, message->size);
		target->entry->writing = 0;
	}
	if (errnum)
		log_target_dropped(target, errnum);
	else if (target)
		target->failing = false;
}

static void do_message(struct writer *writer, const struct log_message *message,
		       const unsigned char *data)
{
	switch (message->kind) {
	case LOG_MESSAGE_OPEN:
		open_target(writer, message->number, data, message->size);
		break;
	case LOG_MESSAGE_RECORDS:
		write_records(writer, message, data);
		break;
	case LOG_MESSAGE_CLOSE:
		if (find(writer, message->number))
			(void)tell_lost(find(writer, message->number), message->position);
		close_target(writer, message->number);
		break;
	default:
		answer(writer->params.socket, LOG_ANSWER_SYNCED, message->number, 0);
		break;
	}
}

static void do_messages(struct writer *writer)
{
	struct log_message message;

	while (writer->end - writer->start >= sizeof(message)) {
		const unsigned char *data = writer->buffer + writer->start + sizeof(message);

		(void)memcpy(&message, writer->buffer + writer->start, sizeof(message));
		if (writer->end - writer->start - sizeof(message) < message.size)
			break;
		do_message(writer, &message, data);
		writer->start += sizeof(message) + message.size;
	}
	if (writer->start == writer->end)
		writer->start = writer->end = 0;
}

/* --- Receiving ------------------------------------------------------------------------------- */

/* The beginning of a message moves only when there might be no room for the rest of it. */
static void make_room(struct writer *writer)
{
	size_t rest = writer->end - writer->start;

	if (BUFFER_SIZE - writer->end > (size_t)LOG_MESSAGE_MAX + sizeof(struct log_message))
		return;
	(void)memmove(writer->buffer, writer->buffer + writer->start, rest);
	writer->start = 0;
	writer->end = rest;
}

static bool receive(struct writer *writer)
{
	ssize_t n;

	make_room(writer);
	do
		n = recv(writer->params.socket, writer->buffer + writer->end,
			 BUFFER_SIZE - writer->end, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	writer->end += (size_t)n;
	return true;
}

void log_writer_run(const struct log_writer_params *params)
{
	struct writer writer = {
		.params = *params,
		.buffer = malloc(BUFFER_SIZE),
	};

	if (!writer.buffer)
		_exit(1);
	while (receive(&writer))
		do_messages(&writer);
	for (size_t i = 0; i < writer.n_targets; i++)
		close_target(&writer, (uint32_t)i);
	_exit(0);
}
