#include "daemon/api/users.h"

#include <pwd.h>
#include <stdio.h>

#include "common/alloc.h"
#include "common/cleanup.h"

char *user_name(uid_t uid)
{
	_cleanup_(fclosep) FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user;

	while (file && (user = fgetpwent(file)))
		if (user->pw_uid == uid)
			return alloc_strdup(user->pw_name);
	return NULL;
}
