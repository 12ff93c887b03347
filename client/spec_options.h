/* The options that say what a container is made from: those of `create`, and before them in the
 * table those that `run` has alone. An option for a new field of the spec is a line in the table,
 * and, where its text is not simply the field, a line in spec_options_finish.
 */
#pragma once

#include <stdbool.h>

#include "client/options.h"
#include "client/rights_options.h"
#include "client/settings.h"
#include "common/error.h"
#include "common/spec.h"

struct spec_options {
	/* run alone */
	bool detach;
	bool sig_proxy;
	struct detach_option detach_keys;

	char *name;
	struct spec spec; /* filled by the options, completed by spec_options_finish */
	char **environment, **environment_files; /* texts, before they are read */
	char **labels;
	char **log_options;		 /* KEY=VALUE, before they are read */
	char *record;			 /* a path, before it is made absolute */
	char *ip, *ip6, *mac, **aliases; /* of the first network, and of all */
	char *entrypoint, *command_line, *health_command;
	bool no_health;
	struct rights_options rights; /* texts as well */
};

extern const struct spec_options spec_options_defaults;

enum { SPEC_OPTIONS_OF_RUN = 3 };

/* run's; create's begin at spec_options_table[SPEC_OPTIONS_OF_RUN]. */
extern const struct option spec_options_table[];

/* Completes options->spec: operands are IMAGE [COMMAND [ARG...]], or only the latter two with a
 * rootfs, whose path is made absolute. Then spec_validate. ERROR_INVALID_VALUE in words for people.
 */
int spec_options_finish(struct spec_options *options, char *const *operands, struct error *err);

/* Frees what the spec owns. */
void spec_options_done(void *options);
