/* What people type: numbers, durations, signals, sizes of terminals, detach keys, environments.
 * All of them fill *ret only on success and report ERROR_INVALID_VALUE in words that can stand
 * after "dokrustctl: --option: ".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"

/* A decimal integer within [min, max], with nothing around it. */
int parse_integer(const char *text, int64_t min, int64_t max, int64_t *ret, struct error *err);

/* Seconds, with a fraction if wanted ("10", "0.5"), or with units ms, s, m, h ("500ms", "1m30s").
 * "-1" is forever: -1. Result in milliseconds.
 */
int parse_duration_ms(const char *text, int64_t *ret, struct error *err);

/* A signal's number, from "TERM", "SIGTERM", "sigterm", "15", "RTMIN+3". */
int parse_signal(const char *text, int *ret, struct error *err);

/* Its name, "SIGTERM" or "SIGRTMIN+3"; into a buffer of at least 16 bytes. */
const char *signal_name(int number, char *buffer, size_t size);

enum { DETACH_KEYS_MAX = 8 };

/* docker's form: a comma-separated list of one character or ctrl-X (X a letter or @ [ \ ] ^ _),
 * "" or "none" for none. Result: the bytes that they send.
 */
struct detach_keys {
	unsigned char keys[DETACH_KEYS_MAX];
	size_t n;
};
int parse_detach_keys(const char *text, struct detach_keys *ret, struct error *err);

/* Whose terminal decides the size of a session's: "latest" (the viewer's that typed, resized or came
 * last), "smallest" (what fits all viewers), "fixed" (the first one's) or "fixed=COLUMNSxROWS". Rows
 * and columns are 0 where none are named.
 */
enum size_policy { SIZE_LATEST, SIZE_SMALLEST, SIZE_FIXED };
struct terminal_size {
	enum size_policy policy;
	uint16_t rows, columns;
};
int parse_terminal_size(const char *text, struct terminal_size *ret, struct error *err);

/* KEY=VALUE with a key that is not empty; a bare KEY takes the value from this process's own
 * environment, and adds nothing when it is unset there. Adds to *environment (strv_set).
 */
int parse_environment(const char *text, char ***environment, struct error *err);

/* A file of such lines; empty lines and lines that start with # are skipped. Errors name file and
 * line.
 */
int parse_environment_file(const char *path, char ***environment, struct error *err);

/* The candidate that text was probably meant to be (small edit distance, or the only one that it
 * is a prefix of), or NULL. candidates ends with NULL.
 */
const char *parse_nearest(const char *text, const char *const *candidates);
