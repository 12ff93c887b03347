/* What a user wants mounted in a container, as io.dokrust.Container's type Mount has it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <json-c/json_object.h>

#include "common/error.h"

enum { MOUNTS_MAX = 128 }; /* of one container */

enum { MOUNT_MODE_DEFAULT = 01777 }; /* of a tmpfs */

struct mount_spec {
	char *type;   /* "bind", "volume" or "tmpfs" */
	char *source; /* an absolute path on the host; a volume's name, or NULL until one is made
			    * up; NULL for a tmpfs */
	char *target; /* absolute, inside, without needless slashes and dots */
	char *propagation; /* of a bind: "private" (NULL), "slave", "shared", or with an r before */
	bool read_only;	   /* with what is mounted below the source */
	bool nosuid, noexec; /* true for a tmpfs unless told otherwise; nodev are all */
	bool recursive;	     /* bind: with what is mounted below the source, the default */
	bool copy;	     /* volume: an empty one gets what the target has, the default */
	int64_t size_bytes;  /* of a tmpfs; 0: half of the memory, as the kernel has it */
	int64_t mode;	     /* of a tmpfs */
	int64_t source_fd;   /* of a bind: which of the descriptors that came with a call is its
			      * source, opened by who wants it; -1: the path is to be opened */
	int fd;		     /* that descriptor (O_PATH), while it is there; -1 */
	struct json_object *origin; /* by what the next daemon opens it again; NULL: by nothing.
				     * Never part of the JSON forms here */
};

#define MOUNT_SPEC_NULL ((struct mount_spec){ .source_fd = -1, .fd = -1 })

struct mount_specs {
	struct mount_spec *items;
	size_t n;
};

/* With the defaults of that type. */
struct mount_spec mount_spec_new(const char *type);
void mount_spec_done(struct mount_spec *mount);

/* Takes needless slashes and dots out of the target. */
void mount_spec_tidy(struct mount_spec *mount);

/* mount is taken. */
void mount_specs_add(struct mount_specs *mounts, struct mount_spec *mount);
void mount_specs_remove(struct mount_specs *mounts, size_t i);

/* Index of the mount with that target, in any spelling; -1 if there is none. */
ssize_t mount_specs_find(const struct mount_specs *mounts, const char *target);

/* NULL-safe for its members; leaves it empty. */
void mount_specs_done(struct mount_specs *mounts);

/* From an object, or an array of them (NULL: none), that fits the interface's Mount; strings are
 * copied. *ret is valid only on success, the caller's.
 */
int mount_spec_from_json(struct json_object *object, struct mount_spec *ret, struct error *err);
int mount_specs_from_json(struct json_object *array, struct mount_specs *ret, struct error *err);
struct json_object *mount_spec_to_json(const struct mount_spec *mount);
struct json_object *mount_specs_to_json(const struct mount_specs *mounts);

/* Everything about a mount that can be said without looking at the host: a type that exists, and
 * only what belongs to it; absolute paths without ".."; a target that is not the root, not in or
 * below /proc and /sys, and not /dev or /dev/pts themselves. ERROR_INVALID_VALUE, subject a field
 * of it.
 */
int mount_spec_check(const struct mount_spec *mount, struct error *err);

/* That none of the mounts has the target below it and is shared with the host. */
int mount_specs_check_place(const struct mount_specs *mounts, const char *target,
			    struct error *err);

/* All of them, that they are MOUNTS_MAX at most, and that no target comes twice. Subject is
 * "spec.mounts[N].FIELD".
 */
int mount_specs_check(const struct mount_specs *mounts, struct error *err);

/* Makes "spec.mounts[i].FIELD" of a subject that is a field's name. Returns -1. */
int mount_spec_name_field(size_t i, struct error *err);

/* Into the order in which they are attached: a mount below another comes after it. */
void mount_specs_sort(const struct mount_specs *mounts, size_t order[MOUNTS_MAX]);

/* --- As people write them (docker's forms) ------------------------------------------------------ */

/* Each adds what it read to *mounts. ERROR_INVALID_VALUE, in words that can stand after
 * "dokrustctl: --option: ".
 *
 * -v: TARGET (a volume without a name), or SOURCE:TARGET[:OPTION,...] with a source that is an
 * absolute path or the name of a volume.
 */
int mount_parse_volume(const char *text, struct mount_specs *mounts, struct error *err);

/* --mount: type=bind|volume|tmpfs,source=,target=,... A part in quotation marks may have commas. */
int mount_parse_mount(const char *text, struct mount_specs *mounts, struct error *err);

/* --tmpfs: TARGET[:OPTION,...] */
int mount_parse_tmpfs(const char *text, struct mount_specs *mounts, struct error *err);
