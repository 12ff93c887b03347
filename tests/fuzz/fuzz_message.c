/* What an unprivileged peer can send before it is known: bytes on the socket, as calls, as
 * parameters. The first byte says in pieces of what size the rest arrives.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/idl.h"
#include "common/json.h"
#include "common/text.h"
#include "common/varlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* From the top of the tree. */
__asm__(".pushsection .rodata\n"
	"fuzz_interface: .incbin \"common/io.dokrust.Container.varlink\"\n"
	"fuzz_interface_end: .byte 0\n"
	".popsection\n");
extern const char fuzz_interface[], fuzz_interface_end[];

enum { MESSAGE_MAX = 8192 };

static const struct idl *container_interface(void)
{
	static struct idl *idl;
	struct error err;

	if (!idl &&
	    idl_parse(fuzz_interface, (uintptr_t)fuzz_interface_end - (uintptr_t)fuzz_interface,
		      &idl, &err) < 0)
		abort();
	return idl;
}

/* Every method's parameters and reply, and every error's parameters where they fit. */
static void check_parameters(struct json_object *parameters)
{
	const struct idl *idl = container_interface();
	static const char *const errors[] = { "ContainerNotFound", "InvalidValue", "Failed" };
	struct error err;

	for (int i = 0; idl_method_at(idl, (size_t)i); i++) {
		for (enum idl_direction way = IDL_IN; way <= IDL_OUT; way++) {
			if (idl_check_method(idl, i, way, parameters, &err) == 0)
				continue;
			assert(err.code == ERROR_INVALID_VALUE);
			assert(text_is_utf8(err.subject, strlen(err.subject)));
			assert(text_is_utf8(err.message, strlen(err.message)));
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		(void)idl_check_error(idl, errors[i], parameters, &err);
}

/* What was let through is written as something that is let through, too, and means the same. */
static void check_round_trip(const struct varlink_call *call)
{
	_cleanup_(varlink_call_done) struct varlink_call again = { 0 };
	_cleanup_(freep) char *text = NULL;
	struct error err;
	size_t size;

	text = varlink_format_call(call->method, call->parameters, call->more, call->upgrade,
				   &size);
	assert(text[size - 1] == '\0' && strlen(text) == size - 1);
	if (varlink_call_parse(text, size - 1, &again, &err) < 0)
		abort();
	assert(strcmp(again.method, call->method) == 0);
	assert(json_object_equal(again.parameters, call->parameters));
}

static void take_message(const char *text, size_t size)
{
	_cleanup_(varlink_call_done) struct varlink_call call = { 0 };
	_cleanup_(varlink_reply_done) struct varlink_reply reply = { 0 };
	_cleanup_(json_putp) struct json_object *object = NULL;
	unsigned int keys;
	struct error err = ERROR_NULL;
	bool scanned = json_scan(text, size, &keys, &err) == 0;

	assert(text[size] == '\0' && !memchr(text, '\0', size));
	if (json_parse(text, size, &object, &err) == 0) {
		assert(scanned);
		check_parameters(object);
	} else {
		/* json-c has to understand whatever the scan lets through. */
		assert(err.code == ERROR_PROTOCOL && !strstr(err.message, "not understood"));
	}
	if (varlink_call_parse(text, size, &call, &err) == 0) {
		check_parameters(call.parameters);
		check_round_trip(&call);
	}
	(void)varlink_reply_parse(text, size, &reply, &err);
}

/* Takes all messages that are complete; false if one is too long. */
static bool take_messages(struct varlink_reader *reader, const char **expected)
{
	struct error err;
	const char *text;
	size_t size;
	int r;

	while ((r = varlink_reader_next(reader, &text, &size, &err)) > 0) {
		assert(size <= MESSAGE_MAX && memcmp(text, *expected, size + 1) == 0);
		*expected += size + 1;
		take_message(text, size);
	}
	return r == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(varlink_reader_done) struct varlink_reader reader;
	const char *stream = (const char *)data + 1, *expected = stream;
	size_t at = 0, piece, rest, step;

	if (!size)
		return 0;
	size--;
	step = data[0] ? data[0] : size;
	varlink_reader_init(&reader, MESSAGE_MAX);
	while (at < size) {
		char *room = varlink_reader_room(&reader, &piece);

		piece = piece < step ? piece : step;
		piece = piece < size - at ? piece : size - at;
		(void)memcpy(room, stream + at, piece);
		varlink_reader_added(&reader, piece);
		at += piece;
		if (!take_messages(&reader, &expected))
			return 0;
		assert(reader.capacity <= MESSAGE_MAX + 1);
	}
	(void)varlink_reader_rest(&reader, &rest);
	assert(expected + rest == stream + size);
	return 0;
}
