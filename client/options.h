/* Options from tables: -x, --name, --name=VALUE, --name VALUE, -xVALUE, clusters like -it, "--".
 * The table also makes the help.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

enum option_kind {
	OPTION_FLAG,   /* bool: --name, --name=true, --name=false */
	OPTION_TEXT,   /* char *, owned: the last one given */
	OPTION_TEXTS,  /* char **, a vector (common/text.h): all that were given */
	OPTION_PARSED, /* whatever parse() stores */
};

struct option {
	const char *name; /* without dashes; NULL ends a table */
	char letter;	  /* or '\0' */
	bool negatable;	  /* a flag that has --no-NAME, too */
	enum option_kind kind;
	size_t offset;	      /* of the value in the structure that is filled */
	const char *argument; /* as help shows it: "DIR"; NULL for flags */
	const char *help;
	int (*parse)(const char *text, void *value, struct error *err);
};

/* Reads argv (the command's name not among it, NULL at its end) into values. Operands are moved to
 * its front in their order, and a NULL behind them; unless options_first, options may stand among
 * them. Returns 0, or 1 when --help was found (or -h, where the table has no such letter), or -1
 * (ERROR_INVALID_VALUE, in words that can stand after "dokrustctl: COMMAND: ").
 */
int options_parse(const struct option *options, bool options_first, char **argv, void *values,
		  struct error *err);

/* Frees the texts that the table knows of. */
void options_done(const struct option *options, void *values);

/* Prints a table's options, one or more lines each, to standard output. */
void options_print(const struct option *options);

/* For OPTION_PARSED: a duration into an int64_t of milliseconds; KEY=VALUE or KEY into a vector
 * of KEY=VALUE; the name of an output format, "json" or "table", into a bool that is true for
 * JSON.
 */
int option_duration_ms(const char *text, void *value, struct error *err);
int option_label(const char *text, void *value, struct error *err);
int option_format(const char *text, void *value, struct error *err);
