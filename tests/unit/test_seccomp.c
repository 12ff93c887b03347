/* The default profile: what it lets in, and that the kernel takes it. */
#include "tests/unit/seccomp_fixture.h"

#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/capability.h"
#include "common/cleanup.h"

static struct seccomp_program compile_default(uint64_t capabilities)
{
	struct seccomp_program program;
	struct error err;

	if (seccomp_compile(&seccomp_default_profile, capabilities, &program, &err) < 0)
		fail_msg("%s", err.message);
	return program;
}

/* --- The default profile --------------------------------------------------------------------- */

static void the_default_profile_lets_programs_live(void **state)
{
	static const long numbers[] = {
		SYS_read,	SYS_write,  SYS_openat,	 SYS_execve,	      SYS_exit_group,
		SYS_mmap,	SYS_futex,  SYS_ptrace,	 SYS_mknodat,	      SYS_setuid,
		SYS_socketpair, SYS_chroot, SYS_seccomp, SYS_clock_nanosleep,
	};
	struct seccomp_program program = compile_default(capabilities_default);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (ask(&program, numbers[i], 0, 0) != SECCOMP_RET_ALLOW)
			fail_msg("%ld is refused", numbers[i]);
	free(program.instructions);
}

static void the_default_profile_refuses_what_widens(void **state)
{
	static const long numbers[] = {
		SYS_mount,
		SYS_umount2,
		SYS_unshare,
		SYS_setns,
		SYS_bpf,
		SYS_keyctl,
		SYS_add_key,
		SYS_request_key,
		SYS_userfaultfd,
		SYS_io_uring_setup,
		SYS_kexec_load,
		SYS_init_module,
		SYS_perf_event_open,
		SYS_open_by_handle_at,
		SYS_fsopen,
		SYS_open_tree,
		SYS_pivot_root,
		SYS_reboot,
		SYS_swapon,
		SYS_syslog,
		SYS_settimeofday,
		SYS_mbind,
		SYS_move_pages,
		SYS_nfsservctl,
		1000,
		0x3fffffff,
	};
	struct seccomp_program program = compile_default(capabilities_default);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (ask(&program, numbers[i], 0, 0) != REFUSED)
			fail_msg("%ld is let in", numbers[i]);
	assert_int_equal(ask(&program, SYS_clone3, 0, 0), SECCOMP_RET_ERRNO | ENOSYS);
	free(program.instructions);
}

static void arguments_are_compared_as_the_kernel_sees_them(void **state)
{
	struct seccomp_program program = compile_default(capabilities_default);

	(void)state;
	for (uint64_t high = 0; high <= HIGH; high += HIGH) {
		assert_int_equal(ask(&program, SYS_ioctl, 0, high | TIOCSTI), REFUSED);
		assert_int_equal(ask(&program, SYS_ioctl, 0, high | TIOCLINUX), REFUSED);
		assert_int_equal(ask(&program, SYS_ioctl, 0, high | TIOCGWINSZ), SECCOMP_RET_ALLOW);
		assert_int_equal(ask(&program, SYS_socket, high | AF_VSOCK, 0), REFUSED);
		assert_int_equal(ask(&program, SYS_socket, high | AF_ALG, 0), REFUSED);
		assert_int_equal(ask(&program, SYS_socket, high | 46, 0), REFUSED);
		assert_int_equal(ask(&program, SYS_socket, high | AF_INET6, 0), SECCOMP_RET_ALLOW);
		assert_int_equal(ask(&program, SYS_socket, high | AF_PACKET, 0), SECCOMP_RET_ALLOW);
		assert_int_equal(ask(&program, SYS_personality, high | 0x400000, 0), REFUSED);
		assert_int_equal(ask(&program, SYS_personality, high | 0x20008, 0),
				 SECCOMP_RET_ALLOW);
		assert_int_equal(ask(&program, SYS_clone, high | CLONE_NEWUSER | SIGCHLD, 0),
				 REFUSED);
		assert_int_equal(ask(&program, SYS_clone, high | CLONE_VM | SIGCHLD, 0),
				 SECCOMP_RET_ALLOW);
	}
	free(program.instructions);
}

static void other_abis_are_killed(void **state)
{
	struct seccomp_program program = compile_default(CAPABILITIES_ALL);
	struct seccomp_data data = { .nr = SYS_read, .arch = AUDIT_ARCH_I386 };

	(void)state;
	assert_int_equal(decide(&program, &data), SECCOMP_RET_KILL_PROCESS);
	data.arch = AUDIT_ARCH_ARM;
	assert_int_equal(decide(&program, &data), SECCOMP_RET_KILL_PROCESS);
#if defined(__x86_64__)
	assert_int_equal(ask(&program, 0x40000000 | SYS_read, 0, 0), SECCOMP_RET_KILL_PROCESS);
	assert_int_equal(ask(&program, 0x7fffffff, 0, 0), SECCOMP_RET_KILL_PROCESS);
#endif
	/* No system call, but what a tracer leaves of one. */
	assert_int_equal(ask(&program, -1, 0, 0), SECCOMP_RET_ALLOW);
	free(program.instructions);
}

