#include "daemon/container/userns.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "daemon/launch/userns.h"

static const char not_with_privileged[] =
	"a privileged container has the host's, unless --userns says otherwise";

static const char not_on_others_network[] =
	"one on the network of the host, or of another container, has the host's";

static bool is_map(const char *text)
{
	return text && strcmp(text, "auto") != 0 && strcmp(text, "host") != 0;
}

/* A network namespace can be entered, and seen in /sys, by whoever has rights over that of its users. */
static bool is_on_others_network(const struct container *container)
{
	const char *mode = container->spec.network.mode;

	return mode && strcmp(mode, "none") != 0;
}

/* What is to be if nothing is in the way. */
static bool wants_own(const struct container *container)
{
	const struct spec *spec = &container->spec;

	if (container->uid_map)
		return true;
	if (container->userns != USERNS_UNDECIDED)
		return container->userns == USERNS_OWN;
	if (!spec->userns && is_on_others_network(container))
		return false;
	return spec->userns ? strcmp(spec->userns, "host") != 0 : !spec->rights.privileged;
}

void container_userns_set_ids(struct container *container, const struct launch_userns *ids)
{
	char text[ID_MAP_TEXT_SIZE];

	id_map_format(&ids->uids, text);
	container->uid_map = alloc_strdup(text);
	id_map_format(&ids->gids, text);
	container->gid_map = alloc_strdup(text);
}

bool container_userns_is_owners(const struct container *container)
{
	return container->uid_map;
}

/* It has one if that can be, and nobody has said that it must. */
static bool may_fall_back(const struct container *container)
{
	return !container->spec.userns && !container->uid_map &&
	       container->userns == USERNS_UNDECIDED;
}

static bool is_refused(const struct container *container, struct error *err)
{
	const struct error *refusal = userns_pool_refusal(container->set->params.userns_pool);

	if (!refusal || !wants_own(container))
		return false;
	*err = *refusal;
	return true;
}

int container_userns_take(struct container *container, struct error *err)
{
	if (is_refused(container, err))
		return may_fall_back(container) ? 0 : -1;
	if (container->id_range || container->uid_map || !wants_own(container) ||
	    is_map(container->spec.userns))
		return 0;
	return userns_pool_take(container->set->params.userns_pool, &container->id_range, err);
}

void container_userns_release(struct container *container)
{
	if (container->id_range)
		userns_pool_release(container->set->params.userns_pool, container->id_range);
	container->id_range = 0;
}

static void get_maps(const struct container *container, struct launch_userns *ret)
{
	struct error ignored;

	ret->fd = -1;
	if (container->uid_map) {
		(void)id_map_parse(container->uid_map, &ret->uids, &ignored);
		(void)id_map_parse(container->gid_map, &ret->gids, &ignored);
		return;
	}
	if (is_map(container->spec.userns))
		(void)id_map_parse(container->spec.userns, &ret->uids, &ignored);
	else
		ret->uids = userns_pool_map(container->id_range);
	ret->gids = ret->uids;
}

int container_userns_open(struct container *container, struct launch_userns *ret, struct error *err)
{
	struct launch_userns userns;

	if (!wants_own(container)) {
		container_userns_decide(container, false);
		return 0;
	}
	if (is_refused(container, err))
		return container_userns_fall_back(container, err) ? 0 : -1;
	/* One whose range is another's by now, after a change of the settings, has none. */
	if (container_userns_take(container, err) < 0)
		return -1;
	get_maps(container, &userns);
	if ((container->id_range ? userns_pool_make(container->set->params.userns_pool,
						    container->id_range, &userns.fd, err) :
				   userns_make(&userns.uids, &userns.gids, &userns.fd, err)) < 0) {
		(void)strcpy(err->subject, LAUNCH_NO_USERNS);
		return -1;
	}
	*ret = userns;
	return 1;
}

bool container_userns_maps(const struct container *container, struct launch_userns *ret)
{
	if (container->userns != USERNS_OWN)
		return false;
	get_maps(container, ret);
	return true;
}

