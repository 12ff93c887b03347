#include "common/varlink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"

/* Puts n bytes into the reader, in as many pieces as it has room for. */
static void feed(struct varlink_reader *reader, const char *bytes, size_t n)
{
	while (n) {
		size_t room, piece;
		char *at = varlink_reader_room(reader, &room);

		assert_true(room >= 1);
		piece = room < n ? room : n;
		(void)memcpy(at, bytes, piece);
		varlink_reader_added(reader, piece);
		bytes += piece;
		n -= piece;
	}
}

static void assert_next(struct varlink_reader *reader, const char *expected)
{
	const char *text;
	struct error err;
	size_t size;

	assert_int_equal(varlink_reader_next(reader, &text, &size, &err), 1);
	assert_int_equal(size, strlen(expected));
	assert_string_equal(text, expected);
}

static void assert_no_more(struct varlink_reader *reader)
{
	const char *text = "untouched";
	struct error err;
	size_t size = 77;

	assert_int_equal(varlink_reader_next(reader, &text, &size, &err), 0);
	assert_string_equal(text, "untouched");
	assert_int_equal(size, 77);
}

static void assert_too_long(struct varlink_reader *reader)
{
	const char *text = "untouched";
	struct error err = ERROR_NULL;
	size_t size = 77;

	assert_int_equal(varlink_reader_next(reader, &text, &size, &err), -1);
	assert_int_equal(err.code, ERROR_PROTOCOL);
	assert_string_equal(text, "untouched");
	assert_int_equal(size, 77);
}

static void assert_rest(const struct varlink_reader *reader, const char *expected)
{
	size_t size = 77;
	const char *rest = varlink_reader_rest(reader, &size);

	assert_int_equal(size, strlen(expected));
	if (size)
		assert_memory_equal(rest, expected, size);
}

static void a_new_reader_has_nothing(void **state)
{
	_cleanup_(varlink_reader_done) struct varlink_reader reader;

	(void)state;
	varlink_reader_init(&reader, 100);
	assert_no_more(&reader);
	assert_rest(&reader, "");
	varlink_reader_done(&reader);
	assert_no_more(&reader);
}

static void messages_split_at_every_byte_are_read(void **state)
{
	static const char stream[] = "{\"a\":1}\0\0{}\0rest";
	const size_t size = sizeof(stream) - 1;

	(void)state;
	for (size_t first = 0; first <= size; first++) {
		for (size_t second = first; second <= size; second++) {
			static const char *const messages[] = { "{\"a\":1}", "", "{}" };
			const size_t ends[] = { first, second, size };
			_cleanup_(varlink_reader_done) struct varlink_reader reader;
			size_t at = 0, n = 0;

			varlink_reader_init(&reader, 7);
			for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
				size_t complete = 0;

				feed(&reader, stream + at, ends[i] - at);
				at = ends[i];
				for (size_t k = 0; k < ends[i]; k++)
					complete += stream[k] == '\0';
				while (n < complete)
					assert_next(&reader, messages[n++]);
				assert_no_more(&reader);
			}
			assert_int_equal(n, 3);
			assert_rest(&reader, "rest");
		}
	}
}

static void messages_that_come_together_are_read_apart(void **state)
{
	_cleanup_(varlink_reader_done) struct varlink_reader reader;

	(void)state;
	varlink_reader_init(&reader, 10);
	feed(&reader, "one\0two\0\0th", 11);
	assert_next(&reader, "one");
	assert_next(&reader, "two");
	assert_next(&reader, "");
	assert_no_more(&reader);
	assert_rest(&reader, "th");
	feed(&reader, "ree\0", 4);
	assert_next(&reader, "three");
	assert_no_more(&reader);
}

static void a_message_may_be_as_long_as_the_limit(void **state)
{
	static const size_t limits[] = { 1, 7, 4095, 4096, 4097, 8191, 8192, VARLINK_MESSAGE_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		_cleanup_(varlink_reader_done) struct varlink_reader reader;
		_cleanup_(freep) char *longest = alloc_zero(1, limits[i] + 1);

		(void)memset(longest, 'x', limits[i]);
		varlink_reader_init(&reader, limits[i]);
		for (int round = 0; round < 3; round++) {
			feed(&reader, longest, limits[i]);
			assert_no_more(&reader);
			feed(&reader, longest + limits[i], 1);
			assert_next(&reader, longest);
			assert_no_more(&reader);
			assert_true(reader.capacity <= limits[i] + 1);
		}
	}
}

