/* Logs: from log_write to the files. The writer is a real process. */
#include "daemon/logs/logs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"

enum { FILE_MAX = 1024 * 1024 };

struct fixture {
	struct event_base *base;
	struct reaper *reaper;
	struct logs *logs;
	struct log *log;
	char path[64];
	int dir;
	unsigned int dropped;
};

static int open_dir(void *userdata, struct error *err)
{
	struct fixture *fixture = userdata;
	int fd = fcntl(fixture->dir, F_DUPFD_CLOEXEC, 0);

	return fd < 0 ? error_set(err, ERROR_FAILED, "no directory") : fd;
}

static void on_ready(void *userdata)
{
	(void)userdata;
}

static void on_dropped(void *userdata, const struct error *why)
{
	(void)why;
	((struct fixture *)userdata)->dropped++;
}

static const struct log_callbacks callbacks = { .open = open_dir,
						.ready = on_ready,
						.dropped = on_dropped };

static void open_fixture(struct fixture *fixture, int64_t max_bytes, int64_t max_files)
{
	const struct log_params params = {
		.kind = LOG_FILES,
		.name = LOG_DIRECTORY,
		.max_bytes = max_bytes,
		.max_files = max_files,
	};
	struct error err;

	*fixture = (struct fixture){ .path = "/tmp/dokrust-logs-XXXXXX" };
	assert_non_null(mkdtemp(fixture->path));
	fixture->dir = open(fixture->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fixture->base = event_base_new();
	assert_int_equal(reaper_new(fixture->base, &fixture->reaper, &err), 0);
	assert_int_equal(logs_new(fixture->base, fixture->reaper, NULL, &fixture->logs, &err), 0);
	fixture->log = log_new(fixture->logs, &params, &callbacks, fixture);
}

static void close_fixture(struct fixture *fixture)
{
	char command[96];

	log_close(fixture->log);
	logs_free(fixture->logs);
	reaper_free(fixture->reaper);
	event_base_free(fixture->base);
	fd_close(fixture->dir);
	(void)snprintf(command, sizeof(command), "rm -r %s", fixture->path);
	assert_int_equal(system(command), 0);
}

static void write_text(struct fixture *fixture, enum log_type type, const char *text)
{
	const struct log_piece piece = {
		.type = type,
		.time_us = 1000000,
		.size = strlen(text),
		/* As it lies in a ring: the beginning at its end. */
		.data = { { (void *)(uintptr_t)text, 1 },
			  { (void *)(uintptr_t)(text + 1), strlen(text) - 1 } },
		.n_data = strlen(text) > 1 ? 2 : 1,
	};

	assert_int_equal(log_write(fixture->log, &piece, 1, true), 1);
}

static void on_synced(struct logs_sync *sync)
{
	assert_null(sync->logs);
}

/* Until what was written is in the files; false if that takes too long. */
static void sync_logs(struct fixture *fixture)
{
	struct logs_sync sync = { 0 };

	logs_sync(fixture->logs, &sync, on_synced);
	while (sync.logs)
		(void)event_base_loop(fixture->base, EVLOOP_ONCE);
}

/* What the records of a file hold, one after the other. */
static size_t read_file(struct fixture *fixture, const char *name, char *text)
{
	static char data[FILE_MAX];
	char path[96];
	size_t used = 0;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/" LOG_DIRECTORY "/%s", fixture->path, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	text[0] = '\0';
	if (fd < 0)
		return 0;
	n = fd_read_full(fd, data, sizeof(data));
	fd_close(fd);
	assert_true(n == 0 || n >= 16);
	for (size_t at = sizeof(struct log_file_header); at < (size_t)n;) {
		struct log_record record;

		(void)memcpy(&record, data + at, sizeof(record));
		assert_int_equal(record.mark, LOG_RECORD_MARK);
		(void)memcpy(text + used, data + at + sizeof(record), record.length);
		used += record.length;
		at += sizeof(record) + record.length;
	}
	text[used] = '\0';
	return (size_t)n;
}

static void what_is_written_is_in_the_file_after_a_sync(void **state)
{
	static char text[FILE_MAX];
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, FILE_MAX, 3);
	write_text(&fixture, LOG_STDOUT, "one\n");
	write_text(&fixture, LOG_STDERR, "two\n");
	sync_logs(&fixture);
	assert_int_equal(read_file(&fixture, "log", text), 16 + 2 * (16 + 4));
	assert_string_equal(text, "one\ntwo\n");
	close_fixture(&fixture);
}

