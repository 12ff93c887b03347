/* Varlink messages (UAPI.20): one JSON object and one NUL each, in both directions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <json-c/json_object.h>

#include "common/error.h"

enum { VARLINK_MESSAGE_MAX = 64 * 1024 }; /* bytes of a call, its NUL not counted */

/* --- Framing --------------------------------------------------------------------------------- */

/* Collects a stream's bytes until a message is complete; it may come in any pieces. Grows only as
 * a peer sends, and never beyond max_bytes + 1 if all messages are taken before more is read.
 */
struct varlink_reader {
	char *data;
	size_t size, capacity;
	size_t scanned;	 /* bytes known to hold no NUL */
	size_t consumed; /* bytes of messages already handed out */
	size_t max_bytes;
};

void varlink_reader_init(struct varlink_reader *reader, size_t max_bytes);
void varlink_reader_done(struct varlink_reader *reader);

/* Room for the next read: returns a pointer to *ret_room free bytes, at least one. */
char *varlink_reader_room(struct varlink_reader *reader, size_t *ret_room);

/* n bytes were read into that room. */
void varlink_reader_added(struct varlink_reader *reader, size_t n);

/* The next whole message, without its NUL (it is terminated by it). 1 if there is one, 0 if more
 * bytes are needed, -1 if the message is larger than max_bytes. Valid until the next call of any
 * of these functions. After -1 the stream cannot be read on.
 */
int varlink_reader_next(struct varlink_reader *reader, const char **ret_text, size_t *ret_size,
			struct error *err);

/* What was read beyond the messages handed out: after an upgrade, the first bytes of the frames.
 * Borrowed, as above. NULL or an empty piece if there is nothing.
 */
const char *varlink_reader_rest(const struct varlink_reader *reader, size_t *ret_size);

/* --- Envelopes ------------------------------------------------------------------------------- */

struct varlink_call {
	struct json_object *message;	/* owns the rest */
	const char *method;		/* "io.dokrust.Container.List" */
	struct json_object *parameters; /* an object, or NULL for absent, null */
	bool oneway, more, upgrade;
};

/* Parses a call from untrusted text by json_parse and the rules of the standard: bad JSON, no
 * method, a flag that is no boolean, two flags at once, an unknown key without a dot, parameters
 * that are no object: ERROR_PROTOCOL, after which a server closes the connection. A key with a dot
 * is an extension; it is left out of the message. null counts as absent.
 */
int varlink_call_parse(const char *text, size_t size, struct varlink_call *ret, struct error *err);
void varlink_call_done(struct varlink_call *call);

struct varlink_reply {
	struct json_object *message;	/* owns the rest */
	const char *error;		/* full name, or NULL */
	struct json_object *parameters; /* an object, or NULL */
	bool continues;
};

/* The same for a reply; all of its keys may be absent. */
int varlink_reply_parse(const char *text, size_t size, struct varlink_reply *ret,
			struct error *err);
void varlink_reply_done(struct varlink_reply *reply);

/* Messages as text, NUL included in *ret_size, freed by the caller. parameters may be NULL and
 * stay the caller's.
 */
char *varlink_format_call(const char *method, struct json_object *parameters, bool more,
			  bool upgrade, size_t *ret_size);
char *varlink_format_reply(struct json_object *parameters, bool continues, size_t *ret_size);
char *varlink_format_error(const char *error, struct json_object *parameters, size_t *ret_size);
