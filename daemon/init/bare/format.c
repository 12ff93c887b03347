/* snprintf: %s %c %d %u %x %%, with a precision for strings and the lengths l and z. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct output {
	char *at;
	size_t room; /* the NUL's not counted */
	size_t n;    /* that there is to write, fitting or not */
};

static void put(struct output *output, const char *text, size_t n)
{
	size_t fits = n < output->room ? n : output->room;

	(void)memcpy(output->at, text, fits);
	output->at += fits;
	output->room -= fits;
	output->n += n;
}

static void put_number(struct output *output, uint64_t number, bool negative, unsigned int base)
{
	char digits[24], *at = digits + sizeof(digits);

	do {
		*--at = "0123456789abcdef"[number % base];
		number /= base;
	} while (number);
	if (negative)
		*--at = '-';
	put(output, at, (size_t)(digits + sizeof(digits) - at));
}

static void put_string(struct output *output, const char *text, size_t limit)
{
	const char *end = memchr(text, '\0', limit);

	put(output, text, end ? (size_t)(end - text) : limit);
}

struct arguments {
	va_list ap;
};

/* A precision at format, after the point; returns what follows. */
static const char *get_precision(const char *format, struct arguments *arguments, size_t *ret)
{
	size_t n = 0;

	if (*format == '*') {
		int given = va_arg(arguments->ap, int);

		*ret = given < 0 ? SIZE_MAX : (size_t)given;
		return format + 1;
	}
	for (; *format >= '0' && *format <= '9'; format++)
		n = n * 10 + (size_t)(*format - '0');
	*ret = n;
	return format;
}

static void put_argument(struct output *output, char kind, bool is_long, size_t precision,
			 struct arguments *arguments)
{
	if (kind == 's') {
		put_string(output, va_arg(arguments->ap, const char *), precision);
	} else if (kind == 'c') {
		char c = (char)va_arg(arguments->ap, int);

		put(output, &c, 1);
	} else if (kind == 'd') {
		int64_t n = is_long ? va_arg(arguments->ap, long) : va_arg(arguments->ap, int);

		put_number(output, n < 0 ? -(uint64_t)n : (uint64_t)n, n < 0, 10);
	} else if (kind == 'u' || kind == 'x') {
		uint64_t n = is_long ? va_arg(arguments->ap, unsigned long) :
				       va_arg(arguments->ap, unsigned int);

		put_number(output, n, false, kind == 'u' ? 10 : 16);
	} else {
		put(output, &kind, 1);
	}
}

int vsnprintf(char *restrict buffer, size_t size, const char *restrict format, va_list ap)
{
	struct output output = { .at = buffer, .room = size ? size - 1 : 0 };
	struct arguments arguments;
	const char *at = format;

	va_copy(arguments.ap, ap);
	while (*at) {
		size_t plain = strcspn(at, "%"), precision = SIZE_MAX;
		bool is_long = false;

		put(&output, at, plain);
		at += plain;
		if (!*at || !*++at)
			break;
		if (*at == '.')
			at = get_precision(at + 1, &arguments, &precision);
		for (; *at == 'l' || *at == 'z'; at++)
			is_long = true;
		if (!*at)
			break;
		put_argument(&output, *at++, is_long, precision, &arguments);
	}
	va_end(arguments.ap);
	if (size)
		*output.at = '\0';
	return (int)output.n;
}

int snprintf(char *restrict buffer, size_t size, const char *restrict format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(buffer, size, format, ap);
	va_end(ap);
	return n;
}
