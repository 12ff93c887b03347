#include "client/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"

static struct keys keys_for(const char *sequence)
{
	struct detach_keys detach;
	struct keys keys;
	struct error err;

	assert_int_equal(parse_detach_keys(sequence, &detach, &err), 0);
	keys_init(&keys, &detach);
	return keys;
}

/* Exactly as large as it has to be, for a sanitizer to watch. */
static bool feed(struct keys *keys, const char *typed, const char *expected)
{
	size_t n = strlen(typed), got = 77;
	_cleanup_(freep) char *out = alloc_zero(1, n + DETACH_KEYS_MAX);
	bool detached = keys_feed(keys, typed, n, out, &got);

	assert_int_equal(got, strlen(expected));
	assert_memory_equal(out, expected, got);
	return detached;
}

static void release(struct keys *keys, const char *expected)
{
	char out[DETACH_KEYS_MAX];
	size_t n = keys_release(keys, out);

	assert_int_equal(n, strlen(expected));
	assert_memory_equal(out, expected, n);
	assert_false(keys_hold(keys));
}

static void what_has_nothing_of_the_sequence_goes_on_at_once(void **state)
{
	struct keys keys = keys_for("ctrl-p,ctrl-q");

	(void)state;
	assert_false(feed(&keys, "ls -l\r\x11\x03", "ls -l\r\x11\x03"));
	assert_false(keys_hold(&keys));
	assert_false(feed(&keys, "", ""));
}

static void the_sequence_detaches(void **state)
{
	struct keys keys = keys_for("ctrl-p,ctrl-q");

	(void)state;
	assert_true(feed(&keys, "\x10\x11", ""));
	assert_true(feed(&keys,
			 "abc\x10\x11"
			 "def",
			 "abc"));
	assert_false(feed(&keys, "\x10", ""));
	assert_true(keys_hold(&keys));
	assert_true(feed(&keys, "\x11", ""));
	assert_false(keys_hold(&keys));
}

static void a_prefix_key_goes_on_with_the_next_that_does_not_fit(void **state)
{
	struct keys keys = keys_for("ctrl-p,ctrl-q");

	(void)state;
	assert_false(feed(&keys, "\x10", ""));
	assert_false(feed(&keys, "x", "\x10x"));
	assert_false(keys_hold(&keys));
	assert_false(feed(&keys, "\x10y\x10z", "\x10y\x10z"));
	/* The second could still be the beginning. */
	assert_false(feed(&keys, "\x10\x10", "\x10"));
	assert_true(feed(&keys, "\x11", ""));
}

static void a_prefix_key_goes_on_when_it_is_released(void **state)
{
	struct keys keys = keys_for("ctrl-p,ctrl-q");

	(void)state;
	assert_false(feed(&keys, "a\x10", "a"));
	release(&keys, "\x10");
	release(&keys, "");
	/* It is not delivered twice. */
	assert_false(feed(&keys, "b", "b"));
}

static void a_sequence_typed_slowly_detaches_all_the_same(void **state)
{
	struct keys keys = keys_for("a,b,c");

	(void)state;
	assert_false(feed(&keys, "a", ""));
	release(&keys, "a");
	assert_false(feed(&keys, "b", ""));
	release(&keys, "b");
	assert_true(feed(&keys, "c", ""));
	/* And one that is broken off gives back only what was not released. */
	assert_false(feed(&keys, "a", ""));
	release(&keys, "a");
	assert_false(feed(&keys, "b", ""));
	assert_false(feed(&keys, "x", "bx"));
}

static void a_sequence_may_begin_within_one_that_breaks_off(void **state)
{
	struct keys keys = keys_for("a,a,b");
	struct keys other = keys_for("a,b,a,b,c");

	(void)state;
	assert_true(feed(&keys, "aaab", "a"));
	assert_true(feed(&keys, "aaaaaab", "aaaa"));
	assert_true(feed(&other, "abababc", "ab"));
	assert_false(feed(&other, "ababab", "ab"));
	release(&other, "abab");
	assert_false(feed(&other, "x", "x"));
	/* Of those that stay in the game, some were released and some not. */
	assert_false(feed(&keys, "aa", ""));
	release(&keys, "aa");
	assert_false(feed(&keys, "a", ""));
	assert_true(keys_hold(&keys));
	release(&keys, "a");
	assert_true(feed(&keys, "b", ""));
}

static void one_key_may_be_a_sequence(void **state)
{
	struct keys keys = keys_for("ctrl-]");

	(void)state;
	assert_false(feed(&keys, "abc", "abc"));
	assert_true(feed(&keys,
			 "ab\x1d"
			 "c",
			 "ab"));
}

static void without_a_sequence_everything_goes_on(void **state)
{
	struct keys keys = keys_for("none");

	(void)state;
	assert_false(feed(&keys, "\x10\x11\x10\x11", "\x10\x11\x10\x11"));
	assert_false(keys_hold(&keys));
}

/* What a matcher does that looks at all that was typed since the beginning, or since the last
 * match: the end of the first sequence in it.
 */
static size_t find_match(const char *typed, size_t n, const struct detach_keys *sequence)
{
	const char *at = memmem(typed, n, sequence->keys, sequence->n);

	return at ? (size_t)(at - typed) + sequence->n : 0;
}

static void any_input_in_any_pieces_is_delivered_or_detaches(void **state)
{
	static const char *const sequences[] = { "a", "a,a", "a,b", "a,a,b", "a,b,a", "a,b,a,b,b" };
	uint32_t random = 1;

	(void)state;
	for (size_t round = 0; round < 20000; round++) {
		struct keys keys = keys_for(sequences[round % ARRAY_SIZE(sequences)]);
		char typed[24], out[sizeof(typed) + DETACH_KEYS_MAX] = { 0 };
		size_t n = 0, got = 0, match;
		bool detached = false;

		for (size_t i = 0; i < sizeof(typed); i++) {
			random = random * 1664525 + 1013904223;
			typed[i] = "aabbc"[(random >> 16) % 5];
		}
		match = find_match(typed, sizeof(typed), &keys.sequence);
		while (n < sizeof(typed) && !detached) {
			size_t piece = 1 + (random >> 8) % 3, used;

			random = random * 1664525 + 1013904223;
			piece = piece < sizeof(typed) - n ? piece : sizeof(typed) - n;
			detached = keys_feed(&keys, typed + n, piece, out + got, &used);
			n += piece;
			got += used;
			if (!detached && random >> 31)
				got += keys_release(&keys, out + got);
		}
		assert_int_equal(detached, match != 0);
		if (!detached)
			got += keys_release(&keys, out + got);
		/* Some of a sequence may have been released before it was complete. */
		assert_true(got <= (match ? match : sizeof(typed)));
		assert_true(got >= (match ? match - keys.sequence.n : sizeof(typed)));
		assert_memory_equal(out, typed, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_nothing_of_the_sequence_goes_on_at_once),
		cmocka_unit_test(the_sequence_detaches),
		cmocka_unit_test(a_prefix_key_goes_on_with_the_next_that_does_not_fit),
		cmocka_unit_test(a_prefix_key_goes_on_when_it_is_released),
		cmocka_unit_test(a_sequence_typed_slowly_detaches_all_the_same),
		cmocka_unit_test(a_sequence_may_begin_within_one_that_breaks_off),
		cmocka_unit_test(one_key_may_be_a_sequence),
		cmocka_unit_test(without_a_sequence_everything_goes_on),
		cmocka_unit_test(any_input_in_any_pieces_is_delivered_or_detaches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
