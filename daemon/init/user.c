#include "daemon/init/user.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "daemon/init/inside.h"

enum {
	NAME_SIZE = 256,
	PASSWD_FIELDS = 7,
	PASSWD_FIELDS_MIN = 6, /* no shell is needed */
	GROUP_FIELDS = 4,
	GROUP_FIELDS_MIN = 3, /* nor members */
};

/* Decimal, below 2^32 - 1, which setresuid(2) takes for "no change". */
static bool parse_id(const char *text, uint32_t *ret)
{
	uint64_t id = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		id = id * 10 + (uint64_t)(*text - '0');
		if (id >= UINT32_MAX)
			return false;
	}
	*ret = (uint32_t)id;
	return true;
}

/* Cuts the next line off *text in place, and it into at most max fields at its colons. False at
 * the end of the text.
 */
static bool next_line(char **text, char *fields[], size_t max, size_t *ret_n)
{
	char *line = *text;
	size_t length = strcspn(line, "\n"), n = 0;

	if (!*line)
		return false;
	*text = line + length + (line[length] == '\n');
	line[length] = '\0';
	while (line && n < max)
		fields[n++] = strsep(&line, ":");
	*ret_n = n;
	return true;
}

/* The entry whose name is key or, if by_id, whose number is id. 1 if there is one. */
static int find_in_passwd(int root_fd, const char *key, bool by_id, char *scratch, char *name,
			  struct user *user, struct error *err)
{
	int there = inside_read(root_fd, "etc/passwd", scratch, USER_FILE_SIZE, err);
	char *fields[PASSWD_FIELDS];
	uint32_t uid, gid;
	size_t n;

	while (there > 0 && next_line(&scratch, fields, PASSWD_FIELDS, &n)) {
		if (n < PASSWD_FIELDS_MIN || !parse_id(fields[2], &uid) ||
		    !parse_id(fields[3], &gid))
			continue;
		if (by_id ? uid != user->uid : strcmp(fields[0], key) != 0)
			continue;
		if (strlen(fields[0]) >= NAME_SIZE || strlen(fields[5]) >= sizeof(user->home))
			continue;
		user->uid = uid;
		user->gid = gid;
		(void)strcpy(name, fields[0]);
		if (fields[5][0] == '/')
			(void)strcpy(user->home, fields[5]);
		return 1;
	}
	return there < 0 ? -1 : 0;
}

static int find_group(int root_fd, const char *key, const char *subject, char *scratch, gid_t *ret,
		      struct error *err)
{
	int there = inside_read(root_fd, "etc/group", scratch, USER_FILE_SIZE, err);
	char *fields[GROUP_FIELDS];
	uint32_t gid;
	size_t n;

	while (there > 0 && next_line(&scratch, fields, GROUP_FIELDS, &n)) {
		if (n < GROUP_FIELDS_MIN || strcmp(fields[0], key) != 0 ||
		    !parse_id(fields[2], &gid))
			continue;
		*ret = gid;
		return 0;
	}
	if (there < 0)
		return -1;
	return error_set_subject(err, ERROR_INVALID_VALUE, subject,
				 "group \"%.64s\": not in the container's /etc/group", key);
}

static bool lists(char *members, const char *name)
{
	while (members)
		if (strcmp(strsep(&members, ","), name) == 0)
			return true;
	return false;
}

/* Groups beyond USER_GROUPS_MAX would be lost in silence: an error. */
static int find_memberships(int root_fd, const char *name, char *scratch, struct user *user,
			    struct error *err)
{
	int there = inside_read(root_fd, "etc/group", scratch, USER_FILE_SIZE, err);
	char *fields[GROUP_FIELDS];
	uint32_t gid;
	size_t n;

	while (there > 0 && next_line(&scratch, fields, GROUP_FIELDS, &n)) {
		if (n < GROUP_FIELDS || !parse_id(fields[2], &gid) || !lists(fields[3], name))
			continue;
		if (user->n_groups == USER_GROUPS_MAX)
			return error_set_subject(err, ERROR_INVALID_VALUE, "spec.user",
						 "user \"%.64s\" is in more than %d groups", name,
						 USER_GROUPS_MAX);
		user->groups[user->n_groups++] = gid;
	}
	return there < 0 ? -1 : 0;
}

/* Splits USER[:GROUP]; *ret_group: there is one. */
static int split(const char *text, char user[NAME_SIZE], char group[NAME_SIZE], bool *ret_group,
		 struct error *err)
{
	const char *colon = strchr(text, ':'), *rest = colon ? colon + 1 : "";
	size_t n = colon ? (size_t)(colon - text) : strlen(text);

	if (n == 0 || n >= NAME_SIZE || strlen(rest) >= NAME_SIZE || (colon && !*rest))
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.user",
					 "user \"%.64s\": not of the form USER[:GROUP]", text);
	(void)memcpy(user, text, n);
	user[n] = '\0';
	(void)strcpy(group, rest);
	*ret_group = colon != NULL;
	return 0;
}

int user_resolve(int root_fd, const char *text, char *scratch, struct user *ret, struct error *err)
{
	char key[NAME_SIZE] = "", group[NAME_SIZE] = "", name[NAME_SIZE];
	struct user user = { 0 };
	bool with_group = false, by_id;
	int found;

	if (split(text ? text : "0", key, group, &with_group, err) < 0)
		return -1;
	by_id = parse_id(key, &user.uid);
	found = find_in_passwd(root_fd, key, by_id, scratch, name, &user, err);
	if (found < 0)
		return -1;
	if (!found && !by_id)
		return error_set_subject(err, ERROR_INVALID_VALUE, "spec.user",
					 "user \"%.64s\": not in the container's /etc/passwd", key);
	if (!user.home[0])
		(void)strcpy(user.home, user.uid == 0 ? "/root" : "/");
	if (with_group && !parse_id(group, &user.gid) &&
	    find_group(root_fd, group, "spec.user", scratch, &user.gid, err) < 0)
		return -1;
	if (found && text && !with_group &&
	    find_memberships(root_fd, name, scratch, &user, err) < 0)
		return -1;
	*ret = user;
	return 0;
}

static bool has_group(const struct user *user, gid_t gid)
{
	for (size_t i = 0; i < user->n_groups; i++)
		if (user->groups[i] == gid)
			return true;
	return false;
}

int user_add_groups(int root_fd, const char *const *groups, char *scratch, struct user *user,
		    struct error *err)
{
	static const char subject[] = "spec.groups";
	gid_t gid;

	for (; *groups; groups++) {
		if (!parse_id(*groups, &gid) &&
		    find_group(root_fd, *groups, subject, scratch, &gid, err) < 0)
			return -1;
		if (has_group(user, gid))
			continue;
		if (user->n_groups == USER_GROUPS_MAX)
			return error_set_subject(err, ERROR_INVALID_VALUE, subject,
						 "more than %d groups", USER_GROUPS_MAX);
		user->groups[user->n_groups++] = gid;
	}
	return 0;
}
