/* Reaped children: one SIGCHLD watcher drains waitid(2) and hands each exit to whoever watches
 * that pid. Register before the child can be reaped, that is before the loop runs again.
 */
#pragma once

#include <sys/types.h>

#include <event2/event.h>

#include "common/error.h"

struct reaper;

/* status is a wait status (wait(2)), not an exit status. The watch is gone when this is called. */
typedef void (*reaper_callback)(void *userdata, pid_t pid, int wait_status);

int reaper_new(struct event_base *base, struct reaper **ret, struct error *err);
struct reaper *reaper_free(struct reaper *reaper);

/* One watch a pid. */
void reaper_watch(struct reaper *reaper, pid_t pid, reaper_callback callback, void *userdata);
void reaper_unwatch(struct reaper *reaper, pid_t pid);
