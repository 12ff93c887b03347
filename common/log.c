#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/cleanup.h"
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

bool log_has_events(void)
{
	return settings.journal || settings.max_level >= LOG_LEVEL_DEBUG;
}

/* systemd's native protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram of lines. A journal
 * that does not read is not waited for.
 */
static bool send_to_journal(const char *entry)
{
	static const struct sockaddr_un address = {
		.sun_family = AF_UNIX,
		.sun_path = "/run/systemd/journal/socket",
	};
	_cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && sendto(fd, entry, strlen(entry), MSG_DONTWAIT | MSG_NOSIGNAL,
				 (const struct sockaddr *)&address, sizeof(address)) >= 0;
}

void log_event(const char *message_id, const char *fields, const char *format, ...)
{
	char text[1024], escaped[2048], entry[4096];
	va_list ap;
	int n;

	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	text_escape(escaped, sizeof(escaped), text);
	n = snprintf(entry, sizeof(entry),
		     "MESSAGE=%s\nPRIORITY=%d\nMESSAGE_ID=%s\nSYSLOG_IDENTIFIER=%s\n%s", escaped,
		     (int)LOG_LEVEL_INFO, message_id, settings.program, fields);
	if (settings.journal && n > 0 && (size_t)n < sizeof(entry) && send_to_journal(entry))
		return;
	log_debug("%s", text);
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
