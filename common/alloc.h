/* Allocation of small objects, whose size no peer decides: it cannot fail, or the program ends.
 * Anything that a peer can size is bounded by its caller first. All are freed with free().
 */
#pragma once

#include <stddef.h>
#include <stdlib.h>

/* Zeroed memory for n objects of size bytes; aborts when there is none. */
void *alloc_zero(size_t n, size_t size) __attribute__((malloc, returns_nonnull));

/* The object of another size, perhaps elsewhere, with what it had; what is new of it is not zeroed. */
void *alloc_resize(void *object, size_t size) __attribute__((returns_nonnull));

/* A copy of s, NULL for NULL. */
char *alloc_strdup(const char *s);

/* A formatted string. */
char *alloc_printf(const char *format, ...)
	__attribute__((format(printf, 1, 2), malloc, returns_nonnull));

#define ALLOC(type) ((type *)alloc_zero(1, sizeof(type)))
