#include "daemon/session/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/alloc.h"

enum { FIRST_CAPACITY = 64 };

void bytes_done(struct bytes *bytes)
{
	if (!bytes)
		return;
	free(bytes->data);
	*bytes = BYTES_NULL;
}

void bytes_grow(struct bytes *bytes, size_t n)
{
	size_t capacity = bytes->capacity ? bytes->capacity : FIRST_CAPACITY;

	while (capacity - bytes->n < n)
		capacity *= 2;
	bytes->data = alloc_resize(bytes->data, capacity);
	bytes->capacity = capacity;
}

void bytes_printf(struct bytes *bytes, const char *format, ...)
{
	char *room = bytes_room(bytes, BYTES_FORMAT_MAX);
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(room, BYTES_FORMAT_MAX, format, ap);
	va_end(ap);
	if (n > 0)
		bytes->n += n < BYTES_FORMAT_MAX ? (size_t)n : BYTES_FORMAT_MAX - 1;
}

void bytes_put_number(struct bytes *bytes, unsigned int number)
{
	unsigned int n = 1;
	char *at;

	for (unsigned int rest = number; rest >= 10; rest /= 10)
		n++;
	at = bytes_room(bytes, n) + n;
	bytes->n += n;
	do
		*--at = (char)('0' + number % 10);
	while (number /= 10);
}
