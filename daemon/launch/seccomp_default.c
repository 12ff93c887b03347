/* The default profile: what a container may ask the kernel for. What is not here is EPERM.
 *
 * It lets in no more than docker's default of 2026 does (moby/profiles, seccomp/default.json), with
 * these differences, each for less:
 *   - an ioctl cannot push keystrokes into a terminal (TIOCSTI, TIOCLINUX);
 *   - comparisons look at what the kernel looks at, the low 32 bits of an int;
 *   - of another ABI (32-bit x86, x32) there is nothing at all.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "common/capability.h"
#include "common/cleanup.h"
#include "daemon/launch/seccomp.h"

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define EACH(array) .conditions = (array), .n_conditions = ARRAY_SIZE(array)
#define FAIL(number) (SECCOMP_RET_ERRNO | (number))

#define INT_MASK UINT64_C(0xffffffff)

/* --- Always ---------------------------------------------------------------------------------- */

/* It would give each name a line. */
/* clang-format off */
static const char *const files[] = {
	"access", "cachestat", "chdir", "chmod", "chown", "chown32", "close", "close_range",
	"copy_file_range", "creat", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64",
	"fadvise64_64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchmodat2", "fchown",
	"fchown32", "fchownat", "fcntl", "fcntl64", "fdatasync", "fgetxattr", "flistxattr", "flock",
	"fremovexattr", "fsetxattr", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64",
	"fsync", "ftruncate", "ftruncate64", "futimesat", "getcwd", "getdents", "getdents64",
	"getxattr", "getxattrat", "lchown", "lchown32", "lgetxattr", "link", "linkat", "listmount",
	"listxattr", "listxattrat", "llistxattr", "_llseek", "lremovexattr", "lseek", "lsetxattr",
	"lstat", "lstat64", "mkdir", "mkdirat", "mknod", "mknodat", "name_to_handle_at",
	"newfstatat", "open", "openat", "openat2", "pipe", "pipe2", "pread64", "preadv", "preadv2",
	"pwrite64", "pwritev", "pwritev2", "read", "readahead", "readlink", "readlinkat", "readv",
	"removexattr", "removexattrat", "rename", "renameat", "renameat2", "rmdir", "sendfile",
	"sendfile64", "setxattr", "setxattrat", "splice", "stat", "stat64", "statfs", "statfs64",
	"statmount", "statx", "symlink", "symlinkat", "sync", "sync_file_range", "syncfs", "tee",
	"truncate", "truncate64", "umask", "unlink", "unlinkat", "utime", "utimensat",
	"utimensat_time64", "utimes", "vmsplice", "write", "writev", NULL,
};

static const char *const waiting[] = {
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "fanotify_mark",
	"inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "io_cancel",
	"io_destroy", "io_getevents", "io_pgetevents", "io_pgetevents_time64", "io_setup",
	"io_submit", "_newselect", "poll", "ppoll", "ppoll_time64", "pselect6", "pselect6_time64",
	"select", "signalfd", "signalfd4", "timerfd_create", "timerfd_gettime", "timerfd_gettime64",
	"timerfd_settime", "timerfd_settime64", NULL,
};

static const char *const memory[] = {
	"brk", "madvise", "map_shadow_stack", "membarrier", "memfd_create", "memfd_secret",
	"mincore", "mlock", "mlock2", "mlockall", "mmap", "mmap2", "mprotect", "mremap", "mseal",
	"msync", "munlock", "munlockall", "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect",
	"process_mrelease", "remap_file_pages", NULL,
};

static const char *const processes[] = {
	"capget", "capset", "execve", "execveat", "exit", "exit_group", "fork", "futex",
	"futex_requeue", "futex_time64", "futex_wait", "futex_waitv", "futex_wake", "getcpu",
	"getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32", "getgroups",
	"getgroups32", "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid",
	"getresgid32", "getresuid", "getresuid32", "getrlimit", "get_robust_list", "getrusage",
	"getsid", "get_thread_area", "gettid", "getuid", "getuid32", "ioprio_get", "ioprio_set",
	"kill", "landlock_add_rule", "landlock_create_ruleset", "landlock_restrict_self", "pause",
	"pidfd_open", "pidfd_send_signal", "prctl", "prlimit64", "process_vm_readv",
	"process_vm_writev", "ptrace", "restart_syscall", "rseq", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "sched_getaffinity", "sched_getattr",
	"sched_getparam", "sched_get_priority_max", "sched_get_priority_min", "sched_getscheduler",
	"sched_rr_get_interval", "sched_rr_get_interval_time64", "sched_setaffinity",
	"sched_setattr", "sched_setparam", "sched_setscheduler", "sched_yield", "seccomp",
	"setfsgid", "setfsgid32", "setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups",
	"setgroups32", "setpgid", "setpriority", "setregid", "setregid32", "setresgid",
	"setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32", "setrlimit",
	"set_robust_list", "setsid", "set_thread_area", "set_tid_address", "setuid", "setuid32",
	"sigaltstack", "sigprocmask", "sigreturn", "tgkill", "tkill", "ugetrlimit", "uretprobe",
	"vfork", "wait4", "waitid", "waitpid", NULL,
};

