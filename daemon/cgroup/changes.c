#include "daemon/cgroup/changes.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"

struct change *changes_add(struct changes *changes, const struct hierarchy *hierarchy,
			   const char *subject, const char *file, const char *format, ...)
{
	struct change *change = &changes->list[changes->n];
	char value[CGROUP_VALUE_MAX + 1];
	va_list ap;

	assert(changes->n < CHANGES_MAX);
	va_start(ap, format);
	(void)vsnprintf(value, sizeof(value), format, ap);
	va_end(ap);
	*change = (struct change){ .hierarchy = hierarchy, .subject = subject };
	(void)snprintf(change->file, sizeof(change->file), "%s", file);
	change->value = alloc_strdup(value);
	changes->n++;
	return change;
}

void changes_add_number(struct changes *changes, const struct hierarchy *hierarchy,
			const char *subject, const char *file, int64_t value, const char *unlimited)
{
	if (value == CGROUP_UNLIMITED)
		(void)changes_add(changes, hierarchy, subject, file, "%s", unlimited);
	else
		(void)changes_add(changes, hierarchy, subject, file, "%lld", (long long)value);
}

void changes_clear(struct changes *changes)
{
	while (changes->n) {
		struct change *change = &changes->list[--changes->n];

		free(change->value);
		free(change->before);
	}
}

struct changes *changes_free(struct changes *changes)
{
	if (changes)
		changes_clear(changes);
	free(changes);
	return NULL;
}

/* --- Putting back ---------------------------------------------------------------------------- */

/* How much "MAJOR:MINOR" takes at the start of text; 0 if it is none. */
static size_t device_length(const char *text)
{
	size_t n = strspn(text, "0123456789");

	if (n == 0 || text[n] != ':' || !isdigit((unsigned char)text[n + 1]))
		return 0;
	n += 1 + strspn(text + n + 1, "0123456789");
	return text[n] == ' ' ? n : 0;
}

/* What takes a device's entry out of a file that has one for each that is limited. */
static const char *no_entry(const char *file)
{
	if (strcmp(file, "io.max") == 0)
		return "rbps=max wbps=max riops=max wiops=max";
	return strcmp(file, "io.weight") == 0 || strcmp(file, "io.bfq.weight") == 0 ? "default" :
										      "0";
}

static char *copy_line(const char *line)
{
	return alloc_printf("%.*s", (int)strcspn(line, "\n"), line);
}

/* The line that starts with the first n bytes of key. */
static const char *find_line(const char *text, const char *key, size_t n)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, n) == 0 && line[n] == ' ')
			return line;
	}
	return NULL;
}

/* What to write so that the file has again what it has now, before the change is made; or NULL if
 * that cannot be told. Most files show just what can be written to them.
 */
static char *value_before(const struct cgroup *cgroup, const struct change *change)
{
	size_t n = device_length(change->value);
	char text[CGROUP_READ_MAX];
	const char *line;

	if (group_read(cgroup, change->hierarchy, change->file, text, sizeof(text)) < 0)
		return NULL;
	if (n) {
		line = find_line(text, change->value, n);
		return line ? copy_line(line) :
			      alloc_printf("%.*s %s", (int)n, change->value,
					   no_entry(change->file));
	}
	line = find_line(text, "default", strlen("default"));
	if (line)
		return copy_line(line);
	/* An empty write is none at all. */
	if (!text[0])
		return alloc_strdup("\n");
	return strchr(text, '\n') ? NULL : alloc_strdup(text);
}

static void put_back(const struct cgroup *cgroup, const struct changes *changes)
{
	for (size_t i = changes->n; i-- > 0;) {
		const struct change *change = &changes->list[i];

		if (change->before)
			(void)group_write(cgroup, change->hierarchy, change->file, change->before);
	}
}

/* --- Carrying out ---------------------------------------------------------------------------- */

/* What the kernel says when it is the value that it does not like. */
static bool blames_value(int errnum)
{
	static const int errnums[] = { EINVAL, ERANGE, EBUSY, ENODEV, ENXIO, EOVERFLOW, ENOSPC };

	for (size_t i = 0; i < ARRAY_SIZE(errnums); i++)
		if (errnum == errnums[i])
			return true;
	return false;
}

static int refused(const struct change *change, int errnum, struct error *err)
{
	const char *reason = strerrordesc_np(errnum);

	(void)error_set_subject(err, blames_value(errnum) ? ERROR_INVALID_VALUE : ERROR_FAILED,
				change->subject, "%s=%s: %s",
				change->stands_for ? change->stands_for : change->file,
				change->value,
				errnum == ENOENT ? "this kernel has no such file" :
				reason		 ? reason :
						   "unknown error");
	err->sys_errno = errnum;
	return -1;
}

static int apply_one(const struct cgroup *cgroup, const struct change *change)
{
	if (group_write(cgroup, change->hierarchy, change->file, change->value) < 0)
		return -1;
	return change->check ? change->check(cgroup, change) : 0;
}

int changes_apply(const struct cgroup *cgroup, struct changes *changes, struct error *err)
{
	for (size_t i = 0; i < changes->n; i++) {
		struct change *change = &changes->list[i];

		change->before = value_before(cgroup, change);
		if (apply_one(cgroup, change) < 0) {
			(void)refused(change, errno, err);
			put_back(cgroup, changes);
			return -1;
		}
	}
	return 0;
}
