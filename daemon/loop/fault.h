/* Moments at which a power cut, or SIGKILL, may come: between two steps that belong together. A test
 * build (-DFAULT_POINTS, tests/faults) ends the process there when it is told to; in every other
 * there is nothing.
 */
#pragma once

#ifdef FAULT_POINTS
void fault_point(const char *name);
#else
static inline void fault_point(const char *name)
{
	(void)name;
}
#endif
