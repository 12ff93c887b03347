#include "daemon/container/kept_screen.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/container/kept.h"
#include "daemon/session/tap.h"

enum {
	VERSION = 1,
	TAIL_MAX = 64 * 1024,
	SCREEN_MAX = 2 * 1024 * 1024, /* of ordinary ones, some 10 KiB */
	PAINT_MS = 1000,
};

/* A screen and what was written to it since. Where nothing was written, there is no memory. */
struct slot {
	uint32_t n_screen;
	_Atomic uint32_t n_tail;
	_Atomic uint32_t lost; /* output came for which there was no place */
	char tail[TAIL_MAX];
	char screen[SCREEN_MAX];
};

/* Two of them: one is whole while the other is written. */
struct file {
	uint32_t version;
	_Atomic uint32_t current; /* index of a slot */
	struct slot slots[2];
};

struct kept_screen {
	struct session_tap tap;
	struct process *process;
	struct file *file;
	int fd;
	struct event *timer; /* until the screen may be written again */
};

static struct slot *current(const struct kept_screen *kept)
{
	return &kept->file->slots[kept->file->current & 1];
}

/* --- Writing --------------------------------------------------------------------------------- */

/* The slot is whole before it is the current one; what the other had is given back. */
static void paint(struct kept_screen *kept)
{
	_cleanup_(freep) char *screen = NULL;
	uint32_t index = (kept->file->current & 1) ^ 1;
	struct slot *slot = &kept->file->slots[index];
	size_t n = 0;

	screen = session_save(kept->process->session, &n);
	slot->n_tail = 0;
	slot->lost = n > SCREEN_MAX || !session_knows_screen(kept->process->session);
	slot->n_screen = n > SCREEN_MAX ? 0 : (uint32_t)n;
	if (slot->n_screen)
		(void)memcpy(slot->screen, screen, n);
	kept->file->version = VERSION;
	atomic_store_explicit(&kept->file->current, index, memory_order_release);
	(void)fallocate(kept->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)((char *)&kept->file->slots[index ^ 1] - (char *)kept->file),
			sizeof(*slot));
}

static void on_timer(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	paint(userdata);
}

static void paint_in(struct kept_screen *kept, int ms)
{
	const struct timeval delay = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	if (ms == 0 || !evtimer_pending(kept->timer, NULL))
		(void)event_add(kept->timer, &delay);
}

static void add(struct kept_screen *kept, const struct session_chunk *chunk)
{
	struct slot *slot = current(kept);
	uint32_t n = slot->n_tail;

	if (slot->lost || chunk->size > TAIL_MAX - n) {
		slot->lost = true;
		paint_in(kept, PAINT_MS);
		return;
	}
	for (int i = 0; i < chunk->n_pieces; i++) {
		(void)memcpy(slot->tail + n, chunk->pieces[i].iov_base, chunk->pieces[i].iov_len);
		n += (uint32_t)chunk->pieces[i].iov_len;
	}
	atomic_store_explicit(&slot->n_tail, n, memory_order_release);
	if (n > TAIL_MAX / 2)
		paint_in(kept, PAINT_MS);
}

static size_t on_output(struct session_tap *tap, const struct session_chunk *chunks, size_t n,
			bool last)
{
	struct kept_screen *kept = (struct kept_screen *)tap;

	for (size_t i = 0; i < n && !last; i++)
		add(kept, &chunks[i]);
	return n;
}

static void on_lost(struct session_tap *tap, uint64_t bytes)
{
	struct kept_screen *kept = (struct kept_screen *)tap;

	(void)bytes;
	current(kept)->lost = true;
	paint_in(kept, PAINT_MS);
}

/* What was written for the size before is not to be read for this one. */
static void on_resized(struct session_tap *tap, uint16_t rows, uint16_t columns)
{
	(void)rows;
	(void)columns;
	paint_in((struct kept_screen *)tap, 0);
}