static const char *const communication[] = {
	"accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "ipc",
	"listen", "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive",
	"mq_timedreceive_time64", "mq_timedsend", "mq_timedsend_time64", "mq_unlink", "msgctl",
	"msgget", "msgrcv", "msgsnd", "recv", "recvfrom", "recvmmsg", "recvmmsg_time64", "recvmsg",
	"semctl", "semget", "semop", "semtimedop", "semtimedop_time64", "send", "sendmmsg",
	"sendmsg", "sendto", "setsockopt", "shmat", "shmctl", "shmdt", "shmget", "shutdown",
	"socketpair", NULL,
};

static const char *const time_and_system[] = {
	"adjtimex", "alarm", "clock_adjtime", "clock_adjtime64", "clock_getres",
	"clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
	"clock_nanosleep_time64", "getitimer", "getrandom", "gettimeofday", "nanosleep",
	"setitimer", "sysinfo", "time", "timer_create", "timer_delete", "timer_getoverrun",
	"timer_gettime", "timer_gettime64", "timer_settime", "timer_settime64", "times", "uname",
	NULL,
};

/* What one architecture alone has; others do not know the names. */
static const char *const of_architectures[] = {
	"arch_prctl", "arm_fadvise64_64", "arm_sync_file_range", "breakpoint", "cacheflush",
	"modify_ldt", "riscv_flush_icache", "riscv_hwprobe", "s390_pci_mmio_read",
	"s390_pci_mmio_write", "s390_runtime_instr", "set_tls", "swapcontext", "sync_file_range2",
	NULL,
};

/* clang-format on */

/* --- In part --------------------------------------------------------------------------------- */

enum {
	NAMESPACES = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
		     CLONE_NEWNET | CLONE_NEWCGROUP,
#if defined(__s390__)
	CLONE_FLAGS = 1, /* the argument that has them */
#else
	CLONE_FLAGS = 0,
#endif
};

static const struct seccomp_condition no_namespaces[] = {
	{ .argument = CLONE_FLAGS, .comparison = SECCOMP_EQUAL, .mask = NAMESPACES, .value = 0 },
};

#define INT_IS(argument_, value_)                                                       \
	{                                                                               \
		.argument = (argument_), .comparison = SECCOMP_EQUAL, .mask = INT_MASK, \
		.value = (value_)                                                       \
	}

/* Keystrokes for whoever reads the terminal next (ioctl_tty(2), ioctl_console(2)). */
static const struct seccomp_condition push_input[] = { INT_IS(1, TIOCSTI) };
static const struct seccomp_condition paste_input[] = { INT_IS(1, TIOCLINUX) };

/* PER_LINUX and PER_LINUX32, each with UNAME26, and the question which one it is. */
static const struct seccomp_condition personality_linux[] = { INT_IS(0, 0) };
static const struct seccomp_condition personality_linux32[] = { INT_IS(0, 0x8) };
static const struct seccomp_condition personality_uname26[] = { INT_IS(0, 0x20000) };
static const struct seccomp_condition personality_linux32_uname26[] = { INT_IS(0, 0x20008) };
static const struct seccomp_condition personality_asked[] = { INT_IS(0, 0xffffffff) };

/* Families that have no network namespaces, or few users and many bugs. */
static const struct seccomp_condition decnet[] = { INT_IS(0, AF_DECnet) };
static const struct seccomp_condition econet[] = { INT_IS(0, AF_ECONET) };
static const struct seccomp_condition atmsvc[] = { INT_IS(0, AF_ATMSVC) };
static const struct seccomp_condition irda[] = { INT_IS(0, AF_IRDA) };
static const struct seccomp_condition wanpipe[] = { INT_IS(0, AF_WANPIPE) };
static const struct seccomp_condition isdn[] = { INT_IS(0, AF_ISDN) };
static const struct seccomp_condition caif[] = { INT_IS(0, AF_CAIF) };
static const struct seccomp_condition alg[] = { INT_IS(0, AF_ALG) };
static const struct seccomp_condition vsock[] = { INT_IS(0, AF_VSOCK) };
static const struct seccomp_condition unheard_of[] = {
	{ .argument = 0, .comparison = SECCOMP_GREATER, .mask = INT_MASK, .value = AF_MCTP },
};

