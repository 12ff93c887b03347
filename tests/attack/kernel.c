/* System calls that widen what can be reached of the kernel. Each would work for the host's root.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/attack/attack.h"

#define HIGH_BIT (UINT64_C(1) << 32)

/* --- Mounts and namespaces ------------------------------------------------------------------- */

static int mount_tmpfs(void)
{
	return outcome(mount("x", "/mnt", "tmpfs", 0, NULL));
}

static int mount_proc(void)
{
	return outcome(mount("proc", "/mnt", "proc", 0, NULL));
}

static int mount_bind(void)
{
	return outcome(mount("/etc", "/mnt", NULL, MS_BIND, NULL));
}

/* Nothing that is masked may be unmasked. */
static int umount_mask(void)
{
	return outcome(umount2("/proc/kcore", MNT_DETACH));
}

static int remount_proc_sys(void)
{
	return outcome(mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
}

static int fsopen_ext4(void)
{
	return outcome(fsopen("ext4", 0));
}

static int open_tree_clone(void)
{
	return outcome(open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE));
}

static int move_a_mount(void)
{
	return outcome(move_mount(AT_FDCWD, "/proc", AT_FDCWD, "/mnt", 0));
}

static int pivot(void)
{
	return outcome(syscall(SYS_pivot_root, "/", "/"));
}

static int unshare_user(void)
{
	return outcome(unshare(CLONE_NEWUSER));
}

static int unshare_mount(void)
{
	return outcome(unshare(CLONE_NEWNS));
}

static int unshare_user_high(void)
{
	return outcome(syscall(SYS_unshare, CLONE_NEWUSER | HIGH_BIT));
}

static int clone_with(unsigned long flags)
{
	long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0L);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		(void)waitpid((pid_t)pid, NULL, 0);
	return pid < 0 ? errno : 0;
}

static int clone_user(void)
{
	return clone_with(CLONE_NEWUSER);
}

static int clone_user_high(void)
{
	return clone_with(CLONE_NEWUSER | HIGH_BIT);
}

static int clone3_user(void)
{
	struct clone_args args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid < 0 ? errno : 0;
}

static int setns_of_init(void)
{
	int fd = open("/proc/1/ns/mnt", O_RDONLY);

	if (fd < 0)
		fd = open("/proc/self/ns/mnt", O_RDONLY);
	return fd < 0 ? errno : outcome(setns(fd, 0));
}

/* --- Keys, handles, programs ----------------------------------------------------------------- */

static int add_a_key(void)
{
	return syscall(SYS_add_key, "user", "x", "y", 1, KEY_SPEC_USER_KEYRING) < 0 ? errno : 0;
}

static int request_a_key(void)
{
	return syscall(SYS_request_key, "user", "x", NULL, 0) < 0 ? errno : 0;
}

static int keyctl_user(void)
{
	return syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 1) < 0 ? errno : 0;
}

struct handle {
	struct file_handle head;
	unsigned char bytes[MAX_HANDLE_SZ];
};

/* As "shocker" did to get out of docker in 2014, by the number of the root directory's inode. */
static int open_by_handle(void)
{
	struct handle handle = { .head = { .handle_bytes = 8, .handle_type = 1 } };
	int mount_fd = open("/", O_RDONLY | O_DIRECTORY);

	handle.bytes[0] = 2;
	return outcome(open_by_handle_at(mount_fd, &handle.head, O_RDONLY));
}

static int load_bpf(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};

	return outcome(syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr)));
}

static int io_uring(void)
{
	unsigned char params[120] = { 0 };

	return outcome(syscall(SYS_io_uring_setup, 1, params));
}

static int fault_in_user_space(void)
{
	return outcome(syscall(SYS_userfaultfd, 0));
}

static int perf_event(void)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.size = sizeof(attr),
					.config = PERF_COUNT_SW_CPU_CLOCK };

	return outcome(syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0));
}