static const struct session_tap_ops tap_ops = {
	.output = on_output,
	.lost = on_lost,
	.resized = on_resized,
};

_Static_assert(offsetof(struct kept_screen, tap) == 0, "a tap of it is it");

/* --- Reading --------------------------------------------------------------------------------- */

/* Makes the screen again; false if there is nothing that could be read. */
static bool read_back(struct kept_screen *kept)
{
	const struct slot *slot = current(kept);
	size_t n_screen = slot->n_screen, n_tail = slot->n_tail;
	_cleanup_(freep) char *text = NULL;

	if (kept->file->version != VERSION || n_screen > SCREEN_MAX || n_tail > TAIL_MAX)
		return false;
	text = alloc_zero(1, n_screen + n_tail + 1);
	(void)memcpy(text, slot->screen, n_screen);
	(void)memcpy(text + n_screen, slot->tail, n_tail);
	session_restore(kept->process->session, text, n_screen + n_tail, !slot->lost);
	return true;
}

/* --- Its life -------------------------------------------------------------------------------- */

/* fd is taken. */
static void begin(struct process *process, int fd)
{
	_cleanup_(fd_closep) int taken = fd;
	struct kept_screen *kept;
	struct stat st;
	void *file;

	if (taken < 0 || fstat(taken, &st) < 0 ||
	    (st.st_size < (off_t)sizeof(struct file) && ftruncate(taken, sizeof(struct file)) < 0))
		return;
	file = mmap(NULL, sizeof(struct file), PROT_READ | PROT_WRITE, MAP_SHARED, taken, 0);
	if (file == MAP_FAILED)
		return;
	kept = ALLOC(struct kept_screen);
	kept->process = process;
	kept->file = file;
	kept->fd = TAKE_FD(taken);
	kept->tap.ops = &tap_ops;
	kept->timer = evtimer_new(process->base, on_timer, kept);
	if (!kept->timer)
		abort();
	session_add_tap(process->session, &kept->tap, true);
	process->kept_screen = kept;
}

static void begin_new(struct process *process)
{
	begin(process, memfd_create("screen", MFD_CLOEXEC));
	if (process->kept_screen)
		process->kept_screen->file->version = VERSION;
}

static bool has_terminal(const struct process *process)
{
	int terminal, ignored;

	session_get_fds(process->session, &terminal, &ignored, &ignored, &ignored);
	return terminal >= 0;
}

void kept_screen_begin(struct process *process)
{
	if (!keep_is_active(process->keep) || !has_terminal(process))
		return;
	begin_new(process);
	if (process->kept_screen)
		kept_store(process, KEPT_SCREEN, process->kept_screen->fd);
}

void kept_screen_restore(struct process *process)
{
	struct kept_screen *kept;

	begin(process, kept_get(process, KEPT_SCREEN));
	kept = process->kept_screen;
	if (!kept || !read_back(kept))
		session_restore(process->session, NULL, 0, false);
	if (!kept)
		kept_screen_begin(process);
	kept = process->kept_screen;
	if (kept && !session_knows_screen(process->session))
		on_lost(&kept->tap, 0);
	/* It was for the way from one image of the program to the next. */
	if (kept && !keep_is_active(process->keep))
		kept_screen_end(process);
}

void kept_screen_leave(struct process *process)
{
	if (!has_terminal(process))
		return;
	if (!process->kept_screen)
		begin_new(process);
	if (!process->kept_screen)
		return;
	paint(process->kept_screen);
	kept_store(process, KEPT_SCREEN, process->kept_screen->fd);
}

void kept_screen_end(struct process *process)
{
	struct kept_screen *kept = TAKE_PTR(process->kept_screen);

	if (!kept)
		return;
	session_remove_tap(&kept->tap);
	event_free(kept->timer);
	(void)munmap(kept->file, sizeof(*kept->file));
	(void)close(kept->fd);
	free(kept);
}
