/* What the tests of seccomp programs share: an interpreter that says what a program decides. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>

#include "daemon/launch/seccomp.h"

#define HIGH (UINT64_C(1) << 32)

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif

enum { REFUSED = SECCOMP_RET_ERRNO | EPERM };

static inline uint32_t word_at(const struct seccomp_data *data, uint32_t offset)
{
	uint32_t word;

	assert_true(offset % 4 == 0 && offset < sizeof(*data));
	(void)memcpy(&word, (const char *)data + offset, sizeof(word));
	return word;
}

static inline bool jumps(unsigned int operation, uint32_t a, uint32_t k)
{
	switch (operation) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	default:
		fail_msg("jump %#x", operation);
		return false;
	}
}

/* Every path must end in a return, and none may leave the program. */
static inline uint32_t decide(const struct seccomp_program *program,
			      const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t at = 0; at < program->n; at++) {
		const struct sock_filter *f = &program->instructions[at];

		switch (BPF_CLASS(f->code)) {
		case BPF_RET:
			return f->k;
		case BPF_LD:
			a = word_at(data, f->k);
			break;
		case BPF_ALU:
			assert_int_equal(BPF_OP(f->code), BPF_AND);
			a &= f->k;
			break;
		case BPF_JMP:
			if (BPF_OP(f->code) == BPF_JA)
				at += f->k;
			else
				at += jumps(BPF_OP(f->code), a, f->k) ? f->jt : f->jf;
			break;
		default:
			fail_msg("instruction %#x", f->code);
		}
	}
	fail_msg("the program has no end");
	return 0;
}

static inline uint32_t ask(const struct seccomp_program *program, long number, uint64_t a0,
			   uint64_t a1)
{
	const struct seccomp_data data = {
		.nr = (int)number,
		.arch = NATIVE,
		.args = { a0, a1 },
	};

	return decide(program, &data);
}
