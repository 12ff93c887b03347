#include "daemon/session/session.h"

#include <stdlib.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "daemon/session/object.h"

enum {
	/* How long one that reads too slowly is waited for, and what it must have read by then. At
	 * a terminal the present matters more than what is past; of pipes every byte does.
	 */
	TERMINAL_PATIENCE_MS = 100,
	TERMINAL_PROGRESS = 64 * 1024,
	PIPES_PATIENCE_MS = 1000,
	PIPES_PROGRESS = 1,
	LULL_MS = 5,
	/* Output that goes on when the process is gone is read for so many times SESSION_DRAIN_MS. */
	DRAIN_ROUNDS_MAX = 40,
};

static struct timeval milliseconds(int ms)
{
	return (struct timeval){ .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };
}

static void set_timer(struct session *session, int ms)
{
	const struct timeval time = milliseconds(ms);

	if (event_add(&session->timer, &time) < 0)
		abort();
}

/* --- Waiting for viewers and taps --------------------------------------------------------------------- */

static void start_patience(struct session *session)
{
	bool terminal = session->pty_master >= 0;
	const struct timeval time =
		milliseconds(terminal ? TERMINAL_PATIENCE_MS : PIPES_PATIENCE_MS);
	struct session_tap *tap;
	struct viewer *viewer;

	TAILQ_FOREACH (viewer, &session->viewers, entry)
		viewer->mark = viewer->offset;
	TAILQ_FOREACH (tap, &session->taps, entry)
		tap->mark = tap->offset;
	(void)event_add(&session->patience, &time);
}

static void on_patience(evutil_socket_t fd, short what, void *userdata)
{
	struct session *session = userdata;
	uint64_t wanted = session->pty_master >= 0 ? TERMINAL_PROGRESS : PIPES_PROGRESS;
	struct session_tap *tap;
	struct viewer *viewer;

	(void)fd;
	(void)what;
	TAILQ_FOREACH (tap, &session->taps, entry)
		if (session->waiting && tap->offset < session->ring.head &&
		    tap->offset - tap->mark < wanted)
			tap->slow = true;
	TAILQ_FOREACH (viewer, &session->viewers, entry)
		if (session->waiting && viewer->offset < session->ring.head &&
		    viewer->offset - viewer->mark < wanted)
			viewer->slow = true;
	session_serve(session);
}

/* --- What is waited for ---------------------------------------------------------------------- */

static void set_interest(struct event *event, short what, bool wanted)
{
	if (wanted == !!event_pending(event, what, NULL))
		return;
	if ((wanted ? event_add(event, NULL) : event_del(event)) < 0)
		abort();
}

static void update_interest(struct session *session)
{
	bool reading = session->begun && !session->waiting;
	bool full = input_is_full(session);
	struct viewer *viewer;

	for (size_t i = 0; i < session->n_outputs; i++)
		if (session->outputs[i].fd >= 0)
			set_interest(&session->outputs[i].readable, EV_READ, reading);
	/* When the process is gone, nobody reads its input; the hang-up of its terminal would be
	 * told without end.
	 */
	if (session->input >= 0)
		set_interest(&session->input_writable, EV_WRITE,
			     evbuffer_get_length(session->queue) > 0 && !session->ending);
	TAILQ_FOREACH (viewer, &session->viewers, entry) {
		bool replies = evbuffer_get_length(viewer->first) >= REPLIES_MAX;

		set_interest(&viewer->readable, EV_READ, !full && !replies);
		set_interest(&viewer->writable, EV_WRITE, viewer_has_output(viewer));
	}
	if (session->waiting && !event_pending(&session->patience, EV_TIMEOUT, NULL))
		start_patience(session);
	if (session->ending && !session->finished && outputs_ended(session))
		set_timer(session, 0);
}

static void on_lull(evutil_socket_t fd, short what, void *userdata)
{
	struct session *session = userdata;

	(void)fd;
	(void)what;
	session->floods = false;
	session_serve(session);
}

/* The rest of a flood is not to wait for more of it. */
static void start_lull(struct session *session)
{
	const struct timeval time = milliseconds(LULL_MS);

	if (!event_pending(&session->lull, EV_TIMEOUT, NULL) &&
	    event_add(&session->lull, &time) < 0)
		abort();
}

