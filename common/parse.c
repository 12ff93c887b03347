#include "common/parse.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/text.h"

int parse_integer(const char *text, int64_t min, int64_t max, int64_t *ret, struct error *err)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end || isspace((unsigned char)text[0]) || text[0] == '+')
		return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is no whole number", text);
	if (errno == ERANGE || value < min || value > max)
		return error_set(err, ERROR_INVALID_VALUE, "%.32s is not between %lld and %lld",
				 text, (long long)min, (long long)max);
	*ret = value;
	return 0;
}

/* --- Durations ------------------------------------------------------------------------------- */

/* One "12", "1.5" or with a unit behind; advances *at. Fractions of a millisecond are dropped. */
static bool parse_part(const char **at, bool bare, int64_t *ret_ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 3600 * 1000 } };
	int64_t whole = 0, fraction = 0, scale = 1, unit_ms = 1000;
	const char *s = *at;
	size_t i = 0;

	if (!isdigit((unsigned char)*s))
		return false;
	for (; isdigit((unsigned char)*s) && whole < 100000000; s++)
		whole = whole * 10 + (*s - '0');
	if (*s == '.' && isdigit((unsigned char)s[1])) {
		for (s++; isdigit((unsigned char)*s); s++) {
			if (scale < 1000000) {
				fraction = fraction * 10 + (*s - '0');
				scale *= 10;
			}
		}
	}
	if (*s || !bare) {
		while (i < ARRAY_SIZE(units) &&
		       strncmp(units[i].unit, s, strlen(units[i].unit)) != 0)
			i++;
		if (i == ARRAY_SIZE(units))
			return false;
		s += strlen(units[i].unit);
		unit_ms = units[i].ms;
	}
	*at = s;
	*ret_ms = whole * unit_ms + fraction * unit_ms / scale;
	return true;
}

int parse_duration_ms(const char *text, int64_t *ret, struct error *err)
{
	const char *at = text;
	int64_t total = 0, part;
	bool bare = true;

	if (strcmp(text, "-1") == 0) {
		*ret = -1;
		return 0;
	}
	do {
		if (!parse_part(&at, bare, &part))
			return error_set(err, ERROR_INVALID_VALUE,
					 "\"%.32s\" is no duration; write seconds, or as 1m30s",
					 text);
		total += part;
		bare = false;
	} while (*at);
	*ret = total;
	return 0;
}

/* --- Signals --------------------------------------------------------------------------------- */

/* The second names of some (signal(7)). */
static const struct {
	const char *name;
	int number;
} other_names[] = { { "CLD", SIGCHLD }, { "IO", SIGIO }, { "IOT", SIGABRT } };

static int signal_by_name(const char *name)
{
	char upper[16] = "";

	if (strlen(name) >= sizeof(upper))
		return 0;
	for (size_t i = 0; name[i]; i++)
		upper[i] = (char)toupper((unsigned char)name[i]);
	name = strncmp(upper, "SIG", 3) == 0 ? upper + 3 : upper;
	for (int number = 1; number < 32; number++) {
		const char *known = sigabbrev_np(number);

		if (known && strcmp(known, name) == 0)
			return number;
	}
	for (size_t i = 0; i < ARRAY_SIZE(other_names); i++)
		if (strcmp(other_names[i].name, name) == 0)
			return other_names[i].number;
	return 0;
}

/* "RTMIN", "RTMIN+N", "RTMAX", "RTMAX-N", with or without "SIG". */
static int realtime_signal(const char *name)
{
	char sign = '\0';
	int offset = 0, used = 0, number;
	bool from_min;

	if (strncasecmp(name, "SIG", 3) == 0)
		name += 3;
	from_min = strncasecmp(name, "RTMIN", 5) == 0;
	if (!from_min && strncasecmp(name, "RTMAX", 5) != 0)
		return 0;
	if (name[5] && (sscanf(name + 5, "%c%2d%n", &sign, &offset, &used) != 2 || name[5 + used] ||
			sign != (from_min ? '+' : '-') || offset < 0))
		return 0;
	number = from_min ? SIGRTMIN + offset : SIGRTMAX - offset;
	return number >= SIGRTMIN && number <= SIGRTMAX ? number : 0;
}

int parse_signal(const char *text, int *ret, struct error *err)
{
	struct error ignored;
	int64_t number = 0;

	if (isdigit((unsigned char)text[0]))
		(void)parse_integer(text, 1, SIGRTMAX, &number, &ignored);
	else
		number = signal_by_name(text);
	if (!number)
		number = realtime_signal(text);
	if (!number)
		return error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is no signal", text);
	*ret = (int)number;
	return 0;
}

const char *signal_name(int number, char *buffer, size_t size)
{
	const char *name = sigabbrev_np(number);

	if (name)
		(void)snprintf(buffer, size, "SIG%s", name);
	else if (number >= SIGRTMIN && number <= SIGRTMAX)
		(void)snprintf(buffer, size, "SIGRTMIN+%d", number - SIGRTMIN);
	else
		(void)snprintf(buffer, size, "%d", number);
	return buffer;
}

/* --- Detach keys ----------------------------------------------------------------------------- */

static bool parse_key(const char *text, size_t n, unsigned char *ret)
{
	if (n == 1 && (unsigned char)text[0] > 0x20 && text[0] != 0x7f) {
		*ret = (unsigned char)text[0];
		return true;
	}
	if (n != 6 || strncasecmp(text, "ctrl-", 5) != 0)
		return false;
	*ret = (unsigned char)(toupper((unsigned char)text[5]) - '@');
	return *ret < 0x20;
}

