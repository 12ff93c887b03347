#include "client/print.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"

/* --- Messages -------------------------------------------------------------------------------- */

static void print_line(const char *message)
{
	char line[ERROR_MESSAGE_SIZE * 2];

	text_escape(line, sizeof(line), message);
	(void)fprintf(stderr, "dokrustctl: %s\n", line);
}

void print_failure(const struct error *err, const char *what, ...)
{
	char tried[ERROR_MESSAGE_SIZE / 2];
	struct error whole = *err;
	va_list ap;

	va_start(ap, what);
	(void)vsnprintf(tried, sizeof(tried), what, ap);
	va_end(ap);
	(void)error_prefix(&whole, "%s", tried);
	print_line(whole.message);
}

void print_remark(const char *format, ...)
{
	char message[ERROR_MESSAGE_SIZE];
	va_list ap;

	va_start(ap, format);
	(void)vsnprintf(message, sizeof(message), format, ap);
	va_end(ap);
	print_line(message);
}

void print_warnings(struct json_object *reply)
{
	struct json_object *warnings = json_object_object_get(reply, "warnings");
	size_t n = warnings ? json_object_array_length(warnings) : 0;

	for (size_t i = 0; i < n; i++)
		print_remark("warning: %s",
			     json_object_get_string(json_object_array_get_idx(warnings, i)));
}

/* --- JSON ------------------------------------------------------------------------------------ */

/* json-c escapes what lies below 0x20, and that alone: DEL, and the C1 controls in their UTF-8
 * form, act on terminals, too. They can only be within strings, where the escapes mean the same.
 */
static void put_json(const char *text, size_t n)
{
	const unsigned char *at = (const unsigned char *)text, *end = at + n;

	while (at < end) {
		const unsigned char *plain = at;

		while (at < end && *at != 0x7f && !(*at == 0xc2 && at + 1 < end && at[1] < 0xa0))
			at++;
		(void)fwrite(plain, 1, (size_t)(at - plain), stdout);
		if (at == end)
			break;
		at += *at == 0xc2;
		(void)printf("\\u%04x", *at++);
	}
	(void)putchar('\n');
}

void print_json(struct json_object *object, bool indented)
{
	int flags = indented ? JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED :
			       JSON_C_TO_STRING_PLAIN;
	size_t size;
	const char *text = json_object_to_json_string_length(
		object, flags | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

	if (!text)
		abort();
	put_json(text, size);
}

/* --- Tables ---------------------------------------------------------------------------------- */

enum { COLUMN_GAP = 3 };

void table_init(struct table *table, size_t n_columns)
{
	*table = (struct table){ .n_columns = n_columns };
}

void table_done(struct table *table)
{
	for (size_t i = 0; i < table->n_cells; i++)
		free(table->cells[i]);
	free(table->cells);
	table_init(table, table->n_columns);
}

void table_add(struct table *table, const char *text)
{
	size_t size = strlen(text) * 4 + 1;

	if (table->n_cells == table->capacity) {
		table->capacity = table->capacity ? table->capacity * 2 : 64;
		table->cells = alloc_resize(table->cells, table->capacity * sizeof(*table->cells));
	}
	table->cells[table->n_cells] = alloc_zero(1, size);
	text_escape(table->cells[table->n_cells], size, text);
	table->n_cells++;
}

/* Characters of well-formed UTF-8: bytes that do not continue one. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void print_row(const struct table *table, size_t row, const size_t *widths)
{
	for (size_t column = 0; column < table->n_columns; column++) {
		const char *cell = table->cells[row * table->n_columns + column];
		size_t blanks = widths[column] - width(cell) + COLUMN_GAP;

		if (column + 1 < table->n_columns)
			(void)printf("%s%*s", cell, (int)blanks, "");
		else
			(void)printf("%s\n", cell);
	}
}

void table_print(const struct table *table)
{
	_cleanup_(freep) size_t *widths = alloc_zero(table->n_columns, sizeof(*widths));

	for (size_t i = 0; i < table->n_cells; i++) {
		size_t w = width(table->cells[i]), *widest = &widths[i % table->n_columns];

		*widest = w > *widest ? w : *widest;
	}
	for (size_t row = 0; row < table->n_cells / table->n_columns; row++)
		print_row(table, row, widths);
}

/* --- Words ----------------------------------------------------------------------------------- */

const char *print_duration(int64_t us, char buffer[PRINT_DURATION_SIZE])
{
	/* From each length on, up to the next: go-units' HumanDuration, which is docker's. */
	static const struct {
		int64_t from_s, unit_s; /* unit_s 0: the words are all of it */
		const char *words;
	} steps[] = {
		{ INT64_MIN, 0, "Less than a second" },
		{ 1, 0, "1 second" },
		{ 2, 1, "seconds" },
		{ 60, 0, "About a minute" },
		{ 2 * 60, 60, "minutes" },
		{ 3600, 0, "About an hour" },
		{ 2 * 3600, 3600, "hours" },
		{ 48 * 3600, 24 * 3600, "days" },
		{ 14 * 24 * 3600, 7 * 24 * 3600, "weeks" },
		{ 60 * 24 * 3600, 30 * 24 * 3600, "months" },
		{ 730 * 24 * 3600, 365 * 24 * 3600, "years" },
	};
	int64_t s = us / 1000000;
	size_t i = ARRAY_SIZE(steps) - 1;

	if (s >= 3600)
		s = (s + 1800) / 3600 * 3600; /* hours are rounded, there, too */
	while (s < steps[i].from_s)
		i--;
	if (steps[i].unit_s)
		(void)snprintf(buffer, PRINT_DURATION_SIZE, "%lld %s",
			       (long long)(s / steps[i].unit_s), steps[i].words);
	else
		(void)snprintf(buffer, PRINT_DURATION_SIZE, "%s", steps[i].words);
	return buffer;
}

const char *print_bytes(int64_t bytes, char buffer[PRINT_BYTES_SIZE])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t i = 0;

	for (; value >= 1024 && i + 1 < ARRAY_SIZE(units); i++)
		value /= 1024;
	(void)snprintf(buffer, PRINT_BYTES_SIZE, "%.4g%s", value, units[i]);
	return buffer;
}

static const char *item(struct json_object *array, size_t i)
{
	const char *text = json_object_get_string(json_object_array_get_idx(array, i));

	return text ? text : "";
}

char *print_join(struct json_object *array, const char *between)
{
	bool is_array = json_object_get_type(array) == json_type_array;
	size_t n = is_array ? json_object_array_length(array) : 0, size = 1;
	char *text, *to;

	for (size_t i = 0; i < n; i++)
		size += strlen(item(array, i)) + strlen(between);
	text = to = alloc_zero(1, size);
	for (size_t i = 0; i < n; i++) {
		to = stpcpy(to, i ? between : "");
		to = stpcpy(to, item(array, i));
	}
	return text;
}

char *print_shorten(const char *text, size_t n)
{
	size_t kept = 0;
	int size = 0;

	if (width(text) <= n)
		return alloc_strdup(text);
	for (; text[size]; size++)
		if (((unsigned char)text[size] & 0xc0) != 0x80 && ++kept == n)
			break;
	return alloc_printf("%.*s\xe2\x80\xa6", size, text);
}
