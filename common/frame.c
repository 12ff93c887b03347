#include "common/frame.h"

#include <string.h>

static void put16(unsigned char *at, uint16_t value)
{
	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

static void put32(unsigned char *at, uint32_t value)
{
	put16(at, (uint16_t)(value >> 16));
	put16(at + 2, (uint16_t)value);
}

static uint16_t get16(const unsigned char *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t get32(const unsigned char *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

void frame_put_header(unsigned char buffer[FRAME_HEADER_SIZE], enum frame_type type,
		      uint32_t length)
{
	buffer[0] = (unsigned char)type;
	put32(buffer + 1, length);
}

void frame_put_data_header(unsigned char buffer[FRAME_DATA_OVERHEAD], enum frame_stream stream,
			   uint32_t n_bytes)
{
	frame_put_header(buffer, FRAME_DATA, n_bytes + 1);
	buffer[FRAME_HEADER_SIZE] = (unsigned char)stream;
}

void frame_put_log_header(unsigned char *buffer, int64_t time_us, uint8_t stream, uint32_t n_bytes)
{
	frame_put_header(buffer, FRAME_LOG, n_bytes + FRAME_LOG_OVERHEAD);
	put32(buffer + FRAME_HEADER_SIZE, (uint32_t)((uint64_t)time_us >> 32));
	put32(buffer + FRAME_HEADER_SIZE + 4, (uint32_t)time_us);
	buffer[FRAME_HEADER_SIZE + 8] = stream;
}

uint32_t frame_get_length(const unsigned char header[FRAME_HEADER_SIZE])
{
	return get32(header + 1);
}

size_t frame_put_resize(unsigned char *buffer, uint16_t rows, uint16_t columns)
{
	frame_put_header(buffer, FRAME_RESIZE, 4);
	put16(buffer + FRAME_HEADER_SIZE, rows);
	put16(buffer + FRAME_HEADER_SIZE + 2, columns);
	return FRAME_HEADER_SIZE + 4;
}

size_t frame_put_signal(unsigned char *buffer, uint8_t number)
{
	frame_put_header(buffer, FRAME_SIGNAL, 1);
	buffer[FRAME_HEADER_SIZE] = number;
	return FRAME_HEADER_SIZE + 1;
}

size_t frame_put_status(unsigned char *buffer, int32_t status)
{
	frame_put_header(buffer, FRAME_STATUS, 4);
	put32(buffer + FRAME_HEADER_SIZE, (uint32_t)status);
	return FRAME_HEADER_SIZE + 4;
}

int frame_next(const unsigned char *data, size_t n, struct frame *ret, struct error *err)
{
	uint32_t length;

	if (n < FRAME_HEADER_SIZE)
		return 0;
	length = frame_get_length(data);
	if (length > FRAME_PAYLOAD_MAX)
		return error_set(err, ERROR_PROTOCOL, "a frame of %u bytes", length);
	if (n - FRAME_HEADER_SIZE < length)
		return 0;
	ret->type = data[0];
	ret->length = length;
	ret->payload = data + FRAME_HEADER_SIZE;
	return 1;
}

static int check_length(const struct frame *frame, uint32_t length, struct error *err)
{
	if (frame->length == length)
		return 0;
	return error_set(err, ERROR_PROTOCOL, "a frame of type 0x%02x with %u bytes", frame->type,
			 frame->length);
}

int frame_get_resize(const struct frame *frame, uint16_t *ret_rows, uint16_t *ret_columns,
		     struct error *err)
{
	if (check_length(frame, 4, err) < 0)
		return -1;
	*ret_rows = get16(frame->payload);
	*ret_columns = get16(frame->payload + 2);
	return 0;
}

int frame_get_signal(const struct frame *frame, uint8_t *ret_number, struct error *err)
{
	if (check_length(frame, 1, err) < 0)
		return -1;
	*ret_number = frame->payload[0];
	return 0;
}

int frame_get_log(const struct frame *frame, int64_t *ret_time_us, uint8_t *ret_stream,
		  struct error *err)
{
	if (frame->length < FRAME_LOG_OVERHEAD)
		return error_set(err, ERROR_PROTOCOL, "a frame of type 0x%02x with %u bytes",
				 frame->type, frame->length);
	*ret_time_us = (int64_t)((uint64_t)get32(frame->payload) << 32 | get32(frame->payload + 4));
	*ret_stream = frame->payload[8];
	return 0;
}

int frame_get_status(const struct frame *frame, int32_t *ret_status, struct error *err)
{
	if (check_length(frame, 4, err) < 0)
		return -1;
	*ret_status = (int32_t)get32(frame->payload);
	return 0;
}
