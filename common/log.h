/* The daemon's log: one line a message, to standard error. When that is connected to the journal
 * (systemd.exec(5), JOURNAL_STREAM), each line carries its level in sd-daemon(3)'s "<N>" form;
 * otherwise it carries the program's name. Control characters are escaped, so that no name or
 * path forges a line.
 *
 * Only daemon/api, the mains and top-level callbacks log; libraries return errors.
 */
#pragma once

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR = 3, /* the numbers of syslog(3) */
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/* Messages above max_level are dropped. program is kept, not copied. */
void log_open(const char *program, enum log_level max_level);

void log_message(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Whether anybody is told of events: the journal, or who wants to know everything. */
bool log_has_events(void);

/* Something that happened, at the level info. In the journal it gets the message id (32 hex digits) and
 * fields of its own, lines of KEY=VALUE; elsewhere it is a line of the level debug. Never waits.
 */
void log_event(const char *message_id, const char *fields, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#define log_error(...) log_message(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...) log_message(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_LEVEL_DEBUG, __VA_ARGS__)
