/* The journal: a message for each line (sd_journal_sendv(3)). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/logs/writer.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum {
	LINE_MAX_BYTES = 16 * 1024, /* what is longer comes in parts, each marked as one */
	FIELDS_MAX = 32,
	OUTPUTS = LOG_STDERR + 1,
};

static const char message_key[] = "MESSAGE=";

/* A line that is not complete yet, behind its key. */
struct line {
	char text[sizeof(message_key) - 1 + LINE_MAX_BYTES];
	size_t size; /* without the key */
};

struct journal {
	char *fields;
	struct iovec iov[FIELDS_MAX + 3];
	int n_fields; /* those of every message, behind MESSAGE and PRIORITY */
	struct line lines[OUTPUTS];
};

int logs_check_journal(struct error *err)
{
	if (access(JOURNAL_SOCKET, W_OK) == 0)
		return 0;
	return error_set_subject(err, ERROR_INVALID_VALUE, "spec.log_driver",
				 "there is no journal on this host (" JOURNAL_SOCKET ": %s)",
				 strerrordesc_np(errno));
}

/* As docker has it: standard error is an error, the rest is information. */
static const char *priority(enum log_type type)
{
	return type == LOG_STDERR ? "PRIORITY=3" : type == LOG_NOTE ? "PRIORITY=4" : "PRIORITY=6";
}

static struct iovec string_piece(const char *text)
{
	return (struct iovec){ (void *)(uintptr_t)text, strlen(text) };
}

static int send_line(struct journal *journal, enum log_type type, bool partial)
{
	struct line *line = &journal->lines[type];
	int n = journal->n_fields + 2;
	int r;

	/* A terminal's lines end with both. */
	if (!partial && line->size && line->text[sizeof(message_key) - 2 + line->size] == '\r')
		line->size--;
	journal->iov[0] = (struct iovec){ line->text, sizeof(message_key) - 1 + line->size };
	journal->iov[1] = string_piece(priority(type));
	if (partial)
		journal->iov[n++] = string_piece("CONTAINER_PARTIAL_MESSAGE=true");
	line->size = 0;
	r = sd_journal_sendv(journal->iov, n);
	return r < 0 ? -r : 0;
}

static int add_output(struct journal *journal, enum log_type type, const unsigned char *data,
		      size_t n)
{
	struct line *line = &journal->lines[type];
	int errnum = 0;

	while (n && !errnum) {
		size_t room = LINE_MAX_BYTES - line->size;
		size_t most = n < room ? n : room;
		const unsigned char *newline = memchr(data, '\n', most);
		size_t step = newline ? (size_t)(newline - data) : most;

		(void)memcpy(line->text + sizeof(message_key) - 1 + line->size, data, step);
		line->size += step;
		if (newline || line->size == LINE_MAX_BYTES)
			errnum = send_line(journal, type, !newline);
		step += newline != NULL;
		data += step;
		n -= step;
	}
	return errnum;
}

static int journal_note(struct log_target *target, const char *line)
{
	return add_output(target->private, LOG_NOTE, (const unsigned char *)line, strlen(line));
}

/* What stands in an incomplete line is not in the journal yet. */
static uint64_t held(const struct journal *journal)
{
	return journal->lines[LOG_STDOUT].size + journal->lines[LOG_STDERR].size;
}

static int journal_write(struct log_target *target, const unsigned char *records, size_t size)
{
	int errnum = 0;

	for (size_t at = 0; at < size && !errnum;) {
		struct log_record record;

		(void)memcpy(&record, records + at, sizeof(record));
		at += sizeof(record);
		if (record.type == LOG_STDOUT || record.type == LOG_STDERR) {
			errnum = add_output(target->private, record.type, records + at,
					    record.length);
			if (!errnum)
				log_target_logged(target, target->held + record.length -
								  held(target->private));
			target->held = held(target->private);
		}
		at += record.length;
	}
	return errnum;
}

static int journal_open(struct log_target *target, const char *text)
{
	struct journal *journal = ALLOC(struct journal);
	char *rest = journal->fields = alloc_strdup(text), *field;

	while ((field = strsep(&rest, "\n")) && journal->n_fields < FIELDS_MAX)
		if (*field)
			journal->iov[2 + journal->n_fields++] = string_piece(field);
	for (int i = 0; i < OUTPUTS; i++)
		(void)memcpy(journal->lines[i].text, message_key, sizeof(message_key) - 1);
	target->private = journal;
	return 0;
}

static void journal_close(struct log_target *target)
{
	struct journal *journal = target->private;

	for (int i = 0; i < OUTPUTS; i++)
		if (journal->lines[i].size)
			(void)send_line(journal, (enum log_type)i, false);
	log_target_logged(target, target->held);
	free(journal->fields);
	free(journal);
}

const struct log_target_ops log_journal_ops = {
	.open = journal_open,
	.write = journal_write,
	.note = journal_note,
	.close = journal_close,
};
