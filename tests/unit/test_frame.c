#include "common/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/alloc.h"
#include "common/cleanup.h"

static void headers_are_in_network_order(void **state)
{
	unsigned char header[FRAME_DATA_OVERHEAD];

	(void)state;
	frame_put_header(header, FRAME_NOTICE, 0x00010203);
	assert_memory_equal(header, "\x13\x00\x01\x02\x03", FRAME_HEADER_SIZE);
	frame_put_data_header(header, FRAME_STDERR, 0xfffe);
	assert_memory_equal(header, "\x01\x00\x00\xff\xff\x02", FRAME_DATA_OVERHEAD);
}

static void small_frames_are_written_whole(void **state)
{
	unsigned char buffer[16];

	(void)state;
	assert_int_equal(frame_put_resize(buffer, 0x0102, 0xfffe), 9);
	assert_memory_equal(buffer, "\x02\x00\x00\x00\x04\x01\x02\xff\xfe", 9);
	assert_int_equal(frame_put_signal(buffer, 15), 6);
	assert_memory_equal(buffer, "\x03\x00\x00\x00\x01\x0f", 6);
	assert_int_equal(frame_put_status(buffer, 137), 9);
	assert_memory_equal(buffer, "\x12\x00\x00\x00\x04\x00\x00\x00\x89", 9);
	assert_int_equal(frame_put_status(buffer, -2), 9);
	assert_memory_equal(buffer, "\x12\x00\x00\x00\x04\xff\xff\xff\xfe", 9);
}

static struct frame next(const void *data, size_t n)
{
	struct frame frame;
	struct error err;

	assert_int_equal(frame_next(data, n, &frame, &err), 1);
	return frame;
}

static void what_was_written_is_read_back(void **state)
{
	unsigned char buffer[16];
	struct frame frame;
	uint16_t rows, columns;
	uint8_t number;
	int32_t status;
	struct error err;

	(void)state;
	frame = next(buffer, frame_put_resize(buffer, 24, 65535));
	assert_int_equal(frame.type, FRAME_RESIZE);
	assert_int_equal(frame_get_resize(&frame, &rows, &columns, &err), 0);
	assert_int_equal(rows, 24);
	assert_int_equal(columns, 65535);
	frame = next(buffer, frame_put_signal(buffer, 64));
	assert_int_equal(frame_get_signal(&frame, &number, &err), 0);
	assert_int_equal(number, 64);
	frame = next(buffer, frame_put_status(buffer, INT32_MIN));
	assert_int_equal(frame_get_status(&frame, &status, &err), 0);
	assert_true(status == INT32_MIN);
}

static void a_frame_is_there_when_its_last_byte_is(void **state)
{
	static const unsigned char stream[] = { 1, 0, 0, 0, 3, 1, 'h', 'i', 4, 0, 0, 0, 0, 1 };
	struct frame frame = { .type = 77 };
	struct error err;

	(void)state;
	for (size_t n = 0; n < 8; n++) {
		/* Exactly as many bytes as are said to be there, for a sanitizer to watch. */
		_cleanup_(freep) unsigned char *copy = alloc_zero(1, n);

		(void)memcpy(copy, stream, n);
		assert_int_equal(frame_next(copy, n, &frame, &err), 0);
		assert_int_equal(frame.type, 77);
	}
	frame = next(stream, sizeof(stream));
	assert_int_equal(frame.type, FRAME_DATA);
	assert_int_equal(frame.length, 3);
	assert_memory_equal(frame.payload, "\x01hi", 3);
	frame = next(stream + 8, sizeof(stream) - 8);
	assert_int_equal(frame.type, FRAME_EOF);
	assert_int_equal(frame.length, 0);
	assert_int_equal(frame_next(stream + 13, 1, &frame, &err), 0);
}

static void the_largest_frame_is_read_and_a_larger_one_refused_by_its_header(void **state)
{
	const size_t size = FRAME_HEADER_SIZE + FRAME_PAYLOAD_MAX;
	_cleanup_(freep) unsigned char *data = alloc_zero(1, size);
	unsigned char header[FRAME_HEADER_SIZE];
	struct frame frame = { .type = 77 };
	struct error err = ERROR_NULL;

	(void)state;
	frame_put_header(data, FRAME_DATA, FRAME_PAYLOAD_MAX);
	assert_int_equal(frame_next(data, size - 1, &frame, &err), 0);
	frame = next(data, size);
	assert_int_equal(frame.length, FRAME_PAYLOAD_MAX);

	frame.type = 77;
	frame_put_header(header, FRAME_DATA, FRAME_PAYLOAD_MAX + 1);
	assert_int_equal(frame_next(header, sizeof(header), &frame, &err), -1);
	assert_int_equal(err.code, ERROR_PROTOCOL);
	frame_put_header(header, FRAME_DATA, UINT32_MAX);
	assert_int_equal(frame_next(header, sizeof(header), &frame, &err), -1);
	/* While the header is not whole, nothing can be said. */
	assert_int_equal(frame_next(header, sizeof(header) - 1, &frame, &err), 0);
	assert_int_equal(frame.type, 77);
}

static void a_type_that_is_not_known_is_a_frame_like_any_other(void **state)
{
	static const unsigned char stream[] = { 0x7f, 0, 0, 0, 2, 'a', 'b' };
	struct frame frame;

	(void)state;
	frame = next(stream, sizeof(stream));
	assert_int_equal(frame.type, 0x7f);
	assert_int_equal(frame.length, 2);
}

static void payloads_of_another_shape_are_refused(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 2, 3, 4, 5, 8 };
	static const unsigned char payload[8];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
		const struct frame frame = { .length = lengths[i], .payload = payload };
		uint16_t rows = 77, columns = 77;
		int32_t status = 77;
		uint8_t number = 77;
		struct error err = ERROR_NULL;
		bool four = lengths[i] == 4, one = lengths[i] == 1;

		assert_int_equal(frame_get_resize(&frame, &rows, &columns, &err), four ? 0 : -1);
		assert_int_equal(rows, four ? 0 : 77);
		assert_int_equal(frame_get_status(&frame, &status, &err), four ? 0 : -1);
		assert_int_equal(status, four ? 0 : 77);
		assert_int_equal(frame_get_signal(&frame, &number, &err), one ? 0 : -1);
		assert_int_equal(number, one ? 0 : 77);
		assert_int_equal(err.code, ERROR_PROTOCOL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_in_network_order),
		cmocka_unit_test(small_frames_are_written_whole),
		cmocka_unit_test(what_was_written_is_read_back),
		cmocka_unit_test(a_frame_is_there_when_its_last_byte_is),
		cmocka_unit_test(the_largest_frame_is_read_and_a_larger_one_refused_by_its_header),
		cmocka_unit_test(a_type_that_is_not_known_is_a_frame_like_any_other),
		cmocka_unit_test(payloads_of_another_shape_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