static void a_longer_message_is_refused_before_it_is_complete(void **state)
{
	static const size_t limits[] = { 0, 1, 7, 4095, 4096, VARLINK_MESSAGE_MAX };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		_cleanup_(varlink_reader_done) struct varlink_reader reader;
		_cleanup_(freep) char *longer = alloc_zero(1, limits[i] + 2);

		(void)memset(longer, 'x', limits[i] + 1);
		varlink_reader_init(&reader, limits[i]);
		feed(&reader, longer, limits[i]);
		assert_no_more(&reader);
		feed(&reader, longer + limits[i], 1);
		assert_too_long(&reader);
		assert_true(reader.capacity <= limits[i] + 1);

		/* The same behind a good one, all at once, its NUL there already. */
		varlink_reader_done(&reader);
		feed(&reader, "", 1);
		feed(&reader, longer, limits[i] + 2);
		assert_next(&reader, "");
		assert_too_long(&reader);
		assert_too_long(&reader);
	}
}

static void memory_grows_only_as_a_peer_sends(void **state)
{
	_cleanup_(varlink_reader_done) struct varlink_reader reader;
	_cleanup_(freep) char *bytes = alloc_zero(1, 40001);
	size_t room;

	(void)state;
	(void)memset(bytes, 'x', 40000);
	varlink_reader_init(&reader, VARLINK_MESSAGE_MAX);
	assert_int_equal(reader.capacity, 0);
	feed(&reader, bytes, 100);
	assert_true(reader.capacity <= 4096);
	feed(&reader, bytes + 100, 39901);
	assert_true(reader.capacity <= 65537);
	assert_next(&reader, bytes);
	/* What a large message took is given back when the next one is read. */
	(void)varlink_reader_room(&reader, &room);
	assert_true(room >= 1 && reader.capacity <= 4096);
}

static void a_thousand_calls_take_no_more_memory_than_one(void **state)
{
	_cleanup_(varlink_reader_done) struct varlink_reader reader;

	(void)state;
	varlink_reader_init(&reader, VARLINK_MESSAGE_MAX);
	for (int i = 0; i < 1000; i++) {
		feed(&reader, "a call\0and a pie", 16);
		assert_next(&reader, "a call");
		assert_rest(&reader, "and a pie");
		feed(&reader, "ce of one", 10);
		assert_next(&reader, "and a piece of one");
		assert_no_more(&reader);
	}
	assert_true(reader.capacity <= 4096);
}

static void there_is_room_even_for_one_who_takes_no_messages(void **state)
{
	_cleanup_(varlink_reader_done) struct varlink_reader reader;

	(void)state;
	varlink_reader_init(&reader, 10);
	for (int i = 0; i < 1000; i++)
		feed(&reader, "abc", 4);
	for (int i = 0; i < 1000; i++)
		assert_next(&reader, "abc");
	assert_no_more(&reader);
	feed(&reader, "abc", 4);
	assert_true(reader.capacity <= 11);
}

static void what_follows_an_upgrade_is_the_rest(void **state)
{
	static const char frames[] = { 0, 0, 0, 0, 1, 'x', 0, 'y' };
	_cleanup_(varlink_reader_done) struct varlink_reader reader;
	const char *rest;
	size_t size;

	(void)state;
	varlink_reader_init(&reader, 100);
	feed(&reader, "{}", 3);
	feed(&reader, frames, sizeof(frames));
	assert_next(&reader, "{}");
	rest = varlink_reader_rest(&reader, &size);
	assert_int_equal(size, sizeof(frames));
	assert_memory_equal(rest, frames, sizeof(frames));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_reader_has_nothing),
		cmocka_unit_test(messages_split_at_every_byte_are_read),
		cmocka_unit_test(messages_that_come_together_are_read_apart),
		cmocka_unit_test(a_message_may_be_as_long_as_the_limit),
		cmocka_unit_test(a_longer_message_is_refused_before_it_is_complete),
		cmocka_unit_test(memory_grows_only_as_a_peer_sends),
		cmocka_unit_test(a_thousand_calls_take_no_more_memory_than_one),
		cmocka_unit_test(there_is_room_even_for_one_who_takes_no_messages),
		cmocka_unit_test(what_follows_an_upgrade_is_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
