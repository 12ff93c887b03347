/* What a terminal shows, kept where it outlives the daemon, whenever that may be killed: a memfd beside
 * the process's other descriptors, with the screen as it was at some time and the output since then.
 * The output is copied there as it comes; the screen is painted anew when so much has come that
 * there is no more room for it. Private to daemon/container.
 */
#pragma once

struct kept_screen;
struct process;

/* For a process whose session was opened, and nothing was read from; none if it has no terminal, or
 * nobody keeps descriptors.
 */
void kept_screen_begin(struct process *process);

/* The same for one that is adopted: its screen is made again from what was kept. */
void kept_screen_restore(struct process *process);

/* As it is now, for the next daemon. */
void kept_screen_leave(struct process *process);

/* Before its session is released. */
void kept_screen_end(struct process *process);
