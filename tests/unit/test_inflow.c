#include "client/inflow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"

enum { TEXT_SIZE = 64 * 1024 };

/* The daemon's end, and the user's. */
static struct fixture {
	int daemon, socket; /* a pair */
	int out[2], err[2]; /* pipes, or the same one; each is read from [0] */
	struct inflow inflow;
} f;

static int set_up(void **state)
{
	int pair[2];

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	f.daemon = pair[0];
	f.socket = pair[1];
	assert_int_equal(pipe2(f.out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(f.err, O_CLOEXEC), 0);
	inflow_init(&f.inflow, NULL, 0);
	sink_init(&f.inflow.outputs[0], f.out[1]);
	sink_init(&f.inflow.outputs[1], f.err[1]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	inflow_done(&f.inflow);
	fd_close(f.daemon);
	fd_close(f.socket);
	for (size_t i = 0; i < 2; i++) {
		fd_close(f.out[i]);
		fd_close(f.err[i]);
	}
	return 0;
}

static void send_frame(enum frame_type type, const void *payload, size_t n)
{
	unsigned char header[FRAME_HEADER_SIZE];

	frame_put_header(header, type, (uint32_t)n);
	assert_int_equal(fd_write_all(f.daemon, header, sizeof(header)), 0);
	assert_int_equal(fd_write_all(f.daemon, payload, n), 0);
}

static void send_data(enum frame_stream stream, const char *text)
{
	_cleanup_(freep) char *payload = alloc_printf("%c%s", stream, text);

	send_frame(FRAME_DATA, payload, 1 + strlen(text));
}

static void send_status(int status)
{
	unsigned char frame[16];

	assert_int_equal(fd_write_all(f.daemon, frame, frame_put_status(frame, status)), 0);
}

/* Takes what the daemon has sent, up to an event. */
static enum inflow_event step(struct frame *ret)
{
	enum inflow_event event;
	struct error err;

	for (;;) {
		if (inflow_step(&f.inflow, &event, ret, &err) < 0)
			fail_msg("%s", err.message);
		if (event != INFLOW_NEEDS_MORE)
			return event;
		if (inflow_receive(&f.inflow, f.socket) < 0)
			fail_msg("the connection ended");
		if (f.inflow.start == f.inflow.end)
			return INFLOW_NEEDS_MORE;
	}
}

static void expect_status(int expected)
{
	struct frame frame;
	struct error err;
	int32_t status;

	assert_int_equal(step(&frame), INFLOW_STATUS);
	assert_int_equal(frame_get_status(&frame, &status, &err), 0);
	assert_int_equal(status, expected);
}

static void expect_text(int fd, const char *expected)
{
	static char text[TEXT_SIZE];
	ssize_t n;

	assert_int_equal(fd_set_nonblocking(fd, true), 0);
	n = read(fd, text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	assert_string_equal(text, expected);
}

static void output_goes_to_its_stream_before_the_status_is_told(void **state)
{
	(void)state;
	send_data(FRAME_STDOUT, "out 1 ");
	send_data(FRAME_STDERR, "err 1 ");
	send_data(FRAME_STDOUT, "out 2");
	send_data(FRAME_STDERR, "err 2");
	send_status(7);
	expect_status(7);
	expect_text(f.out[0], "out 1 out 2");
	expect_text(f.err[0], "err 1 err 2");
}

static void streams_that_go_to_one_place_keep_their_order(void **state)
{
	(void)state;
	sink_init(&f.inflow.outputs[1], f.out[1]);
	for (int i = 0; i < 100; i++)
		send_data(i % 3 ? FRAME_STDOUT : FRAME_STDERR, i % 3 ? "o" : "E");
	send_status(0);
	expect_status(0);
	expect_text(f.out[0],
		    "EooEooEooEooEooEooEooEooEooEooEooEooEooEooEooEooEooEooEooEooEooEooEooEoo"
		    "EooEooEooEooEooEooEooEooEooE");
}

static void consecutive_output_is_one_write(void **state)
{
	struct frame frame;
	char text[32] = "";
	int pair[2];

	(void)state;
	/* Messages keep their bounds, and show what was one write. */
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	sink_init(&f.inflow.outputs[0], pair[0]);
	send_data(FRAME_STDOUT, "one ");
	send_frame(FRAME_SNAPSHOT, "two ", 4);
	send_data(FRAME_STDOUT, "three");
	assert_int_equal(step(&frame), INFLOW_NEEDS_MORE);
	assert_int_equal(recv(pair[1], text, sizeof(text), MSG_DONTWAIT), 13);
	assert_string_equal(text, "one two three");
	fd_close(pair[0]);
	fd_close(pair[1]);
}

static void what_came_with_the_reply_comes_first(void **state)
{
	static const unsigned char early[] = { 1, 0, 0, 0, 3, 1, 'a', 'b', 1, 0, 0 };
	static const unsigned char rest[] = { 0, 2, 1, 'c' };
	struct frame frame;

	(void)state;
	inflow_done(&f.inflow);
	inflow_init(&f.inflow, early, sizeof(early));
	sink_init(&f.inflow.outputs[0], f.out[1]);
	assert_int_equal(fd_write_all(f.daemon, rest, sizeof(rest)), 0);
	assert_int_equal(step(&frame), INFLOW_NEEDS_MORE);
	expect_text(f.out[0], "abc");
}

static void frames_may_come_byte_by_byte(void **state)
{
	static const unsigned char stream[] = { 1,   0,	   0, 0,   3,	 1, 'h', 'i', 0x11, 0,
						0,   0,	   1, '!', 0x13, 0, 0,	 0,   2,    '{',
						'}', 0x12, 0, 0,   0,	 4, 0,	 0,   0,    9 };
	enum inflow_event event, last = INFLOW_NEEDS_MORE;
	struct frame frame;
	struct error err;
	size_t notices = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(stream); i++) {
		assert_int_equal(last, INFLOW_NEEDS_MORE);
		assert_int_equal(fd_write_all(f.daemon, stream + i, 1), 0);
		assert_true(inflow_receive(&f.inflow, f.socket) >= 0);
		do {
			assert_int_equal(inflow_step(&f.inflow, &event, &frame, &err), 0);
			notices += event == INFLOW_NOTICE;
		} while (event == INFLOW_NOTICE);
		last = event;
	}
	assert_int_equal(last, INFLOW_STATUS);
	assert_int_equal(notices, 1);
	expect_text(f.out[0], "hi!");
}

static void what_is_not_known_is_skipped(void **state)
{
	(void)state;
	send_frame(0x7f, "future", 6);
	send_frame(FRAME_PONG, "x", 1);
	send_frame(FRAME_DATA, "", 0);
	send_frame(FRAME_DATA, "\x00input", 6);
	send_frame(FRAME_DATA, "\x09what", 5);
	send_data(FRAME_STDOUT, "");
	send_frame(FRAME_SNAPSHOT, "", 0);
	send_data(FRAME_STDOUT, "ok");
	send_status(0);
	expect_status(0);
	expect_text(f.out[0], "ok");
}

static void a_frame_that_is_too_large_ends_it_after_what_came_before(void **state)
{
	static const unsigned char bad[] = { 1, 0, 1, 0, 1, 1 };
	enum inflow_event event;
	struct frame frame;
	struct error err = ERROR_NULL;

	(void)state;
	send_data(FRAME_STDOUT, "before");
	assert_int_equal(fd_write_all(f.daemon, bad, sizeof(bad)), 0);
	assert_int_equal(inflow_receive(&f.inflow, f.socket), 0);
	assert_int_equal(inflow_step(&f.inflow, &event, &frame, &err), -1);
	assert_int_equal(err.code, ERROR_PROTOCOL);
	expect_text(f.out[0], "before");
}

static void the_end_of_the_connection_is_no_error_of_the_system(void **state)
{
	(void)state;
	assert_int_equal(inflow_receive(&f.inflow, f.socket), 0);
	f.daemon = fd_close(f.daemon);
	errno = EIO;
	assert_int_equal(inflow_receive(&f.inflow, f.socket), -1);
	assert_int_equal(errno, 0);
}

/* Bytes that tell where they belong. */
static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 31 + i / 251);
}

