#include "common/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *alloc_zero(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

void *alloc_resize(void *object, size_t size)
{
	void *p = realloc(object, size ? size : 1);

	if (!p)
		abort();
	return p;
}

char *alloc_strdup(const char *s)
{
	char *copy;

	if (!s)
		return NULL;
	copy = strdup(s);
	if (!copy)
		abort();
	return copy;
}

char *alloc_printf(const char *format, ...)
{
	char *s = NULL;
	va_list ap;
	int r;

	va_start(ap, format);
	r = vasprintf(&s, format, ap);
	va_end(ap);
	if (r < 0)
		abort();
	return s;
}
