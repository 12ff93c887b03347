#include "daemon/container/recording.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/json.h"
#include "daemon/container/object.h"

enum { MARK_SIZE = 128, ROWS_DEFAULT = 24, COLUMNS_DEFAULT = 80 };

/* --- What is recorded ------------------------------------------------------------------------ */

static struct recorder *of_tap(struct session_tap *tap)
{
	return (struct recorder *)((uintptr_t)tap - offsetof(struct recorder, tap));
}

static void write_one(struct recorder *recorder, enum log_type type, const void *data, size_t n)
{
	struct log_piece piece = { .type = type, .time_us = clock_realtime_us(), .n_data = 1 };

	/* Neither of these is offered again: what there is no room for has to be kept. */
	for (size_t done = 0; done < n; done += piece.size) {
		piece.size = n - done < LOG_RECORD_MAX ? n - done : LOG_RECORD_MAX;
		piece.data[0].iov_base = (char *)(uintptr_t)data + done;
		piece.data[0].iov_len = piece.size;
		(void)log_write(recorder->log, &piece, 1, true);
	}
}

static void mark(struct recorder *recorder, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void mark(struct recorder *recorder, const char *format, ...)
{
	char text[MARK_SIZE];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	write_one(recorder, LOG_MARKER, text, (size_t)n);
}

static size_t take_output(struct session_tap *tap, const struct session_chunk *chunks, size_t n,
			  bool last)
{
	struct log_piece pieces[LOG_PIECES_MAX];

	log_pieces_of(chunks, n, pieces);
	return log_write(of_tap(tap)->log, pieces, n, last);
}

static void take_lost(struct session_tap *tap, uint64_t bytes)
{
	log_lost(of_tap(tap)->log, bytes);
}

/* A marker says who types, when that is somebody else than before. */
static void take_input(struct session_tap *tap, uid_t uid, const void *data, size_t n)
{
	struct recorder *recorder = of_tap(tap);

	if (!recorder->typed || recorder->last_typist != uid)
		mark(recorder, "typed: uid %u", (unsigned int)uid);
	recorder->typed = true;
	recorder->last_typist = uid;
	if (recorder->input)
		write_one(recorder, LOG_INPUT, data, n);
}

static void take_size(struct session_tap *tap, uint16_t rows, uint16_t columns)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%ux%u", columns, rows);

	write_one(of_tap(tap), LOG_RESIZE, text, (size_t)n);
}

static const struct session_tap_ops tap_ops = {
	.output = take_output,
	.lost = take_lost,
	.input = take_input,
	.resized = take_size,
};

void recordings_mark_viewer(struct container *container, uid_t uid, bool input, bool came)
{
	struct recorder *recorder;

	LIST_FOREACH (recorder, &container->recorders, entry)
		mark(recorder, "%s: uid %u%s", came ? "attached" : "detached", (unsigned int)uid,
		     input ? "" : ", read-only");
}

/* --- Its end --------------------------------------------------------------------------------- */

/* For events: the number, or the file. */
static const char *describe(const struct recorder *recorder, char number[16])
{
	if (!recorder->number)
		return recorder->container->spec.record;
	(void)snprintf(number, 16, "%u", recorder->number);
	return number;
}

static void stop(struct recorder *recorder, const char *reason)
{
	char number[16];

	session_remove_tap(&recorder->tap);
	recorder->log = log_close(recorder->log);
	container_event(recorder->container, "record_stop", "recording", describe(recorder, number),
			"reason", reason, NULL);
	LIST_REMOVE(recorder, entry);
	free(recorder);
}

void recordings_end(struct container *container)
{
	struct recorder *recorder;

	while ((recorder = LIST_FIRST(&container->recorders)))
		stop(recorder, "the process has ended");
}

/* --- From the writer ------------------------------------------------------------------------- */

static int open_directory(void *userdata, struct error *err)
{
	struct recorder *recorder = userdata;

	return container_open_dir(recorder->container, err);
}

static void on_ready(void *userdata)
{
	session_tap_ready(&((struct recorder *)userdata)->tap);
}

static void on_dropped(void *userdata, const struct error *why)
{
	const struct recorder *recorder = userdata;
	char number[16];

	container_event(recorder->container, "log_dropped", "recording", describe(recorder, number),
			"reason", why->message, NULL);
}

static void on_ended(void *userdata, const struct error *why)
{
	stop(userdata, why->message);
}

static const struct log_callbacks callbacks = {
	.open = open_directory,
	.ready = on_ready,
	.dropped = on_dropped,
	.ended = on_ended,
};

/* --- Its beginning --------------------------------------------------------------------------- */