/* Sends frames of pseudo-random sizes, n bytes in all, from a process of its own. */
static pid_t send_pattern(size_t n)
{
	uint32_t random = 7;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	fd_close(f.socket);
	for (size_t sent = 0; sent < n;) {
		unsigned char payload[FRAME_PAYLOAD_MAX] = { FRAME_STDOUT };
		size_t size = 0;

		random = random * 1664525 + 1013904223;
		size = random >> 28 ? 1 + (random >> 16) % 5000 : FRAME_PAYLOAD_MAX - 1;
		size = size < n - sent ? size : n - sent;
		for (size_t i = 0; i < size; i++)
			payload[1 + i] = pattern(sent + i);
		send_frame(FRAME_DATA, payload, 1 + size);
		sent += size;
	}
	send_status(0);
	_exit(0);
}

static void a_slow_reader_loses_nothing(void **state)
{
	enum { SIZE = 8 * 1024 * 1024 };
	_cleanup_(freep) unsigned char *got = alloc_zero(1, SIZE + 1);
	enum inflow_event event = INFLOW_NEEDS_MORE;
	size_t n = 0, blocked = 0;
	pid_t pid = send_pattern(SIZE);
	struct frame frame;

	(void)state;
	assert_int_equal(fd_set_nonblocking(f.out[0], true), 0);
	while (event != INFLOW_STATUS || n < SIZE) {
		ssize_t r;

		if (event != INFLOW_STATUS)
			event = step(&frame);
		blocked += event == INFLOW_BLOCKED;
		r = read(f.out[0], got + n, 3000 < SIZE + 1 - n ? 3000 : SIZE + 1 - n);
		n += r > 0 ? (size_t)r : 0;
		assert_true(n <= SIZE);
	}
	assert_true(blocked > 100);
	for (size_t i = 0; i < SIZE; i++)
		if (got[i] != pattern(i))
			fail_msg("byte %zu", i);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void an_output_that_failed_gets_nothing_any_more_and_the_other_all(void **state)
{
	struct frame frame;

	(void)state;
	f.out[0] = fd_close(f.out[0]);
	send_data(FRAME_STDOUT, "lost");
	send_data(FRAME_STDERR, "kept ");
	send_data(FRAME_STDOUT, "lost");
	send_data(FRAME_STDERR, "all");
	send_status(3);
	assert_int_equal(step(&frame), INFLOW_WRITE_FAILED);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(inflow_target_fd(&f.inflow), f.out[1]);
	expect_status(3);
	expect_text(f.err[0], "kept all");
}

static void words_of_our_own_are_written_before_what_follows(void **state)
{
	struct frame frame;

	(void)state;
	send_frame(FRAME_NOTICE, "{}", 2);
	send_data(FRAME_STDERR, "theirs");
	assert_int_equal(step(&frame), INFLOW_NOTICE);
	inflow_say(&f.inflow, "ours ");
	assert_int_equal(step(&frame), INFLOW_NEEDS_MORE);
	expect_text(f.err[0], "ours theirs");
}

static void a_change_of_modes_is_seen_only_where_it_is_watched_for(void **state)
{
	struct frame frame;

	(void)state;
	send_data(FRAME_STDOUT, "\x1b[31m");
	assert_int_equal(step(&frame), INFLOW_NEEDS_MORE);
	assert_false(f.inflow.changed_modes);
	f.inflow.watches_modes = true;
	send_data(FRAME_STDOUT, "plain \t\r\n\x08 text");
	assert_int_equal(step(&frame), INFLOW_NEEDS_MORE);
	assert_false(f.inflow.changed_modes);
	send_frame(FRAME_SNAPSHOT, "\x1b[H", 3);
	assert_int_equal(step(&frame), INFLOW_NEEDS_MORE);
	assert_true(f.inflow.changed_modes);
}

#define INFLOW_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		INFLOW_TEST(output_goes_to_its_stream_before_the_status_is_told),
		INFLOW_TEST(streams_that_go_to_one_place_keep_their_order),
		INFLOW_TEST(consecutive_output_is_one_write),
		INFLOW_TEST(what_came_with_the_reply_comes_first),
		INFLOW_TEST(frames_may_come_byte_by_byte),
		INFLOW_TEST(what_is_not_known_is_skipped),
		INFLOW_TEST(a_frame_that_is_too_large_ends_it_after_what_came_before),
		INFLOW_TEST(the_end_of_the_connection_is_no_error_of_the_system),
		INFLOW_TEST(a_slow_reader_loses_nothing),
		INFLOW_TEST(an_output_that_failed_gets_nothing_any_more_and_the_other_all),
		INFLOW_TEST(words_of_our_own_are_written_before_what_follows),
		INFLOW_TEST(a_change_of_modes_is_seen_only_where_it_is_watched_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
