/* What people and programs read: errors, tables, JSON, durations. Whatever came from elsewhere is
 * shown with its control characters escaped, so that no name or message acts on a terminal.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "common/error.h"

/* "dokrustctl: WHAT: WHY" to standard error, one line in one write. WHAT is what was tried. */
void print_failure(const struct error *err, const char *what, ...)
	__attribute__((format(printf, 2, 3)));

/* The same for words of our own, for what is no error. */
void print_remark(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line of JSON, or an indented one, with a newline behind it, to standard output. */
void print_json(struct json_object *object, bool indented);

/* --- Tables ---------------------------------------------------------------------------------- */

struct table {
	size_t n_columns;
	char **cells; /* a vector, row by row */
	size_t n_cells, capacity;
};

void table_init(struct table *table, size_t n_columns);
void table_done(struct table *table);

/* The next cell; a row is complete after n_columns of them. */
void table_add(struct table *table, const char *text);

/* To standard output: columns as wide as their content, three blanks between them. */
void table_print(const struct table *table);

/* --- Words ----------------------------------------------------------------------------------- */

enum { PRINT_DURATION_SIZE = 32, PRINT_BYTES_SIZE = 32 };

/* "Less than a second", "4 minutes", "About an hour", as docker words them. */
const char *print_duration(int64_t us, char buffer[PRINT_DURATION_SIZE]);

/* "7.653GiB". */
const char *print_bytes(int64_t bytes, char buffer[PRINT_BYTES_SIZE]);

/* Each of a reply's `warnings`, if it has any, as a remark. */
void print_warnings(struct json_object *reply);

/* The strings of an array, with that text between them; "" for what is none. The caller's. */
char *print_join(struct json_object *array, const char *between);

/* A copy of text (UTF-8), or of its beginning with an ellipsis: at most n characters. The caller's. */
char *print_shorten(const char *text, size_t n);
