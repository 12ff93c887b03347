/* What the reader's process does. Nothing in it is shared with the daemon any more, and it may wait
 * for as long as it likes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/clock.h"
#include "common/fdio.h"
#include "common/frame.h"
#include "daemon/logs/files.h"
#include "daemon/logs/reader.h"

enum {
	WINDOW = 256 * 1024,
	OUT_SIZE = 128 * 1024,
	OVERHEAD = FRAME_HEADER_SIZE + FRAME_LOG_OVERHEAD,
	RECORD = sizeof(struct log_record),
};

/* A place in a log. */
struct cursor {
	int file; /* -1: before the first */
	uint64_t sequence;
	int64_t offset;
	unsigned char window[WINDOW];
	int64_t window_begin, window_size;
};

struct reader {
	int socket, control, dir, inotify;
	struct log_selection selection;
	struct cursor cursor;
	uint64_t skip;	/* newlines in front of what is asked for */
	bool finishing; /* nothing more will be written */
	unsigned char out[OUT_SIZE];
	size_t out_size;
};

/* --- Sending --------------------------------------------------------------------------------- */

static void flush(struct reader *reader)
{
	/* A client that is gone is no error of anybody's. */
	if (fd_write_all(reader->socket, reader->out, reader->out_size) < 0)
		_exit(0);
	reader->out_size = 0;
}

static unsigned char *room(struct reader *reader, size_t n)
{
	unsigned char *at;

	if (reader->out_size + n > OUT_SIZE)
		flush(reader);
	at = reader->out + reader->out_size;
	reader->out_size += n;
	return at;
}

static void send_record(struct reader *reader, const struct log_record *record,
			const unsigned char *data, size_t n)
{
	const size_t most = FRAME_PAYLOAD_MAX - FRAME_LOG_OVERHEAD;

	for (size_t step; n; data += step, n -= step) {
		unsigned char *frame;

		step = n < most ? n : most;
		frame = room(reader, OVERHEAD + step);
		frame_put_log_header(frame, record->time_us, record->type, (uint32_t)step);
		(void)memcpy(frame + OVERHEAD, data, step);
	}
}

static _Noreturn void end(struct reader *reader)
{
	frame_put_header(room(reader, FRAME_HEADER_SIZE), FRAME_EOF, 0);
	flush(reader);
	_exit(0);
}

/* --- Reading --------------------------------------------------------------------------------- */

/* The file with the lowest sequence number above that one; -1 if there is none. */
static int open_next(int dir, uint64_t after, uint64_t *ret_sequence)
{
	int best = -1;

	for (int i = 0; i < LOG_FILES_MAX; i++) {
		char name[32];
		uint64_t sequence;
		int file;

		(void)snprintf(name, sizeof(name), i ? LOG_FILE_NAME ".%d" : LOG_FILE_NAME, i);
		file = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (file < 0 && i > 0)
			break;
		if (file >= 0 && log_read_file_header(file, &sequence) && sequence > after &&
		    (best < 0 || sequence < *ret_sequence)) {
			fd_close(best);
			best = file;
			*ret_sequence = sequence;
		} else {
			fd_close(file);
		}
	}
	return best;
}

static void cursor_reset(struct cursor *cursor)
{
	cursor->file = fd_close(cursor->file);
	cursor->sequence = 0;
	cursor->offset = cursor->window_begin = cursor->window_size = 0;
}

/* n bytes at the cursor, NULL if they are not there (yet). */
static const unsigned char *peek(struct cursor *cursor, int64_t n)
{
	ssize_t got;

	if (cursor->offset < cursor->window_begin ||
	    cursor->offset + n > cursor->window_begin + cursor->window_size) {
		got = pread(cursor->file, cursor->window, WINDOW, cursor->offset);
		cursor->window_begin = cursor->offset;
		cursor->window_size = got > 0 ? got : 0;
		if (cursor->window_size < n) {
			cursor->window_size = 0; /* it may be cut off, and written anew */
			return NULL;
		}
	}
	return cursor->window + (cursor->offset - cursor->window_begin);
}

/* The next record of the file; NULL if there is no whole one. */
static const unsigned char *next_in_file(struct cursor *cursor, struct log_record *ret)
{
	const unsigned char *at = peek(cursor, RECORD);

	if (!at)
		return NULL;
	(void)memcpy(ret, at, RECORD);
	if (!log_record_is_sound(ret))
		return NULL;
	at = peek(cursor, RECORD + (int64_t)ret->length);
	if (!at)
		return NULL;
	cursor->offset += RECORD + (int64_t)ret->length;
	return at + RECORD;
}

/* The next record of the log; NULL if there is none now. */
static const unsigned char *next(struct cursor *cursor, int dir, struct log_record *ret)
{
	for (;;) {
		const unsigned char *data = cursor->file >= 0 ? next_in_file(cursor, ret) : NULL;
		uint64_t sequence;
		int file;

		if (data)
			return data;
		file = open_next(dir, cursor->sequence, &sequence);
		if (file < 0)
			return NULL;
		/* A file that is not the newest does not grow, but it may have until just now. */
		data = cursor->file >= 0 ? next_in_file(cursor, ret) : NULL;
		if (data) {
			fd_close(file);
			return data;
		}
		cursor_reset(cursor);
		cursor->file = file;
		cursor->sequence = sequence;
		cursor->offset = sizeof(struct log_file_header);
	}
}

