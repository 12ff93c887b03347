#include "common/varlink.h"

#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/text.h"

/* --- Framing --------------------------------------------------------------------------------- */

enum { READER_CAPACITY_MIN = 4096 };

void varlink_reader_init(struct varlink_reader *reader, size_t max_bytes)
{
	*reader = (struct varlink_reader){ .max_bytes = max_bytes };
}

void varlink_reader_done(struct varlink_reader *reader)
{
	free(reader->data);
	varlink_reader_init(reader, reader->max_bytes);
}

/* Drops the messages that were handed out, and with the last of them what had to grow for them. */
static void compact(struct varlink_reader *reader)
{
	size_t rest = reader->size - reader->consumed;

	if (!reader->consumed)
		return;
	if (rest)
		(void)memmove(reader->data, reader->data + reader->consumed, rest);
	else if (reader->capacity > READER_CAPACITY_MIN)
		varlink_reader_done(reader);
	reader->size = rest;
	reader->scanned = rest ? reader->scanned - reader->consumed : 0;
	reader->consumed = 0;
}

/* The longest message that is allowed has a NUL behind it. Once there is that much, whoever takes
 * all messages before reading on has room again, or knows that one is too long. For the one who
 * does not, memory grows by small steps.
 */
static size_t next_capacity(const struct varlink_reader *reader)
{
	size_t wanted = reader->capacity ? reader->capacity * 2 : READER_CAPACITY_MIN;

	if (reader->capacity > reader->max_bytes)
		return reader->capacity + READER_CAPACITY_MIN;
	return wanted > reader->max_bytes ? reader->max_bytes + 1 : wanted;
}

char *varlink_reader_room(struct varlink_reader *reader, size_t *ret_room)
{
	compact(reader);
	if (reader->size == reader->capacity) {
		reader->capacity = next_capacity(reader);
		reader->data = alloc_resize(reader->data, reader->capacity);
	}
	*ret_room = reader->capacity - reader->size;
	return reader->data + reader->size;
}

void varlink_reader_added(struct varlink_reader *reader, size_t n)
{
	reader->size += n;
}

int varlink_reader_next(struct varlink_reader *reader, const char **ret_text, size_t *ret_size,
			struct error *err)
{
	const char *nul = NULL;
	size_t length; /* of the message, as far as it is there */

	if (reader->size > reader->scanned)
		nul = memchr(reader->data + reader->scanned, '\0', reader->size - reader->scanned);
	reader->scanned = nul ? (size_t)(nul - reader->data) : reader->size;
	length = reader->scanned - reader->consumed;
	if (length > reader->max_bytes)
		return error_set(err, ERROR_PROTOCOL, "a message of more than %zu bytes",
				 reader->max_bytes);
	if (!nul)
		return 0;
	*ret_text = reader->data + reader->consumed;
	*ret_size = length;
	reader->consumed = ++reader->scanned;
	return 1;
}

const char *varlink_reader_rest(const struct varlink_reader *reader, size_t *ret_size)
{
	*ret_size = reader->size - reader->consumed;
	return reader->data ? reader->data + reader->consumed : NULL;
}

/* --- Envelopes ------------------------------------------------------------------------------- */

enum envelope_kind { ENVELOPE_STRING, ENVELOPE_OBJECT, ENVELOPE_FLAG };

struct envelope_key {
	const char *key;
	enum envelope_kind kind;
	size_t offset;
};

static const enum json_type envelope_types[] = {
	[ENVELOPE_STRING] = json_type_string,
	[ENVELOPE_OBJECT] = json_type_object,
	[ENVELOPE_FLAG] = json_type_boolean,
};

static const struct envelope_key *find_key(const struct envelope_key *keys, size_t n_keys,
					   const char *key)
{
	for (size_t i = 0; i < n_keys; i++)
		if (strcmp(keys[i].key, key) == 0)
			return &keys[i];
	return NULL;
}

/* The key is the peer's, and the message is about to be logged. */
static int reject_key(const char *key, const char *why, struct error *err)
{
	char shown[64];

	text_escape(shown, sizeof(shown), key);
	return error_set(err, ERROR_PROTOCOL, "%s \"%s\"", why, shown);
}

static void store_value(void *at, enum envelope_kind kind, struct json_object *value)
{
	if (kind == ENVELOPE_STRING)
		*(const char **)at = json_object_get_string(value);
	else if (kind == ENVELOPE_OBJECT)
		*(struct json_object **)at = value;
	else
		*(bool *)at = json_object_get_boolean(value);
}

/* Fills the structure from the keys of the message. A key with a dot is an extension of someone
 * else's; it is dropped, for it may be large, and the message is kept as long as the call lasts.
 */