static void free_broken(struct session *session)
{
	struct viewer *viewer, *next;
	unsigned int before = session->n_viewers;

	for (viewer = TAILQ_FIRST(&session->viewers); viewer; viewer = next) {
		next = TAILQ_NEXT(viewer, entry);
		if (viewer->broken)
			viewer_free(viewer);
	}
	if (session->n_viewers == before || session->released)
		return;
	size_update(session, NULL);
	session->callbacks.viewers_changed(session->userdata, session->n_viewers);
}

static void remove_taps(struct session *session)
{
	struct session_tap *tap;

	while ((tap = TAILQ_FIRST(&session->taps)))
		session_remove_tap(tap);
}

static void destroy(struct session *session)
{
	struct viewer *viewer;

	remove_taps(session);
	while ((viewer = TAILQ_FIRST(&session->viewers)))
		viewer_free(viewer);
	for (size_t i = 0; i < session->n_outputs; i++)
		output_close(&session->outputs[i]);
	input_close(session);
	(void)event_del(&session->patience);
	(void)event_del(&session->lull);
	(void)event_del(&session->timer);
	(void)fd_close(session->pty_slave);
	(void)fd_close(session->pty_master);
	evbuffer_free(session->queue);
	screen_free(session->screen);
	ring_done(&session->ring);
	free(session);
}

/* All that session_serve does but for its last act. */
static void give(struct session *session)
{
	struct viewer *viewer;

	TAILQ_FOREACH (viewer, &session->viewers, entry)
		viewer_send(viewer);
	/* The screen and the taps after the viewers: nobody is to wait for them. */
	output_show(session);
	if (!taps_serve(session))
		start_lull(session);
	free_broken(session);
	if (session->waiting)
		session->waiting = !output_make_room(session);
}

void session_serve(struct session *session)
{
	give(session);
	if (session->released && !session->n_viewers) {
		destroy(session);
		return;
	}
	update_interest(session);
}

/* --- The beginning --------------------------------------------------------------------------- */

static void on_timer(evutil_socket_t fd, short what, void *userdata);

static int open_streams(struct session *session, const struct session_params *params,
			struct error *err)
{
	if (params->pty_master >= 0) {
		input_open(session, params->pty_master);
		return output_open(session, params->pty_master, FRAME_STDOUT, err);
	}
	input_open(session, params->stdin_fd);
	if (output_open(session, params->stdout_fd, FRAME_STDOUT, err) < 0)
		return -1;
	return output_open(session, params->stderr_fd, FRAME_STDERR, err);
}

int session_new(struct event_base *base, const struct session_params *params,
		const struct session_callbacks *callbacks, void *userdata, struct session **ret,
		struct error *err)
{
	struct session *session = ALLOC(struct session);

	session->base = base;
	session->callbacks = *callbacks;
	session->userdata = userdata;
	session->pty_master = params->pty_master;
	session->pty_slave = -1;
	session->rows = params->rows;
	session->columns = params->columns;
	session->size = params->size;
	TAILQ_INIT(&session->viewers);
	TAILQ_INIT(&session->taps);
	(void)evtimer_assign(&session->patience, base, on_patience, session);
	(void)evtimer_assign(&session->lull, base, on_lull, session);
	(void)evtimer_assign(&session->timer, base, on_timer, session);
	session->queue = evbuffer_new();
	if (!session->queue || open_streams(session, params, err) < 0) {
		if (session->queue)
			evbuffer_free(session->queue);
		free(session);
		return error_set(err, ERROR_FAILED, "make a session: out of memory");
	}
	*ret = session;
	return 0;
}

void session_begin(struct session *session)
{
	session->begun = true;
	update_interest(session);
}

void session_count(struct session *session, struct output_count *count)
{
	for (size_t i = 0; i < SESSION_COUNTS_MAX; i++)
		if (!session->counts[i]) {
			session->counts[i] = count;
			return;
		}
	abort();
}

void session_uncount(struct session *session, const struct output_count *count)
{
	for (size_t i = 0; i < SESSION_COUNTS_MAX; i++) {
		if (session->counts[i] != count)
			continue;
		/* They have no gap. */
		for (; i + 1 < SESSION_COUNTS_MAX; i++)
			session->counts[i] = session->counts[i + 1];
		session->counts[i] = NULL;
	}
}

unsigned int session_viewer_count(const struct session *session)
{
	return session->n_viewers;
}

/* --- The end --------------------------------------------------------------------------------- */