/* --- What is asked for ----------------------------------------------------------------------- */

static bool is_wanted(const struct reader *reader, const struct log_record *record)
{
	const struct log_selection *selection = &reader->selection;

	if (record->type != LOG_NOTE && !(selection->types & (1u << record->type)))
		return false;
	return record->time_us >= selection->since_us && record->time_us <= selection->until_us;
}

static uint64_t count_newlines(const unsigned char *data, size_t n)
{
	const unsigned char *end = data + n, *at = data;
	uint64_t lines = 0;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
		lines++;
		at++;
	}
	return lines;
}

/* How many lines stand in front of the last ones that are asked for. */
static void count_skip(struct reader *reader)
{
	struct log_record record;
	const unsigned char *data;
	uint64_t lines = 0;
	bool open_line = false;

	if (reader->selection.tail < 0)
		return;
	while ((data = next(&reader->cursor, reader->dir, &record))) {
		if (!is_wanted(reader, &record))
			continue;
		lines += count_newlines(data, record.length);
		open_line = data[record.length - 1] != '\n';
	}
	lines += open_line;
	if (lines > (uint64_t)reader->selection.tail)
		reader->skip = lines - (uint64_t)reader->selection.tail;
	cursor_reset(&reader->cursor);
}

/* What of it is left behind the lines that are skipped. */
static void send_wanted(struct reader *reader, const struct log_record *record,
			const unsigned char *data)
{
	const unsigned char *end = data + record->length;

	while (reader->skip && data < end) {
		const unsigned char *newline = memchr(data, '\n', (size_t)(end - data));

		if (!newline)
			return;
		data = newline + 1;
		reader->skip--;
	}
	send_record(reader, record, data, (size_t)(end - data));
}

/* A line that is skipped and has no end yet must not hide what comes when it is at its end. */
static void send_all(struct reader *reader)
{
	struct log_record record;
	const unsigned char *data;

	while ((data = next(&reader->cursor, reader->dir, &record)))
		if (is_wanted(reader, &record))
			send_wanted(reader, &record, data);
	reader->skip = 0;
	flush(reader);
}

/* --- Following ------------------------------------------------------------------------------- */

/* Milliseconds until the time that is asked for is over; -1: never. */
static int time_left(const struct reader *reader)
{
	int64_t until_us = reader->selection.until_us, left;

	if (until_us == INT64_MAX)
		return -1;
	left = (until_us - clock_realtime_us()) / 1000 + 1;
	return left < 0 ? 0 : left > 3600 * 1000 ? 3600 * 1000 : (int)left;
}

static void wait_for_more(struct reader *reader)
{
	struct pollfd fds[] = {
		{ .fd = reader->inotify, .events = POLLIN },
		{ .fd = reader->control, .events = POLLIN },
		{ .fd = reader->socket, .events = POLLRDHUP },
	};
	char events[4096];

	if (poll(fds, ARRAY_SIZE(fds), time_left(reader)) < 0 && errno != EINTR)
		_exit(1);
	if (fds[2].revents)
		_exit(0);
	while (fds[0].revents && read(reader->inotify, events, sizeof(events)) > 0)
		;
	reader->finishing = fds[1].revents || time_left(reader) == 0;
}

static void run(struct reader *reader)
{
	/* Watched before it is read: nothing falls in between. */
	if (reader->selection.follow) {
		char path[32];

		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", reader->dir);
		reader->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
		if (inotify_add_watch(reader->inotify, path, IN_MODIFY | IN_CREATE) < 0)
			_exit(1);
	}
	count_skip(reader);
	send_all(reader);
	while (reader->selection.follow && !reader->finishing) {
		wait_for_more(reader);
		send_all(reader);
	}
	end(reader);
}

static void copy(struct reader *reader, int file)
{
	ssize_t n;

	for (;;) {
		unsigned char *window = reader->cursor.window;

		do
			n = read(file, window, 32 * 1024);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			_exit(1);
		if (n == 0)
			end(reader);
		frame_put_data_header(room(reader, FRAME_DATA_OVERHEAD), FRAME_STDOUT, (uint32_t)n);
		(void)memcpy(room(reader, (size_t)n), window, (size_t)n);
	}
}

void log_reader_run(const struct log_reader_params *params, int socket, int control, int dir)
{
	struct reader *reader = malloc(sizeof(*reader));

	if (!reader)
		_exit(1);
	reader->socket = socket;
	reader->control = control;
	reader->dir = params->recording ?
			      openat(dir, params->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) :
			      log_open_directory(dir, params->name);
	reader->inotify = -1;
	reader->selection = params->selection;
	reader->cursor.file = -1;
	reader->out_size = 0;
	reader->skip = 0;
	reader->finishing = false;
	cursor_reset(&reader->cursor);
	(void)fd_set_nonblocking(socket, false);
	if (fd_write_all(socket, params->first, params->first_bytes) < 0)
		_exit(0);
	if (reader->dir < 0)
		_exit(1);
	if (params->recording)
		copy(reader, reader->dir);
	run(reader);
	_exit(0);
}
