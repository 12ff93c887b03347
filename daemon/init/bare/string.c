/* <string.h>. The empty asm keeps the compiler from making a call of the function out of it. */
#include <string.h>

#include <stdbool.h>

#define KEEP_LOOP __asm__ volatile("")

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	void *at = to;

	__asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(n) : : "memory");
	return to;
}

void *memset(void *to, int c, size_t n)
{
	void *at = to;

	__asm__ volatile("rep stosb" : "+D"(at), "+c"(n) : "a"(c) : "memory");
	return to;
}

void *memchr(const void *data, int c, size_t n)
{
	const unsigned char *at = data;

	for (; n; at++, n--) {
		KEEP_LOOP;
		if (*at == (unsigned char)c)
			return (void *)(unsigned long)at;
	}
	return NULL;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (s[n]) {
		KEEP_LOOP;
		n++;
	}
	return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n; a++, b++, n--) {
		KEEP_LOOP;
		if (*a != *b)
			return (unsigned char)*a - (unsigned char)*b;
		if (!*a)
			break;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, (size_t)-1);
}

char *strcpy(char *restrict to, const char *restrict from)
{
	return memcpy(to, from, strlen(from) + 1);
}

char *strcat(char *restrict to, const char *restrict from)
{
	(void)strcpy(to + strlen(to), from);
	return to;
}

char *strchr(const char *s, int c)
{
	return memchr(s, c, strlen(s) + 1);
}

/* Length of the start of s that consists of bytes that are, or are not, in set. */
static size_t span(const char *s, const char *set, bool in)
{
	size_t n = 0, size = strlen(set);

	while (s[n] && (memchr(set, s[n], size) != NULL) == in)
		n++;
	return n;
}

size_t strspn(const char *s, const char *set)
{
	return span(s, set, true);
}

size_t strcspn(const char *s, const char *set)
{
	return span(s, set, false);
}

char *strsep(char **restrict at, const char *restrict set)
{
	char *start = *at, *end;

	if (!start)
		return NULL;
	end = start + strcspn(start, set);
	*at = *end ? end + 1 : NULL;
	*end = '\0';
	return start;
}