#define NO_FAMILY(conditions_)                                                     \
	{                                                                          \
		.names = NAMES("socket"), .action = FAIL(EPERM), EACH(conditions_) \
	}

#define PERSONALITY(conditions_)                                                              \
	{                                                                                     \
		.names = NAMES("personality"), .action = SECCOMP_RET_ALLOW, EACH(conditions_) \
	}

/* --- With a capability ------------------------------------------------------------------------ */

#define ALLOW(names_)                                           \
	{                                                       \
		.names = (names_), .action = SECCOMP_RET_ALLOW, \
	}

#define ALLOW_WITH(capability, ...)                                       \
	{                                                                 \
		.names = NAMES(__VA_ARGS__), .action = SECCOMP_RET_ALLOW, \
		.with = { .capabilities = CAPABILITY(CAP_##capability) }, \
	}

static const struct seccomp_rule rules[] = {
	ALLOW(files),
	ALLOW(waiting),
	ALLOW(memory),
	ALLOW(processes),
	ALLOW(communication),
	ALLOW(time_and_system),
	ALLOW(of_architectures),

	{ .names = NAMES("ioctl"), .action = FAIL(EPERM), EACH(push_input) },
	{ .names = NAMES("ioctl"), .action = FAIL(EPERM), EACH(paste_input) },
	ALLOW(NAMES("ioctl")),

	NO_FAMILY(decnet),
	NO_FAMILY(econet),
	NO_FAMILY(atmsvc),
	NO_FAMILY(irda),
	NO_FAMILY(wanpipe),
	NO_FAMILY(isdn),
	NO_FAMILY(caif),
	NO_FAMILY(alg),
	NO_FAMILY(vsock),
	NO_FAMILY(unheard_of),
	ALLOW(NAMES("socket")),

	PERSONALITY(personality_linux),
	PERSONALITY(personality_linux32),
	PERSONALITY(personality_uname26),
	PERSONALITY(personality_linux32_uname26),
	PERSONALITY(personality_asked),

	ALLOW_WITH(SYS_ADMIN, "bpf", "clone", "clone3", "fanotify_init", "fsconfig", "fsmount",
		   "fsopen", "fspick", "lookup_dcookie", "lsm_get_self_attr", "lsm_list_modules",
		   "lsm_set_self_attr", "mount", "mount_setattr", "move_mount", "open_tree",
		   "perf_event_open", "quotactl", "quotactl_fd", "setdomainname", "sethostname",
		   "setns", "syslog", "umount", "umount2", "unshare"),
	{ .names = NAMES("clone"), .action = SECCOMP_RET_ALLOW, EACH(no_namespaces) },
	/* Its flags are in memory, where no filter sees them; the C library falls back to clone. */
	{ .names = NAMES("clone3"), .action = FAIL(ENOSYS) },

	ALLOW_WITH(DAC_READ_SEARCH, "open_by_handle_at"),
	ALLOW_WITH(SYS_BOOT, "reboot"),
	ALLOW_WITH(SYS_CHROOT, "chroot"),
	ALLOW_WITH(SYS_MODULE, "delete_module", "finit_module", "init_module"),
	ALLOW_WITH(SYS_PACCT, "acct"),
	ALLOW_WITH(SYS_PTRACE, "kcmp", "pidfd_getfd", "process_madvise"),
	ALLOW_WITH(SYS_RAWIO, "ioperm", "iopl"),
	ALLOW_WITH(SYS_TIME, "clock_settime", "clock_settime64", "settimeofday", "stime"),
	ALLOW_WITH(SYS_TTY_CONFIG, "vhangup"),
	ALLOW_WITH(SYS_NICE, "get_mempolicy", "mbind", "set_mempolicy", "set_mempolicy_home_node"),
	ALLOW_WITH(SYSLOG, "syslog"),
	ALLOW_WITH(BPF, "bpf"),
	ALLOW_WITH(PERFMON, "perf_event_open"),
};

const struct seccomp_profile seccomp_default_profile = {
	.default_action = FAIL(EPERM),
	.rules = rules,
	.n_rules = ARRAY_SIZE(rules),
};
