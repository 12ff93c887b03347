/* The container spec: what a user asked for, as io.dokrust.Container's type Spec has it and as
 * records keep it. Owns all its strings.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "common/error.h"
#include "common/health_spec.h"
#include "common/id_map.h"
#include "common/mount_spec.h"
#include "common/network_spec.h"
#include "common/resources.h"
#include "common/rights.h"

enum { SPEC_STOP_TIMEOUT_DEFAULT_MS = 10 * 1000 };

enum {
	SPEC_LOG_MAX_BYTES_DEFAULT = 10 * 1024 * 1024,
	SPEC_LOG_MAX_FILES_DEFAULT = 3,
	SPEC_LOG_BYTES_MIN = 4096,
	SPEC_LOG_FILES_MAX = 100,
	SPEC_LOG_TAG_MAX = 128, /* bytes */
};

struct spec {
	char *image;	    /* exactly one of image and rootfs */
	char *rootfs;	    /* absolute path of a directory on the host, used in place */
	char **command;	    /* NULL: the image's own, or /bin/sh for a rootfs */
	char **entrypoint;  /* goes in front of the command */
	char *hostname;	    /* NULL: the container's name */
	char **environment; /* KEY=VALUE, over the defaults */
	char *workdir;	    /* NULL: / */
	char *user;	    /* USER[:GROUP], names or numbers; NULL: root */
	bool terminal;	    /* -t */
	bool stdin_open;    /* -i */
	bool auto_remove;   /* --rm */
	bool init;	    /* dokrust-init is PID 1 (the default) */
	char **labels;	    /* KEY=VALUE, sorted by nobody */
	char *stop_signal;  /* a name ("SIGTERM"); NULL: what suits the container */
	int64_t stop_timeout_ms;
	char *restart; /* parse_restart_policy; NULL: "no" */
	struct health_spec health;
	struct network_spec network;
	struct resources resources;
	char *log_driver;      /* "local" (or NULL), "journald", "none" */
	int64_t log_max_bytes; /* of one file of the log; 0: SPEC_LOG_MAX_BYTES_DEFAULT */
	int64_t log_max_files; /* of the log; 0: SPEC_LOG_MAX_FILES_DEFAULT */
	char *log_tag;	       /* of messages in the journal; NULL: the container's name */
	char *record;	       /* absolute path of a file on the host; NULL: none */
	char *userns;	       /* userns_check; NULL: a range of ids where that can be had */
	char *size_policy;     /* of the terminal (parse_terminal_size); NULL: "latest" */
	struct rights rights;  /* of its processes */

	bool read_only; /* the root file system */
	bool overlay;	/* a layer of its own above the rootfs, which stays as it is */
	struct mount_specs mounts;
};

/* A spec with every default and no strings. */
#define SPEC_NULL                                                        \
	((struct spec){ .init = true,                                    \
			.stop_timeout_ms = SPEC_STOP_TIMEOUT_DEFAULT_MS, \
			.health = HEALTH_SPEC_NULL,                      \
			.resources = RESOURCES_INIT,                     \
			.rights = RIGHTS_INITIAL })

/* From an object that fits the interface's Spec; strings are copied. ret is valid only on
 * success, and then spec_done'd by the caller.
 */
int spec_from_json(struct json_object *object, struct spec *ret, struct error *err);
struct json_object *spec_to_json(const struct spec *spec);

/* Everything about a spec that can be said without looking at the host: exactly one of image and
 * rootfs; absolute paths; a host name of at most 64 bytes of the letters host names have;
 * KEY=VALUE with a key; at most 4,096 arguments and variables together; a signal that exists; a
 * timeout between 0 and a day; rights_validate; a log driver that exists, with the options that it
 * has; a restart policy, and not together with
 * auto_remove; health_spec_validate. ERROR_INVALID_VALUE with the field's path from the call's root
 * ("spec.hostname") as subject.
 */
int spec_validate(const struct spec *spec, struct error *err);

/* NULL-safe for its members; leaves SPEC_NULL. */
void spec_done(struct spec *spec);
