/* Ids, groups, capabilities and the system call filter of a process. */
#pragma once

#include "common/error.h"
#include "daemon/init/plan.h"
#include "daemon/init/user.h"

/* After entering a user namespace: this process's ids, which are none there, become root's. */
int identity_become_root(struct error *err);

/* The error of a system call that had to do with the user's ids. */
int identity_refused(const struct user *user, int errnum, struct error *err);

/* Drops from the bounding set what no process of the container gets. The calling thread keeps what
 * it has until it executes something.
 */
int identity_bound(const struct plan_rights *rights, struct error *err);

/* Becomes user for good: with the plan's capabilities if that is root, with the ambient ones
 * otherwise (capabilities(7)); nothing else is inheritable; no_new_privs as the plan has it, and a
 * session keyring of its own. Works after clone(CLONE_VM): only this process is changed. The
 * bounding set is identity_bound's.
 */
int identity_assume(const struct user *user, const struct plan *plan, struct error *err);

/* The last step before execve(2): the filter, from which on only what it lets in can be done.
 * Without no_new_privs it takes CAP_SYS_ADMIN to install it, which identity_assume has kept for
 * this, and which goes here.
 */
int identity_seal(const struct user *user, const struct plan *plan, struct error *err);

/* What process 1 keeps: the right to signal processes of all users. */
int identity_keep_kill(struct error *err);