static void a_capability_opens_what_it_is_for(void **state)
{
	static const struct {
		unsigned int capability;
		long number;
	} opened[] = {
		{ CAP_SYS_ADMIN, SYS_mount },
		{ CAP_SYS_ADMIN, SYS_unshare },
		{ CAP_SYS_ADMIN, SYS_clone3 },
		{ CAP_SYS_PTRACE, SYS_kcmp },
		{ CAP_BPF, SYS_bpf },
		{ CAP_PERFMON, SYS_perf_event_open },
		{ CAP_SYS_MODULE, SYS_finit_module },
		{ CAP_SYS_TIME, SYS_clock_settime },
		{ CAP_SYSLOG, SYS_syslog },
		{ CAP_DAC_READ_SEARCH, SYS_open_by_handle_at },
		{ CAP_SYS_NICE, SYS_mbind },
		{ CAP_SYS_BOOT, SYS_reboot },
		{ CAP_SYS_PACCT, SYS_acct },
		{ CAP_SYS_TTY_CONFIG, SYS_vhangup },
		{ CAP_SYS_CHROOT, SYS_chroot },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(opened); i++) {
		uint64_t bit = CAPABILITY(opened[i].capability);
		struct seccomp_program with = compile_default(bit);
		struct seccomp_program without = compile_default(CAPABILITIES_ALL & ~bit);
		uint32_t shut = ask(&without, opened[i].number, CLONE_NEWUSER, 0);

		assert_int_equal(ask(&with, opened[i].number, CLONE_NEWUSER, 0), SECCOMP_RET_ALLOW);
		if ((opened[i].number != SYS_bpf && opened[i].number != SYS_perf_event_open &&
		     opened[i].number != SYS_syslog) &&
		    shut == SECCOMP_RET_ALLOW)
			fail_msg("%ld does not need %s", opened[i].number,
				 capability_name(opened[i].capability));
		free(with.instructions);
		free(without.instructions);
	}
}

/* What a start pays for is its size and depth (daemon/launch/seccomp.h). */
static void the_default_program_is_small(void **state)
{
	struct seccomp_program program = compile_default(capabilities_default);

	(void)state;
	assert_in_range(program.n, 50, 250);
	free(program.instructions);
}

/* --- In the kernel --------------------------------------------------------------------------- */

static void the_kernel_takes_the_program(void **state)
{
	struct seccomp_program program = compile_default(capabilities_default);
	const struct sock_fprog filter = {
		.len = (unsigned short)program.n,
		.filter = program.instructions,
	};
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) < 0)
			_exit(1);
		if (syscall(SYS_unshare, CLONE_NEWUSER) == 0 || errno != EPERM)
			_exit(2);
		_exit(getppid() > 0 ? 0 : 3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	free(program.instructions);
}

static void a_program_is_made_once(void **state)
{
	static const char text[] = "{\"defaultAction\":\"SCMP_ACT_ALLOW\"}";
	struct seccomp_cache *cache = seccomp_cache_new();
	const struct seccomp_program *first, *again, *other;
	const struct sock_filter *instructions;
	struct error err;

	(void)state;
	assert_int_equal(seccomp_cache_get(cache, NULL, 1, &first, &err), 0);
	instructions = first->instructions;
	assert_int_equal(seccomp_cache_get(cache, text, 1, &other, &err), 0);
	assert_int_not_equal(other->n, first->n);
	assert_int_equal(seccomp_cache_get(cache, NULL, 1, &again, &err), 0);
	assert_ptr_equal(again->instructions, instructions);
	/* More than it keeps; the ones in use stay. */
	for (uint64_t i = 2; i < 40; i++) {
		assert_int_equal(seccomp_cache_get(cache, NULL, i, &other, &err), 0);
		assert_int_equal(seccomp_cache_get(cache, NULL, 1, &again, &err), 0);
		assert_ptr_equal(again->instructions, instructions);
	}
	assert_int_equal(seccomp_cache_get(cache, "{", 1, &other, &err), -1);
	assert_int_equal(err.code, ERROR_INVALID_VALUE);
	seccomp_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_profile_lets_programs_live),
		cmocka_unit_test(the_default_profile_refuses_what_widens),
		cmocka_unit_test(arguments_are_compared_as_the_kernel_sees_them),
		cmocka_unit_test(other_abis_are_killed),
		cmocka_unit_test(a_capability_opens_what_it_is_for),
		cmocka_unit_test(the_default_program_is_small),
		cmocka_unit_test(the_kernel_takes_the_program),
		cmocka_unit_test(a_program_is_made_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
