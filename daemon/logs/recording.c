/* A recording: asciicast, version 2 (https://docs.asciinema.org/manual/asciicast/v2/): a line of
 * JSON that says what it is, then a line for each event: [seconds, type, text]. The text of output
 * is UTF-8: a character that is cut waits for its rest, and what is none becomes U+FFFD.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/fdio.h"
#include "common/text.h"
#include "daemon/logs/files.h"
#include "daemon/logs/writer.h"

enum {
	STEP = 8 * 1024, /* bytes of output in an event */
	/* "[", time, ", \"o\", \"", each byte as \u001b or \ufffd, "\"]\n" */
	EVENT_MAX = 64 + 6 * (STEP + 4),
	CUT_MAX = 3,
};

struct recording {
	int64_t last_us;			    /* time never goes back */
	unsigned char cut[LOG_TYPE_COUNT][CUT_MAX]; /* the beginning of a character */
	size_t n_cut[LOG_TYPE_COUNT];
	bool ended;
	unsigned char text[STEP + CUT_MAX];
	char event[EVENT_MAX];
};

static const char event_types[LOG_TYPE_COUNT] = {
	[LOG_NOTE] = 'm',  [LOG_STDOUT] = 'o', [LOG_STDERR] = 'o',
	[LOG_INPUT] = 'i', [LOG_RESIZE] = 'r', [LOG_MARKER] = 'm',
};

/* --- One event ------------------------------------------------------------------------------- */

static char *put_character(char *to, const unsigned char *s, size_t length)
{
	static const char names[] = {
		['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['"'] = '"', ['\\'] = '\\'
	};

	if (length > 1) {
		(void)memcpy(to, s, length);
		return to + length;
	}
	if (*s < sizeof(names) && names[*s]) {
		*to++ = '\\';
		*to++ = names[*s];
	} else if (*s < 0x20 || *s == 0x7f) {
		to += sprintf(to, "\\u%04x", *s);
	} else {
		*to++ = (char)*s;
	}
	return to;
}

/* Returns how many bytes of the text are left for the next event. */
static size_t put_text(char **to, const unsigned char *text, size_t n)
{
	while (n) {
		size_t length = text_utf8_length(text, n);

		if (!length && text_utf8_is_cut(text, n))
			return n;
		if (length)
			*to = put_character(*to, text, length);
		else
			*to = stpcpy(*to, "\\ufffd");
		text += length ? length : 1;
		n -= length ? length : 1;
	}
	return 0;
}

static int append(struct log_target *target, const char *text, size_t n)
{
	struct recording *recording = target->private;
	int errnum = 0;

	if (target->size + (int64_t)n <= target->max_bytes) {
		if (fd_write_all(target->fd, text, n) == 0) {
			target->size += (int64_t)n;
			return 0;
		}
		errnum = errno;
		/* What is there stays a recording. */
		log_cut(target->fd, target->size);
	}
	recording->ended = true;
	log_target_ended(target, errnum);
	return errnum;
}

static int write_event(struct log_target *target, const struct log_record *record,
		       const unsigned char *data, size_t n)
{
	struct recording *recording = target->private;
	unsigned char *cut = recording->cut[record->type];
	size_t *n_cut = &recording->n_cut[record->type];
	int64_t us = record->time_us - target->start_us;
	char *to = recording->event;

	recording->last_us = us > recording->last_us ? us : recording->last_us;
	us = recording->last_us;
	(void)memcpy(recording->text, cut, *n_cut);
	(void)memcpy(recording->text + *n_cut, data, n);
	n += *n_cut;
	to += sprintf(to, "[%lld.%06d, \"%c\", \"", (long long)(us / 1000000), (int)(us % 1000000),
		      event_types[record->type]);
	*n_cut = put_text(&to, recording->text, n);
	(void)memcpy(cut, recording->text + n - *n_cut, *n_cut);
	if (*n_cut == n)
		return 0;
	to = stpcpy(to, "\"]\n");
	return append(target, recording->event, (size_t)(to - recording->event));
}

/* --- The target ------------------------------------------------------------------------------ */

static int recording_note(struct log_target *target, const char *line)
{
	const struct log_record record = { .type = LOG_NOTE, .time_us = clock_realtime_us() };
	size_t n = strcspn(line, "\n");

	return write_event(target, &record, (const unsigned char *)line, n);
}

static int recording_write(struct log_target *target, const unsigned char *records, size_t size)
{
	struct recording *recording = target->private;

	for (size_t at = 0; at < size && !recording->ended;) {
		struct log_record record;
		const unsigned char *data = records + at + sizeof(record);

		(void)memcpy(&record, records + at, sizeof(record));
		for (uint32_t done = 0; done < record.length && !recording->ended; done += STEP)
			(void)write_event(target, &record, data + done,
					  record.length - done < STEP ? record.length - done :
									STEP);
		at += sizeof(record) + record.length;
	}
	log_target_logged(target, log_output_bytes(records, size));
	return 0; /* what ends it is told by log_target_ended */
}

/* A numbered one is new; one with a place of its own replaces what was there. */
static int open_file(struct log_target *target)
{
	bool own = target->name[0] == '/';
	int flags = O_WRONLY | O_CREAT | RECORDING_OPEN_FLAGS | (own ? O_TRUNC : O_EXCL);
	struct stat st;
	int file;

	if (!own) {
		int dir = target->fd < 0 ? -1 : log_open_directory(target->fd, RECORDING_DIRECTORY);

		if (dir < 0)
			return target->fd < 0 ? EBADF : errno;
		fd_close(dir);
	}
	file = openat(target->fd, target->name, flags, 0600);
	if (file < 0)
		return errno;
	fd_close(target->fd);
	target->fd = file;
	if (fstat(file, &st) < 0)
		return errno;
	return S_ISREG(st.st_mode) ? 0 : EINVAL;
}

static int recording_open(struct log_target *target, const char *text)
{
	struct recording *recording = ALLOC(struct recording);
	size_t n = strlen(text);
	int errnum;

	target->private = recording;
	errnum = open_file(target);
	if (errnum) {
		recording->ended = true;
		log_target_ended(target, errnum);
		return 0;
	}
	(void)append(target, text, n);
	return 0;
}

static void recording_close(struct log_target *target)
{
	free(target->private);
}

const struct log_target_ops log_recording_ops = {
	.open = recording_open,
	.write = recording_write,
	.note = recording_note,
	.close = recording_close,
};