/* What is left of the output is read at once: most often that is all, up to its end. */
static void drain(struct session *session)
{
	for (size_t i = 0; i < session->n_outputs; i++)
		output_read(&session->outputs[i]);
}

static void finish(struct session *session)
{
	for (size_t i = 0; i < session->n_outputs; i++)
		output_close(&session->outputs[i]);
	input_close(session);
	session->waiting = false;
	session->finished = true;
}

/* The process is gone and the output goes on: that of another one, which holds it open. It is
 * given up when it falls silent, or in the end; but as long as it is we who do not read, because of
 * a viewer, no time is up.
 */
static bool goes_on(struct session *session)
{
	bool progress = session->ring.head != session->drain_mark;

	session->drain_mark = session->ring.head;
	if (session->waiting)
		return true;
	return progress && ++session->drain_rounds < DRAIN_ROUNDS_MAX;
}

static void on_ending(struct session *session)
{
	bool ended = outputs_ended(session);

	if (!ended && goes_on(session)) {
		set_timer(session, SESSION_DRAIN_MS);
		session_serve(session);
		return;
	}
	finish(session);
	give(session);
	update_interest(session);
	session->callbacks.finished(session->userdata);
}

/* After the release: viewers that do not take what is left for them have had their time. */
static void on_linger(struct session *session)
{
	struct viewer *viewer;

	TAILQ_FOREACH (viewer, &session->viewers, entry) {
		if (viewer->mark == viewer->offset)
			viewer->broken = true;
		viewer->mark = viewer->offset;
	}
	set_timer(session, SESSION_LINGER_MS);
	session_serve(session);
}

static void on_timer(evutil_socket_t fd, short what, void *userdata)
{
	struct session *session = userdata;

	(void)fd;
	(void)what;
	if (session->finished)
		on_linger(session);
	else
		on_ending(session);
}

void session_finish(struct session *session, int32_t exit_status)
{
	session->exit_status = exit_status;
	session->ending = true;
	session->drain_mark = session->ring.head;
	output_expect_end(session);
	drain(session);
	set_timer(session, SESSION_DRAIN_MS);
	update_interest(session);
}

void session_release(struct session *session)
{
	struct viewer *viewer;

	if (!session)
		return;
	session->released = true;
	remove_taps(session);
	if (!session->finished || !session->n_viewers) {
		destroy(session);
		return;
	}
	TAILQ_FOREACH (viewer, &session->viewers, entry)
		viewer->mark = UINT64_MAX; /* a full period from now */
	set_timer(session, SESSION_LINGER_MS);
}

/* --- In another process ---------------------------------------------------------------------- */

void session_get_fds(const struct session *session, int *ret_pty_master, int *ret_stdin,
		     int *ret_stdout, int *ret_stderr)
{
	bool terminal = session->pty_master >= 0;

	*ret_pty_master = session->pty_master;
	*ret_stdin = terminal ? -1 : session->input;
	*ret_stdout = terminal ? -1 : session->outputs[0].fd;
	*ret_stderr = terminal ? -1 : session->outputs[1].fd;
}

char *session_save(struct session *session, size_t *ret_size)
{
	output_show(session);
	if (!session->screen)
		return NULL;
	return screen_snapshot(session->screen, SCREEN_HISTORY_MAX, ret_size);
}

void session_restore(struct session *session, const void *saved, size_t n, bool whole)
{
	session->unknown = !whole && session->pty_master >= 0;
	if (n == 0 || session->pty_master < 0)
		return;
	screen_write(output_screen(session), saved, n);
	/* What was asked in it was answered then. */
	(void)screen_take_answers(session->screen, NULL);
}

bool session_knows_screen(const struct session *session)
{
	return !session->unknown;
}

char *session_look(struct session *session, bool painted, size_t *ret_size,
		   struct screen_state *ret_state)
{
	struct screen *screen;

	if (session->pty_master < 0)
		return NULL;
	output_show(session);
	screen = output_screen(session);
	screen_get_state(screen, ret_state);
	ret_state->title = alloc_strdup(ret_state->title);
	return painted ? screen_paint(screen, ret_size) : screen_get_text(screen, ret_size);
}

void session_walk(struct session *session,
		  void (*callback)(void *userdata, const struct screen_run *run), void *userdata)
{
	if (session->pty_master < 0)
		return;
	output_show(session);
	screen_walk(output_screen(session), callback, userdata);
}
