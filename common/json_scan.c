/* The look at every byte of a JSON text, before json-c gets to see it. One pass, no recursion. */
#include "common/json.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

enum expected {
	EXPECT_VALUE,
	EXPECT_VALUE_OR_END, /* right after '[' */
	EXPECT_KEY,
	EXPECT_KEY_OR_END, /* right after '{' */
	EXPECT_COLON,
	EXPECT_COMMA_OR_END,
	EXPECT_NOTHING, /* the outermost object is complete */
};

struct scan {
	const char *at, *end, *start;
	char closing[JSON_DEPTH_MAX]; /* what ends each open array and object */
	unsigned int depth, nodes, objects, keys;
	enum expected expected;
	struct error *err;
};

static int reject(struct scan *scan, const char *why)
{
	return error_set(scan->err, ERROR_PROTOCOL, "JSON, byte %zu: %s",
			 (size_t)(scan->at - scan->start), why);
}

/* Takes one character, if it is one of these. */
static bool scan_any_of(struct scan *scan, const char *characters)
{
	if (scan->at >= scan->end || !*scan->at || !strchr(characters, *scan->at))
		return false;
	scan->at++;
	return true;
}

static int scan_hex4(struct scan *scan, unsigned int *ret)
{
	unsigned int value = 0;

	for (int i = 0; i < 4; i++, scan->at++) {
		char c = scan->at < scan->end ? *scan->at : '\0';

		if (c >= '0' && c <= '9')
			value = value * 16 + (unsigned int)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value * 16 + (unsigned int)((c | 0x20) - 'a') + 10;
		else
			return reject(scan, "\\u without four hexadecimal digits");
	}
	*ret = value;
	return 0;
}

/* After "\u". A high surrogate needs the low one right behind it; U+0000 is not let through, since
 * it would end a string in C.
 */
static int scan_unicode_escape(struct scan *scan)
{
	unsigned int unit;

	if (scan_hex4(scan, &unit) < 0)
		return -1;
	if (unit == 0)
		return reject(scan, "\\u0000 in a string");
	if (unit >= 0xdc00 && unit <= 0xdfff)
		return reject(scan, "a lone surrogate");
	if (unit < 0xd800 || unit > 0xdbff)
		return 0;
	if (scan->end - scan->at < 2 || scan->at[0] != '\\' || scan->at[1] != 'u')
		return reject(scan, "a lone surrogate");
	scan->at += 2;
	if (scan_hex4(scan, &unit) < 0)
		return -1;
	return unit >= 0xdc00 && unit <= 0xdfff ? 0 : reject(scan, "a lone surrogate");
}

static int scan_escape(struct scan *scan)
{
	if (scan_any_of(scan, "u"))
		return scan_unicode_escape(scan);
	return scan_any_of(scan, "\"\\/bfnrt") ? 0 : reject(scan, "an unknown escape");
}

/* Characters that stand for themselves, to the first that does not. */
static int scan_plain(struct scan *scan)
{
	const char *start = scan->at;
	unsigned char seen = 0;

	for (; scan->at < scan->end; scan->at++) {
		unsigned char c = (unsigned char)*scan->at;

		if (c < 0x20 || c == '"' || c == '\\')
			break;
		seen |= c;
	}
	/* Nearly all text is ASCII, which needs no second look. */
	if (seen >= 0x80 && !text_is_utf8(start, (size_t)(scan->at - start)))
		return reject(scan, "a string that is not UTF-8");
	return 0;
}

/* After the opening quote, to behind the closing one. */
static int scan_string(struct scan *scan)
{
	for (;;) {
		if (scan_plain(scan) < 0)
			return -1;
		if (scan->at == scan->end)
			return reject(scan, "a string without an end");
		if (*scan->at != '"' && *scan->at != '\\')
			return reject(scan, "a control character in a string");
		if (*scan->at++ == '"')
			return 0;
		if (scan_escape(scan) < 0)
			return -1;
	}
}

