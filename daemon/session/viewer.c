/* From the ring to a viewer, and what a viewer is told beside the output. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "daemon/session/object.h"

/* --- Its place in the ring ------------------------------------------------------------------- */

/* Everything up to `to` was sent, or is to be sent by other means. */
static void advance(struct viewer *viewer, uint64_t to)
{
	const struct ring *ring = &viewer->session->ring;

	viewer->offset = to;
	while (viewer->frame_end < to) {
		uint64_t end = ring_frame_end(ring, viewer->frame_end);

		viewer->bytes_before += ring_frame_bytes(viewer->frame_end, end);
		viewer->frame_end = end;
	}
	if (to == ring->head)
		viewer->slow = false;
}

static void move_to(struct viewer *viewer, uint64_t offset, uint64_t bytes_before)
{
	viewer->offset = viewer->frame_end = offset;
	viewer->bytes_before = bytes_before;
}

static void add_first(struct viewer *viewer, const void *data, size_t n)
{
	if (evbuffer_add(viewer->first, data, n) < 0)
		viewer->broken = true;
}

/* A frame that is half sent has to be completed before anything else: its rest is copied. */
static void complete_frame(struct viewer *viewer)
{
	struct iovec pieces[2];
	int n;

	if (viewer->offset == viewer->frame_end)
		return;
	n = ring_pieces(&viewer->session->ring, viewer->offset, viewer->frame_end, pieces);
	for (int i = 0; i < n; i++)
		add_first(viewer, pieces[i].iov_base, pieces[i].iov_len);
	viewer->offset = viewer->frame_end;
}

void viewer_overtaken(struct viewer *viewer, uint64_t end)
{
	if (viewer->behind || viewer->offset >= end)
		return;
	complete_frame(viewer);
	viewer->behind = viewer->offset < end;
}

/* --- What it is told ------------------------------------------------------------------------- */

void viewer_add_frame(struct viewer *viewer, enum frame_type type, const void *payload, size_t n)
{
	unsigned char header[FRAME_HEADER_SIZE];

	complete_frame(viewer);
	frame_put_header(header, type, (uint32_t)n);
	add_first(viewer, header, sizeof(header));
	add_first(viewer, payload, n);
}

char *session_snapshot(struct session *session, unsigned int history_rows, size_t *ret_size)
{
	output_show(session);
	return session->screen ? screen_snapshot(session->screen, history_rows, ret_size) : NULL;
}

static void add_snapshot(struct viewer *viewer)
{
	_cleanup_(freep) char *snapshot = NULL;
	size_t size;

	snapshot = session_snapshot(viewer->session, viewer->options.history_rows, &size);
	for (size_t at = 0; snapshot && at < size; at += FRAME_PAYLOAD_MAX) {
		size_t n = size - at < FRAME_PAYLOAD_MAX ? size - at : FRAME_PAYLOAD_MAX;

		viewer_add_frame(viewer, FRAME_SNAPSHOT, snapshot + at, n);
	}
}

/* A terminal is shown the present; of pipes as much as there is. */
static void catch_up(struct viewer *viewer)
{
	struct session *session = viewer->session;
	const struct ring *ring = &session->ring;
	bool terminal = session->pty_master >= 0;
	uint64_t bytes = terminal ? ring->bytes : ring->dropped_bytes;
	char notice[96];
	int n = snprintf(notice, sizeof(notice), "{\"notice\":\"lagged\",\"lost_bytes\":%llu}",
			 (unsigned long long)(bytes - viewer->bytes_before));

	move_to(viewer, terminal ? ring->head : ring->tail, bytes);
	viewer->behind = false;
	viewer_add_frame(viewer, FRAME_NOTICE, notice, (size_t)n);
	if (terminal)
		add_snapshot(viewer);
}

void viewer_detach(struct viewer *viewer, const char *reason, uid_t by_uid)
{
	char notice[96];
	int n = snprintf(notice, sizeof(notice),
			 "{\"notice\":\"detached\",\"reason\":\"%s\",\"by_uid\":%u}", reason,
			 (unsigned int)by_uid);

	viewer_send(viewer);
	viewer_add_frame(viewer, FRAME_NOTICE, notice, (size_t)n);
	viewer_send(viewer);
	viewer->broken = true;
}

static void add_status(struct viewer *viewer)
{
	unsigned char frame[FRAME_HEADER_SIZE + 4];

	add_first(viewer, frame, frame_put_status(frame, viewer->session->exit_status));
	viewer->status_sent = true;
}

/* --- Sending --------------------------------------------------------------------------------- */

bool viewer_has_output(const struct viewer *viewer)
{
	return evbuffer_get_length(viewer->first) > 0 || viewer->behind ||
	       viewer->offset < viewer->session->ring.head ||
	       (viewer->session->finished && !viewer->status_sent);
}

/* 1: all of it went, 0: it takes no more now, -1: it is gone. */
static int send_first(struct viewer *viewer)
{
	while (evbuffer_get_length(viewer->first)) {
		int n = evbuffer_write(viewer->first, viewer->fd);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno != EAGAIN ? -1 : 0;
	}
	return 1;
}

