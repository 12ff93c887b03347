#include "client/host.h"

#include <string.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/parse.h"

static int malformed(const char *text, const char *reason, struct error *err)
{
	return error_set(err, ERROR_INVALID_VALUE,
			 "\"%.128s\": %s; write unix:///PATH or ssh://[USER@]HOST[:PORT][/PATH]",
			 text, reason);
}

/* What is given to ssh(1) must not look like an option, nor like anything but a name. */
static bool is_word(const char *text, size_t n, const char *also)
{
	if (n == 0 || text[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
		    !strchr(also, c))
			return false;
	}
	return true;
}

/* HOST[:PORT] or [ADDRESS][:PORT]; *ret_name is the part without brackets. */
static int split_port(const char *text, const char *at, size_t n, const char **ret_name,
		      size_t *ret_n, char **ret_port, struct error *err)
{
	const char *end = at + n, *name = at, *rest;
	int64_t number;

	if (n && at[0] == '[') {
		name = at + 1;
		rest = memchr(name, ']', (size_t)(end - name));
		if (!rest || !is_word(name, (size_t)(rest - name), ":.%"))
			return malformed(text, "a bad address in brackets", err);
		*ret_n = (size_t)(rest - name);
		rest++;
	} else {
		rest = memchr(at, ':', n);
		rest = rest ? rest : end;
		*ret_n = (size_t)(rest - at);
		if (!is_word(name, *ret_n, ".-_"))
			return malformed(text, "a bad host name", err);
	}
	*ret_name = name;
	if (rest == end)
		return 0;
	*ret_port = alloc_printf("%.*s", (int)(end - rest - 1), rest + 1);
	if (rest[0] != ':' || parse_integer(*ret_port, 1, 65535, &number, err) < 0)
		return malformed(text, "a bad port", err);
	return 0;
}

static int parse_ssh(const char *text, struct host *host, struct error *err)
{
	const char *at = text + strlen("ssh://");
	size_t n = strcspn(at, "/"), user_n = 0, name_n = 0;
	const char *path = at + n;
	const char *user = at, *name = at;
	const char *sign = memchr(at, '@', n);

	host->ssh = true;
	if (sign) {
		user_n = (size_t)(sign - at);
		if (!is_word(user, user_n, ".-_+"))
			return malformed(text, "a bad user name", err);
		n -= user_n + 1;
		at = sign + 1;
	}
	if (split_port(text, at, n, &name, &name_n, &host->port, err) < 0)
		return -1;
	host->destination =
		alloc_printf("%.*s%s%.*s", (int)user_n, user, sign ? "@" : "", (int)name_n, name);
	host->path = path[0] && path[1] ? alloc_strdup(path) : NULL;
	return 0;
}

int host_parse(const char *text, struct host *ret, struct error *err)
{
	_cleanup_(host_done) struct host host = { 0 };

	if (strncmp(text, "ssh://", 6) == 0) {
		if (parse_ssh(text, &host, err) < 0)
			return -1;
	} else if (strncmp(text, "unix://", 7) == 0) {
		host.path = alloc_strdup(text + 7);
	} else if (strstr(text, "://")) {
		return malformed(text, "an unknown kind of address", err);
	} else {
		host.path = alloc_strdup(strncmp(text, "unix:", 5) == 0 ? text + 5 : text);
	}
	if (host.path && !host.path[0])
		return malformed(text, "an empty path", err);
	*ret = host;
	host = (struct host){ 0 };
	return 0;
}

void host_done(struct host *host)
{
	free(host->path);
	free(host->destination);
	free(host->port);
	*host = (struct host){ 0 };
}

const char *host_describe(const struct host *host)
{
	return host->ssh ? host->destination : host->path;
}
