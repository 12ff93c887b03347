/* How much output was read of a process, where that is still to be known when the reader is killed in
 * the middle of it.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

struct output_count {
	_Atomic uint64_t bytes; /* since the process began */
	_Atomic uint32_t more;	/* up to so many more may have been read: that is going on */
};
