/* Which entry of the ledger is which log's. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/alloc.h"
#include "daemon/logs/link.h"

static struct ledger_entry *entry_of(const struct link *link, uint32_t number)
{
	return &link->ledger->memory->entries[link->table][number];
}

static void make_room_for(struct link *link, uint32_t number)
{
	const uint32_t wanted = number + 64;

	if (number < link->n_logs)
		return;
	link->logs = alloc_resize(link->logs, wanted * sizeof(*link->logs));
	while (link->n_logs < wanted)
		link->logs[link->n_logs++] = NULL;
}

/* Entries that the daemon before has named are left to whom they are for. */
static uint32_t free_number(struct link *link)
{
	uint32_t number = 0;

	while (number < LEDGER_ENTRIES_MAX &&
	       ((number < link->n_logs && link->logs[number]) || entry_of(link, number)->name[0]))
		number++;
	return number;
}

static bool find_left(const struct link *link, const char *name, uint32_t *ret)
{
	for (uint32_t i = 0; i < link->n_left; i++) {
		if (strcmp(entry_of(link, i)->name, name) != 0 ||
		    (i < link->n_logs && link->logs[i]))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

/* A new owner of an entry, of whose output nothing was read. */
static void begin(struct log *log, const char *name)
{
	struct ledger_entry *entry = log->entry;

	entry->name[0] = '\0';
	atomic_store(&entry->count.bytes, 0);
	atomic_store(&entry->count.more, 0);
	atomic_store(&entry->doubtful, 0);
	entry->owner = log->owner = ++log->link->ledger->memory->owners;
	(void)memcpy(entry->name, name, LEDGER_NAME_SIZE);
}

/* The daemon before was killed: it may have been about to count what it had read. */
static void go_on(struct log *log)
{
	struct ledger_entry *entry = log->entry;
	uint32_t more = atomic_exchange(&entry->count.more, 0);

	atomic_fetch_add(&entry->doubtful, more);
	atomic_fetch_add(&entry->count.bytes, more);
	log->owner = entry->owner;
	log->position = entry->count.bytes;
}

bool log_take_entry(struct log *log)
{
	char name[LEDGER_NAME_SIZE] = "";
	struct link *link = log->link;
	bool left;

	if (log->params.owner)
		(void)snprintf(name, sizeof(name), "%s", log->params.owner);
	left = name[0] && find_left(link, name, &log->number);
	if (!left)
		log->number = free_number(link);
	assert(log->number < LEDGER_ENTRIES_MAX); /* there are not so many descriptors */
	if (link->ledger->memory->used[link->table] <= log->number)
		link->ledger->memory->used[link->table] = log->number + 1;
	make_room_for(link, log->number);
	link->logs[log->number] = log;
	log->entry = entry_of(link, log->number);
	if (left)
		go_on(log);
	else
		begin(log, name);
	return left;
}

void log_give_back_entry(struct log *log)
{
	log->entry->name[0] = '\0';
	log->link->logs[log->number] = NULL;
}

uint64_t log_unlogged(const struct log *log)
{
	const struct ledger_entry *entry = log->entry;
	uint64_t logged = entry->logged_owner == entry->owner ? entry->logged : 0;

	return log->position - logged + entry->doubtful;
}

struct output_count *log_count(const struct log *log)
{
	return &log->entry->count;
}

void link_settle(struct link *link)
{
	for (uint32_t i = 0; i < link->n_left; i++)
		if (i >= link->n_logs || !link->logs[i])
			entry_of(link, i)->name[0] = '\0';
	link->n_left = 0;
}
