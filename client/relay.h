/* The user's terminal or pipes on one side, an upgraded connection on the other, until one of them
 * ends. One loop on poll(2), in which nothing blocks: a standard output that is not read, a daemon
 * that does not read, and a burst of either leave keys, signals and resizing at work.
 *
 * A keystroke costs a poll, a read and a send; its echo a poll, a receive and a write. In a flood, a
 * receive takes up to 256 KiB (64 for a terminal), and a write all of it that is for one stream.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "client/call.h"
#include "client/inflow.h"
#include "client/keys.h"
#include "client/outflow.h"
#include "client/signals.h"
#include "client/tty.h"
#include "common/error.h"

/* How it came to an end. */
enum relay_end {
	RELAY_RUNS,
	RELAY_STATUS,	/* the container did: status */
	RELAY_DETACHED, /* status is by whom, an enum relay_by */
	RELAY_SIGNAL,	/* one ended the client: status is its number */
	RELAY_LOST,	/* the connection is gone: err */
	RELAY_FAILED,	/* err */
};

enum relay_by { RELAY_BY_KEYS, RELAY_BY_OTHERS, RELAY_BY_THIEF };

struct relay_params {
	struct channel *channel; /* after an upgrade; what its reader has left is taken */
	struct signals *signals;
	const char *container; /* id, for what is not asked on this connection */
	bool terminal;	       /* the container has one */
	bool input;	       /* standard input is read */
	bool mute;	       /* what is read there goes nowhere, but for the detach keys */
	bool proxy_signals;    /* they go to the container */
	bool pipe_signal;      /* and so does the SIGPIPE that a broken pipe causes */
	struct detach_keys detach_keys; /* looked for when standard input is a terminal */
	uint16_t rows, columns;		/* as the daemon knows them; 0: none */
};

struct relay {
	const struct relay_params *params;
	struct inflow inflow;
	struct outflow outflow;
	struct keys keys;
	struct tty tty;
	bool reads_tty;
	bool input_open;
	bool eof_due, resize_due;
	uint16_t rows, columns;
	int64_t keys_deadline_us; /* when what the keys hold back goes on; 0: nothing is held */
	int64_t pipe_deadline_us; /* when a container that got SIGPIPE is left alone; 0: none did */
	bool output_blocked;

	enum relay_end end;
	int32_t status;
	struct error *err;
};

/* Takes the terminal over (where standard input is one, and is read, and the container has one),
 * runs, and gives it back, whatever happened. *ret_status: see above. err is set only for
 * RELAY_LOST and RELAY_FAILED.
 */
enum relay_end relay_run(const struct relay_params *params, int32_t *ret_status, struct error *err);
