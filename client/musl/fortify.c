/* Debian's libjson-c.a was compiled with glibc's headers and _FORTIFY_SOURCE, which turns calls of
 * these functions into calls of checking ones (Linux Standard Base, libc: __printf_chk and others).
 * musl, which otherwise has what that library needs in the form that it expects, does not know them.
 * The bounds that the callers pass are checked here too where that is possible.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define PRINTS(text, values) __attribute__((format(printf, text, values)))

PRINTS(3, 4) int __fprintf_chk(FILE *file, int flag, const char *format, ...);
PRINTS(3, 0) int __vfprintf_chk(FILE *file, int flag, const char *format, va_list ap);
PRINTS(5, 6)
int __snprintf_chk(char *to, size_t n, int flag, size_t room, const char *format, ...);
PRINTS(5, 0)
int __vsnprintf_chk(char *to, size_t n, int flag, size_t room, const char *format, va_list ap);
PRINTS(3, 0) int __vasprintf_chk(char **to, int flag, const char *format, va_list ap);
char *__strcat_chk(char *to, const char *from, size_t room);
PRINTS(3, 0) void __vsyslog_chk(int priority, int flag, const char *format, va_list ap);

int __vfprintf_chk(FILE *file, int flag, const char *format, va_list ap)
{
	(void)flag;
	return vfprintf(file, format, ap);
}

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = __vfprintf_chk(file, flag, format, ap);
	va_end(ap);
	return n;
}

int __vsnprintf_chk(char *to, size_t n, int flag, size_t room, const char *format, va_list ap)
{
	(void)flag;
	if (n > room)
		abort();
	return vsnprintf(to, n, format, ap);
}

int __snprintf_chk(char *to, size_t n, int flag, size_t room, const char *format, ...)
{
	va_list ap;
	int r;

	va_start(ap, format);
	r = __vsnprintf_chk(to, n, flag, room, format, ap);
	va_end(ap);
	return r;
}

int __vasprintf_chk(char **to, int flag, const char *format, va_list ap)
{
	(void)flag;
	return vasprintf(to, format, ap);
}

char *__strcat_chk(char *to, const char *from, size_t room)
{
	if (strlen(to) + strlen(from) >= room)
		abort();
	return strcat(to, from);
}

void __vsyslog_chk(int priority, int flag, const char *format, va_list ap)
{
	(void)flag;
	vsyslog(priority, format, ap);
}
