/* io.dokrust.Container: recordings. */
#include <stdint.h>

#include "common/cleanup.h"
#include "common/json.h"
#include "daemon/api/connection.h"
#include "daemon/api/container_methods.h"
#include "daemon/api/interface.h"

static struct json_object *parameter(const struct request *request, const char *key)
{
	return json_object_object_get(request->call.parameters, key);
}

static void reply_number(struct request *request, unsigned int number)
{
	struct json_object *reply = json_object_new_object();

	json_object_object_add(reply, "recording", json_object_new_int64(number));
	request_reply(request, reply);
}

void container_start_recording_method(struct request *request)
{
	struct container *container = find_container(request);
	struct json_object *max_bytes = parameter(request, "max_bytes");
	unsigned int number;
	struct error err;

	if (!container)
		return;
	if (container_start_recording(
		    container, json_object_get_boolean(parameter(request, "input")),
		    max_bytes ? json_object_get_int64(max_bytes) : RECORDING_BYTES_DEFAULT, &number,
		    &err) < 0)
		request_error(request, &err);
	else
		reply_number(request, number);
}

void container_stop_recording_method(struct request *request)
{
	struct container *container = find_container(request);
	unsigned int number;
	struct error err;

	if (!container)
		return;
	if (container_stop_recording(container, &number, &err) < 0)
		request_error(request, &err);
	else
		reply_number(request, number);
}

/* What was written until now is to be seen: the file is there, and has its size. */
static void list_synced(struct logs_sync *sync)
{
	struct request *request =
		(struct request *)((uintptr_t)sync - offsetof(struct request, sync));
	struct container *container = find_container(request);
	struct json_object *reply;

	if (!container)
		return;
	reply = json_object_new_object();
	json_object_object_add(reply, "recordings", container_recordings(container));
	request_reply(request, reply);
}

void container_recordings_method(struct request *request)
{
	struct container *container = find_container(request);

	if (container)
		container_sync_log(container, &request->sync, list_synced);
}

/* The number that the call names; 0: none. False when answered already. */
static bool read_number(struct request *request, unsigned int *ret)
{
	struct json_object *object = parameter(request, "recording");
	int64_t number = object ? json_object_get_int64(object) : 0;
	struct error err;

	if (!object || (number >= 1 && number <= UINT32_MAX)) {
		*ret = (unsigned int)number;
		return true;
	}
	(void)error_set_subject(&err, ERROR_INVALID_VALUE, "recording",
				"recordings are numbered from 1");
	request_error(request, &err);
	return false;
}

void container_remove_recording_method(struct request *request)
{
	struct container *container = find_container(request);
	unsigned int number;
	struct error err;

	if (!container || !read_number(request, &number))
		return;
	if (container_remove_recording(container, number, &err) < 0)
		request_error(request, &err);
	else
		request_reply(request, NULL);
}

struct giving {
	struct container *container;
	unsigned int number;
};

static int give(void *userdata, int socket, const void *first, size_t first_bytes,
		struct error *err)
{
	const struct giving *giving = userdata;

	return container_read_recording(giving->container, socket, giving->number, first,
					first_bytes, err);
}

static void get_synced(struct logs_sync *sync)
{
	struct request *request =
		(struct request *)((uintptr_t)sync - offsetof(struct request, sync));
	struct giving giving = { .container = find_container(request) };

	if (giving.container && read_number(request, &giving.number))
		request_give(request, framing_reply(), give, &giving);
}

void container_get_recording_method(struct request *request)
{
	struct container *container;
	unsigned int number;

	if (!request->call.upgrade) {
		request_service_error(request, "ExpectedUpgrade", NULL, NULL);
		return;
	}
	container = find_container(request);
	if (container && read_number(request, &number))
		container_sync_log(container, &request->sync, get_synced);
}
