#include "client/keys.h"

#include <string.h>

void keys_init(struct keys *keys, const struct detach_keys *sequence)
{
	*keys = (struct keys){ .sequence = *sequence };
}

/* How much of the sequence its first `matched` keys and one more end with, at most matched: the
 * keys that may still become one. The sequence is short.
 */
static size_t longest_ending(const struct keys *keys, unsigned char key)
{
	const unsigned char *sequence = keys->sequence.keys;

	for (size_t n = keys->matched; n > 0; n--)
		if (sequence[n - 1] == key &&
		    memcmp(sequence, sequence + keys->matched - (n - 1), n - 1) == 0)
			return n;
	return 0;
}

/* The sequence is broken: what can no longer be a part of it goes on, unless it did already. */
static size_t give_up(struct keys *keys, unsigned char key, unsigned char *out)
{
	size_t still = longest_ending(keys, key);
	size_t leaving = keys->matched + 1 - still, n = 0;

	for (size_t i = keys->released; i < leaving; i++)
		out[n++] = i < keys->matched ? keys->sequence.keys[i] : key;
	keys->released = keys->released > leaving ? keys->released - leaving : 0;
	keys->matched = still;
	return n;
}

bool keys_feed(struct keys *keys, const void *in, size_t n, void *out, size_t *ret_n)
{
	const unsigned char *typed = in;
	unsigned char *to = out;
	size_t used = 0;

	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		if (!keys->sequence.n) {
			to[used++] = typed[i];
		} else if (typed[i] != keys->sequence.keys[keys->matched]) {
			used += give_up(keys, typed[i], to + used);
		} else if (++keys->matched == keys->sequence.n) {
			keys->matched = keys->released = 0;
			*ret_n = used;
			return true;
		}
	}
	*ret_n = used;
	return false;
}

bool keys_hold(const struct keys *keys)
{
	return keys->matched > keys->released;
}

size_t keys_release(struct keys *keys, void *out)
{
	size_t n = keys->matched - keys->released;

	if (n)
		(void)memcpy(out, keys->sequence.keys + keys->released, n);
	keys->released = keys->matched;
	return n;
}
