/* The terminal's size, of which there is one, for viewers that each have their own. */
#include <sys/ioctl.h>

#include "daemon/session/object.h"

static void set_size(struct session *session, uint16_t rows, uint16_t columns)
{
	const struct winsize size = { .ws_row = rows, .ws_col = columns };

	/* The same size again would make programs redraw for nothing. */
	if (session->rows == rows && session->columns == columns)
		return;
	output_show(session); /* what was written so far was written to the old size */
	if (ioctl(session->pty_master, TIOCSWINSZ, &size) < 0)
		return;
	session->rows = rows;
	session->columns = columns;
	if (session->screen)
		screen_resize(session->screen, rows, columns);
	taps_resized(session);
}

void size_nudge(struct session *session)
{
	const struct winsize size = { .ws_row = session->rows, .ws_col = session->columns };
	struct winsize other = size;

	other.ws_row = size.ws_row > 1 ? size.ws_row - 1 : 2;
	if (ioctl(session->pty_master, TIOCSWINSZ, &other) == 0)
		(void)ioctl(session->pty_master, TIOCSWINSZ, &size);
}

static bool counts(const struct viewer *viewer)
{
	const struct session_viewer_options *options = &viewer->options;

	return options->input && options->rows && options->columns && !viewer->broken;
}

static void take_latest(struct session *session, const struct viewer *active)
{
	if (active && counts(active))
		set_size(session, active->options.rows, active->options.columns);
}

static void take_smallest(struct session *session, const struct viewer *active)
{
	uint16_t rows = UINT16_MAX, columns = UINT16_MAX;
	const struct viewer *viewer;
	bool any = false;

	(void)active;
	TAILQ_FOREACH (viewer, &session->viewers, entry) {
		if (!counts(viewer))
			continue;
		any = true;
		rows = viewer->options.rows < rows ? viewer->options.rows : rows;
		columns = viewer->options.columns < columns ? viewer->options.columns : columns;
	}
	if (any)
		set_size(session, rows, columns);
}

void size_update(struct session *session, const struct viewer *active)
{
	static void (*const policies[])(struct session *, const struct viewer *) = {
		[SIZE_LATEST] = take_latest,
		[SIZE_SMALLEST] = take_smallest,
		[SIZE_FIXED] = NULL,
	};

	if (session->pty_master >= 0 && policies[session->size])
		policies[session->size](session, active);
}

void session_get_size(const struct session *session, uint16_t *ret_rows, uint16_t *ret_columns)
{
	*ret_rows = session->pty_master >= 0 ? session->rows : 0;
	*ret_columns = session->pty_master >= 0 ? session->columns : 0;
}
