/* A session: a terminal, or a set of pipes, with one process behind it, and the viewers that
 * watch it. The daemon is its only reader. It knows no containers.
 *
 *	pty master | pipes -> ring (last 256 KiB, as wire frames) -> viewers, each at its own offset
 *	viewers' DATA frames -> input queue (bounded) -> pty master | stdin
 *
 * A terminal is always drained; a viewer that falls out of the ring is skipped ahead with a NOTICE
 * and a SNAPSHOT. Pipes wait for a viewer that makes progress, and skip one that does not.
 * docs/sessions.md has the model with its bounds.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <event2/event.h>

#include "common/error.h"
#include "common/parse.h"

struct session;

struct session_params {
	int pty_master;			    /* or -1 */
	int stdin_fd, stdout_fd, stderr_fd; /* or -1 */
	uint16_t rows, columns;		    /* the terminal's present size */
	enum size_policy size;		    /* read-only viewers never count */
};

struct session_viewer_options {
	bool input;	 /* may type, resize and signal */
	bool from_start; /* sees all that is in the ring, from offset 0, in place of a snapshot */
	bool steal;	 /* detaches all others */
	uint16_t rows, columns;	   /* of its terminal; 0: it has none */
	unsigned int history_rows; /* of scrollback in a snapshot */
	uid_t uid;
};

struct session_viewer_info {
	unsigned int number; /* counted from the session's first viewer, 1 */
	uid_t uid;
	int64_t since_us;	/* of the day */
	uint16_t rows, columns; /* 0: no terminal */
	bool input;
};

struct session_callbacks {
	/* A viewer sent a SIGNAL frame; the number is within 1..64. */
	void (*signal)(void *userdata, int number);
	/* The number of viewers changed; may be called from session_add_viewer. */
	void (*viewers_changed)(void *userdata, unsigned int n_viewers);
	/* Nothing can be typed any more: standard input's pipe was closed. */
	void (*input_closed)(void *userdata);
	/* A viewer came, or went; may be called from session_add_viewer. May be NULL. */
	void (*viewer)(void *userdata, uid_t uid, bool input, bool came);
	/* After session_finish: all output was read and the last STATUS is queued to every viewer.
	 * Called once, from the loop. The session lives on until its viewers have their bytes or
	 * time out; it may be freed at once by session_release.
	 */
	void (*finished)(void *userdata);
};

/* All descriptors in params are O_NONBLOCK and are taken, on success only. Reading begins with
 * session_begin, so that nothing is lost between the launch and the first viewer.
 */
int session_new(struct event_base *base, const struct session_params *params,
		const struct session_callbacks *callbacks, void *userdata, struct session **ret,
		struct error *err);
void session_begin(struct session *session);

/* Before it begins: what it reads is counted there, too, in such a way that whoever goes on with the
 * process knows of every byte that was read, whenever this process is killed. Up to
 * SESSION_COUNTS_MAX of them.
 */
enum { SESSION_COUNTS_MAX = 2 };
struct output_count;
void session_count(struct session *session, struct output_count *count);
void session_uncount(struct session *session, const struct output_count *count);

enum { SESSION_VIEWERS_MAX = 1024 };

/* For a session that goes on in another process: its descriptors, borrowed, -1 where there is none any
 * more.
 */
void session_get_fds(const struct session *session, int *ret_pty_master, int *ret_stdin,
		     int *ret_stdout, int *ret_stderr);

/* Bytes from which session_restore makes the screen again there, to be freed; NULL when there is nothing to save.
 */
char *session_save(struct session *session, size_t *ret_size);

/* The screen is as it was saved, and output that came later may be behind that. What it showed is not
 * known unless `whole`: then the program is made to paint it when the first viewer comes, by a change
 * of the terminal's size and back.
 */
void session_restore(struct session *session, const void *saved, size_t n, bool whole);

/* Whether what it would save is what the terminal shows. */
bool session_knows_screen(const struct session *session);

/* Whether there may be one more: ERROR_LIMIT_REACHED beyond SESSION_VIEWERS_MAX, unless it takes the
 * place of all others.
 */
int session_check_viewer(const struct session *session, bool steal, struct error *err);

/* Adds a viewer, if session_check_viewer lets it. socket is non-blocking, connected and taken (on
 * success only); `first` are bytes that go out before anything else (the confirming reply), `early`
 * are frames that the peer sent already. Both are copied.
 */
int session_add_viewer(struct session *session, int socket,
		       const struct session_viewer_options *options, const void *first,
		       size_t first_bytes, const void *early, size_t early_bytes,
		       struct error *err);

unsigned int session_viewer_count(const struct session *session);

/* The present size of the terminal; zeros without one. */
void session_get_size(const struct session *session, uint16_t *ret_rows, uint16_t *ret_columns);

/* Calls back once a viewer, in the order in which they came. */
void session_list_viewers(const struct session *session,
			  void (*callback)(void *userdata,
					   const struct session_viewer_info *viewer),
			  void *userdata);

/* Detaches the viewer with this number, or all for 0: it is sent what waits for it as far as it takes
 * that at once, and NOTICE {"notice":"detached","reason":"asked","by_uid":N}. Returns how many they
 * were. viewers_changed is called.
 */
unsigned int session_detach(struct session *session, unsigned int number, uid_t by_uid);

/* What a terminal shows; NULL without one. As text or, with painted, as bytes that paint it
 * (screen.h). Freed by the caller. state.title is to be freed, too.
 */
struct screen_state;
struct screen_run;
char *session_look(struct session *session, bool painted, size_t *ret_size,
		   struct screen_state *ret_state);

/* screen_walk of a terminal's screen; of none there is nothing to walk. */
void session_walk(struct session *session,
		  void (*callback)(void *userdata, const struct screen_run *run), void *userdata);

/* Types, as a viewer does. ERROR_LIMIT_REACHED while the process does not read what was typed before;
 * ERROR_WRONG_STATE when it will never.
 */
int session_type(struct session *session, uid_t by_uid, const void *data, size_t n,
		 struct error *err);

/* The bytes that show a terminal's present state, with rows of history; NULL while there is none.
 * To be freed.
 */
char *session_snapshot(struct session *session, unsigned int history_rows, size_t *ret_size);

/* The process has ended with this exit status (a shell's). What it wrote is read to the end, or
 * for SESSION_DRAIN_MS when something else holds the other side open; then every viewer gets
 * STATUS, after its last byte, and is closed when it has read it.
 */
enum { SESSION_DRAIN_MS = 250 };
void session_finish(struct session *session, int32_t exit_status);

/* The owner lets go: no callback comes any more. A finished session frees itself when its viewers
 * have their last bytes, or after SESSION_LINGER_MS without progress; another one closes its
 * descriptors and its viewers at once. NULL-safe.
 */
enum { SESSION_LINGER_MS = 30 * 1000 };
void session_release(struct session *session);
