/* Some memory for when there is none. json-c, libevent and the C library do without what they cannot
 * allocate, in silence or by an assertion: a record could be written without half of its fields. So no
 * allocation of theirs fails as long as the reserve lasts: it is given back, for the call that is being
 * done to be done to its end, and later calls are refused until it is there again.
 */
#pragma once

#include <stdbool.h>

/* Sets it aside, once. */
void memory_set_aside(void);

/* Whether the reserve is in use; it is set aside again if that is possible by now. */
bool memory_is_short(void);