static int send_ring(struct viewer *viewer)
{
	const struct ring *ring = &viewer->session->ring;
	struct iovec pieces[2];
	ssize_t n;

	do {
		int n_pieces = ring_pieces(ring, viewer->offset, ring->head, pieces);

		n = writev(viewer->fd, pieces, n_pieces);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	advance(viewer, viewer->offset + (size_t)n);
	return viewer->offset == ring->head;
}

void viewer_send(struct viewer *viewer)
{
	struct session *session = viewer->session;
	int r = 1;

	while (r > 0 && !viewer->broken && viewer_has_output(viewer)) {
		if (evbuffer_get_length(viewer->first))
			r = send_first(viewer);
		else if (viewer->behind)
			catch_up(viewer);
		else if (viewer->offset < session->ring.head)
			r = send_ring(viewer);
		else
			add_status(viewer);
	}
	if (r < 0 || (r > 0 && viewer->status_sent))
		viewer->broken = true;
}

/* --- Its life -------------------------------------------------------------------------------- */

static void on_readable(evutil_socket_t fd, short what, void *userdata)
{
	struct viewer *viewer = userdata;

	(void)fd;
	(void)what;
	viewer_receive(viewer);
	session_serve(viewer->session);
}

static void on_writable(evutil_socket_t fd, short what, void *userdata)
{
	struct viewer *viewer = userdata;

	(void)fd;
	(void)what;
	session_serve(viewer->session);
}

static void tell(const struct viewer *viewer, bool came)
{
	const struct session *session = viewer->session;

	if (session->callbacks.viewer && !session->released)
		session->callbacks.viewer(session->userdata, viewer->options.uid,
					  viewer->options.input, came);
}

void viewer_free(struct viewer *viewer)
{
	struct session *session = viewer->session;

	TAILQ_REMOVE(&session->viewers, viewer, entry);
	session->n_viewers--;
	tell(viewer, false);
	(void)event_del(&viewer->readable);
	(void)event_del(&viewer->writable);
	(void)fd_close(viewer->fd);
	evbuffer_free(viewer->first);
	free(viewer->in);
	free(viewer);
}

static struct viewer *viewer_new(struct session *session, int socket,
				 const struct session_viewer_options *options)
{
	struct viewer *viewer = ALLOC(struct viewer);

	viewer->session = session;
	viewer->number = ++session->last_number;
	viewer->since_us = clock_realtime_us();
	viewer->fd = socket;
	viewer->options = *options;
	viewer->first = evbuffer_new();
	if (!viewer->first)
		abort();
	(void)event_assign(&viewer->readable, session->base, socket, EV_READ | EV_PERSIST,
			   on_readable, viewer);
	(void)event_assign(&viewer->writable, session->base, socket, EV_WRITE | EV_PERSIST,
			   on_writable, viewer);
	TAILQ_INSERT_TAIL(&session->viewers, viewer, entry);
	session->n_viewers++;
	tell(viewer, true);
	return viewer;
}

static unsigned int detach_all(struct session *session, const char *reason, uid_t by_uid)
{
	struct viewer *viewer;
	unsigned int n = 0;

	TAILQ_FOREACH (viewer, &session->viewers, entry) {
		viewer_detach(viewer, reason, by_uid);
		n++;
	}
	return n;
}

int session_check_viewer(const struct session *session, bool steal, struct error *err)
{
	if (steal || session->n_viewers < SESSION_VIEWERS_MAX)
		return 0;
	return error_set(err, ERROR_LIMIT_REACHED, "%u viewers are attached already",
			 session->n_viewers);
}

int session_add_viewer(struct session *session, int socket,
		       const struct session_viewer_options *options, const void *first,
		       size_t first_bytes, const void *early, size_t early_bytes, struct error *err)
{
	struct viewer *viewer;

	if (session_check_viewer(session, options->steal, err) < 0)
		return -1;
	if (options->steal)
		detach_all(session, "stolen", options->uid);
	viewer = viewer_new(session, socket, options);
	add_first(viewer, first, first_bytes);
	size_update(session, viewer);
	if (options->from_start) {
		move_to(viewer, session->ring.tail, session->ring.dropped_bytes);
	} else {
		move_to(viewer, session->ring.head, session->ring.bytes);
		add_snapshot(viewer);
	}
	if (early_bytes)
		viewer_received(viewer, early, early_bytes);
	if (session->unknown) {
		session->unknown = false;
		size_nudge(session);
	}
	session->callbacks.viewers_changed(session->userdata, session->n_viewers);
	session_serve(session);
	return 0;
}

/* --- All of them ----------------------------------------------------------------------------- */

void session_list_viewers(const struct session *session,
			  void (*callback)(void *userdata,
					   const struct session_viewer_info *viewer),
			  void *userdata)
{
	const struct viewer *viewer;

	TAILQ_FOREACH (viewer, &session->viewers, entry) {
		const struct session_viewer_info info = {
			.number = viewer->number,
			.uid = viewer->options.uid,
			.since_us = viewer->since_us,
			.rows = viewer->options.rows,
			.columns = viewer->options.columns,
			.input = viewer->options.input,
		};

		callback(userdata, &info);
	}
}

unsigned int session_detach(struct session *session, unsigned int number, uid_t by_uid)
{
	struct viewer *viewer;
	unsigned int n = 0;

	if (number == 0) {
		n = detach_all(session, "asked", by_uid);
	} else {
		TAILQ_FOREACH (viewer, &session->viewers, entry) {
			if (viewer->number != number)
				continue;
			viewer_detach(viewer, "asked", by_uid);
			n++;
		}
	}
	session_serve(session);
	return n;
}
