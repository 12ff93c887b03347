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
#include "common/clock.h"
#include "common/output_count.h"
#include "daemon/container/kept.h"
#include "daemon/session/tap.h"

enum {
	VERSION = 2,
	TAIL_MAX = 512 * 1024,
	TAIL_LONG = 32 * 1024,	      /* what is more is given back some time */
	SCREEN_MAX = 2 * 1024 * 1024, /* of ordinary ones, some 10 KiB */
	GIVE_BACK_US = 1000 * 1000,
	LOST_US = 20 * 1000, /* how soon it is painted again when it is not whole */
	PAINT_SHARE = 20,    /* it is painted for one part in so many of the time, at most */
};

/* A screen and what was written to it since. Where nothing was written, there is no memory. */
struct slot {
	uint32_t n_screen;
	_Atomic uint32_t n_tail;
	_Atomic uint32_t lost; /* output came for which there was no place */
	uint64_t shown;	       /* bytes of output until the screen was painted */
	char tail[TAIL_MAX];
	char screen[SCREEN_MAX];
};

/* Two of them: one is whole while the other is written. */
struct file {
	uint32_t version;
	_Atomic uint32_t current; /* index of a slot */
	struct output_count count;
	struct slot slots[2];
};

struct kept_screen {
	struct session_tap tap;
	struct process *process;
	struct file *file;
	int fd;
	struct event *timer;		 /* until the screen is painted again */
	bool repairs;			 /* and that is because it is not whole */
	int64_t painted_at_us, paint_us; /* when that was done last, and how long it took */
	uint64_t taken;			 /* bytes of output until now, lost ones among them */
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
	int64_t begin_us = clock_monotonic_us();
	size_t n = 0;

	screen = session_save(kept->process->session, &n);
	slot->n_tail = 0;
	slot->lost = n > SCREEN_MAX || !session_knows_screen(kept->process->session);
	slot->shown = kept->file->count.bytes;
	slot->n_screen = n > SCREEN_MAX ? 0 : (uint32_t)n;
	if (slot->n_screen)
		(void)memcpy(slot->screen, screen, n);
	kept->file->version = VERSION;
	atomic_store_explicit(&kept->file->current, index, memory_order_release);
	(void)fallocate(kept->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)((char *)&kept->file->slots[index ^ 1] - (char *)kept->file),
			sizeof(*slot));
	kept->repairs = false;
	kept->painted_at_us = clock_monotonic_us();
	kept->paint_us = kept->painted_at_us - begin_us;
}

static void on_timer(evutil_socket_t fd, short what, void *userdata)
{
	(void)fd;
	(void)what;
	paint(userdata);
}

static void paint_in(struct kept_screen *kept, int64_t us)
{
	const struct timeval delay = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 };

	(void)event_add(kept->timer, &delay);
}

static void lose(struct kept_screen *kept)
{
	int64_t least_us = kept->paint_us * PAINT_SHARE;

	current(kept)->lost = true;
	if (!kept->repairs)
		paint_in(kept, least_us > LOST_US ? least_us : LOST_US);
	kept->repairs = true;
}

/* Room for what comes, where painting has not become too dear. */
static bool make_room(struct kept_screen *kept)
{
	int64_t since_us = clock_monotonic_us() - kept->painted_at_us;

	if (since_us < kept->paint_us * PAINT_SHARE)
		return false;
	paint(kept);
	return true;
}

static void add(struct kept_screen *kept, const struct session_chunk *chunk)
{
	struct slot *slot = current(kept);
	uint32_t n = slot->n_tail;

	kept->taken += chunk->size;
	if (slot->lost || (chunk->size > TAIL_MAX - n && !make_room(kept))) {
		lose(kept);
		return;
	}
	slot = current(kept);
	n = slot->n_tail;
	/* It was painted when this was in the ring already. */
	if (kept->taken <= slot->shown)
		return;
	for (int i = 0; i < chunk->n_pieces; i++) {
		(void)memcpy(slot->tail + n, chunk->pieces[i].iov_base, chunk->pieces[i].iov_len);
		n += (uint32_t)chunk->pieces[i].iov_len;
	}
	atomic_store_explicit(&slot->n_tail, n, memory_order_release);
	if (n > TAIL_LONG && !evtimer_pending(kept->timer, NULL))
		paint_in(kept, GIVE_BACK_US);
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

	kept->taken += bytes;
	lose(kept);
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

/* Whether every byte that was read is in what is kept. */
static bool is_whole(struct file *file, const struct slot *slot)
{
	return !slot->lost && atomic_exchange(&file->count.more, 0) == 0 &&
	       slot->shown + slot->n_tail == file->count.bytes;
}

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
	session_restore(kept->process->session, text, n_screen + n_tail,
			is_whole(kept->file, slot));
	return true;
}

/* What another version of this program has left. */
static void clear(struct kept_screen *kept)
{
	(void)fallocate(kept->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			sizeof(*kept->file));
	kept->file->version = VERSION;
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
	kept->tap.at_once = true;
	kept->taken = kept->file->count.bytes;
	kept->timer = evtimer_new(process->base, on_timer, kept);
	if (!kept->timer)
		abort();
	session_add_tap(process->session, &kept->tap, true);
	session_count(process->session, &kept->file->count);
	process->kept_screen = kept;
}

static void begin_new(struct process *process)
{
	begin(process, memfd_create("screen", MFD_CLOEXEC));
	if (process->kept_screen)
		process->kept_screen->file->version = VERSION;
}

void kept_screen_begin(struct process *process)
{
	if (!keep_is_active(process->keep) || !process_has_terminal(process))
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
	if (!kept || !read_back(kept)) {
		session_restore(process->session, NULL, 0, false);
		if (kept)
			clear(kept);
	}
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
	if (!process_has_terminal(process))
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
	session_uncount(process->session, &kept->file->count);
	event_free(kept->timer);
	(void)munmap(kept->file, sizeof(*kept->file));
	(void)close(kept->fd);
	free(kept);
}
