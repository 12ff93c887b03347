/* What a session is made of; private to daemon/session. */
#pragma once

#include <sys/queue.h>

#include <event2/buffer.h>
#include <event2/event_struct.h>

#include "common/output_count.h"
#include "daemon/session/ring.h"
#include "daemon/session/screen.h"
#include "daemon/session/session.h"
#include "daemon/session/tap.h"

enum {
	OUTPUTS_MAX = 2,
	INPUT_MAX = 64 * 1024,	 /* bytes of input that wait before viewers are not read any more */
	REPLIES_MAX = 64 * 1024, /* the same for what a viewer has to be told beside the output */
};

/* One stream of the process's output. */
struct output {
	struct session *session;
	enum frame_stream stream;
	int fd; /* -1: at its end */
	struct event readable;
};

struct viewer {
	TAILQ_ENTRY(viewer) entry;
	struct session *session;
	unsigned int number;
	int64_t since_us; /* of the day */
	int fd;
	struct event readable, writable;
	struct session_viewer_options options; /* rows and columns: as it said last */

	/* What is to be sent: `first`, then the ring from offset on. */
	struct evbuffer *first;
	uint64_t offset;
	uint64_t frame_end; /* of the frame that offset is within; equal to it at a frame's begin */
	uint64_t bytes_before; /* of output, in the frames before frame_end */
	uint64_t mark;	       /* offset when its progress was last looked at */
	bool behind;	       /* fell out of the ring: to be told, and shown the present */
	bool slow;	       /* not waited for until it has caught up */
	bool status_sent;
	bool broken; /* to be freed */

	unsigned char *in; /* the beginning of a frame of its, in_size bytes */
	size_t in_size, in_capacity;
};

TAILQ_HEAD(viewer_list, viewer);
TAILQ_HEAD(tap_list, session_tap);

struct session {
	struct event_base *base;
	struct session_callbacks callbacks;
	void *userdata;
	bool released; /* the owner is gone */

	int pty_master; /* or -1; also the fd of outputs[0] and of input */
	int pty_slave;	/* held while the program has closed its terminal; see output.c */
	uint16_t rows, columns;
	enum size_policy size;
	struct output outputs[OUTPUTS_MAX];
	size_t n_outputs;

	int input; /* the pty master or standard input's pipe; -1: nobody reads any more */
	struct event input_writable;
	struct evbuffer *queue; /* for input */
	bool input_ends;	/* after the queue */

	struct ring ring;
	struct output_count *counts[SESSION_COUNTS_MAX]; /* NULL: there is none */
	struct screen *screen;				 /* of a terminal, once it was written to */
	uint64_t seen;					 /* by the screen: offset of a frame */
	bool unknown; /* what the screen showed before this session */

	struct viewer_list viewers;
	unsigned int n_viewers, last_number;
	struct tap_list taps;
	bool waiting; /* for viewers or taps, before more output is read */
	struct event patience;
	bool floods;	   /* much was read at once: taps wait until it is worth their while, */
	struct event lull; /* or until this is over */

	bool begun;
	bool ending;   /* the process is gone */
	bool finished; /* and so is its output */
	int32_t exit_status;
	unsigned int drain_rounds;
	uint64_t drain_mark;
	struct event timer; /* of the drain, then of the end, then of the lingering */
};

/* --- session.c ------------------------------------------------------------------------------- */

/* Gives every viewer what there is for it, frees those that are done, and sets what is waited for.
 * Every callback of the loop ends with it: it may free the session.
 */
void session_serve(struct session *session);

/* --- output.c -------------------------------------------------------------------------------- */

int output_open(struct session *session, int fd, enum frame_stream stream, struct error *err);
void output_close(struct output *output);
bool outputs_ended(const struct session *session);

/* Reads what is there, some of it. */
void output_read(struct output *output);

/* Lets go of the slave, so that the end of the output can be seen. */
void output_expect_end(struct session *session);

/* Shows the screen what came since the last time. */
void output_show(struct session *session);

/* The screen, made if there is none yet. */
struct screen *output_screen(struct session *session);

/* Makes room in the ring for a frame, or says that it has to be waited for viewers. */
bool output_make_room(struct session *session);

/* --- input.c --------------------------------------------------------------------------------- */

void input_open(struct session *session, int fd);
void input_close(struct session *session);
bool input_is_full(const struct session *session);

void input_write(struct session *session, const void *data, size_t n);

/* The same for what somebody typed. */
void session_input(struct session *session, uid_t by_uid, const void *data, size_t n);
void input_end(struct session *session);

/* --- viewer.c -------------------------------------------------------------------------------- */

void viewer_free(struct viewer *viewer);

/* Sends what there is for it, as far as it takes it. */
void viewer_send(struct viewer *viewer);

/* The ring's first frame, which ends at `end`, is about to go. */
void viewer_overtaken(struct viewer *viewer, uint64_t end);

bool viewer_has_output(const struct viewer *viewer);

/* Adds a frame of another type behind the one that is on its way. */
void viewer_add_frame(struct viewer *viewer, enum frame_type type, const void *payload, size_t n);

/* Says good-bye, and breaks it. */
void viewer_detach(struct viewer *viewer, const char *reason, uid_t by_uid);

/* --- tap.c ----------------------------------------------------------------------------------- */

/* Gives them what there is, as far as they take it; false: of a flood, some was left for later. */
bool taps_serve(struct session *session);

/* The ring's first frame, which ends at `end`, is about to go. */
void tap_overtaken(struct session_tap *tap, uint64_t end);

void taps_input(struct session *session, uid_t by_uid, const void *data, size_t n);
void taps_resized(struct session *session);

/* --- size.c ---------------------------------------------------------------------------------- */

/* Makes the program paint its screen. */
void size_nudge(struct session *session);

/* The terminal takes the size that it has to have, now that this viewer was active, or any have come
 * or gone (NULL).
 */
void size_update(struct session *session, const struct viewer *active);

/* --- frames.c -------------------------------------------------------------------------------- */

/* Reads what the viewer has sent, and does it. */
void viewer_receive(struct viewer *viewer);
void viewer_received(struct viewer *viewer, const void *data, size_t n);
