#include "daemon/store/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"

enum { BATCH_MAX = 32, SWEEP_STEP = 128 };

struct pending {
	struct job job;
	char *text;
	int errnum;
	int dir_fd;	 /* its directory, while its record is being written */
	bool superseded; /* a later job of the batch has the same one's newer record */
};

struct writer {
	int socket, state_fd, trash_fd;
	int places[JOB_PLACE_COUNT]; /* directories */
	struct pending batch[BATCH_MAX];
	size_t n;
	bool sweeping;
	char *buffer;
};

/* --- One job --------------------------------------------------------------------------------- */

static const char new_record[] = "record.json.new", record[] = "record.json";

static int write_new(struct writer *writer, struct pending *pending)
{
	_cleanup_(fd_closep) int fd = -1;
	int place = writer->places[pending->job.place];

	if (mkdirat(place, pending->job.id, 0700) < 0 && errno != EEXIST)
		return errno;
	pending->dir_fd =
		openat(place, pending->job.id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (pending->dir_fd < 0)
		return errno;
	fd = openat(pending->dir_fd, new_record,
		    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write_all(fd, pending->text, pending->job.text_size) < 0 || fsync(fd) < 0)
		return errno;
	return 0;
}

static int rename_new(const struct pending *pending)
{
	if (renameat(pending->dir_fd, new_record, pending->dir_fd, record) < 0 ||
	    fsync(pending->dir_fd) < 0)
		return errno;
	return 0;
}

static int move_to_trash(struct writer *writer, const struct pending *pending)
{
	if (renameat(writer->places[pending->job.place], pending->job.id, writer->trash_fd,
		     pending->job.id) == 0)
		return 0;
	return errno == ENOENT ? 0 : errno;
}

static void do_job(struct writer *writer, struct pending *pending)
{
	switch (pending->job.kind) {
	case JOB_WRITE:
		pending->errnum = write_new(writer, pending);
		if (pending->errnum == 0)
			pending->errnum = rename_new(pending);
		break;
	case JOB_REMOVE:
		pending->errnum = move_to_trash(writer, pending);
		writer->sweeping = true;
		break;
	default:
		writer->sweeping = true;
		break;
	}
}

/* --- A batch --------------------------------------------------------------------------------- */

static bool is_same(const struct pending *a, const struct pending *b)
{
	return a->job.place == b->job.place && strcmp(a->job.id, b->job.id) == 0;
}

static void mark_superseded(struct writer *writer)
{
	for (size_t i = 0; i < writer->n; i++)
		for (size_t k = i + 1; k < writer->n; k++)
			if (writer->batch[i].job.kind == JOB_WRITE &&
			    writer->batch[k].job.kind == JOB_WRITE &&
			    is_same(&writer->batch[i], &writer->batch[k]))
				writer->batch[i].superseded = true;
}

/* A superseded record is as durable as the newer one. */
static int result_of(const struct writer *writer, size_t i)
{
	for (size_t k = i + 1; writer->batch[i].superseded && k < writer->n; k++)
		if (!writer->batch[k].superseded && is_same(&writer->batch[i], &writer->batch[k]))
			return writer->batch[k].errnum;
	return writer->batch[i].errnum;
}

static void do_batch(struct writer *writer)
{
	bool touched[JOB_PLACE_COUNT] = { false };
	int sync_errnum = 0;

	mark_superseded(writer);
	for (size_t i = 0; i < writer->n; i++) {
		if (!writer->batch[i].superseded)
			do_job(writer, &writer->batch[i]);
		touched[writer->batch[i].job.place] = true;
	}
	for (size_t i = 0; i < JOB_PLACE_COUNT; i++)
		if (touched[i] && fsync(writer->places[i]) < 0)
			sync_errnum = errno;
	for (size_t i = 0; i < writer->n; i++) {
		struct pending *pending = &writer->batch[i];
		struct job_result result = { .errnum = result_of(writer, i) };

		if (result.errnum == 0)
			result.errnum = sync_errnum;
		if (pending->job.kind != JOB_SWEEP)
			(void)send(writer->socket, &result, sizeof(result), MSG_NOSIGNAL);
	}
	for (size_t i = 0; i < writer->n; i++) {
		fd_close(writer->batch[i].dir_fd);
		free(writer->batch[i].text);
	}
	writer->n = 0;
}

/* Takes one job into the batch. False when there is none; ends the process when there will be
 * none any more.
 */
static bool take_job(struct writer *writer, bool wait)
{
	struct pending *pending = &writer->batch[writer->n];
	ssize_t size;

	do
		size = recv(writer->socket, writer->buffer, sizeof(struct job) + RECORD_SIZE_MAX,
			    wait ? 0 : MSG_DONTWAIT);
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return false;
	if (size < (ssize_t)sizeof(struct job)) {
		if (writer->n)
			do_batch(writer);
		_exit(0);
	}
	*pending = (struct pending){ .dir_fd = -1 };
	(void)memcpy(&pending->job, writer->buffer, sizeof(pending->job));
	pending->text = alloc_zero(1, pending->job.text_size);
	(void)memcpy(pending->text, writer->buffer + sizeof(struct job), pending->job.text_size);
	writer->n++;
	return true;
}

static void open_directories(struct writer *writer)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

	writer->places[JOB_CONTAINER] = openat(writer->state_fd, "containers", flags);
	writer->places[JOB_VOLUME] = openat(writer->state_fd, "volumes", flags);
	writer->places[JOB_NETWORK] = openat(writer->state_fd, "networks", flags);
	writer->trash_fd = openat(writer->state_fd, "trash", flags);
	if (writer->places[JOB_CONTAINER] < 0 || writer->places[JOB_VOLUME] < 0 ||
	    writer->places[JOB_NETWORK] < 0 || writer->trash_fd < 0)
		_exit(1);
}

void writer_run(int socket, int state_fd)
{
	struct writer *writer = ALLOC(struct writer);

	writer->socket = socket;
	writer->state_fd = state_fd;
	writer->buffer = alloc_zero(1, sizeof(struct job) + RECORD_SIZE_MAX);
	writer->sweeping = true; /* what an earlier daemon left */
	open_directories(writer);
	for (;;) {
		while (writer->n < BATCH_MAX && take_job(writer, !writer->n && !writer->sweeping))
			;
		if (writer->n)
			do_batch(writer);
		else if (writer->sweeping)
			writer->sweeping = sweep_some(writer->state_fd, SWEEP_STEP) > 0;
	}
}