int parse_detach_keys(const char *text, struct detach_keys *ret, struct error *err)
{
	struct detach_keys keys = { 0 };
	const char *at = text;

	if (text[0] && strcmp(text, "none") != 0) {
		for (;;) {
			size_t n = strcspn(at, ",");

			if (keys.n == DETACH_KEYS_MAX || !parse_key(at, n, &keys.keys[keys.n]))
				return error_set(err, ERROR_INVALID_VALUE,
						 "\"%.64s\": write up to %d keys as a,b,ctrl-c, or "
						 "none",
						 text, DETACH_KEYS_MAX);
			keys.n++;
			if (!at[n])
				break;
			at += n + 1;
		}
	}
	*ret = keys;
	return 0;
}

/* --- Sizes of terminals ---------------------------------------------------------------------- */

static bool parse_fixed(const char *text, struct terminal_size *ret)
{
	unsigned int columns, rows;
	int used = 0;

	if (sscanf(text, "fixed=%4ux%4u%n", &columns, &rows, &used) != 2 || text[used] ||
	    columns < 1 || columns > 1000 || rows < 1 || rows > 1000)
		return false;
	*ret = (struct terminal_size){ SIZE_FIXED, (uint16_t)rows, (uint16_t)columns };
	return true;
}

int parse_terminal_size(const char *text, struct terminal_size *ret, struct error *err)
{
	static const char *const names[] = {
		[SIZE_LATEST] = "latest",
		[SIZE_SMALLEST] = "smallest",
		[SIZE_FIXED] = "fixed",
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i], text) == 0) {
			*ret = (struct terminal_size){ .policy = (enum size_policy)i };
			return 0;
		}
	}
	if (parse_fixed(text, ret))
		return 0;
	return error_set(
		err, ERROR_INVALID_VALUE,
		"\"%.32s\" is none of latest, smallest, fixed and fixed=COLUMNSxROWS (up to "
		"1000 each)",
		text);
}

/* --- Environments ---------------------------------------------------------------------------- */

int parse_environment(const char *text, char ***environment, struct error *err)
{
	size_t n = strcspn(text, "=");
	_cleanup_(freep) char *key = alloc_printf("%.*s", (int)n, text);
	const char *value = text[n] ? text + n + 1 : getenv(key);

	if (n == 0)
		return error_set(err, ERROR_INVALID_VALUE, "\"%.64s\": a variable is KEY=VALUE",
				 text);
	if (value)
		strv_set(environment, key, value);
	return 0;
}

enum { ENVIRONMENT_FILE_MAX = 64 * 1024 };

int parse_environment_file(const char *path, char ***environment, struct error *err)
{
	_cleanup_(freep) char *text = NULL;
	unsigned int number = 0;
	size_t size;
	char *line, *rest;

	if (fd_read_file_at(AT_FDCWD, path, ENVIRONMENT_FILE_MAX, &text, &size, err) < 0)
		return -1;
	if (strlen(text) != size)
		return error_set(err, ERROR_INVALID_VALUE, "%s: it has a NUL in it", path);
	rest = text;
	while ((line = strsep(&rest, "\n"))) {
		size_t length = strlen(line);

		number++;
		if (length && line[length - 1] == '\r')
			line[length - 1] = '\0';
		line += strspn(line, " \t");
		if (!line[0] || line[0] == '#')
			continue;
		if (strcspn(line, " \t") < strcspn(line, "="))
			return error_set(err, ERROR_INVALID_VALUE,
					 "%s:%u: a variable's name has no white space", path,
					 number);
		if (parse_environment(line, environment, err) < 0)
			return error_prefix(err, "%s:%u", path, number);
	}
	return 0;
}

/* --- Nearest --------------------------------------------------------------------------------- */

enum { NEAREST_LENGTH_MAX = 31 };

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t m = a < b ? a : b;

	return m < c ? m : c;
}

/* Insertions, deletions, replacements and exchanges of neighbours from a to b. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_LENGTH_MAX + 2];
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	size_t a_length = strlen(a), b_length = strlen(b);

	for (size_t k = 0; k <= b_length; k++)
		last[k] = k;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *oldest = before;

		row[0] = i;
		for (size_t k = 1; k <= b_length; k++) {
			row[k] = min3(last[k] + 1, row[k - 1] + 1,
				      last[k - 1] + (a[i - 1] != b[k - 1]));
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] &&
			    before[k - 2] + 1 < row[k])
				row[k] = before[k - 2] + 1;
		}
		before = last;
		last = row;
		row = oldest;
	}
	return last[b_length];
}

static const char *only_with_prefix(const char *text, const char *const *candidates)
{
	const char *found = NULL;

	for (; *candidates; candidates++) {
		if (strncmp(*candidates, text, strlen(text)) != 0)
			continue;
		if (found)
			return NULL;
		found = *candidates;
	}
	return found;
}

const char *parse_nearest(const char *text, const char *const *candidates)
{
	size_t length = strlen(text);
	size_t best = length < 4 ? 2 : length < 8 ? 3 : 4; /* must be below */
	const char *nearest = NULL;

	if (length < 2 || length > NEAREST_LENGTH_MAX)
		return NULL;
	for (const char *const *c = candidates; *c; c++) {
		size_t d = strlen(*c) <= NEAREST_LENGTH_MAX ? distance(text, *c) : best;

		if (d < best) {
			best = d;
			nearest = *c;
		}
	}
	return nearest ? nearest : only_with_prefix(text, candidates);
}
