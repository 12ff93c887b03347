#include "common/name.h"

#include <string.h>

#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

bool name_is_valid(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= NAME_MAX_LENGTH && strchr("_.-", name[0]) == NULL &&
	       strspn(name, LETTERS_AND_DIGITS "_.-") == length;
}

int name_check(const char *name, struct error *err)
{
	if (name_is_valid(name))
		return 0;
	return error_set_subject(err, ERROR_INVALID_VALUE, "name",
				 "a name is 1 to 63 letters, digits, '_', '.' and '-', and starts "
				 "with a letter or digit");
}

bool id_prefix_is_valid(const char *prefix)
{
	size_t length = strlen(prefix);

	return length > 0 && length <= ID_LENGTH && strspn(prefix, "0123456789abcdef") == length;
}
