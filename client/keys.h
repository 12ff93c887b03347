/* Finds the detach keys in what is typed. A key that may begin the sequence is held back until the
 * next one decides, or until keys_release: nothing that is typed is ever swallowed. A sequence
 * whose beginning was released is still one when the rest of it comes, however slowly it is typed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/parse.h"

struct keys {
	struct detach_keys sequence;
	size_t matched;	 /* how many of its keys were the last ones typed */
	size_t released; /* how many of those went on already */
};

void keys_init(struct keys *keys, const struct detach_keys *sequence);

/* n bytes were typed. Those that go on to the program are put to out, which has room for n +
 * DETACH_KEYS_MAX; *ret_n is their number. True when the sequence is complete: what was typed
 * behind it is dropped.
 */
bool keys_feed(struct keys *keys, const void *in, size_t n, void *out, size_t *ret_n);

/* Whether something is held back. */
bool keys_hold(const struct keys *keys);

/* What is held back is to go on now: puts it to out, which has room for DETACH_KEYS_MAX bytes, and
 * returns its size.
 */
size_t keys_release(struct keys *keys, void *out);
