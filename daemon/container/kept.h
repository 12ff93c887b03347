/* The descriptors of a process that outlive the daemon, under their names. Private to
 * daemon/container.
 */
#pragma once

#include "daemon/container/process.h"

enum kept {
	KEPT_PIDFD,
	KEPT_CONTROL,
	KEPT_TERMINAL,
	KEPT_INPUT,
	KEPT_OUTPUT,
	KEPT_ERROR,
	KEPT_SCREEN, /* kept_screen.c */
	KEPT_COUNT
};

/* One of them: a copy of it is kept; and what was kept, the caller's, or -1. */
void kept_store(struct process *process, enum kept kept, int fd);
int kept_get(struct process *process, enum kept kept);

/* What the names of a container's, or of an exec's, begin with; whether it is the name of a pidfd. */
#define KEPT_PREFIX "c-"
void kept_base(const char *id, const char *exec_id, char name[PROCESS_NAME_SIZE]);
bool kept_is_pidfd(const char *name);

void kept_store_stdio(struct process *process, const struct launch_stdio *stdio);
void kept_store_launch(struct process *process);
void kept_forget(struct process *process, enum kept kept);
void kept_forget_all(struct process *process);

/* What process_adopt needs. -1 if too little is there: that is closed and forgotten. */
int kept_take(struct process *process, struct launch_adopt_params *launch,
	      struct launch_stdio *stdio, struct error *err);

void kept_get_size(int terminal, uint16_t *ret_rows, uint16_t *ret_columns);