/* The asciicast's first line; to be freed. */
static char *header(const struct container *container, int64_t start_us)
{
	_cleanup_(json_putp) struct json_object *object = json_object_new_object();
	struct json_object *environment = json_object_new_object();
	uint16_t rows, columns;

	process_get_size(&container->process, &rows, &columns);
	record_add_int(object, "version", 2);
	record_add_int(object, "width", columns ? columns : COLUMNS_DEFAULT);
	record_add_int(object, "height", rows ? rows : ROWS_DEFAULT);
	record_add_int(object, "timestamp", start_us / 1000000);
	record_add_string(object, "title", container->name);
	record_add_string(environment, "TERM", "xterm-256color");
	json_object_object_add(object, "env", environment);
	return alloc_printf("%s\n", json_object_to_json_string_ext(
					    object, JSON_C_TO_STRING_PLAIN |
							    JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* name is below the container's directory, or absolute; number is 0 for the latter. */
static struct recorder *start(struct container *container, const char *name, unsigned int number,
			      bool input, int64_t max_bytes)
{
	struct recorder *recorder = ALLOC(struct recorder);
	int64_t now = clock_realtime_us();
	_cleanup_(freep) char *text = header(container, now);
	char number_text[16];
	const struct log_params params = {
		.kind = LOG_RECORDING,
		.name = name,
		.max_bytes = max_bytes,
		.start_us = now,
		.text = text,
	};

	recorder->container = container;
	recorder->number = number;
	recorder->input = input;
	recorder->tap.ops = &tap_ops;
	recorder->log = log_new(container->set->params.logs, &params, &callbacks, recorder);
	log_begin(recorder->log);
	LIST_INSERT_HEAD(&container->recorders, recorder, entry);
	container_event(container, "record_start", "recording", describe(recorder, number_text),
			NULL);
	return recorder;
}

void recordings_begin(struct container *container)
{
	const char *file = container->spec.record;
	struct recorder *recorder;

	if (!file)
		return;
	recorder = start(container, file, 0, false, RECORDING_BYTES_DEFAULT);
	session_add_tap(container->process.session, &recorder->tap, true);
}

int recording_check_spec(const struct spec *spec, struct error *err)
{
	_cleanup_(fd_closep) int fd = -1;
	struct stat st;

	if (!spec->record)
		return 0;
	fd = open(spec->record, O_WRONLY | O_CREAT | RECORDING_OPEN_FLAGS, 0600);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return 0;
	return error_set_subject(err, ERROR_INVALID_VALUE, "spec.record", "record to %.256s: %s",
				 spec->record, fd < 0 ? strerrordesc_np(errno) : "it is no file");
}

/* What a terminal shows now comes first, or the recording would begin with a blank screen. */
static void write_snapshot(struct recorder *recorder)
{
	_cleanup_(freep) char *snapshot = NULL;
	size_t size;

	snapshot = session_snapshot(recorder->container->process.session, 0, &size);
	if (snapshot && size)
		write_one(recorder, LOG_STDOUT, snapshot, size);
}

static struct recorder *numbered(struct container *container)
{
	struct recorder *recorder;

	LIST_FOREACH (recorder, &container->recorders, entry)
		if (recorder->number)
			return recorder;
	return NULL;
}

int container_start_recording(struct container *container, bool input, int64_t max_bytes,
			      unsigned int *ret_number, struct error *err)
{
	struct recorder *recorder = numbered(container);
	unsigned int number;
	char name[RECORDING_NAME_SIZE];

	if (max_bytes < LOG_BYTES_MIN)
		return error_set_subject(err, ERROR_INVALID_VALUE, "max_bytes",
					 "a recording has at least %d bytes", LOG_BYTES_MIN);
	if (process_check_attach(&container->process, err) < 0)
		return -1;
	if (recorder)
		return error_set_subject(err, ERROR_WRONG_STATE, "running",
					 "container \"%s\" is being recorded, as number %u",
					 container->name, recorder->number);
	if (recordings_next_number(container, &number, err) < 0)
		return -1;
	(void)snprintf(name, sizeof(name), RECORDING_DIRECTORY "/%u.cast", number);
	recorder = start(container, name, number, input, max_bytes);
	write_snapshot(recorder);
	session_add_tap(container->process.session, &recorder->tap, false);
	*ret_number = number;
	return 0;
}

int container_stop_recording(struct container *container, unsigned int *ret_number,
			     struct error *err)
{
	struct recorder *recorder = numbered(container);

	if (!recorder)
		return error_set_subject(err, ERROR_WRONG_STATE,
					 container_state_name(container->state),
					 "container \"%s\" is not being recorded", container->name);
	*ret_number = recorder->number;
	stop(recorder, "asked");
	return 0;
}

bool recordings_has_active(const struct container *container, unsigned int number)
{
	const struct recorder *recorder;

	LIST_FOREACH (recorder, &container->recorders, entry)
		if (recorder->number == number)
			return true;
	return false;
}