static int load_a_module(void)
{
	return outcome(syscall(SYS_finit_module, open("/proc/self/exe", O_RDONLY), "", 0));
}

static int load_a_kernel(void)
{
	return outcome(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL));
}

static int read_kernel_log(void)
{
	char text[64];

	return syscall(SYS_syslog, 3, text, sizeof(text)) < 0 ? errno : 0;
}

static int ask_for_ports(void)
{
#if defined(SYS_ioperm)
	return outcome(syscall(SYS_ioperm, 0x80, 1, 1));
#else
	return EPERM;
#endif
}

static int read_implies_exec(void)
{
	return outcome(syscall(SYS_personality, READ_IMPLIES_EXEC));
}

static int read_implies_exec_high(void)
{
	return outcome(syscall(SYS_personality, READ_IMPLIES_EXEC | HIGH_BIT));
}

/* --- Sockets --------------------------------------------------------------------------------- */

static int vsock(void)
{
	return outcome(socket(AF_VSOCK, SOCK_STREAM, 0));
}

/* The kernel takes the family for an int. */
static int vsock_high(void)
{
	return outcome(syscall(SYS_socket, (long)(AF_VSOCK | HIGH_BIT), SOCK_STREAM, 0));
}

static int crypto(void)
{
	return outcome(socket(AF_ALG, SOCK_SEQPACKET, 0));
}

static int crypto_high(void)
{
	return outcome(syscall(SYS_socket, (long)(AF_ALG | HIGH_BIT), SOCK_SEQPACKET, 0));
}

/* --- Keystrokes ------------------------------------------------------------------------------ */

static int push_key(void)
{
	char key = 'x';

	return outcome(ioctl(STDIN_FILENO, TIOCSTI, &key));
}

static int push_key_high(void)
{
	char key = 'x';

	return outcome(syscall(SYS_ioctl, STDIN_FILENO, TIOCSTI | HIGH_BIT, &key));
}

static int paste(void)
{
	char operation = 3;

	return outcome(ioctl(STDIN_FILENO, TIOCLINUX, &operation));
}

static int paste_high(void)
{
	char operation = 3;

	return outcome(syscall(SYS_ioctl, STDIN_FILENO, TIOCLINUX | HIGH_BIT, &operation));
}

const struct attack attacks_on_kernel[] = {
	{ "mount", mount_tmpfs },
	{ "mount-proc", mount_proc },
	{ "mount-bind", mount_bind },
	{ "umount-mask", umount_mask },
	{ "remount-proc-sys", remount_proc_sys },
	{ "fsopen", fsopen_ext4 },
	{ "open-tree", open_tree_clone },
	{ "move-mount", move_a_mount },
	{ "pivot-root", pivot },
	{ "unshare-user", unshare_user },
	{ "unshare-mount", unshare_mount },
	{ "unshare-user-high", unshare_user_high },
	{ "clone-user", clone_user },
	{ "clone-user-high", clone_user_high },
	{ "clone3-user", clone3_user },
	{ "setns", setns_of_init },
	{ "add-key", add_a_key },
	{ "request-key", request_a_key },
	{ "keyctl", keyctl_user },
	{ "open-by-handle", open_by_handle },
	{ "bpf", load_bpf },
	{ "io-uring", io_uring },
	{ "userfaultfd", fault_in_user_space },
	{ "perf-event", perf_event },
	{ "load-module", load_a_module },
	{ "kexec", load_a_kernel },
	{ "syslog", read_kernel_log },
	{ "ioperm", ask_for_ports },
	{ "personality", read_implies_exec },
	{ "personality-high", read_implies_exec_high },
	{ "vsock", vsock },
	{ "vsock-high", vsock_high },
	{ "alg", crypto },
	{ "alg-high", crypto_high },
	{ "tiocsti", push_key },
	{ "tiocsti-high", push_key_high },
	{ "tioclinux", paste },
	{ "tioclinux-high", paste_high },
	{ 0 },
};
