/* The programs that filter a container's system calls (seccomp(2), Documentation/userspace-api/
 * seccomp_filter.rst). Private to daemon/launch.
 *
 * A program is made here, not by libseccomp, which only knows the numbers of names: the kernel
 * follows a filter once for every system call that exists when it is installed, to know which are
 * always allowed, and translates it; so its cost is in its size and depth. Neighbouring numbers
 * that are treated alike are one range here, and the ranges leaves of a balanced tree: half the
 * instructions of libseccomp's. And rules that apply in an order can say "all but", which those of
 * libseccomp cannot.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/filter.h>

#include "common/error.h"
#include "common/seccomp_profile.h"

/* What is used without a profile: what docker's default lets in, and less (seccomp_default.c). */
extern const struct seccomp_profile seccomp_default_profile;

struct seccomp_program {
	struct sock_filter *instructions;
	size_t n; /* at most BPF_MAXINSNS */
	uint32_t flags;
};

/* Makes the program for a container with these capabilities; its instructions are the caller's.
 * ERROR_INVALID_VALUE: a system call that nobody knows, or too large a program.
 */
int seccomp_compile(const struct seccomp_profile *profile, uint64_t capabilities,
		    struct seccomp_program *ret, struct error *err);

/* --- Programs that are kept ------------------------------------------------------------------ */

struct seccomp_cache;

struct seccomp_cache *seccomp_cache_new(void);
struct seccomp_cache *seccomp_cache_free(struct seccomp_cache *cache);

/* The program for a profile's text (NULL: the default one) and these capabilities, from the cache
 * or made now. Borrowed until the next call.
 */
int seccomp_cache_get(struct seccomp_cache *cache, const char *text, uint64_t capabilities,
		      const struct seccomp_program **ret, struct error *err);

/* --- The parts ------------------------------------------------------------------------------- */

/* seccomp_names.c: the number of a system call on this machine. 1 if it has it, 0 if only others
 * do, -1 if nobody knows it.
 */
int seccomp_number(const char *name, uint32_t *ret);

/* seccomp_rules.c: what is to become of one number, or of all from it to the next decision's. */
struct seccomp_clause {
	uint32_t action;
	const struct seccomp_condition *conditions;
	size_t n_conditions; /* 0: in any case; nothing follows it */
};

struct seccomp_decision {
	uint32_t number;  /* the first; the first decision's is 0 */
	size_t clause;	  /* of the table's, the first */
	size_t n_clauses; /* 0: action */
	uint32_t action;  /* when no clause applies */
};

struct seccomp_table {
	struct seccomp_decision *decisions; /* ascending numbers */
	size_t n_decisions;
	struct seccomp_clause *clauses;
};

int seccomp_table_make(const struct seccomp_profile *profile, uint64_t capabilities,
		       struct seccomp_table *ret, struct error *err);
void seccomp_table_done(struct seccomp_table *table);
