/* Being attached: the call that upgrades the connection, the relay, and what is told at its end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json_object.h>

#include "client/host.h"
#include "client/settings.h"

struct attach_params {
	const char *what;   /* is tried, for messages: "run", "attach web" */
	const char *method; /* that is called with `upgrade` */
	bool may_have_terminal;
	bool input;	      /* standard input is read */
	bool read_only;	      /* and is not passed on */
	bool steal;	      /* others are detached */
	int64_t history_rows; /* of scrollback with the present screen; -1: the daemon's default */
	int64_t reconnect_ms; /* how long to try when the connection is lost; -1: without end. It counts
			       * only with a terminal on both sides */
	bool proxy_signals;
	bool looks_only;  /* at a terminal: signals end it, after all */
	bool pipe_signal; /* a broken pipe ends the container */
	const struct detach_option *detach;
};

/* For a moment: a daemon that is restarted is there again by then. */
enum { ATTACH_RECONNECT_MS = 5000 };

/* Calls the method with the parameters (taken), to which `attach` is added, and stays attached
 * until the end. Prints errors. Returns the exit status: the container's; 0 when detached; 128+N
 * when signal N made an end of it; else as command_status has it.
 */
int attach_call(const struct host *host, const struct attach_params *params,
		struct json_object *parameters);
