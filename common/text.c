#include "common/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"

static size_t utf8_length(const unsigned char *s, size_t n)
{
	/* The lower and upper bound of the second byte exclude overlong forms, surrogates and
	 * what lies above U+10FFFF (RFC 3629, section 4).
	 */
	static const struct {
		unsigned char first_min, first_max, second_min, second_max;
		uint8_t length;
	} forms[] = {
		{ 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
		{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 },
		{ 0xee, 0xef, 0x80, 0xbf, 3 }, { 0xf0, 0xf0, 0x90, 0xbf, 4 },
		{ 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	if (n && s[0] < 0x80)
		return 1;
	for (size_t i = 0; n && i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (s[0] < forms[i].first_min || s[0] > forms[i].first_max)
			continue;
		if (n < forms[i].length || s[1] < forms[i].second_min || s[1] > forms[i].second_max)
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

size_t text_utf8_length(const void *text, size_t n)
{
	return utf8_length(text, n);
}

bool text_utf8_is_cut(const void *text, size_t n)
{
	unsigned char whole[4] = { 0x80, 0x80, 0x80, 0x80 };

	if (n == 0 || n >= sizeof(whole))
		return false;
	(void)memcpy(whole, text, n);
	if (n == 1)
		return whole[0] >= 0xc2 && whole[0] <= 0xf4;
	return utf8_length(whole, sizeof(whole)) > n;
}

bool text_is_utf8(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;

	while (n) {
		size_t length = utf8_length(s, n);

		if (!length)
			return false;
		s += length;
		n -= length;
	}
	return true;
}

/* C0, DEL, and C1 as UTF-8 writes it (0xc2 0x80 to 0xc2 0x9f). */
static bool is_control(const unsigned char *s, size_t length)
{
	return s[0] < 0x20 || s[0] == 0x7f || (length == 2 && s[0] == 0xc2 && s[1] < 0xa0);
}

void text_escape(char *buffer, size_t size, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t left = strlen(text), used = 0;

	while (left) {
		size_t length = utf8_length(s, left);
		bool plain = length && !is_control(s, length);
		size_t step = length ? length : 1, need = plain ? step : step * 4;

		if (used + need + 1 > size)
			break;
		for (size_t i = 0; i < step; i++) {
			if (plain)
				buffer[used++] = (char)s[i];
			else
				used += (size_t)snprintf(buffer + used, size - used, "\\x%02x",
							 s[i]);
		}
		s += step;
		left -= step;
	}
	if (size)
		buffer[used] = '\0';
}

size_t strv_length(char *const *strv)
{
	size_t n = 0;

	while (strv && strv[n])
		n++;
	return n;
}

char **strv_copy(char *const *strv)
{
	size_t n = strv_length(strv);
	char **copy;

	if (!strv)
		return NULL;
	copy = alloc_zero(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = alloc_strdup(strv[i]);
	return copy;
}

void strv_append(char ***strv, const char *string)
{
	size_t n = strv_length(*strv);

	*strv = alloc_resize(*strv, (n + 2) * sizeof(**strv));
	(*strv)[n] = alloc_strdup(string);
	(*strv)[n + 1] = NULL;
}

char **strv_free(char **strv)
{
	for (size_t i = 0; strv && strv[i]; i++)
		free(strv[i]);
	free(strv);
	return NULL;
}

static bool has_key(const char *entry, const char *key)
{
	size_t n = strlen(key);

	return strncmp(entry, key, n) == 0 && entry[n] == '=';
}

const char *strv_get(char *const *strv, const char *key)
{
	for (size_t i = 0; strv && strv[i]; i++)
		if (has_key(strv[i], key))
			return strv[i] + strlen(key) + 1;
	return NULL;
}

void strv_set(char ***strv, const char *key, const char *value)
{
	char *entry = alloc_printf("%s=%s", key, value);

	for (size_t i = 0; *strv && (*strv)[i]; i++) {
		if (has_key((*strv)[i], key)) {
			free((*strv)[i]);
			(*strv)[i] = entry;
			return;
		}
	}
	strv_append(strv, entry);
	free(entry);
}
