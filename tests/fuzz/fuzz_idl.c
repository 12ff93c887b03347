/* Interface definitions that nobody meant, and values checked against what they define. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/idl.h"
#include "common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_values(const struct idl *idl, int method)
{
	static const char *const values[] = {
		"{}",
		"{\"a\":1}",
		"{\"a\":\"a\",\"b\":null,\"c\":1.5}",
		"{\"a\":[[],[1],[null]],\"b\":{\"a\":{\"a\":{\"a\":{\"b\":[true]}}}}}",
	};
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		_cleanup_(json_putp) struct json_object *value = NULL;

		if (json_parse(values[i], strlen(values[i]), &value, &err) < 0)
			abort();
		if (idl_check_method(idl, method, IDL_IN, value, &err) < 0)
			assert(err.code == ERROR_INVALID_VALUE && err.message[0]);
		if (idl_check_method(idl, method, IDL_OUT, value, &err) < 0)
			assert(err.code == ERROR_INVALID_VALUE && err.message[0]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(idl_freep) struct idl *idl = NULL;
	struct error err = ERROR_NULL;
	const char *name;

	if (idl_parse((const char *)data, size, &idl, &err) < 0) {
		assert(!idl && err.code == ERROR_INVALID_VALUE && err.message[0]);
		return 0;
	}
	assert(strlen(idl_text(idl)) == size && memcmp(idl_text(idl), data, size) == 0);
	assert(strchr(idl_name(idl), '.'));
	for (int i = 0; (name = idl_method_at(idl, (size_t)i)); i++) {
		assert(idl_find_method(idl, name, strlen(name)) == i);
		check_values(idl, i);
	}
	return 0;
}
