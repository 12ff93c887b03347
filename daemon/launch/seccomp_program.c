/* From decisions to a program of the classic BPF (Documentation/networking/filter.rst). */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/launch/seccomp.h"

#if defined(__x86_64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define NATIVE_ARCHITECTURE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ARCHITECTURE AUDIT_ARCH_PPC64LE
#elif defined(__s390x__)
#define NATIVE_ARCHITECTURE AUDIT_ARCH_S390X
#endif

enum {
	/* Of a jump whose target is not known yet; a rule's code is shorter than these. */
	TO_END_OF_CONDITION = 254,
	TO_END_OF_CLAUSE = 255,
	JUMP_MAX = 255, /* jt and jf have 8 bits */
};

struct emitter {
	struct sock_filter code[BPF_MAXINSNS];
	size_t n;
	bool full;
};

static void emit(struct emitter *emitter, unsigned int code, uint32_t k, unsigned int jt,
		 unsigned int jf)
{
	if (emitter->n == BPF_MAXINSNS) {
		emitter->full = true;
		return;
	}
	emitter->code[emitter->n++] = (struct sock_filter){
		.code = (uint16_t)code, .k = k, .jt = (uint8_t)jt, .jf = (uint8_t)jf
	};
}

static void emit_return(struct emitter *emitter, uint32_t action)
{
	emit(emitter, BPF_RET | BPF_K, action, 0, 0);
}

/* --- Conditions ------------------------------------------------------------------------------ */

/* Half of an argument: 1 is the upper one. */
static void emit_load(struct emitter *emitter, unsigned int argument, unsigned int half,
		      uint64_t mask)
{
	const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	uint32_t half_mask = (uint32_t)(half ? mask >> 32 : mask);

	emit(emitter, BPF_LD | BPF_W | BPF_ABS,
	     (uint32_t)(offsetof(struct seccomp_data, args) + 8UL * argument +
			(half == little ? 4UL : 0UL)),
	     0, 0);
	if (half_mask != UINT32_MAX)
		emit(emitter, BPF_ALU | BPF_AND | BPF_K, half_mask, 0, 0);
}

/* Puts the distance to the present end in place of the mark. */
static void resolve(struct emitter *emitter, size_t from, unsigned int mark)
{
	for (size_t i = from; i < emitter->n; i++) {
		struct sock_filter *jump = &emitter->code[i];
		uint8_t distance = (uint8_t)(emitter->n - i - 1);

		if (BPF_CLASS(jump->code) != BPF_JMP || BPF_OP(jump->code) == BPF_JA)
			continue;
		if (jump->jt == mark)
			jump->jt = distance;
		if (jump->jf == mark)
			jump->jf = distance;
	}
}

/* Falls through if the condition holds. An order is decided by the upper halves unless they are
 * equal. "Less" is "not greater or equal", and so on: the targets change places.
 */
static void emit_condition(struct emitter *emitter, const struct seccomp_condition *condition)
{
	static const struct {
		unsigned int jump;
		bool negated, ordered;
	} kinds[] = {
		[SECCOMP_EQUAL] = { BPF_JEQ, false, false },
		[SECCOMP_NOT_EQUAL] = { BPF_JEQ, true, false },
		[SECCOMP_GREATER] = { BPF_JGT, false, true },
		[SECCOMP_GREATER_OR_EQUAL] = { BPF_JGE, false, true },
		[SECCOMP_LESS] = { BPF_JGE, true, true },
		[SECCOMP_LESS_OR_EQUAL] = { BPF_JGT, true, true },
	};
	const bool negated = kinds[condition->comparison].negated;
	const unsigned int holds = negated ? TO_END_OF_CLAUSE : TO_END_OF_CONDITION;
	const unsigned int fails = negated ? TO_END_OF_CONDITION : TO_END_OF_CLAUSE;
	const uint32_t high = (uint32_t)(condition->value >> 32);
	const size_t start = emitter->n;

	if (condition->mask >> 32 || high) {
		emit_load(emitter, condition->argument, 1, condition->mask);
		if (kinds[condition->comparison].ordered)
			emit(emitter, BPF_JMP | BPF_JGT | BPF_K, high, holds, 0);
		emit(emitter, BPF_JMP | BPF_JEQ | BPF_K, high, 0, fails);
	}
	emit_load(emitter, condition->argument, 0, condition->mask);
	emit(emitter, BPF_JMP | kinds[condition->comparison].jump | BPF_K,
	     (uint32_t)condition->value, holds, fails);
	resolve(emitter, start, TO_END_OF_CONDITION);
}

