/* What the writer and the readers of a log's files know alike. Private to daemon/logs. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/logs/record.h"

/* Whether it may be one: a file's end may hold anything after a crash. */
bool log_record_is_sound(const struct log_record *record);

/* Makes it if it is missing. A descriptor, or -1 with errno. */
int log_open_directory(int at, const char *name);

/* False if it is no file of a log. */
bool log_read_file_header(int file, uint64_t *ret_sequence);
