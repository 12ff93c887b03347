/* Mounts as people write them. What is accepted can be said in JSON, and means the same there. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/json.h"
#include "common/mount_spec.h"
#include "common/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mount_specs *mounts)
{
	_cleanup_(json_putp) struct json_object *array = mount_specs_to_json(mounts);
	_cleanup_(json_putp) struct json_object *second = NULL;
	_cleanup_(mount_specs_done) struct mount_specs again = { 0 };
	struct error err;

	if (mount_specs_check(mounts, &err) < 0 || mount_specs_from_json(array, &again, &err) < 0 ||
	    mount_specs_check(&again, &err) < 0)
		abort();
	second = mount_specs_to_json(&again);
	if (strcmp(json_object_to_json_string(array), json_object_to_json_string(second)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const parsers[])(const char *, struct mount_specs *, struct error *) = {
		mount_parse_volume,
		mount_parse_mount,
		mount_parse_tmpfs,
	};
	_cleanup_(freep) char *text = alloc_zero(1, size + 1);

	(void)memcpy(text, data, size);
	for (size_t i = 0; i < ARRAY_SIZE(parsers); i++) {
		_cleanup_(mount_specs_done) struct mount_specs mounts = { 0 };
		struct error err;

		if (parsers[i](text, &mounts, &err) == 0)
			check(&mounts);
		else if (err.code != ERROR_INVALID_VALUE || mounts.n)
			abort();
	}
	return 0;
}
