/* Files by name: what people give, and where it is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/cgroup/changes.h"

static int bad(const char *text, const char *why, struct error *err)
{
	return error_set_subject(err, ERROR_INVALID_VALUE, "files", "\"%.64s\": %s", text, why);
}

/* Through these a process would get out, or the group into a state that the daemon keeps. */
static bool is_reserved(const char *file)
{
	static const char *const files[] = {
		"tasks",	 "cgroup.procs",	   "cgroup.threads",
		"cgroup.kill",	 "cgroup.freeze",	   "cgroup.type",
		"freezer.state", "cgroup.subtree_control", "cgroup.event_control",
		"release_agent", "cgroup.clone_children",  "notify_on_release",
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(file, files[i]) == 0)
			return true;
	return false;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Length of the controller's part of a well-formed file name, or 0. */
static size_t controller_length(const char *file)
{
	size_t n = strcspn(file, ".");

	if (strlen(file) >= CHANGE_FILE_SIZE || !file[n] ||
	    strspn(file, LETTERS "0123456789_.-") != strlen(file) || !strchr(LETTERS, file[0]))
		return 0;
	return n;
}

static bool is_value(const char *value)
{
	size_t n = strlen(value);

	if (n == 0 || n > CGROUP_VALUE_MAX)
		return false;
	for (; *value; value++)
		if ((unsigned char)*value < ' ' || *value == 0x7f)
			return false;
	return true;
}

static int check(const struct cgroup_limits *limits, const char *file, const char *value,
		 struct error *err)
{
	if (is_reserved(file))
		return bad(file, "this file is the daemon's own to write", err);
	if (!controller_length(file))
		return bad(file, "a file's name is CONTROLLER.NAME", err);
	if (!is_value(value))
		return bad(file, "its value is empty, too long or has control characters", err);
	if (limits->n_files >= CGROUP_FILES_MAX)
		return bad(file, "these are too many files", err);
	return 0;
}

static void append(struct cgroup_limits *limits, const char *file, const char *value)
{
	struct cgroup_file *files = alloc_zero(limits->n_files + 1, sizeof(*files));

	if (limits->n_files)
		(void)memcpy(files, limits->files, limits->n_files * sizeof(*files));
	free(limits->files);
	limits->files = files;
	files[limits->n_files++] = (struct cgroup_file){
		.controller = alloc_printf("%.*s", (int)controller_length(file), file),
		.file = alloc_strdup(file),
		.value = alloc_strdup(value),
	};
}

int cgroup_limits_add_file(struct cgroup_limits *limits, const char *text, struct error *err)
{
	size_t n = strcspn(text, "=");
	_cleanup_(freep) char *file = alloc_printf("%.*s", (int)n, text);

	if (!text[n])
		return bad(text, "write FILE=VALUE", err);
	if (check(limits, file, text + n + 1, err) < 0)
		return -1;
	append(limits, file, text + n + 1);
	return 0;
}

/* --- The old syntax -------------------------------------------------------------------------- */

/* Whether the hierarchy of that name is one where the file could be. */
static bool group_fits(const char *group, const char *file)
{
	size_t n = controller_length(file);

	if (strcmp(group, "unified") == 0)
		return true;
	for (const char *at = group; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] == ',')) {
		size_t length = strcspn(at, ",");

		if (length == n && strncmp(at, file, n) == 0)
			return true;
	}
	return false;
}

static int add_quota(struct cgroup_limits *limits, char *entry, struct error *err)
{
	_cleanup_(freep) char *shown = alloc_strdup(entry);
	char *group = strsep(&entry, ":");
	char *file = strsep(&entry, ":");

	if (!file || !entry)
		return bad(shown, "write GROUP:FILE:VALUE", err);
	if (check(limits, file, entry, err) < 0)
		return -1;
	if (!group_fits(group, file))
		return bad(shown, "the file is none of that group", err);
	append(limits, file, entry);
	return 0;
}

static void drop_files(struct cgroup_limits *limits, size_t keep)
{
	while (limits->n_files > keep) {
		struct cgroup_file *file = &limits->files[--limits->n_files];

		free(file->controller);
		free(file->file);
		free(file->value);
	}
}

int cgroup_limits_add_quota(struct cgroup_limits *limits, const char *text, struct error *err)
{
	_cleanup_(freep) char *copy = alloc_strdup(text);
	size_t before = limits->n_files;
	char *entry = copy, *next;

	do {
		next = strstr(entry, "::");
		if (next) {
			*next = '\0';
			next += 2;
		}
		if (add_quota(limits, entry, err) < 0) {
			drop_files(limits, before);
			return -1;
		}
		entry = next;
	} while (entry);
	return 0;
}

void cgroup_limits_done(struct cgroup_limits *limits)
{
	drop_files(limits, 0);
	free(limits->files);
	free(limits->devices);
	free(limits->cpuset_cpus);
	free(limits->cpuset_mems);
	*limits = CGROUP_LIMITS_NULL;
}

/* --- Where they are written ------------------------------------------------------------------ */

static int plan_file(const struct cgroup *cgroup, const struct cgroup_file *file,
		     struct changes *changes, struct error *err)
{
	const struct hierarchy *hierarchy = cgroups_find(cgroup->cgroups, file->controller);
	int r = 0;

	if (!hierarchy)
		return cgroups_explain(cgroup->cgroups, file->controller, file->file, err);
	if (group_has(cgroup, hierarchy, file->file)) {
		(void)changes_add(changes, hierarchy, file->file, file->file, "%s", file->value);
		return 0;
	}
	if (hierarchy->version == 2)
		r = translate_file(cgroup, hierarchy, file, changes, err);
	if (r)
		return r < 0 ? -1 : 0;
	return error_set_subject(err, ERROR_INVALID_VALUE, file->file,
				 "%s: no such file; %s is on cgroup v%d here", file->file,
				 file->controller, hierarchy->version);
}

int files_plan(const struct cgroup *cgroup, const struct cgroup_limits *limits,
	       struct changes *changes, struct error *err)
{
	for (size_t i = 0; i < limits->n_files; i++)
		if (plan_file(cgroup, &limits->files[i], changes, err) < 0)
			return -1;
	return 0;
}
