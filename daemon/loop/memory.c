#include "daemon/loop/memory.h"

#include <stddef.h>
#include <stdlib.h>

/* AddressSanitizer has the allocator for itself, and ends the program when there is no memory. */
#ifdef SANITIZED

void memory_set_aside(void)
{
}

bool memory_is_short(void)
{
	return false;
}

#else

/* More than any call takes, and an area of its own, which the kernel has back when it is freed. */
enum { RESERVE_BYTES = 1024 * 1024 };

/* There is one allocator in a process, and no object of ours that it belongs to. */
static void *reserve;

/* glibc's own, by the names that it gives them for whoever puts others in their place
 * ("Replacing malloc" in its manual). free() stays as it is.
 */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static bool use_reserve(void)
{
	bool was_there = reserve != NULL;

	free(reserve);
	reserve = NULL;
	return was_there;
}

void *malloc(size_t size)
{
	void *memory = __libc_malloc(size);

	return memory || !use_reserve() ? memory : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	void *memory = __libc_calloc(n, size);

	return memory || !use_reserve() ? memory : __libc_calloc(n, size);
}

void *realloc(void *old, size_t size)
{
	void *memory = __libc_realloc(old, size);

	/* To nothing, it is freed. */
	return memory || size == 0 || !use_reserve() ? memory : __libc_realloc(old, size);
}

void memory_set_aside(void)
{
	if (!reserve)
		reserve = __libc_malloc(RESERVE_BYTES);
}

bool memory_is_short(void)
{
	memory_set_aside();
	return !reserve;
}

#endif
