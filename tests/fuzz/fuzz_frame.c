/* The frames of an upgraded connection, from any bytes, as they come from a socket: in pieces. The
 * first byte says how many are there at first.
 */
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What can be read from a frame's payload is written as the very same frame. */
static void check_payload(const unsigned char *frame_data, const struct frame *frame)
{
	size_t size = FRAME_HEADER_SIZE + frame->length, n = 0;
	unsigned char again[64];
	uint16_t rows, columns;
	struct error err;
	uint8_t number;
	int32_t status;

	switch (frame->type) {
	case FRAME_RESIZE:
		if (frame_get_resize(frame, &rows, &columns, &err) == 0)
			n = frame_put_resize(again, rows, columns);
		break;
	case FRAME_SIGNAL:
		if (frame_get_signal(frame, &number, &err) == 0)
			n = frame_put_signal(again, number);
		break;
	case FRAME_STATUS:
		if (frame_get_status(frame, &status, &err) == 0)
			n = frame_put_status(again, status);
		break;
	default:
		return;
	}
	if (n)
		assert(n == size && memcmp(again, frame_data, n) == 0);
	else
		assert(err.code == ERROR_PROTOCOL && err.message[0]);
}

/* One frame; its size, or 0 where there is none. */
static size_t take_frame(const unsigned char *data, size_t n, int *ret_result)
{
	unsigned char header[FRAME_HEADER_SIZE];
	struct frame frame;
	struct error err;

	*ret_result = frame_next(data, n, &frame, &err);
	if (*ret_result < 0)
		assert(n >= FRAME_HEADER_SIZE && err.code == ERROR_PROTOCOL && err.message[0]);
	if (*ret_result <= 0)
		return 0;
	assert(frame.length <= FRAME_PAYLOAD_MAX && FRAME_HEADER_SIZE + frame.length <= n);
	assert(frame.payload == data + FRAME_HEADER_SIZE);
	frame_put_header(header, (enum frame_type)frame.type, frame.length);
	assert(memcmp(header, data, sizeof(header)) == 0);
	check_payload(data, &frame);
	return FRAME_HEADER_SIZE + frame.length;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(freep) unsigned char *buffer = NULL;
	size_t at = 0, there, n;
	int result, earlier = 1;

	if (!size)
		return 0;
	there = data[0] < size - 1 ? data[0] : size - 1;
	/* Of exactly this size: what is read beyond is found. */
	buffer = malloc(size - 1 ? size - 1 : 1);
	assert(buffer);
	(void)memcpy(buffer, data + 1, size - 1);
	while (at < size - 1) {
		n = take_frame(buffer + at, there - at, &result);
		/* What was refused once stays refused when more has come. */
		assert(earlier >= 0 || result < 0);
		earlier = result;
		if (n) {
			at += n;
			earlier = 1;
		} else if (there < size - 1) {
			there++;
		} else {
			break;
		}
	}
	return 0;
}
