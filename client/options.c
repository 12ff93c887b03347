#include "client/options.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/parse.h"
#include "common/text.h"

enum { CANDIDATES_MAX = 128, HELP_COLUMN = 30 };

static const struct option help_option = { .name = "help", .letter = 'h' };

/* --- Finding --------------------------------------------------------------------------------- */

static bool negates(const struct option *option, const char *name, size_t length)
{
	return option->negatable && length > 3 && strncmp(name, "no-", 3) == 0 &&
	       strlen(option->name) == length - 3 &&
	       memcmp(option->name, name + 3, length - 3) == 0;
}

static const struct option *find_long(const struct option *options, const char *name, size_t length,
				      bool *ret_negated)
{
	*ret_negated = false;
	for (; options->name; options++) {
		if (strlen(options->name) == length && memcmp(options->name, name, length) == 0)
			return options;
		if (negates(options, name, length)) {
			*ret_negated = true;
			return options;
		}
	}
	return length == 4 && memcmp(name, "help", 4) == 0 ? &help_option : NULL;
}

static const struct option *find_letter(const struct option *options, char letter)
{
	for (; options->name; options++)
		if (options->letter == letter)
			return options;
	return letter == help_option.letter ? &help_option : NULL;
}

static int unknown_long(const struct option *options, const char *name, size_t length,
			struct error *err)
{
	_cleanup_(freep) char *text = alloc_printf("%.*s", (int)length, name);
	const char *candidates[CANDIDATES_MAX + 2] = { NULL };
	const char *nearest;
	size_t n = 0;

	for (; options->name && n < CANDIDATES_MAX; options++)
		candidates[n++] = options->name;
	candidates[n] = "help";
	nearest = parse_nearest(text, candidates);
	if (nearest)
		return error_set(err, ERROR_INVALID_VALUE,
				 "unknown option \"--%.64s\"; did you mean \"--%s\"?", text,
				 nearest);
	return error_set(err, ERROR_INVALID_VALUE, "unknown option \"--%.64s\"; try --help", text);
}

/* --- Values ---------------------------------------------------------------------------------- */

/* As the user knows it, for messages. */
static int bad_value(const struct option *option, struct error *err)
{
	return error_prefix(err, "--%s", option->name);
}

static int set_flag(const struct option *option, const char *text, bool negated, bool *flag,
		    struct error *err)
{
	static const struct {
		const char *text;
		bool value;
	} words[] = {
		{ "true", true },   { "1", true },  { "yes", true },
		{ "false", false }, { "0", false }, { "no", false },
	};

	if (!text) {
		*flag = !negated;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strcmp(words[i].text, text) == 0) {
			*flag = words[i].value != negated;
			return 0;
		}
	}
	(void)error_set(err, ERROR_INVALID_VALUE, "\"%.32s\" is neither true nor false", text);
	return bad_value(option, err);
}

static int set_value(const struct option *option, const char *text, void *values, struct error *err)
{
	void *at = (char *)values + option->offset;

	if (option->kind == OPTION_TEXTS) {
		strv_append(at, text);
	} else if (option->kind == OPTION_TEXT) {
		free(*(char **)at);
		*(char **)at = alloc_strdup(text);
	} else if (option->parse(text, at, err) < 0) {
		return bad_value(option, err);
	}
	return 0;
}

/* --- Reading --------------------------------------------------------------------------------- */

static int missing_value(const struct option *option, struct error *err)
{
	return error_set(err, ERROR_INVALID_VALUE, "option \"--%s\" needs %s", option->name,
			 option->argument);
}

/* "--name..." at **at; advances *at over a value that stands on its own. */
static int read_long(const struct option *options, char ***at, void *values, struct error *err)
{
	const char *name = **at + 2;
	size_t length = strcspn(name, "=");
	const char *value = name[length] ? name + length + 1 : NULL;
	const struct option *option;
	bool negated;

	option = find_long(options, name, length, &negated);
	if (!option)
		return unknown_long(options, name, length, err);
	if (option == &help_option)
		return 1;
	if (option->kind == OPTION_FLAG)
		return set_flag(option, value, negated, (bool *)((char *)values + option->offset),
				err);
	if (!value) {
		value = (*at)[1];
		if (!value)
			return missing_value(option, err);
		(*at)++;
	}
	return set_value(option, value, values, err);
}

