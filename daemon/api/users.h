/* The host's users. */
#pragma once

#include <sys/types.h>

/* The user's name, from the host's own file (passwd(5)): a lookup by way of a network could keep the
 * loop waiting. NULL if there is no such user; the caller's.
 */
char *user_name(uid_t uid);
