/* Who the command runs as: USER[:GROUP], looked up in the container's own files. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "common/error.h"

enum { USER_GROUPS_MAX = 64, USER_HOME_SIZE = 1024, USER_FILE_SIZE = 1024 * 1024 };

struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[USER_GROUPS_MAX]; /* supplementary */
	size_t n_groups;
	char home[USER_HOME_SIZE];
};

/* Resolves text (NULL: root, without supplementary groups) by /etc/passwd and /etc/group below
 * root_fd. Numbers need no entry. A user that is known and given without a group is in the groups
 * that list it. scratch has USER_FILE_SIZE bytes. Unknown names and files beyond that size are
 * errors, ERROR_INVALID_VALUE with subject "spec.user" for the former.
 */
int user_resolve(int root_fd, const char *text, char *scratch, struct user *ret, struct error *err);

/* Adds groups, names or numbers, to the supplementary ones, looked up in the same way. The subject
 * is "spec.groups".
 */
int user_add_groups(int root_fd, const char *const *groups, char *scratch, struct user *user,
		    struct error *err);
