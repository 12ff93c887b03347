/* Names of containers and prefixes of ids. */
#pragma once

#include <stdbool.h>

#include "common/error.h"

enum { NAME_MAX_LENGTH = 63, ID_LENGTH = 64 };

/* [a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}. */
bool name_is_valid(const char *name);

/* ERROR_INVALID_VALUE with subject "name" and the rule in words. */
int name_check(const char *name, struct error *err);

/* 1 to 64 lower-case hexadecimal digits. */
bool id_prefix_is_valid(const char *prefix);
