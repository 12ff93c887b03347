/* io.dokrust.Volume */
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/api/connection.h"
#include "daemon/api/container_methods.h"
#include "daemon/api/interface.h"
#include "daemon/image/volume.h"

/* --- What is told of one --------------------------------------------------------------------- */

static struct volumes *volumes_of(const struct request *request)
{
	return request->connection->server->params.volumes;
}

static char **users_of(const struct request *request, const struct volume *volume)
{
	return containers_with_volume(request->connection->server->params.containers,
				      volume_name(volume));
}

static struct json_object *describe(const struct request *request, const struct volume *volume)
{
	_cleanup_(strv_freep) char **users = users_of(request, volume);
	struct json_object *object = volume_to_json(volume), *names = json_object_new_array();
	struct json_object *reply = json_object_new_object();

	for (char **user = users; user && *user; user++)
		json_object_array_add(names, json_object_new_string(*user));
	json_object_object_add(object, "used_by", names);
	json_object_object_add(reply, "volume", object);
	return reply;
}

/* NULL when answered already. */
static struct volume *find_volume(struct request *request)
{
	struct volume *volume;
	struct error err;

	if (volumes_find(volumes_of(request), string_parameter(request, "volume"), &volume, &err) ==
		    0 &&
	    access_volume(&request->connection->peer, volume, &err) == 0)
		return volume;
	request_error(request, &err);
	return NULL;
}

/* --- Methods --------------------------------------------------------------------------------- */

struct create_options {
	char *name;
	char **labels;
};

static const struct json_field create_fields[] = {
	JSON_FIELD(struct create_options, name, JSON_STRING),
	JSON_FIELD(struct create_options, labels, JSON_MAP),
};

static void create_options_done(struct create_options *options)
{
	json_free_fields(create_fields, ARRAY_SIZE(create_fields), options);
}

static struct json_object *name_object(const char *name)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "name", json_object_new_string(name));
	return object;
}

/* It is there, or about to be gone. */
static void tell_disk(const struct request *request, const struct volume *volume)
{
	containers_disk_changed(request->connection->server->params.containers,
				volume_owner(volume));
}

static void create(struct request *request)
{
	_cleanup_(create_options_done) struct create_options options = { 0 };
	struct volume_params params = { .owner = request->connection->peer.uid };
	struct request_ticket *ticket;
	struct volume *volume;
	struct error err;

	if (request->call.parameters &&
	    json_read_fields(request->call.parameters, create_fields, ARRAY_SIZE(create_fields),
			     &options, &err) < 0) {
		request_error(request, &err);
		return;
	}
	if (options.name && volumes_find(volumes_of(request), options.name, &volume, &err) == 0) {
		if (access_volume(&request->connection->peer, volume, &err) < 0)
			request_error(request, &err);
		else
			request_reply(request, name_object(options.name));
		return;
	}
	if (access_volume_create(&request->connection->peer, &request->connection->server->params,
				 &params.project, &err) < 0) {
		request_error(request, &err);
		return;
	}
	params.name = options.name;
	params.labels = options.labels;
	ticket = request_ticket_new(request, NULL);
	if (volumes_create(volumes_of(request), &params, request_ticket_done, ticket, &volume,
			   &err) == 0) {
		request_ticket_set_reply(ticket, name_object(volume_name(volume)));
		tell_disk(request, volume);
		return;
	}
	request_ticket_drop(ticket);
	request_error(request, &err);
}

static void remove_(struct request *request)
{
	struct volume *volume = find_volume(request);
	_cleanup_(strv_freep) char **users = NULL;
	struct error err;

	if (!volume)
		return;
	users = users_of(request, volume);
	if (users) {
		(void)error_set_subject(&err, ERROR_VOLUME_IN_USE, volume_name(volume),
					"volume \"%s\" is in use by container \"%s\"%s",
					volume_name(volume), users[0],
					users[1] ? " and others" : "");
		request_error(request, &err);
		return;
	}
	tell_disk(request, volume);
	volume_remove(volume, request_ticket_done, request_ticket_new(request, NULL));
}

/* The first from `volume` on that the peer gets to see. */
static struct volume *next_seen(const struct request *request, struct volume *volume)
{
	while (volume && !access_sees_owner(&request->connection->peer, volume_owner(volume)))
		volume = volume_following(volume);
	return volume;
}

static void list(struct request *request)
{
	struct volume *volume = next_seen(request, volumes_first(volumes_of(request))), *next;

	for (; volume; volume = next) {
		next = next_seen(request, volume_following(volume));
		if (!next) {
			request_reply(request, describe(request, volume));
			return;
		}
		request_reply_more(request, describe(request, volume));
	}
	request_reply(request, NULL);
}

static void inspect(struct request *request)
{
	struct volume *volume = find_volume(request);

	if (volume)
		request_reply(request, describe(request, volume));
}

static bool is_to_go(const struct request *request, const struct volume *volume, bool all)
{
	_cleanup_(strv_freep) char **users = users_of(request, volume);

	return !users && (all || volume_is_anonymous(volume));
}

/* The last that goes answers: the store keeps their order. */
static void prune(struct request *request)
{
	bool all = json_object_get_boolean(json_object_object_get(request->call.parameters, "all"));
	struct json_object *reply = json_object_new_object(), *names = json_object_new_array();
	struct volume *volume = next_seen(request, volumes_first(volumes_of(request)));
	struct volume *next, *last = NULL;

	json_object_object_add(reply, "volumes", names);
	for (; volume; volume = next) {
		next = next_seen(request, volume_following(volume));
		if (!is_to_go(request, volume, all))
			continue;
		tell_disk(request, volume);
		json_object_array_add(names, json_object_new_string(volume_name(volume)));
		if (last)
			volume_remove(last, NULL, NULL);
		last = volume;
	}
	if (last)
		volume_remove(last, request_ticket_done, request_ticket_new(request, reply));
	else
		request_reply(request, reply);
}

const struct method volume_methods[] = {
	{ .name = "Create", .need = ACCESS_CREATE, .call = create },
	{ .name = "Remove", .need = ACCESS_CREATE, .call = remove_ },
	{ .name = "List", .need = ACCESS_CREATE, .flags = METHOD_STREAM, .call = list },
	{ .name = "Inspect", .need = ACCESS_CREATE, .call = inspect },
	{ .name = "Prune", .need = ACCESS_CREATE, .call = prune },
	{ 0 },
};
