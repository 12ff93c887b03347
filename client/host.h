/* Where the daemon is: -H ADDRESS. */
#pragma once

#include <stdbool.h>

#include "common/error.h"

#define HOST_DEFAULT "/run/dokrust/dokrust.sock"

struct host {
	char *path; /* of the socket; NULL: the default of the other side of ssh */
	bool ssh;
	char *destination; /* host or user@host */
	char *port;	   /* or NULL */
};

/* unix:///PATH, a bare path, or ssh://[user@]host[:port][/path], where an IPv6 address stands in
 * brackets. *ret is host_done'd by the caller.
 */
int host_parse(const char *text, struct host *ret, struct error *err);
void host_done(struct host *host);

/* For messages: the path, or the destination. */
const char *host_describe(const struct host *host);
