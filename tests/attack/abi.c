/* The kernel's other doors: calls of the 32-bit and of the x32 ABI. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/attack/attack.h"

#if defined(__x86_64__)

enum { X32_BIT = 0x40000000, I386_GETPID = 20 };

static int x32(void)
{
	return syscall(X32_BIT | SYS_getpid) < 0 ? errno : 0;
}

/* A 64-bit program may do this, too. */
static int int_0x80(void)
{
	long r = I386_GETPID;

	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
	return r < 0 ? (int)-r : 0;
}

#endif

const struct attack attacks_by_other_abis[] = {
#if defined(__x86_64__)
	{ "x32", x32 },
	{ "int-0x80", int_0x80 },
#endif
	{ 0 },
};
