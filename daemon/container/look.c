/* What a terminal shows, as the interface has it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/text.h"
#include "daemon/container/object.h"
#include "daemon/session/screen.h"

/* Titles and links are kept in the container's own bytes, which need not be UTF-8. */
static void add_text(struct json_object *object, const char *key, const char *text, size_t n)
{
	static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */
	_cleanup_(freep) char *whole = NULL;
	char *to;

	if (!text_is_utf8(text, n)) {
		to = whole = alloc_zero(n, sizeof(replacement));
		for (size_t i = 0, length; i < n; i += length ? length : 1) {
			length = text_utf8_length(text + i, n - i);
			if (length)
				to = mempcpy(to, text + i, length);
			else
				to = stpcpy(to, replacement);
		}
		text = whole;
		n = (size_t)(to - whole);
	}
	json_object_object_add(object, key, json_object_new_string_len(text, (int)n));
}

static struct json_object *split_lines(const char *text)
{
	struct json_object *lines = json_object_new_array();

	while (*text) {
		size_t n = strcspn(text, "\n");

		json_object_array_add(lines, json_object_new_string_len(text, (int)n));
		text += n + (text[n] == '\n');
	}
	return lines;
}

static void add_run(void *userdata, const struct screen_run *run)
{
	struct json_object *object = json_object_new_object();

	record_add_int(object, "row", run->row);
	record_add_int(object, "column", run->column);
	record_add_int(object, "columns", run->columns);
	add_text(object, "text", run->text, run->text_bytes);
	if (run->sgr)
		add_text(object, "sgr", run->sgr, run->sgr_bytes);
	if (run->link)
		add_text(object, "link", run->link, run->link_bytes);
	json_object_array_add(userdata, object);
}

int process_look(struct process *process, enum process_view view, struct json_object **ret,
		 struct error *err)
{
	bool painted = view == PROCESS_VIEW_PAINTED;
	_cleanup_(freep) char *text = NULL;
	struct json_object *cursor, *cells;
	struct screen_state state;
	size_t size;

	if (process_check_attach(process, err) < 0)
		return -1;
	text = session_look(process->session, painted, &size, &state);
	if (!text)
		return error_set_subject(err, ERROR_WRONG_STATE, "running", "it has no terminal");
	*ret = json_object_new_object();
	record_add_int(*ret, "rows", state.rows);
	record_add_int(*ret, "columns", state.columns);
	cursor = json_object_new_object();
	record_add_int(cursor, "row", state.cursor_row);
	record_add_int(cursor, "column", state.cursor_column);
	json_object_object_add(cursor, "visible", json_object_new_boolean(state.cursor_visible));
	json_object_object_add(*ret, "cursor", cursor);
	json_object_object_add(*ret, "alternate", json_object_new_boolean(state.alternate));
	if (state.title)
		add_text(*ret, "title", state.title, strlen(state.title));
	free((char *)(uintptr_t)state.title);
	if (painted)
		add_text(*ret, "painted", text, size);
	else
		json_object_object_add(*ret, "lines", split_lines(text));
	if (view == PROCESS_VIEW_CELLS) {
		cells = json_object_new_array();
		session_walk(process->session, add_run, cells);
		json_object_object_add(*ret, "cells", cells);
	}
	return 0;
}