static size_t scan_digits(struct scan *scan)
{
	const char *start = scan->at;

	while (scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9')
		scan->at++;
	return (size_t)(scan->at - start);
}

/* The text is a number by RFC 8259, section 6; whether it can be held is another question. A
 * number that is too close to zero is rounded, one that is too far from it is not let through.
 */
static int check_range(struct scan *scan, const char *start, bool integer)
{
	char copy[JSON_NUMBER_MAX + 1];
	bool fits;
	size_t length = (size_t)(scan->at - start);

	if (length > JSON_NUMBER_MAX)
		return reject(scan, "a number with too many digits");
	(void)memcpy(copy, start, length);
	copy[length] = '\0';
	if (integer) {
		errno = 0;
		(void)strtoll(copy, NULL, 10);
		fits = errno != ERANGE;
	} else {
		fits = isfinite(strtod(copy, NULL));
	}
	return fits ? 0 : reject(scan, "a number that is out of range");
}

static int scan_number(struct scan *scan)
{
	const char *start = scan->at, *digits;
	bool integer = true;

	(void)scan_any_of(scan, "-");
	digits = scan->at;
	if (!scan_digits(scan) || (*digits == '0' && scan->at - digits > 1))
		return reject(scan, "not a JSON value");
	if (scan_any_of(scan, ".")) {
		integer = false;
		if (!scan_digits(scan))
			return reject(scan, "a number without digits behind its point");
	}
	if (scan_any_of(scan, "eE")) {
		integer = false;
		(void)scan_any_of(scan, "+-");
		if (!scan_digits(scan))
			return reject(scan, "a number without digits in its exponent");
	}
	return check_range(scan, start, integer);
}

static int scan_literal(struct scan *scan, const char *literal)
{
	size_t length = strlen(literal);

	if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, literal, length) != 0)
		return reject(scan, "not a JSON value");
	scan->at += length;
	return 0;
}

static int scan_open(struct scan *scan, char closing)
{
	if (scan->depth == JSON_DEPTH_MAX)
		return reject(scan, "nested too deeply");
	if (closing == '}' && ++scan->objects > JSON_OBJECTS_MAX)
		return reject(scan, "too many objects");
	scan->at++;
	scan->closing[scan->depth++] = closing;
	scan->expected = closing == '}' ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
	return 0;
}

static int scan_close(struct scan *scan)
{
	if (scan->closing[scan->depth - 1] != *scan->at)
		return reject(scan, "a bracket that closes another");
	scan->at++;
	scan->depth--;
	scan->expected = scan->depth ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
	return 0;
}

static int scan_value(struct scan *scan)
{
	char c = *scan->at;

	if (++scan->nodes > JSON_NODES_MAX)
		return reject(scan, "too many values");
	if (!scan->depth && c != '{')
		return reject(scan, "not an object");
	scan->expected = EXPECT_COMMA_OR_END;
	switch (c) {
	case '{':
	case '[':
		return scan_open(scan, c == '{' ? '}' : ']');
	case '"':
		scan->at++;
		return scan_string(scan);
	case 't':
		return scan_literal(scan, "true");
	case 'f':
		return scan_literal(scan, "false");
	case 'n':
		return scan_literal(scan, "null");
	default:
		return scan_number(scan);
	}
}

static int scan_key(struct scan *scan)
{
	if (*scan->at != '"')
		return reject(scan, "expected a key");
	scan->at++;
	scan->keys++;
	scan->expected = EXPECT_COLON;
	return scan_string(scan);
}

static int scan_comma(struct scan *scan)
{
	if (*scan->at != ',')
		return reject(scan, "expected a comma or an end");
	scan->at++;
	scan->expected = scan->closing[scan->depth - 1] == '}' ? EXPECT_KEY : EXPECT_VALUE;
	return 0;
}

static int scan_token(struct scan *scan)
{
	bool closes = *scan->at == '}' || *scan->at == ']';

	switch (scan->expected) {
	case EXPECT_VALUE_OR_END:
	case EXPECT_KEY_OR_END:
	case EXPECT_COMMA_OR_END:
		if (closes)
			return scan_close(scan);
		break;
	default:
		break;
	}
	switch (scan->expected) {
	case EXPECT_VALUE:
	case EXPECT_VALUE_OR_END:
		return scan_value(scan);
	case EXPECT_KEY:
	case EXPECT_KEY_OR_END:
		return scan_key(scan);
	case EXPECT_COMMA_OR_END:
		return scan_comma(scan);
	case EXPECT_COLON:
		if (*scan->at != ':')
			return reject(scan, "expected a colon");
		scan->at++;
		scan->expected = EXPECT_VALUE;
		return 0;
	default:
		return reject(scan, "something behind the object");
	}
}

int json_scan(const char *text, size_t size, unsigned int *ret_keys, struct error *err)
{
	struct scan scan = { .at = text, .end = text + size, .start = text, .err = err };

	while (scan.at < scan.end) {
		if (*scan.at == ' ' || *scan.at == '\t' || *scan.at == '\n' || *scan.at == '\r')
			scan.at++;
		else if (scan_token(&scan) < 0)
			return -1;
	}
	if (scan.expected != EXPECT_NOTHING)
		return reject(&scan, "the text ends too early");
	*ret_keys = scan.keys;
	return 0;
}
