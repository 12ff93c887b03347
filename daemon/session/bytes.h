/* A run of bytes that grows at its end. What is put there is bounded by whoever puts it, so that
 * memory running out ends the program (common/alloc.h).
 */
#pragma once

#include <stddef.h>
#include <string.h>

struct bytes {
	char *data;
	size_t n, capacity;
};

#define BYTES_NULL ((struct bytes){ 0 })

/* Frees the bytes and leaves it empty; NULL-safe. */
void bytes_done(struct bytes *bytes);

/* Makes room for n more bytes than there are. */
void bytes_grow(struct bytes *bytes, size_t n);

/* Room for n more bytes at the returned place; n is then counted up by the caller. */
static inline char *bytes_room(struct bytes *bytes, size_t n)
{
	if (bytes->capacity - bytes->n < n)
		bytes_grow(bytes, n);
	return bytes->data + bytes->n;
}

static inline void bytes_put(struct bytes *bytes, const void *data, size_t n)
{
	if (!n)
		return;
	(void)memcpy(bytes_room(bytes, n), data, n);
	bytes->n += n;
}

static inline void bytes_putc(struct bytes *bytes, char c)
{
	*bytes_room(bytes, 1) = c;
	bytes->n++;
}

static inline void bytes_puts(struct bytes *bytes, const char *text)
{
	bytes_put(bytes, text, strlen(text));
}

/* Text as printf(3) makes it, of less than BYTES_FORMAT_MAX bytes; longer text is cut. */
enum { BYTES_FORMAT_MAX = 128 };
void bytes_printf(struct bytes *bytes, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* A number in decimal digits. */
void bytes_put_number(struct bytes *bytes, unsigned int number);
