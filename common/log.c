#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/text.h"

static struct {
	const char *program;
	enum log_level max_level;
	bool journal;
} settings = { .program = "dokrust", .max_level = LOG_LEVEL_INFO };

/* JOURNAL_STREAM holds the device and inode of the stream that systemd connected. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	if (!stream || sscanf(stream, "%llu:%llu", &device, &inode) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *program, enum log_level max_level)
{
	settings.program = program;
	settings.max_level = max_level;
	settings.journal = stderr_is_journal();
}

void log_message(enum log_level level, const char *format, ...)
{
	int saved = errno;
	char text[1024], escaped[2048], line[2200];
	va_list ap;
	int n;

	if (level > settings.max_level)
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	text_escape(escaped, sizeof(escaped), text);
	if (settings.journal)
		n = snprintf(line, sizeof(line), "<%d>%s\n", (int)level, escaped);
	else
		n = snprintf(line, sizeof(line), "%s: %s\n", settings.program, escaped);
	/* One write a line, so that lines of several processes do not mix. */
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0) {
		/* Nobody is left to tell. */
	}
	errno = saved;
}
