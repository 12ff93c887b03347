/* Signals that a process 1 would never see. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Whether this signal, which would end any other process, is lost on the process 1 of a pid
 * namespace: the kernel drops what such a process neither handles nor blocks, but for SIGKILL and
 * SIGSTOP (pid_namespaces(7)). One that it ignores is not lost: it was meant to be ignored. pid must
 * be a process that is not reaped yet. False also where the kernel does not tell.
 */
bool deaf_to(pid_t pid, int number);
