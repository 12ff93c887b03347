/* The interfaces that the daemon serves: the embedded .varlink files, each with a table of the
 * functions behind its methods.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "common/idl.h"
#include "daemon/api/access.h"

struct request;
struct server;

enum method_flags {
	METHOD_STREAM = 1 << 0,	     /* only makes sense with `more` */
	METHOD_UPGRADE = 1 << 1,     /* may be called with `upgrade` */
	METHOD_DESCRIPTORS = 1 << 2, /* descriptors may come with the call */
};

struct method {
	const char *name;
	enum access_need need;
	unsigned int flags;
	/* Answers, or remembers in the request what it waits for. */
	void (*call)(struct request *request);
	/* For streams: there is room for more replies. */
	void (*resume)(struct request *request);
};

struct interface {
	struct idl *idl;
	const struct method **methods; /* by the idl's index */
};

enum { INTERFACE_COUNT = 5 };

/* Reads the embedded definitions; every method must have a function and the reverse. Returns an
 * array of INTERFACE_COUNT.
 */
int interfaces_load(struct interface **ret, struct error *err);
struct interface *interfaces_free(struct interface *interfaces);

/* Finds interface and method by the full name; NULL if there is no such interface, *ret_method -1
 * if it has no such method.
 */
const struct interface *interface_find(const struct interface *interfaces, const char *method,
				       int *ret_method);

/* The tables, each ending with a NULL name. */
extern const struct method service_methods[];
extern const struct method container_methods[];
extern const struct method daemon_methods[];
extern const struct method volume_methods[];
extern const struct method network_methods[];

/* Decides who answers a call that was read; the request is filled in. */
void dispatch(struct request *request);