bool container_userns_fall_back(struct container *container, const struct error *err)
{
	if (!may_fall_back(container) || strcmp(err->subject, LAUNCH_NO_USERNS) != 0)
		return false;
	free(container->userns_reason);
	container->userns_reason = alloc_strdup(err->message);
	container->userns = USERNS_HOST;
	return true;
}

void container_userns_decide(struct container *container, bool own)
{
	if (container->userns != USERNS_UNDECIDED)
		return;
	container->userns = own ? USERNS_OWN : USERNS_HOST;
	if (!own && !container->spec.userns)
		container->userns_reason = alloc_strdup(is_on_others_network(container) ?
								not_on_others_network :
								not_with_privileged);
}

/* --- Records --------------------------------------------------------------------------------- */

void container_userns_to_record(const struct container *container, struct json_object *record)
{
	if (container->id_range)
		record_add_int(record, "id_range", container->id_range);
	if (container->userns != USERNS_UNDECIDED)
		record_add_string(record, "userns",
				  container->userns == USERNS_OWN ? "own" : "host");
	record_add_string(record, "userns_reason", container->userns_reason);
	record_add_string(record, "uid_map", container->uid_map);
	record_add_string(record, "gid_map", container->gid_map);
}

struct raw {
	int64_t id_range;
	char *userns, *userns_reason, *uid_map, *gid_map;
};

static const struct json_field raw_fields[] = {
	JSON_FIELD(struct raw, id_range, JSON_INT),
	JSON_FIELD(struct raw, userns, JSON_STRING),
	JSON_FIELD(struct raw, userns_reason, JSON_STRING),
	JSON_FIELD(struct raw, uid_map, JSON_STRING),
	JSON_FIELD(struct raw, gid_map, JSON_STRING),
};

static void raw_done(struct raw *raw)
{
	json_free_fields(raw_fields, ARRAY_SIZE(raw_fields), raw);
}

int container_userns_from_record(struct container *container, struct json_object *record,
				 struct error *err)
{
	_cleanup_(raw_done) struct raw raw = { 0 };

	if (json_read_fields(record, raw_fields, ARRAY_SIZE(raw_fields), &raw, err) < 0)
		return -1;
	if (raw.id_range < 0 || raw.id_range >= UINT32_MAX)
		return error_set(err, ERROR_PROTOCOL, "a number in it is out of range");
	if (raw.id_range && !container->id_range &&
	    userns_pool_claim(container->set->params.userns_pool, (uint32_t)raw.id_range))
		container->id_range = (uint32_t)raw.id_range;
	if (raw.uid_map || raw.gid_map) {
		struct id_map map;

		if (!raw.uid_map || !raw.gid_map || id_map_parse(raw.uid_map, &map, err) < 0 ||
		    id_map_parse(raw.gid_map, &map, err) < 0)
			return error_set(err, ERROR_PROTOCOL, "its maps of ids are damaged");
		free(container->uid_map);
		free(container->gid_map);
		container->uid_map = TAKE_PTR(raw.uid_map);
		container->gid_map = TAKE_PTR(raw.gid_map);
	}
	if (raw.userns_reason) {
		free(container->userns_reason);
		container->userns_reason = TAKE_PTR(raw.userns_reason);
	}
	if (raw.userns)
		container->userns = strcmp(raw.userns, "own") == 0 ? USERNS_OWN : USERNS_HOST;
	else if (container->started_at_us && container->userns == USERNS_UNDECIDED)
		container->userns = USERNS_HOST; /* from before there were others */
	return 0;
}

void container_userns_to_detail(const struct container *container, struct json_object *detail)
{
	char text[ID_MAP_TEXT_SIZE] = "host";
	struct launch_userns userns;

	if (container->userns == USERNS_UNDECIDED)
		return;
	if (container_userns_maps(container, &userns))
		id_map_format(&userns.uids, text);
	record_add_string(detail, "userns", text);
	record_add_string(detail, "userns_reason", container->userns_reason);
}
