/* dokrust-init without the C library: what it calls of that, and its start.
 *
 * In a static program on x86-64 glibc's start executes CPUID 43 times, to choose among its string
 * functions. A virtual machine traps each: 0.16 ms, and with the pages that are touched a quarter
 * of a millisecond, in a launch of little more than one. So here the program is linked with these
 * few files in place of libc. They define functions under their standard names, for the standard
 * headers, and the rest of dokrust-init does not know. With INIT_LIBC=1 (in a BUILD of its own),
 * and on other machines, libc is linked in their place.
 */
#pragma once

#include <stddef.h>

/* The kernel's answer: a negative errno for an error. */
long bare_call(long number, long a, long b, long c, long d, long e, long f);

/* clone(2); the child calls function(userdata) on its stack and exits with what that returns. */
long bare_clone(int (*function)(void *), void *stack_top, long flags, void *userdata);

/* The stack of the other thread, which has an errno of its own. */
void bare_set_second_stack(const void *stack, size_t size);
