/* From rules with names to a decision for every number. */
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/launch/seccomp.h"

/* --- Which rules there are ------------------------------------------------------------------- */

static uint32_t running_kernel(void)
{
	unsigned int version = 0, level = 0;
	struct utsname name;

	if (uname(&name) < 0 || sscanf(name.release, "%u.%u", &version, &level) != 2)
		return 0;
	return (uint32_t)version << 16 | level;
}

static bool names_this_machine(const char *const *architectures)
{
	for (; architectures && *architectures; architectures++)
		if (strcmp(*architectures, seccomp_architecture()) == 0)
			return true;
	return false;
}

static bool applies(const struct seccomp_rule *rule, uint64_t capabilities, uint32_t kernel)
{
	const struct seccomp_scope *with = &rule->with, *without = &rule->without;

	if (without->capabilities & capabilities || names_this_machine(without->architectures) ||
	    (without->kernel && kernel >= without->kernel))
		return false;
	return (with->capabilities & ~capabilities) == 0 && kernel >= with->kernel &&
	       (!with->architectures || names_this_machine(with->architectures));
}

/* --- Entries: a clause for a number ---------------------------------------------------------- */

struct entry {
	uint32_t number;
	size_t order;
	struct seccomp_clause clause;
};

struct entries {
	struct entry *entries;
	size_t n, room;
};

static void entries_done(struct entries *entries)
{
	free(entries->entries);
}

static void add_entry(struct entries *entries, uint32_t number, const struct seccomp_clause *clause)
{
	struct entry *grown;

	if (entries->n == entries->room) {
		entries->room = entries->room ? 2 * entries->room : 512;
		grown = reallocarray(entries->entries, entries->room, sizeof(*grown));
		if (!grown)
			abort();
		entries->entries = grown;
	}
	entries->entries[entries->n] =
		(struct entry){ .number = number, .order = entries->n, .clause = *clause };
	entries->n++;
}

static bool has_an_argument_twice(const struct seccomp_rule *rule)
{
	unsigned int seen = 0;

	for (size_t i = 0; i < rule->n_conditions; i++) {
		if (seen & 1U << rule->conditions[i].argument)
			return true;
		seen |= 1U << rule->conditions[i].argument;
	}
	return false;
}

/* Conditions on one argument are alternatives to docker's runtime, whatever stands beside them:
 * then each of the rule's conditions is a rule of its own (runc, libcontainer/seccomp).
 */
static void add_rule(struct entries *entries, uint32_t number, const struct seccomp_rule *rule)
{
	struct seccomp_clause clause = {
		.action = rule->action,
		.conditions = rule->conditions,
		.n_conditions = rule->n_conditions,
	};

	if (!has_an_argument_twice(rule)) {
		add_entry(entries, number, &clause);
		return;
	}
	clause.n_conditions = 1;
	for (size_t i = 0; i < rule->n_conditions; i++) {
		clause.conditions = &rule->conditions[i];
		add_entry(entries, number, &clause);
	}
}

static int collect(const struct seccomp_profile *profile, uint64_t capabilities,
		   struct entries *entries, struct error *err)
{
	uint32_t kernel = running_kernel(), number;

	for (size_t i = 0; i < profile->n_rules; i++) {
		const struct seccomp_rule *rule = &profile->rules[i];

		for (const char *const *name = rule->names; *name; name++) {
			int known = seccomp_number(*name, &number);

			if (known < 0)
				return error_set(err, ERROR_INVALID_VALUE,
						 "seccomp profile: syscalls[%zu].names: there is "
						 "no system call \"%.40s\"",
						 i, *name);
			if (known && applies(rule, capabilities, kernel))
				add_rule(entries, number, rule);
		}
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* --- Decisions ------------------------------------------------------------------------------- */

/* Takes the place of one for the same number; one that says the same as the one before is none of
 * its own.
 */
static void decide(struct seccomp_table *table, const struct seccomp_decision *decision)
{
	const struct seccomp_decision *last;

	if (table->n_decisions &&
	    table->decisions[table->n_decisions - 1].number == decision->number)
		table->n_decisions--;
	last = table->n_decisions ? &table->decisions[table->n_decisions - 1] : NULL;
	if (!last || last->n_clauses || decision->n_clauses || last->action != decision->action)
		table->decisions[table->n_decisions++] = *decision;
}

/* Takes the entries of one number; returns how many there are. */
static size_t decide_number(const struct entry *entries, size_t n, uint32_t default_action,
			    struct seccomp_table *table, size_t *n_clauses)
{
	struct seccomp_decision decision = {
		.number = entries[0].number,
		.action = default_action,
		.clause = *n_clauses,
	};
	size_t same = 0;
	bool decided = false;

	for (; same < n && entries[same].number == decision.number; same++) {
		const struct seccomp_clause *clause = &entries[same].clause;

		if (decided)
			continue; /* it comes too late to apply */
		decided = clause->n_conditions == 0;
		if (decided)
			decision.action = clause->action;
		else
			table->clauses[(*n_clauses)++] = *clause;
	}
	decision.n_clauses = *n_clauses - decision.clause;
	decide(table, &decision);
	return same;
}

/* Above all numbers of this machine's own. */
static void decide_special(struct seccomp_table *table)
{
	/* What a tracer sets to have a system call skipped (ptrace(2)). */
	const struct seccomp_decision skipped = { .number = UINT32_MAX,
						  .action = SECCOMP_RET_ALLOW };
#if defined(__x86_64__)
	/* __X32_SYSCALL_BIT (asm/unistd.h): calls of another ABI, with this one's architecture. */
	const struct seccomp_decision x32 = { .number = 0x40000000,
					      .action = SECCOMP_RET_KILL_PROCESS };

	decide(table, &x32);
#endif
	decide(table, &skipped);
}

int seccomp_table_make(const struct seccomp_profile *profile, uint64_t capabilities,
		       struct seccomp_table *ret, struct error *err)
{
	_cleanup_(entries_done) struct entries entries = { 0 };
	struct seccomp_decision rest = { .action = profile->default_action };
	struct seccomp_table table = { 0 };
	size_t n_clauses = 0;

	if (collect(profile, capabilities, &entries, err) < 0)
		return -1;
	if (entries.n)
		qsort(entries.entries, entries.n, sizeof(*entries.entries), compare);
	table.decisions = alloc_zero(2 * entries.n + 3, sizeof(*table.decisions));
	table.clauses = alloc_zero(entries.n + 1, sizeof(*table.clauses));
	decide(&table, &rest);
	for (size_t i = 0; i < entries.n;) {
		i += decide_number(&entries.entries[i], entries.n - i, profile->default_action,
				   &table, &n_clauses);
		rest.number = entries.entries[i - 1].number + 1;
		decide(&table, &rest);
	}
	decide_special(&table);
	*ret = table;
	return 0;
}

void seccomp_table_done(struct seccomp_table *table)
{
	free(table->decisions);
	free(table->clauses);
}
