#include "daemon/container/filter.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/text.h"

typedef bool (*filter_match)(const struct container *container, const char *value);

static bool match_name(const struct container *container, const char *value)
{
	return strstr(container_name(container), value) != NULL;
}

static bool match_id(const struct container *container, const char *value)
{
	return strncmp(container_id(container), value, strlen(value)) == 0;
}

static bool match_state(const struct container *container, const char *value)
{
	return strcmp(container_state_name(container_state(container)), value) == 0;
}

static bool match_exit_status(const struct container *container, const char *value)
{
	char text[16];

	if (container_state(container) != CONTAINER_EXITED)
		return false;
	(void)snprintf(text, sizeof(text), "%d", container_exit_status(container));
	return strcmp(text, value) == 0;
}

static bool match_image(const struct container *container, const char *value)
{
	const char *image = container_spec(container)->image;

	return image && strcmp(image, value) == 0;
}

static bool match_label(const struct container *container, const char *value)
{
	char **labels = container_spec(container)->labels;
	size_t n = strcspn(value, "=");

	for (; labels && *labels; labels++) {
		if (value[n] == '=' ? strcmp(*labels, value) == 0 :
				      strncmp(*labels, value, n) == 0 && (*labels)[n] == '=')
			return true;
	}
	return false;
}

static const struct {
	const char *key;
	filter_match match;
} keys[] = {
	{ "name", match_name },	  { "id", match_id },
	{ "state", match_state }, { "status", match_state },
	{ "image", match_image }, { "exit_status", match_exit_status },
	{ "label", match_label }, { "exited", match_exit_status },
};

/* The match for a filter, with its value; NULL if the key is not known. */
static filter_match find_key(const char *filter, const char **ret_value)
{
	size_t n = strcspn(filter, "=");

	for (size_t i = 0; i < ARRAY_SIZE(keys) && filter[n] == '='; i++) {
		if (strlen(keys[i].key) == n && strncmp(keys[i].key, filter, n) == 0) {
			*ret_value = filter + n + 1;
			return keys[i].match;
		}
	}
	return NULL;
}

int filter_check(char *const *filters, struct error *err)
{
	char field[32];
	const char *value;

	for (size_t i = 0; filters && filters[i]; i++) {
		if (find_key(filters[i], &value))
			continue;
		(void)snprintf(field, sizeof(field), "filters[%zu]", i);
		return error_set_subject(
			err, ERROR_INVALID_VALUE, field,
			"\"%.64s\": a filter is KEY=VALUE with a key of name, id, state, "
			"exit_status, image and label",
			filters[i]);
	}
	return 0;
}

/* Whether any of the filters with the key of filters[i] fits. */
static bool any_of_key_matches(char *const *filters, size_t i, const struct container *container)
{
	const char *value = NULL;
	filter_match match = find_key(filters[i], &value);

	assert(match); /* they went through filter_check */
	for (size_t k = 0; filters[k]; k++)
		if (find_key(filters[k], &value) == match && match(container, value))
			return true;
	return false;
}

bool filter_matches(char *const *filters, const struct container *container)
{
	for (size_t i = 0; filters && filters[i]; i++)
		if (!any_of_key_matches(filters, i, container))
			return false;
	return true;
}
