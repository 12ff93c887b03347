#include "client/outflow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/socket.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/frame.h"

static struct fixture {
	int daemon, socket; /* a pair */
	struct outflow outflow;
} f;

static int set_up(void **state)
{
	int pair[2];

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	f.daemon = pair[0];
	f.socket = pair[1];
	outflow_init(&f.outflow);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	outflow_done(&f.outflow);
	fd_close(f.daemon);
	fd_close(f.socket);
	return 0;
}

/* Bytes that tell where they belong. */
static unsigned char pattern(size_t i)
{
	return (unsigned char)(i * 31 + i / 251);
}

static void add_input(const char *text)
{
	size_t room, n = strlen(text);
	unsigned char *to = outflow_room(&f.outflow, &room);

	assert_non_null(to);
	assert_true(room >= n);
	(void)memcpy(to, text, n);
	outflow_add_input(&f.outflow, n);
}

static void expect_sent(const void *expected, size_t n)
{
	unsigned char got[256];

	assert_true(n < sizeof(got));
	assert_int_equal(recv(f.daemon, got, sizeof(got), MSG_DONTWAIT), n);
	assert_memory_equal(got, expected, n);
}

static void input_and_control_go_out_as_frames_in_their_order(void **state)
{
	static const char expected[] =
		"\x01\x00\x00\x00\x03\x00hi\x02\x00\x00\x00\x04\x00\x18\x00\x50"
		"\x03\x00\x00\x00\x01\x0f\x01\x00\x00\x00\x02\x00x"
		"\x04\x00\x00\x00\x00";

	(void)state;
	add_input("hi");
	assert_true(outflow_add_resize(&f.outflow, 24, 80));
	assert_true(outflow_add_signal(&f.outflow, SIGTERM));
	add_input("x");
	outflow_add_input(&f.outflow, 0); /* nothing was read */
	assert_true(outflow_add_eof(&f.outflow));
	assert_true(outflow_waits(&f.outflow));
	outflow_send(&f.outflow, f.socket);
	assert_false(outflow_waits(&f.outflow));
	expect_sent(expected, sizeof(expected) - 1);
}

/* Adds as much input as there is room for, without sending it. */
static size_t fill_queue(void)
{
	size_t room, total = 0;
	unsigned char *to;

	while ((to = outflow_room(&f.outflow, &room))) {
		assert_true(room >= 4096 && room < FRAME_PAYLOAD_MAX);
		(void)memset(to, 'x', room);
		outflow_add_input(&f.outflow, room);
		total += room;
	}
	return total;
}

static void a_full_queue_takes_no_input_but_signals_and_resizes(void **state)
{
	(void)state;
	assert_true(fill_queue() > OUTFLOW_SIZE / 2);
	for (int i = 0; i < 20; i++) {
		assert_true(outflow_add_resize(&f.outflow, 1, 1));
		assert_true(outflow_add_signal(&f.outflow, 1));
	}
	assert_true(outflow_add_eof(&f.outflow));
	assert_true(f.outflow.end <= OUTFLOW_SIZE);
	/* Even these are bounded. */
	while (outflow_add_signal(&f.outflow, 1))
		assert_true(f.outflow.end <= OUTFLOW_SIZE);
	assert_false(outflow_add_resize(&f.outflow, 1, 1));
}

/* Takes some of what was sent; returns the number of bytes. */
static size_t receive_some(unsigned char *to, size_t max)
{
	ssize_t n = recv(f.daemon, to, max, MSG_DONTWAIT);

	return n > 0 ? (size_t)n : 0;
}

/* The input in n bytes of frames; it must be that of the pattern. */
static size_t check_input(const unsigned char *data, size_t n)
{
	size_t at = 0, seen = 0;
	struct frame frame;
	struct error err;

	while (frame_next(data + at, n - at, &frame, &err) > 0) {
		assert_int_equal(frame.type, FRAME_DATA);
		assert_int_equal(frame.payload[0], FRAME_STDIN);
		for (size_t i = 1; i < frame.length; i++, seen++)
			if (frame.payload[i] != pattern(seen))
				fail_msg("byte %zu", seen);
		at += FRAME_HEADER_SIZE + frame.length;
	}
	assert_int_equal(at, n);
	return seen;
}

static void a_slow_daemon_gets_all_of_it(void **state)
{
	enum { SIZE = 2 * 1024 * 1024, PIECE = 10000 };
	_cleanup_(freep) unsigned char *got = alloc_zero(2, SIZE);
	size_t added = 0, n = 0, piece = 1;

	(void)state;
	while (added < SIZE || outflow_waits(&f.outflow) || piece) {
		size_t room = 0;
		unsigned char *to = added < SIZE ? outflow_room(&f.outflow, &room) : NULL;

		for (size_t i = 0; to && i < room; i++)
			to[i] = pattern(added + i);
		if (to)
			outflow_add_input(&f.outflow, room);
		added += to ? room : 0;
		outflow_send(&f.outflow, f.socket);
		piece = receive_some(got + n, PIECE);
		n += piece;
	}
	assert_int_equal(check_input(got, n), added);
}

static void what_is_for_a_daemon_that_is_gone_is_dropped(void **state)
{
	size_t room;

	(void)state;
	f.daemon = fd_close(f.daemon);
	add_input("lost");
	outflow_send(&f.outflow, f.socket);
	assert_true(f.outflow.broken);
	assert_false(outflow_waits(&f.outflow));
	assert_non_null(outflow_room(&f.outflow, &room));
	add_input("lost, too");
	assert_false(outflow_add_signal(&f.outflow, 1));
	assert_false(outflow_waits(&f.outflow));
}

#define OUTFLOW_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		OUTFLOW_TEST(input_and_control_go_out_as_frames_in_their_order),
		OUTFLOW_TEST(a_full_queue_takes_no_input_but_signals_and_resizes),
		OUTFLOW_TEST(a_slow_daemon_gets_all_of_it),
		OUTFLOW_TEST(what_is_for_a_daemon_that_is_gone_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
