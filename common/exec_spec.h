/* What is to be executed in a container that runs, as io.dokrust.Container's type ExecSpec has it.
 * Owns all its strings.
 */
#pragma once

#include <stdbool.h>

#include <json-c/json_object.h>

#include "common/error.h"

struct exec_spec {
	char **command;	    /* at least one */
	char **environment; /* KEY=VALUE, over the container's own */
	char *workdir;	    /* NULL: the container's */
	char *user;	    /* NULL: the container's */
	bool terminal;	    /* -t */
	bool stdin_open;    /* -i */
	bool privileged;    /* all capabilities, no seccomp filter */
	char *on_detach;    /* "keep" (or NULL), "hup", "kill" */
	char *size_policy;  /* as in struct spec */
};

#define EXEC_SPEC_NULL ((struct exec_spec){ 0 })

/* From an object that fits the interface's ExecSpec; strings are copied. Checked as spec_validate
 * checks the fields of the same names, with "exec." in front of them. ret is valid only on success.
 */
int exec_spec_from_json(struct json_object *object, struct exec_spec *ret, struct error *err);
struct json_object *exec_spec_to_json(const struct exec_spec *spec);

/* NULL-safe for its members; leaves EXEC_SPEC_NULL. */
void exec_spec_done(struct exec_spec *spec);