static void files_have_their_size_at_most_and_nothing_falls_between_them(void **state)
{
	static char newer[FILE_MAX], older[FILE_MAX];
	struct fixture fixture;
	char line[32];
	int last = 0;

	(void)state;
	open_fixture(&fixture, 4096, 2);
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(line, sizeof(line), "%07d\n", i);
		write_text(&fixture, LOG_STDOUT, line);
	}
	sync_logs(&fixture);
	assert_in_range(read_file(&fixture, "log.1", older), 4096 - 24, 4096);
	assert_in_range(read_file(&fixture, "log", newer), 16, 4096);
	assert_int_equal(read_file(&fixture, "log.2", line), 0);
	last = atoi(older);
	for (const char *at = older; *at; at += 8)
		assert_int_equal(atoi(at), last++);
	for (const char *at = newer; *at; at += 8)
		assert_int_equal(atoi(at), last++);
	assert_int_equal(last, 1000);
	close_fixture(&fixture);
}

static void a_record_that_is_too_large_for_a_file_is_cut(void **state)
{
	static char large[10001], text[FILE_MAX];
	struct fixture fixture;
	size_t total = 0;

	(void)state;
	open_fixture(&fixture, 4096, 10);
	(void)memset(large, 'x', sizeof(large) - 1);
	write_text(&fixture, LOG_STDOUT, large);
	sync_logs(&fixture);
	for (const char *const *name = (const char *const[]){ "log", "log.1", "log.2", NULL };
	     *name; name++) {
		assert_in_range(read_file(&fixture, *name, text), 17, 4096);
		total += strlen(text);
	}
	assert_int_equal(total, 10000);
	close_fixture(&fixture);
}

static void bytes_that_are_lost_are_told_once_and_stand_in_the_log(void **state)
{
	static char text[FILE_MAX];
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, FILE_MAX, 3);
	write_text(&fixture, LOG_STDOUT, "before\n");
	log_lost(fixture.log, 40);
	log_lost(fixture.log, 2);
	write_text(&fixture, LOG_STDOUT, "after\n");
	sync_logs(&fixture);
	(void)read_file(&fixture, "log", text);
	assert_string_equal(text,
			    "before\n[dokrust: 42 bytes of output are missing here]\nafter\n");
	assert_int_equal(fixture.dropped, 1);
	close_fixture(&fixture);
}

static void a_log_is_written_by_one_writer_at_a_time(void **state)
{
	static char text[FILE_MAX];
	struct fixture fixture;
	char path[96];
	int other;

	(void)state;
	open_fixture(&fixture, FILE_MAX, 3);
	(void)snprintf(path, sizeof(path), "%s/" LOG_DIRECTORY, fixture.path);
	assert_int_equal(mkdir(path, 0700), 0);
	other = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(other, LOCK_EX), 0);
	write_text(&fixture, LOG_STDOUT, "mine\n");
	sync_logs(&fixture); /* gives up after LOGS_SYNC_MS */
	assert_int_equal(read_file(&fixture, "log", text), 0);
	fd_close(other);
	sync_logs(&fixture);
	(void)read_file(&fixture, "log", text);
	assert_string_equal(text, "mine\n");
	close_fixture(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_in_the_file_after_a_sync),
		cmocka_unit_test(files_have_their_size_at_most_and_nothing_falls_between_them),
		cmocka_unit_test(a_record_that_is_too_large_for_a_file_is_cut),
		cmocka_unit_test(bytes_that_are_lost_are_told_once_and_stand_in_the_log),
		cmocka_unit_test(a_log_is_written_by_one_writer_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
