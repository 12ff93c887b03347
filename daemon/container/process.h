/* A process with a session: the main process of a container, or one that was executed in it later.
 * This is where launches and sessions meet. Private to daemon/container but for the names in
 * container.h.
 */
#pragma once

#include "daemon/container/container.h"
#include "daemon/launch/launch.h"
#include "daemon/session/session.h"
#include "daemon/store/keep.h"

enum { PROCESS_NAME_SIZE = KEEP_NAME_MAX - 8 };

/* What its owner is told, from the loop: started or failed, ended (only after started), and gone,
 * when nothing is left of the process; ended and gone come in any order. After process_release only
 * gone comes.
 */
struct process_events {
	void (*started)(struct process *process);
	void (*failed)(struct process *process, const struct error *err);
	void (*ended)(struct process *process); /* and its output is read to the end */
	void (*gone)(struct process *process);
	void (*warned)(struct process *process, const char *message); /* before started */
	void (*viewers_changed)(struct process *process);
	/* A viewer came, or went. */
	void (*viewer)(struct process *process, uid_t uid, bool input, bool came);
	/* It has a session, from which nothing was read yet. May be NULL. */
	void (*opened)(struct process *process);
	/* Its network namespace is there, to put interfaces in (LAUNCH_NETWORK_OWN). */
	int (*network)(struct process *process, struct error *err);
	/* Says why it has no session now: ERROR_WRONG_STATE. Returns -1. */
	int (*not_running)(const struct process *process, struct error *err);
};

struct process {
	const struct process_events *events;
	struct event_base *base;
	struct keep *keep;
	char kept_as[PROCESS_NAME_SIZE]; /* what the names of its kept descriptors begin with */
	struct launch *launch;		 /* until it is reaped */
	struct session *session;	 /* until its output is drained */
	struct kept_screen *kept_screen; /* NULL: it has none */
	unsigned int kept;		 /* which: bits of enum kept */
	uint16_t rows, columns;		 /* of its terminal, at first */
	enum size_policy size;
	bool joins;	/* it is an exec */
	bool started;	/* runs, or has ended and is not released */
	bool held;	/* its output waits for the first viewer */
	bool exit_held; /* and so does its end */
	bool released;
	int wait_status;
	unsigned int viewers;
};

/* name is what the names of its descriptors begin with where they are kept (daemon/store/keep.h). */
void process_init(struct process *process, struct event_base *base, struct keep *keep,
		  const char *name, const struct process_events *events);

/* Starts it; output is not read before process_begin if it is held. */
int process_launch(struct process *process, struct launcher *launcher,
		   const struct launch_params *params, bool hold, struct error *err);
int process_exec(struct process *process, struct launcher *launcher,
		 const struct launch_exec_params *params, bool hold, struct error *err);

/* Goes on with one that an earlier daemon has left, from the descriptors that were kept under its name;
 * started is not called. pid is what the record says. ERROR_FAILED if too few of them are there: then
 * the process has been told to end, if it was not gone already, and all of them are forgotten.
 */
int process_adopt(struct process *process, struct launcher *launcher, pid_t pid, struct error *err);

/* Of one with a session. */
bool process_has_terminal(const struct process *process);

/* Lets go of it, and leaves it to the next daemon. No callback comes any more. */
void process_leave(struct process *process);

/* For the three above: whose terminal decides its size; text may be NULL, and is valid
 * (parse_terminal_size). *rows and *columns are replaced where the policy names some.
 */
void process_set_size(struct process *process, const char *policy, uint16_t *rows,
		      uint16_t *columns);

/* As a shell has it. */
int process_exit_status(const struct process *process);

int process_signal(struct process *process, int number, struct error *err);

/* Lets go of the session, with its viewers. The launch stays until it is gone. */
void process_release(struct process *process);

/* Lets go of everything; what runs is killed. No callback comes any more. */
void process_done(struct process *process);