static int read_envelope(struct json_object *message, const struct envelope_key *keys,
			 size_t n_keys, void *structure, struct error *err)
{
	json_object_object_foreach (message, key, value) {
		const struct envelope_key *known = find_key(keys, n_keys, key);

		if (!known && strchr(key, '.')) {
			json_object_object_del(message, key);
			continue;
		}
		if (!known)
			return reject_key(key, "unknown key", err);
		if (!value)
			continue;
		if (json_object_get_type(value) != envelope_types[known->kind])
			return reject_key(key, "wrong type of", err);
		store_value((char *)structure + known->offset, known->kind, value);
	}
	return 0;
}

int varlink_call_parse(const char *text, size_t size, struct varlink_call *ret, struct error *err)
{
	static const struct envelope_key keys[] = {
		{ "method", ENVELOPE_STRING, offsetof(struct varlink_call, method) },
		{ "parameters", ENVELOPE_OBJECT, offsetof(struct varlink_call, parameters) },
		{ "oneway", ENVELOPE_FLAG, offsetof(struct varlink_call, oneway) },
		{ "more", ENVELOPE_FLAG, offsetof(struct varlink_call, more) },
		{ "upgrade", ENVELOPE_FLAG, offsetof(struct varlink_call, upgrade) },
	};
	_cleanup_(varlink_call_done) struct varlink_call call = { 0 };

	if (json_parse(text, size, &call.message, err) < 0 ||
	    read_envelope(call.message, keys, ARRAY_SIZE(keys), &call, err) < 0)
		return -1;
	if (!call.method)
		return error_set(err, ERROR_PROTOCOL, "a call without a method");
	if (call.oneway + call.more + call.upgrade > 1)
		return error_set(err, ERROR_PROTOCOL, "more than one of oneway, more and upgrade");
	*ret = call;
	call = (struct varlink_call){ 0 };
	return 0;
}

void varlink_call_done(struct varlink_call *call)
{
	json_object_put(call->message);
	*call = (struct varlink_call){ 0 };
}

int varlink_reply_parse(const char *text, size_t size, struct varlink_reply *ret, struct error *err)
{
	static const struct envelope_key keys[] = {
		{ "error", ENVELOPE_STRING, offsetof(struct varlink_reply, error) },
		{ "parameters", ENVELOPE_OBJECT, offsetof(struct varlink_reply, parameters) },
		{ "continues", ENVELOPE_FLAG, offsetof(struct varlink_reply, continues) },
	};
	_cleanup_(varlink_reply_done) struct varlink_reply reply = { 0 };

	if (json_parse(text, size, &reply.message, err) < 0 ||
	    read_envelope(reply.message, keys, ARRAY_SIZE(keys), &reply, err) < 0)
		return -1;
	*ret = reply;
	reply = (struct varlink_reply){ 0 };
	return 0;
}

void varlink_reply_done(struct varlink_reply *reply)
{
	json_object_put(reply->message);
	*reply = (struct varlink_reply){ 0 };
}

/* --- Writing --------------------------------------------------------------------------------- */

/* The message is consumed. */
static char *format(struct json_object *message, size_t *ret_size)
{
	size_t size;
	const char *text = json_object_to_json_string_length(
		message, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);
	char *copy;

	if (!text)
		abort();
	copy = alloc_zero(1, size + 1);
	(void)memcpy(copy, text, size);
	json_object_put(message);
	*ret_size = size + 1;
	return copy;
}

static struct json_object *make_message(const char *key, const char *value,
					struct json_object *parameters)
{
	struct json_object *message = json_object_new_object();

	if (key)
		json_object_object_add(message, key, json_object_new_string(value));
	if (parameters)
		json_object_object_add(message, "parameters", json_object_get(parameters));
	return message;
}

char *varlink_format_call(const char *method, struct json_object *parameters, bool more,
			  bool upgrade, size_t *ret_size)
{
	struct json_object *message = make_message("method", method, parameters);

	if (more)
		json_object_object_add(message, "more", json_object_new_boolean(true));
	if (upgrade)
		json_object_object_add(message, "upgrade", json_object_new_boolean(true));
	return format(message, ret_size);
}

char *varlink_format_reply(struct json_object *parameters, bool continues, size_t *ret_size)
{
	struct json_object *message = make_message(NULL, NULL, parameters);

	if (continues)
		json_object_object_add(message, "continues", json_object_new_boolean(true));
	return format(message, ret_size);
}

char *varlink_format_error(const char *error, struct json_object *parameters, size_t *ret_size)
{
	return format(make_message("error", error, parameters), ret_size);
}
