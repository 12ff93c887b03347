/* _start, clone, and what the compiler relies on. */
#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/init/bare/bare.h"

/* The compiler's names: -mstack-protector-guard=global. */
uintptr_t __stack_chk_guard;
void __stack_chk_fail(void) __attribute__((noreturn));
void bare_start(const uintptr_t *stack) __attribute__((noreturn, no_stack_protector));
int main(void);

__asm__(".globl _start\n"
	".type _start, @function\n"
	"_start:\n"
	"	xorl %ebp, %ebp\n"
	"	movq %rsp, %rdi\n"
	"	andq $-16, %rsp\n"
	"	call bare_start\n"
	"	hlt\n"
	".size _start, . - _start\n");

/* rdi function, rsi stack top, rdx flags, rcx userdata. The child finds both on its new stack. */
__asm__(".globl bare_clone\n"
	".type bare_clone, @function\n"
	"bare_clone:\n"
	"	andq $-16, %rsi\n"
	"	subq $16, %rsi\n"
	"	movq %rdi, (%rsi)\n"
	"	movq %rcx, 8(%rsi)\n"
	"	movq %rdx, %rdi\n"
	"	xorl %edx, %edx\n"
	"	xorl %r10d, %r10d\n"
	"	xorl %r8d, %r8d\n"
	"	movl $56, %eax\n" /* SYS_clone */
	"	syscall\n"
	"	testq %rax, %rax\n"
	"	jz 1f\n"
	"	ret\n"
	"1:	xorl %ebp, %ebp\n"
	"	popq %rax\n"
	"	popq %rdi\n"
	"	call *%rax\n"
	"	movl %eax, %edi\n"
	"	movl $60, %eax\n" /* SYS_exit */
	"	syscall\n"
	"	hlt\n"
	".size bare_clone, . - bare_clone\n");

_Static_assert(SYS_clone == 56 && SYS_exit == 60, "the numbers above");

/* argc, argv, NULL, environ, NULL, auxv, which says where the kernel put sixteen random bytes. */
void bare_start(const uintptr_t *stack)
{
	const uintptr_t *at = stack + 1 + stack[0] + 1;

	while (*at)
		at++;
	for (at++; at[0] != AT_NULL; at += 2)
		if (at[0] == AT_RANDOM)
			__stack_chk_guard = *(const uintptr_t *)at[1] & ~(uintptr_t)0xff;
	_exit(main());
}

void __stack_chk_fail(void)
{
	__builtin_trap();
}

void __assert_fail(const char *assertion, const char *file, unsigned int line, const char *function)
{
	(void)assertion;
	(void)file;
	(void)line;
	(void)function;
	__builtin_trap();
}

/* --- errno ----------------------------------------------------------------------------------- */

static const char *second_stack;
static size_t second_stack_size;
static int errors[2];

void bare_set_second_stack(const void *stack, size_t size)
{
	second_stack = stack;
	second_stack_size = size;
}

/* Without thread-local storage, the stack tells the threads apart. */
int *__errno_location(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);

	return &errors[here - (uintptr_t)second_stack < second_stack_size];
}
