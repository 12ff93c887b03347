/* The options that say what a container's processes may do (common/rights.h). */
#pragma once

#include "client/options.h"
#include "common/error.h"
#include "common/rights.h"

/* Texts that are not yet what they are in the spec. */
struct rights_options {
	char **security; /* --security-opt */
	char **sysctls;
};

/* Reads them into rights: a profile's file is read here, and what goes into the spec is its text
 * without blanks. Errors are ERROR_INVALID_VALUE and name the option.
 */
int rights_options_finish(const struct rights_options *options, struct rights *rights,
			  struct error *err);

/* For OPTION_PARSED: a size ("64m", "1g", plain bytes), and an integer, into an int64_t. */
int rights_option_bytes(const char *text, void *value, struct error *err);
int rights_option_oom_score(const char *text, void *value, struct error *err);
