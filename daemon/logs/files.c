/* A directory of files that are rotated by size. Whatever happens, a file ends with a whole record,
 * or with what a crash left of one, which the next that opens it cuts off.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "daemon/logs/files.h"
#include "daemon/logs/writer.h"

enum { HEADER = sizeof(struct log_file_header), RECORD = sizeof(struct log_record) };

/* --- Reading what is there ------------------------------------------------------------------- */

bool log_record_is_sound(const struct log_record *record)
{
	return record->mark == LOG_RECORD_MARK && record->zero == 0 &&
	       record->type < LOG_TYPE_COUNT && record->length > 0 &&
	       record->length <= LOG_RECORD_MAX;
}

bool log_read_file_header(int file, uint64_t *ret_sequence)
{
	struct log_file_header header;

	if (pread(file, &header, HEADER, 0) != HEADER ||
	    memcmp(header.magic, LOG_FILE_MAGIC, sizeof(header.magic)) != 0)
		return false;
	*ret_sequence = header.sequence;
	return true;
}

int log_open_directory(int at, const char *name)
{
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Where the last whole record ends. */
static int64_t sound_end(int file, int64_t size)
{
	enum { WINDOW = 256 * 1024 };
	_cleanup_(freep) unsigned char *window = malloc(WINDOW);
	int64_t at = HEADER, begin = 0;
	ssize_t n = 0;

	while (window && at + RECORD <= size) {
		struct log_record record;

		if (at < begin || at + RECORD > begin + n) {
			begin = at;
			n = pread(file, window, WINDOW, begin);
			if (n < RECORD)
				break;
		}
		(void)memcpy(&record, window + (at - begin), RECORD);
		if (!log_record_is_sound(&record) || at + RECORD + record.length > size)
			break;
		at += RECORD + record.length;
	}
	return at;
}

/* --- Opening --------------------------------------------------------------------------------- */

static int begin_file(struct log_target *target)
{
	struct log_file_header header = { .magic = LOG_FILE_MAGIC,
					  .sequence = target->sequence + 1 };

	if (ftruncate(target->file, 0) < 0 || pwrite(target->file, &header, HEADER, 0) != HEADER) {
		int errnum = errno ? errno : ENOSPC;

		log_cut(target->file, 0);
		return errnum;
	}
	target->sequence++;
	target->size = HEADER;
	return 0;
}

/* The sequence number of the newest of the older files; 0 if there is none. */
static uint64_t older_sequence(int dir_fd)
{
	_cleanup_(fd_closep) int file =
		openat(dir_fd, LOG_FILE_NAME ".1", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint64_t sequence;

	return file >= 0 && log_read_file_header(file, &sequence) ? sequence : 0;
}

static int open_file(struct log_target *target)
{
	struct stat st;
	int64_t end;

	target->file =
		openat(target->fd, LOG_FILE_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (target->file < 0 || fstat(target->file, &st) < 0)
		return errno;
	if (!log_read_file_header(target->file, &target->sequence)) {
		target->sequence = older_sequence(target->fd);
		target->size = 0; /* its header comes with what is written first */
		return 0;
	}
	end = sound_end(target->file, st.st_size);
	if (end < st.st_size && ftruncate(target->file, end) < 0)
		return errno;
	target->size = end;
	return 0;
}

/* Into the log's own directory, once. */
static int enter_directory(struct log_target *target)
{
	int dir;

	if (!target->name)
		return 0;
	if (target->fd < 0)
		return EBADF;
	dir = log_open_directory(target->fd, target->name);
	if (dir < 0)
		return errno;
	fd_close(target->fd);
	target->fd = dir;
	free(TAKE_PTR(target->name));
	/* A writer of a daemon that kept no ledger may still be at it. */
	while (flock(target->fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

static int ensure_file(struct log_target *target)
{
	int errnum = enter_directory(target);

	if (!errnum && target->file < 0)
		errnum = open_file(target);
	if (!errnum && target->size < HEADER)
		errnum = begin_file(target);
	return errnum;
}

static int files_open(struct log_target *target, const char *text)
{
	int errnum = enter_directory(target);

	(void)text;
	return errnum ? errnum : open_file(target);
}

static int rotate(struct log_target *target)
{
	char from[32], to[32];

	for (int64_t i = target->max_files - 2; i >= 0; i--) {
		(void)snprintf(from, sizeof(from), i ? LOG_FILE_NAME ".%d" : LOG_FILE_NAME, (int)i);
		(void)snprintf(to, sizeof(to), LOG_FILE_NAME ".%d", (int)i + 1);
		if (renameat(target->fd, from, target->fd, to) < 0 && errno != ENOENT)
			return errno;
	}
	if (target->max_files == 1 && unlinkat(target->fd, LOG_FILE_NAME, 0) < 0 && errno != ENOENT)
		return errno;
	target->file = fd_close(target->file);
	target->file = openat(target->fd, LOG_FILE_NAME,
			      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	target->size = 0;
	return target->file < 0 ? errno : begin_file(target);
}

/* --- Writing --------------------------------------------------------------------------------- */

/* Writes it all behind what is there, or leaves the file as it was. */
static int append(struct log_target *target, const struct iovec *pieces, int n_pieces)
{
	struct iovec rest[2] = { pieces[0] };
	int64_t at = target->size;
	int next = 0;

	if (n_pieces > 1)
		rest[1] = pieces[1];
	while (next < n_pieces) {
		ssize_t n = pwritev(target->file, rest + next, n_pieces - next, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int errnum = n < 0 ? errno : ENOSPC;

			log_cut(target->file, target->size);
			return errnum;
		}
		at += n;
		for (size_t left = (size_t)n; left;) {
			size_t step = left < rest[next].iov_len ? left : rest[next].iov_len;

			rest[next].iov_base = (char *)rest[next].iov_base + step;
			rest[next].iov_len -= step;
			left -= step;
			next += rest[next].iov_len == 0;
		}
	}
	target->size = at;
	return 0;
}

/* One record, in as many files and parts as it takes. */
static int append_parts(struct log_target *target, const struct log_record *record,
			const unsigned char *data)
{
	struct log_record part = *record;
	uint32_t done = 0;

	while (done < record->length) {
		int64_t room = target->max_bytes - target->size - RECORD;
		struct iovec pieces[2] = { { &part, RECORD }, { NULL, 0 } };
		int errnum;

		/* A part that is small is not worth its header, where another file has room. */
		if (room < record->length - done && room < target->max_bytes / 2) {
			errnum = rotate(target);
			if (errnum)
				return errnum;
			continue;
		}
		part.length = record->length - done;
		if (part.length > room)
			part.length = (uint32_t)room;
		pieces[1].iov_base = (void *)(uintptr_t)(data + done);
		pieces[1].iov_len = part.length;
		errnum = append(target, pieces, 2);
		if (errnum)
			return errnum;
		done += part.length;
	}
	return 0;
}

static int files_note(struct log_target *target, const char *line)
{
	const struct log_record record = { .length = (uint32_t)strlen(line),
					   .mark = LOG_RECORD_MARK,
					   .type = LOG_NOTE,
					   .time_us = clock_realtime_us() };
	int errnum = ensure_file(target);

	return errnum ? errnum : append_parts(target, &record, (const unsigned char *)line);
}

/* How many bytes at the beginning are records that fit the file as they are. */
static size_t fitting(const struct log_target *target, const unsigned char *records, size_t size)
{
	int64_t room = target->max_bytes - target->size;
	size_t at = 0;

	while (at < size) {
		struct log_record record;

		(void)memcpy(&record, records + at, RECORD);
		if ((int64_t)(at + RECORD) + (int64_t)record.length > room)
			break;
		at += RECORD + record.length;
	}
	return at;
}

static int files_write(struct log_target *target, const unsigned char *records, size_t size)
{
	int errnum = size ? ensure_file(target) : 0;

	while (size && !errnum) {
		size_t n = fitting(target, records, size);
		struct iovec piece = { (void *)(uintptr_t)records, n };

		if (n) {
			errnum = append(target, &piece, 1);
		} else {
			struct log_record record;

			(void)memcpy(&record, records, RECORD);
			errnum = append_parts(target, &record, records + RECORD);
			n = RECORD + record.length;
		}
		if (errnum)
			break;
		log_target_logged(target, log_output_bytes(records, n));
		records += n;
		size -= n;
	}
	return errnum;
}

static void files_close(struct log_target *target)
{
	target->file = fd_close(target->file);
}

const struct log_target_ops log_files_ops = {
	.open = files_open,
	.write = files_write,
	.note = files_note,
	.close = files_close,
};
