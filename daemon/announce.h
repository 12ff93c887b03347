/* Tells the journal what becomes of containers, in entries with fields that can be looked for: a
 * MESSAGE_ID for each kind (docs/man/dokrustd.8), and the fields of docker's driver, CONTAINER_NAME and
 * CONTAINER_ID. Where standard error is no journal, it is told there, for those who want to know
 * everything (the level debug).
 */
#pragma once

#include "daemon/container/container.h"

struct announcer;

struct announcer *announcer_new(struct containers *containers);

/* NULL-safe. */
struct announcer *announcer_free(struct announcer *announcer);
