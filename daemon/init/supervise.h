/* Process 1 while the command runs. */
#pragma once

#include <sys/types.h>

/* Reaps whatever dies in the container, forwards orders from control and signals sent to this
 * process to main_pid, and reports that one's wait status as soon as it ends. Returns then, or when
 * the daemon is gone: process 1 is to exit, upon which the kernel kills all others. All signals
 * must be blocked.
 */
void supervise(int control, pid_t main_pid);