static void emit_clause(struct emitter *emitter, const struct seccomp_clause *clause)
{
	const size_t start = emitter->n;

	for (size_t i = 0; i < clause->n_conditions; i++)
		emit_condition(emitter, &clause->conditions[i]);
	emit_return(emitter, clause->action);
	resolve(emitter, start, TO_END_OF_CLAUSE);
}

/* --- The tree -------------------------------------------------------------------------------- */

static void emit_decision(struct emitter *emitter, const struct seccomp_table *table,
			  const struct seccomp_decision *decision)
{
	for (size_t i = 0; i < decision->n_clauses; i++)
		emit_clause(emitter, &table->clauses[decision->clause + i]);
	emit_return(emitter, decision->action);
}

/* Jumps over what follows from `at` if the number is below the upper half's. Too far for the one
 * instruction, it takes another, and what follows moves on by one.
 */
static void close_branch(struct emitter *emitter, size_t at)
{
	size_t distance = emitter->n - at - 1;

	if (distance <= JUMP_MAX) {
		emitter->code[at].jt = (uint8_t)distance;
		return;
	}
	emit(emitter, 0, 0, 0, 0);
	if (emitter->full)
		return;
	(void)memmove(&emitter->code[at + 2], &emitter->code[at + 1],
		      distance * sizeof(emitter->code[0]));
	emitter->code[at].jf = 1;
	emitter->code[at + 1] =
		(struct sock_filter){ .code = BPF_JMP | BPF_JA, .k = (uint32_t)distance };
}

/* Depth is the logarithm of the number of decisions, a profile's that of 64 KiB of text. */
static void emit_tree(struct emitter *emitter, const struct seccomp_table *table, size_t first,
		      size_t n)
{
	size_t half = n / 2, at;

	if (n == 1) {
		emit_decision(emitter, table, &table->decisions[first]);
		return;
	}
	at = emitter->n;
	emit(emitter, BPF_JMP | BPF_JGE | BPF_K, table->decisions[first + half].number, 0, 0);
	emit_tree(emitter, table, first, half);
	if (emitter->full)
		return;
	close_branch(emitter, at);
	emit_tree(emitter, table, first + half, n - half);
}

/* Another ABI's numbers mean other calls: whoever uses one is killed. */
static void emit_prologue(struct emitter *emitter)
{
	emit(emitter, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch), 0, 0);
	emit(emitter, BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCHITECTURE, 1, 0);
	emit_return(emitter, SECCOMP_RET_KILL_PROCESS);
	emit(emitter, BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr), 0, 0);
}

int seccomp_compile(const struct seccomp_profile *profile, uint64_t capabilities,
		    struct seccomp_program *ret, struct error *err)
{
	_cleanup_(freep) struct emitter *emitter = ALLOC(struct emitter);
	_cleanup_(seccomp_table_done) struct seccomp_table table = { 0 };
	struct sock_filter *instructions;

	if (seccomp_table_make(profile, capabilities, &table, err) < 0)
		return -1;
	emit_prologue(emitter);
	emit_tree(emitter, &table, 0, table.n_decisions);
	if (emitter->full)
		return error_set(err, ERROR_INVALID_VALUE,
				 "seccomp profile: it needs more than the %d instructions that the "
				 "kernel takes",
				 BPF_MAXINSNS);
	instructions = alloc_zero(emitter->n, sizeof(*instructions));
	(void)memcpy(instructions, emitter->code, emitter->n * sizeof(*instructions));
	*ret = (struct seccomp_program){ .instructions = instructions,
					 .n = emitter->n,
					 .flags = profile->flags };
	return 0;
}