/* "-xyz" at **at: flags, of which the last may take a value instead. */
static int read_letters(const struct option *options, char ***at, void *values, struct error *err)
{
	for (const char *letter = **at + 1; *letter; letter++) {
		const struct option *option = find_letter(options, *letter);
		const char *value = letter[1] == '=' ? letter + 2 : letter + 1;

		if (!option)
			return error_set(err, ERROR_INVALID_VALUE,
					 "unknown option \"-%c\"; try --help", *letter);
		if (option == &help_option)
			return 1;
		if (option->kind == OPTION_FLAG) {
			bool *flag = (bool *)((char *)values + option->offset);

			if (letter[1] == '=')
				return set_flag(option, value, false, flag, err);
			*flag = true;
			continue;
		}
		if (!letter[1]) {
			value = (*at)[1];
			if (!value)
				return missing_value(option, err);
			(*at)++;
		}
		return set_value(option, value, values, err);
	}
	return 0;
}

int options_parse(const struct option *options, bool options_first, char **argv, void *values,
		  struct error *err)
{
	char **operand = argv;
	bool ended = false;

	for (char **at = argv; *at; at++) {
		int r = 0;

		if (ended || (*at)[0] != '-' || !(*at)[1]) {
			*operand++ = *at;
			ended = ended || options_first;
		} else if (strcmp(*at, "--") == 0) {
			ended = true;
		} else if ((*at)[1] == '-') {
			r = read_long(options, &at, values, err);
		} else {
			r = read_letters(options, &at, values, err);
		}
		if (r != 0)
			return r;
	}
	*operand = NULL;
	return 0;
}

void options_done(const struct option *options, void *values)
{
	for (; options->name; options++) {
		void *at = (char *)values + options->offset;

		if (options->kind == OPTION_TEXT)
			free(TAKE_PTR(*(char **)at));
		else if (options->kind == OPTION_TEXTS)
			*(char ***)at = strv_free(*(char ***)at);
	}
}

/* --- Help ------------------------------------------------------------------------------------ */

static void print_option(const struct option *option)
{
	char letter[4] = "";
	int n;

	if (option->letter)
		(void)snprintf(letter, sizeof(letter), "-%c,", option->letter);
	n = printf("  %3s --%s%s%s%s", letter, option->negatable ? "[no-]" : "", option->name,
		   option->argument ? " " : "", option->argument ? option->argument : "");
	if (n >= HELP_COLUMN)
		n = printf("\n") - 1;
	printf("%*s%s\n", HELP_COLUMN - n, "", option->help);
}

void options_print(const struct option *options)
{
	static const struct option help = { .name = "help", .help = "show this" };

	for (; options->name; options++)
		print_option(options);
	print_option(&help);
}

/* --- Parsers --------------------------------------------------------------------------------- */

int option_duration_ms(const char *text, void *value, struct error *err)
{
	return parse_duration_ms(text, (int64_t *)value, err);
}

int option_label(const char *text, void *value, struct error *err)
{
	const char *equals = strchr(text, '=');
	_cleanup_(freep) char *key = NULL;

	key = equals ? alloc_printf("%.*s", (int)(equals - text), text) : alloc_strdup(text);
	if (!key[0])
		return error_set(err, ERROR_INVALID_VALUE, "\"%.64s\": a label is KEY=VALUE", text);
	strv_set((char ***)value, key, equals ? equals + 1 : "");
	return 0;
}

int option_format(const char *text, void *value, struct error *err)
{
	if (strcmp(text, "json") != 0 && strcmp(text, "table") != 0)
		return error_set(err, ERROR_INVALID_VALUE,
				 "\"%.32s\" is no format; there are json and table", text);
	*(bool *)value = text[0] == 'j';
	return 0;
}
