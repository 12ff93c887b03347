/* What cgroups are made of; private to daemon/cgroup. */
#pragma once

#include <sys/queue.h>
#include <sys/types.h>

#include "common/instance.h"
#include "common/name.h"
#include "daemon/cgroup/cgroup.h"

/* One mounted hierarchy, and our top group on it. */
struct hierarchy {
	int version; /* 1 or 2 */
	char *mount_point;
	char **controllers; /* v1: all there are. v2: those that the top group hands down */
	int mount_fd;	    /* O_PATH; -1: cannot be used */
	int top_fd;	    /* O_PATH; -1: not made yet, or cannot be */
	char *top_path;	    /* for messages */
	struct error why;   /* why there is no top group, or the first of `refused` */
	char **refused;	    /* v2: controllers that cannot be handed down */
};

/* Groups whose kills are told of; kills.c. */
struct kill_watches {
	LIST_HEAD(, kill_watch) list; /* on v2 */
	struct event *modified; /* v2's inotify, once there is one; its descriptor is its own */
};

struct cgroups {
	struct event_base *base; /* NULL: nothing is told of by itself */
	struct hierarchy hierarchies[CGROUP_HIERARCHIES_MAX];
	size_t n;
	char instance[INSTANCE_NAME_SIZE];
	char *v2_parent;		 /* relative to the mount point */
	bool ready;			 /* the top groups were made, or tried */
	bool has_spare;			 /* spare.c */
	struct cgroup_entry spare_entry; /* v1's part of the way into it */
	struct kill_watches kill_watches;
	size_t n_kept;	/* descriptors of groups that are watched */
	int devices_fd; /* the program for groups that have the default devices; -1: not loaded */
};

struct kept_files;

struct cgroup {
	struct cgroups *cgroups;
	char name[CGROUP_NAME_MAX + 1];
	struct cgroup_entry *entry; /* v1's part, as far as it came with a spare group; or NULL */
	struct kept_files *kept;    /* while its figures are watched, or NULL; file.c */
	struct kill_watch *kill_watch; /* or NULL; kills.c */
};

enum { CGROUP_READ_MAX = 16 * 1024 };

/* --- host.c ---------------------------------------------------------------------------------- */

/* The hierarchies in the text of a mountinfo(5), which is written to. v2's controllers are not
 * known by that. Returns their number.
 */
size_t hierarchies_parse(char *mountinfo, struct hierarchy hierarchies[CGROUP_HIERARCHIES_MAX]);

/* Opens mount points; what is not a cgroup file system (any more) is dropped. */
void host_open(struct cgroups *cgroups);

/* --- top.c ----------------------------------------------------------------------------------- */

/* Makes the top groups that are missing. A hierarchy where that fails has no top_fd, but why. */
void cgroups_ready(struct cgroups *cgroups);

/* The hierarchy that has the controller by v1's or v2's name, with a top group; or NULL. */
const struct hierarchy *cgroups_find(const struct cgroups *cgroups, const char *controller);

/* The one of version 2, if it has a top group; or NULL. */
const struct hierarchy *cgroups_v2(const struct cgroups *cgroups);

/* Why cgroups_find has found nothing: ERROR_FAILED with subject, prefixed by nothing. */
int cgroups_explain(const struct cgroups *cgroups, const char *controller, const char *subject,
		    struct error *err);

/* --- group.c --------------------------------------------------------------------------------- */

/* These do their part on the hierarchies of one version. */
int group_make_directories(const struct cgroup *cgroup, int version, struct error *err);
int group_open_tasks(const struct cgroup *cgroup, struct cgroup_entry *ret, struct error *err);

/* Sets the limit of processes that is the default, if that is where their controller is. */
int group_limit_pids(struct cgroup *cgroup, int version, struct error *err);

/* --- allow.c --------------------------------------------------------------------------------- */

/* Lets the group have the default devices, where a version has the controller. */
int group_allow_defaults(const struct cgroup *cgroup, int version, struct error *err);

/* --- kills.c --------------------------------------------------------------------------------- */

void kill_watches_done(struct kill_watches *watches);

/* --- spare.c --------------------------------------------------------------------------------- */

/* Makes the spare group, if there is one, the given one on v1's hierarchies, with the default limits.
 * False: it is still to be made there.
 */
bool spare_become(struct cgroup *cgroup);
void spare_remove(struct cgroups *cgroups);

/* --- file.c ---------------------------------------------------------------------------------- */

/* The group's files on one hierarchy. The content comes without its last newline, and is cut at
 * size - 1; the length, or -1 with errno.
 */
ssize_t group_read(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
		   char *buffer, size_t size);
/* 0, or -1 with errno. */
int group_write(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file,
		const char *value);
bool group_has(const struct cgroup *cgroup, const struct hierarchy *hierarchy, const char *file);

/* Keeps the descriptors of files that are read, from then on. */
void group_keep_files(struct cgroup *cgroup);
void group_close_files(struct cgroup *cgroup);

/* A file with one number; "max" and what v1 has for it are -1, and so is what cannot be read. */
int64_t group_read_number(const struct cgroup *cgroup, const struct hierarchy *hierarchy,
			  const char *file);

/* The number behind a key at the start of a line ("inactive_file 4096"), or -1. */
int64_t text_number_of(const char *text, const char *key);

/* --- tree.c ---------------------------------------------------------------------------------- */

/* Paths, relative to the top group, of a group and all groups inside it, parents first; empty when
 * it is not there. strv_free'd by the caller.
 */
char **tree_list(int top_fd, const char *name);

/* Removes them all. 0, or -1 with errno. */
int tree_remove(int top_fd, const char *name);

/* The processes in the tree: calls back for each, if that is not NULL. Returns their number. */
size_t tree_processes(int top_fd, const char *name, void (*found)(pid_t pid, void *userdata),
		      void *userdata);
