#include "daemon/init/identity.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP(name) (UINT64_C(1) << (CAP_##name))

_Static_assert(sizeof(struct sock_filter) == PLAN_INSTRUCTION_SIZE, "as the plan has it");
_Static_assert((int)PLAN_FILTER_MAX == BPF_MAXINSNS, "as the kernel has it");

/* --- Capabilities ---------------------------------------------------------------------------- */

static int set_bounding(uint64_t keep, struct error *err)
{
	/* EINVAL: past the last that the kernel knows. */
	for (unsigned int cap = 0; cap < 64; cap++) {
		if (keep & (UINT64_C(1) << cap))
			continue;
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0) {
			if (errno == EINVAL)
				break;
			return error_set_errno(err, errno, "drop capability %u", cap);
		}
	}
	return 0;
}

struct capabilities {
	struct __user_cap_data_struct data[2]; /* the lower 32, the upper */
};

static int get_capabilities(struct capabilities *ret, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	if (syscall(SYS_capget, &header, ret->data) < 0)
		return error_set_errno(err, errno, "look at the capabilities");
	return 0;
}

/* Of these, what the process has already: the daemon may have been given fewer itself. */
static int set_capabilities(uint64_t permitted, uint64_t inheritable, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct capabilities set;

	if (get_capabilities(&set, err) < 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		set.data[i].permitted &= (uint32_t)(permitted >> (32 * i));
		set.data[i].effective = set.data[i].permitted;
		set.data[i].inheritable = set.data[i].permitted &
					  (uint32_t)(inheritable >> (32 * i));
	}
	if (syscall(SYS_capset, &header, set.data) < 0)
		return error_set_errno(err, errno, "set capabilities");
	return 0;
}

/* What is inheritable becomes ambient: a program keeps it although its file does not have it. */
static int raise_ambient(struct error *err)
{
	struct capabilities set;

	if (get_capabilities(&set, err) < 0)
		return -1;
	for (unsigned int cap = 0; cap < 64; cap++)
		if (set.data[cap / 32].inheritable & (UINT32_C(1) << cap % 32) &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return error_set_errno(err, errno, "raise capability %u", cap);
	return 0;
}

int identity_bound(const struct plan_rights *rights, struct error *err)
{
	return set_bounding(rights->capabilities, err);
}

/* --- Ids ------------------------------------------------------------------------------------- */

int identity_become_root(struct error *err)
{
	if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 ||
	    syscall(SYS_setresuid, 0, 0, 0) < 0)
		return error_set_errno(err, errno, "become root of the user namespace");
	return 0;
}

int identity_refused(const struct user *user, int errnum, struct error *err)
{
	if (errnum == EINVAL)
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.user",
					 "user %u:%u: not among the ids of the container's user "
					 "namespace",
					 (unsigned int)user->uid, (unsigned int)user->gid);
	return error_set_errno(err, errnum, "become %u:%u", (unsigned int)user->uid,
			       (unsigned int)user->gid);
}

static int set_ids(const struct user *user, struct error *err)
{
	/* The C library's functions change every thread's ids, and know of this process's only. */
	if (syscall(SYS_setgroups, user->n_groups, user->groups) < 0)
		return error_set_errno(err, errno, "set the groups");
	if (syscall(SYS_setresgid, user->gid, user->gid, user->gid) < 0 ||
	    syscall(SYS_setresuid, user->uid, user->uid, user->uid) < 0)
		return identity_refused(user, errno, err);
	return 0;
}

/* What the command has, but for the filter's sake. */
static uint64_t own_capabilities(const struct user *user, const struct plan *plan)
{
	return user->uid == 0 ? plan->rights.capabilities : plan->rights.ambient;
}

/* Whether CAP_SYS_ADMIN is there to install the filter alone. */
static bool borrows_admin(const struct user *user, const struct plan *plan)
{
	return plan->n_filter && !(plan->flags & PLAN_NO_NEW_PRIVILEGES) &&
	       !(own_capabilities(user, plan) & CAP(SYS_ADMIN));
}

int identity_assume(const struct user *user, const struct plan *plan, struct error *err)
{
	const uint64_t ambient = user->uid == 0 ? 0 : plan->rights.ambient;
	const uint64_t kept = own_capabilities(user, plan) |
			      (borrows_admin(user, plan) ? CAP(SYS_ADMIN) : 0);

	/* Else the daemon's keys could be found from inside. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS)
		return error_set_errno(err, errno, "join a session keyring");
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 ||
	    prctl(PR_SET_KEEPCAPS, kept != 0, 0, 0, 0) < 0)
		return error_set_errno(err, errno, "keep capabilities");
	if (set_ids(user, err) < 0 || set_capabilities(kept, ambient, err) < 0 ||
	    (ambient && raise_ambient(err) < 0))
		return -1;
	if (plan->flags & PLAN_NO_NEW_PRIVILEGES && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set_errno(err, errno, "set no_new_privs");
	return 0;
}

/* --- The filter ------------------------------------------------------------------------------ */

static int install_filter(const struct plan *plan, struct error *err)
{
	const struct sock_fprog program = {
		.len = (unsigned short)plan->n_filter,
		.filter = (struct sock_filter *)(uintptr_t)plan->filter,
	};

	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, plan->rights.filter_flags, &program) < 0)
		return error_set_errno(err, errno, "install the seccomp filter");
	return 0;
}

int identity_seal(const struct user *user, const struct plan *plan, struct error *err)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct capabilities set;

	if (!plan->n_filter)
		return 0;
	if (!borrows_admin(user, plan))
		return install_filter(plan, err);
	/* All but one call before the filter, which need not let them in. */
	if (get_capabilities(&set, err) < 0 || install_filter(plan, err) < 0)
		return -1;
	set.data[0].permitted &= ~(UINT32_C(1) << CAP_SYS_ADMIN);
	set.data[0].effective = set.data[0].permitted;
	if (syscall(SYS_capset, &header, set.data) < 0)
		return error_set_errno(err, errno,
				       "without no-new-privileges the seccomp profile has to let "
				       "capset in");
	return 0;
}

int identity_keep_kill(struct error *err)
{
	if (set_bounding(CAP(KILL), err) < 0 || set_capabilities(CAP(KILL), 0, err) < 0)
		return -1;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return error_set_errno(err, errno, "set no_new_privs");
	return 0;
}
