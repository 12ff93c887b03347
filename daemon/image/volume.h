/* Volumes: directories that outlive containers, each with a record (daemon/store/store.h). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <json-c/json_object.h>

#include "common/error.h"
#include "daemon/store/store.h"

struct volumes;
struct volume;

/* complain is told of records that cannot be read or written. */
struct volumes *volumes_new(struct store *store,
			    void (*complain)(const char *id, const struct error *err));

/* Reads the records of an earlier daemon; what cannot be read is set aside. */
int volumes_load(struct volumes *volumes, struct error *err);

/* NULL-safe. It must outlive the store's queue. */
struct volumes *volumes_free(struct volumes *volumes);

/* ERROR_VOLUME_NOT_FOUND, subject the name. */
int volumes_find(struct volumes *volumes, const char *name, struct volume **ret, struct error *err);

/* In order of creation; NULL at the end. */
struct volume *volumes_first(struct volumes *volumes);
struct volume *volume_following(struct volume *volume);

struct volume_params {
	const char *name; /* NULL: one is made up, and the volume is anonymous */
	uid_t owner;
	uint32_t project;    /* that its directory is to be of (daemon/store/project.h); 0: none */
	char *const *labels; /* KEY=VALUE, copied; or NULL */
};

/* Makes a directory and has the record written; saved tells when that is durable, and always comes,
 * later. The name must be free, and be one: ERROR_INVALID_VALUE, subject "name".
 */
int volumes_create(struct volumes *volumes, const struct volume_params *params,
		   store_callback saved, void *userdata, struct volume **ret, struct error *err);

/* Takes it out of the world; nobody may use it. removed tells when that is durable (may be NULL).
 */
void volume_remove(struct volume *volume, store_callback removed, void *userdata);

const char *volume_name(const struct volume *volume);
uid_t volume_owner(const struct volume *volume);
bool volume_is_anonymous(const struct volume *volume);

/* That of its directory below volumes/ (daemon/store/store.h). */
const char *volume_id(const struct volume *volume);

/* Absolute path of its directory. */
const char *volume_path(const struct volume *volume);

/* Whether no container has run with it yet: the first fills it. Recorded when one has. */
bool volume_is_fresh(const struct volume *volume);
void volume_used(struct volume *volume);

/* What is known here, as the interface's Volume but for used_by; the caller's. */
struct json_object *volume_to_json(const struct volume *volume);
