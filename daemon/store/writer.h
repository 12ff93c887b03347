/* The store's writer: a process that makes records durable, and deletes what is in the trash while
 * it has nothing else to do. Private to daemon/store.
 *
 * It reads jobs from a SOCK_SEQPACKET socket, one a packet, a `struct job` and the record's text
 * behind it, and answers each with a `struct job_result`, in order. It takes several at a time, so
 * that they share the synchronisation of the directories. It ends when the other side is closed and
 * everything is done.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/name.h"

enum job_kind { JOB_WRITE = 1, JOB_REMOVE, JOB_SWEEP };

enum job_place { JOB_CONTAINER, JOB_VOLUME, JOB_NETWORK, JOB_PLACE_COUNT };

struct job {
	uint32_t kind, place;
	uint32_t text_size;
	char id[ID_LENGTH + 1];
};

struct job_result {
	int32_t errnum; /* 0: done and durable */
};

enum { RECORD_SIZE_MAX = 160 * 1024 };

/* Never returns. state_fd is the state directory. */
_Noreturn void writer_run(int socket, int state_fd);

/* Deletes up to n entries of the directory `trash` below state_fd, at any depth. Returns 1 while
 * something is left that may be deleted, 0 if not.
 */
int sweep_some(int state_fd, unsigned int n);
