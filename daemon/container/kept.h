/* The descriptors of a process that outlive the daemon, under their names. Private to
 * daemon/container/process.c.
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
	KEPT_SCREEN, /* what session_save gave, in a memfd */
	KEPT_COUNT
};

void kept_store_stdio(struct process *process, const struct launch_stdio *stdio);
void kept_store_launch(struct process *process);
void kept_forget(struct process *process, enum kept kept);
void kept_forget_all(struct process *process);

/* What process_adopt needs. -1 if too little is there: that is closed and forgotten. */
int kept_take(struct process *process, struct launch_adopt_params *launch,
	      struct launch_stdio *stdio, struct error *err);

void kept_get_size(int terminal, uint16_t *ret_rows, uint16_t *ret_columns);
void kept_save_screen(struct process *process);
void kept_restore_screen(struct process *process);
