#include "daemon/launch/seccomp.h"

#include <string.h>

#include <seccomp.h>

#include "common/cleanup.h"

/* Those that Debian 12's libseccomp, 2.5.4, does not know yet. From 424 on a system call has the
 * same number on every architecture (arch/x86/entry/syscalls/syscall_64.tbl,
 * scripts/syscall.tbl).
 */
static const struct {
	const char *name;
	uint32_t number;
} newer[] = {
	{ "cachestat", 451 },	      { "fchmodat2", 452 },	   { "map_shadow_stack", 453 },
	{ "futex_wake", 454 },	      { "futex_wait", 455 },	   { "futex_requeue", 456 },
	{ "statmount", 457 },	      { "listmount", 458 },	   { "lsm_get_self_attr", 459 },
	{ "lsm_set_self_attr", 460 }, { "lsm_list_modules", 461 }, { "mseal", 462 },
	{ "setxattrat", 463 },	      { "getxattrat", 464 },	   { "listxattrat", 465 },
	{ "removexattrat", 466 },     { "open_tree_attr", 467 },   { "file_getattr", 468 },
	{ "file_setattr", 469 },      { "listns", 470 },
#if defined(__x86_64__)
	{ "uretprobe", 335 },	      { "uprobe", 336 },
#endif
#if defined(__riscv)
	{ "riscv_hwprobe", 258 },
#endif
};

/* Of one architecture only, and not this one. */
static const char *const foreign[] = {
	"riscv_hwprobe",
	"uprobe",
	"uretprobe",
};

int seccomp_number(const char *name, uint32_t *ret)
{
	int number = seccomp_syscall_resolve_name(name);

	if (number >= 0) {
		*ret = (uint32_t)number;
		return 1;
	}
	/* Below -1 are libseccomp's own numbers for what this machine has not. */
	if (number != __NR_SCMP_ERROR)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(newer); i++) {
		if (strcmp(newer[i].name, name) == 0) {
			*ret = newer[i].number;
			return 1;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (strcmp(foreign[i], name) == 0)
			return 0;
	return -1;
}
