/* Small services on text and on vectors of strings (NULL-terminated arrays, as argv is). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Copies text into buffer (size bytes, cut if it does not fit, always terminated) with control
 * characters and bytes that are not UTF-8 written as \xNN, and backslashes left alone: for names
 * and messages that came from a container, a user or a peer and are about to be shown.
 */
void text_escape(char *buffer, size_t size, const char *text);

/* True if the n bytes at text are well-formed UTF-8 (RFC 3629: no surrogates or overlong forms). */
bool text_is_utf8(const char *text, size_t n);

/* Length of the well-formed UTF-8 character that the n bytes at text begin with; 0 if they begin
 * with none. Whether all of them are the beginning of one, whose rest is missing.
 */
size_t text_utf8_length(const void *text, size_t n);
bool text_utf8_is_cut(const void *text, size_t n);

/* Number of strings; 0 for NULL. */
size_t strv_length(char *const *strv);

/* Deep copy; NULL for NULL. */
char **strv_copy(char *const *strv);

/* Appends a copy of string to *strv, which may be NULL at first. */
void strv_append(char ***strv, const char *string);

/* NULL-safe; returns NULL. */
char **strv_free(char **strv);

/* The value of KEY in a vector of KEY=VALUE, or NULL. Borrowed from strv. */
const char *strv_get(char *const *strv, const char *key);

/* Sets KEY=VALUE in a vector of such, replacing what KEY had. */
void strv_set(char ***strv, const char *key, const char *value);

static inline void strv_freep(char ***strv)
{
	*strv = strv_free(*strv);
}
