/* The resources that setrlimit(2) limits, by the names of `ulimit`. */
#pragma once

enum { RLIMITS = 16 }; /* RLIM_NLIMITS */

/* "nofile" for RLIMIT_NOFILE; NULL beyond the last. */
const char *rlimit_name(unsigned int resource);
