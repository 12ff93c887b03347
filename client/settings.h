/* What a user has set for good: $XDG_CONFIG_HOME/dokrust/client.conf, by default in ~/.config.
 *
 *	# what leaves a container's terminal
 *	detach_keys = ctrl-a,d
 */
#pragma once

#include <stdbool.h>

#include "common/error.h"
#include "common/parse.h"

struct settings {
	struct detach_keys detach_keys;
};

#define SETTINGS_NULL ((struct settings){ .detach_keys = { { 0x10, 0x11 }, 2 } })

/* Reads the text of such a file (changed while it is read) over *settings. Errors name path and
 * line: an unknown key, a value that is none.
 */
int settings_parse(char *text, const char *path, struct settings *settings, struct error *err);

/* The detach keys that hold: $DOKRUST_DETACH_KEYS, else the file's, else ctrl-p,ctrl-q. Without a
 * file, or a home to look for it in, there is nothing set.
 */
int settings_detach_keys(struct detach_keys *ret, struct error *err);

/* --detach-keys, for a call that does without the settings: OPTION_PARSED (client/options.h). */
struct detach_option {
	bool given;
	struct detach_keys keys;
};
int option_detach_keys(const char *text, void *value, struct error *err);
