/* How far each log is: how much output was read, and how much of it the writer has written, or told to
 * be missing. It lies in memory that outlives the daemon and the writer, whenever either is killed: a
 * memfd that is kept with the other descriptors (daemon/store/keep.h). The difference is what a log
 * lacks, and whoever writes to it next says so in it. Private to daemon/logs.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "common/error.h"
#include "common/output_count.h"
#include "daemon/store/keep.h"

/* A table for each writer. The numbers of its logs are those of their entries. */
enum ledger_table { LEDGER_FILES, LEDGER_JOURNAL, LEDGER_TABLES };

enum {
	LEDGER_NAME_SIZE = 32,
	LEDGER_ENTRIES_MAX = 256 * 1024, /* memory is taken for those that are used */
};

struct ledger_entry {
	char name[LEDGER_NAME_SIZE]; /* by which the next daemon finds it; empty: it need not */
	struct output_count count;
	/* Up to there all is written, or told to be missing; so far by the writer alone. Of an owner
	 * that the writer has not heard of, nothing is.
	 */
	_Atomic uint64_t logged;
	_Atomic uint32_t owner, logged_owner;
	/* So many of those that are counted may never have been there; until the writer has told it. */
	_Atomic uint64_t doubtful;
	/* By the writer: it is writing; and one was killed while it was, so that more may be written
	 * than is counted.
	 */
	_Atomic uint32_t writing, cut;
};

struct ledger_memory {
	uint32_t version, entry_size;
	uint32_t owners;	      /* so many there were until now */
	uint32_t used[LEDGER_TABLES]; /* no entry was used from this one on */
	struct ledger_entry entries[LEDGER_TABLES][LEDGER_ENTRIES_MAX];
};

struct ledger {
	int fd;
	struct ledger_memory *memory; /* NULL: there is none */
};

/* That of the daemon before, or an empty one. keep may be NULL. */
int ledger_open(struct ledger *ledger, struct keep *keep, struct error *err);
void ledger_leave(const struct ledger *ledger, struct keep *keep);
void ledger_close(struct ledger *ledger);

/* For a writer: waits until no other process has the entry locked. lock_fd is its copy of fd. */
void ledger_lock(int lock_fd, enum ledger_table table, uint32_t number);
void ledger_unlock(int lock_fd, enum ledger_table table, uint32_t number);
