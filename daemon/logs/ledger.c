#include "daemon/logs/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"

#define KEPT_AS "ledger"

enum { VERSION = 1 };

static struct ledger_memory *map(int fd)
{
	const size_t size = sizeof(struct ledger_memory);
	struct stat st;
	void *memory;

	if (fd < 0 || fstat(fd, &st) < 0 ||
	    (st.st_size < (off_t)size && ftruncate(fd, (off_t)size) < 0))
		return NULL;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(struct ledger_memory *memory)
{
	if (memory)
		(void)munmap(memory, sizeof(*memory));
}

/* That of another version of this program is of no use. */
static bool use_kept(struct ledger *ledger, struct keep *keep)
{
	_cleanup_(fd_closep) int fd = keep ? keep_take(keep, KEPT_AS) : -1;
	struct ledger_memory *memory = map(fd);

	if (!memory || memory->version != VERSION ||
	    memory->entry_size != sizeof(struct ledger_entry)) {
		unmap(memory);
		if (fd >= 0)
			keep_forget(keep, KEPT_AS);
		return false;
	}
	*ledger = (struct ledger){ TAKE_FD(fd), memory };
	return true;
}

int ledger_open(struct ledger *ledger, struct keep *keep, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;
	struct ledger_memory *memory;

	if (use_kept(ledger, keep))
		return 0;
	fd = memfd_create("ledger", MFD_CLOEXEC);
	memory = map(fd);
	if (!memory)
		return error_set_errno(err, errno, "memory for the ledger of the logs");
	memory->version = VERSION;
	memory->entry_size = sizeof(struct ledger_entry);
	*ledger = (struct ledger){ TAKE_FD(fd), memory };
	if (keep)
		keep_store(keep, KEPT_AS, ledger->fd);
	return 0;
}

void ledger_leave(const struct ledger *ledger, struct keep *keep)
{
	if (ledger->memory)
		keep_store(keep, KEPT_AS, ledger->fd);
}

void ledger_close(struct ledger *ledger)
{
	if (!ledger->memory)
		return;
	unmap(TAKE_PTR(ledger->memory));
	ledger->fd = fd_close(ledger->fd);
}

/* A lock of a process (fcntl(2)), which ends with it. */
static void set_lock(int fd, int command, short type, enum ledger_table table, uint32_t number)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)table * LEDGER_ENTRIES_MAX + number,
		.l_len = 1,
	};

	while (fcntl(fd, command, &lock) < 0 && errno == EINTR)
		;
}

void ledger_lock(int lock_fd, enum ledger_table table, uint32_t number)
{
	set_lock(lock_fd, F_SETLKW, F_WRLCK, table, number);
}

void ledger_unlock(int lock_fd, enum ledger_table table, uint32_t number)
{
	set_lock(lock_fd, F_SETLK, F_UNLCK, table, number);
}
