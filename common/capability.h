/* Capabilities by name (capabilities(7), linux/capability.h), as sets of bits. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

enum { CAPABILITIES = 41 }; /* CAP_CHECKPOINT_RESTORE, Linux 5.9, is the last */

#define CAPABILITY(number) (UINT64_C(1) << (number))
#define CAPABILITIES_ALL (CAPABILITY(CAPABILITIES) - 1)

/* What root has in a container unless it is said otherwise: docker's fourteen, 0xa80425fb. */
extern const uint64_t capabilities_default;

/* One by its name, in any case, with or without CAP_; "ALL" is all of them. ERROR_INVALID_VALUE
 * names the one that may have been meant.
 */
int capability_parse(const char *text, uint64_t *ret, struct error *err);

/* "CAP_CHOWN" for 0; NULL beyond the last. */
const char *capability_name(unsigned int number);

/* All names of a vector together; NULL is none. *ret_all: "ALL" is among them. */
int capabilities_parse(char *const *names, uint64_t *ret, bool *ret_all, struct error *err);

/* The default set and what changes it: `add` with ALL gives everything but `drop`, `drop` with ALL
 * nothing but `add`. Naming a capability in both is an error.
 */
int capabilities_resolve(char *const *add, char *const *drop, uint64_t *ret, struct error *err);
