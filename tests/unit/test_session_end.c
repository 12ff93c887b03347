/* Sessions: viewers that lag, and the end. */
#include "tests/unit/session_fixture.h"

#include <signal.h>

enum { FLOOD = 1024 * 1024 };

/* Writes as much as is taken within the time; the loop runs between the writes. */
static size_t flood(struct fixture *fixture, size_t n, int ms)
{
	static const char line[] =
		"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n";
	int64_t deadline = clock_monotonic_us() + ms * INT64_C(1000);
	size_t written = 0;

	assert_int_equal(fd_set_nonblocking(fixture->process_out, true), 0);
	while (written < n && clock_monotonic_us() < deadline) {
		ssize_t r = write(fixture->process_out, line, sizeof(line) - 1);

		if (r > 0)
			written += (size_t)r;
		else
			run_loop(fixture, 1);
	}
	return written;
}

/* --- Lagging --------------------------------------------------------------------------------- */

static void a_terminal_viewer_that_does_not_read_stalls_nothing(void **state)
{
	struct received received;
	struct fixture fixture;
	int64_t begin;
	int viewer;

	(void)state;
	open_terminal(&fixture, 24, 80);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_24x80);
	begin = clock_monotonic_us();
	assert_true(flood(&fixture, 3 * FLOOD, 5000) >= 3 * FLOOD);
	assert_true(clock_monotonic_us() - begin < 3000000);
	run_loop(&fixture, 20);
	/* It comes back: the rest of what was on its way, then what it lost, and the present. */
	for (int i = 0; i < 20; i++) {
		receive(viewer, &received);
		run_loop(&fixture, 5);
	}
	assert_true(received.notices >= 1);
	assert_true(received.lost_bytes > 1 * FLOOD);
	assert_true(received.data_bytes + received.lost_bytes == 3 * FLOOD);
	assert_true(received.snapshot_bytes > 0);
	assert_false(received.closed);
	/* From then on it gets what comes. */
	assert_int_equal(fd_write_all(fixture.process_out, "and on", 6), 0);
	run_loop(&fixture, 20);
	receive(viewer, &received);
	assert_non_null(strstr(received.bytes + received.size - 6, "and on"));
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

static void a_pipe_waits_for_a_viewer_that_reads_however_slowly(void **state)
{
	struct received received;
	struct fixture fixture;
	size_t written = 0;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	for (int i = 0; i < 400 && written < FLOOD; i++) {
		written += flood(&fixture, FLOOD - written, 10);
		receive(viewer, &received);
	}
	run_loop(&fixture, 20);
	receive(viewer, &received);
	assert_int_equal(received.notices, 0);
	assert_int_equal(received.data_bytes, written);
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

static void a_pipe_goes_on_without_a_viewer_that_does_not_read_at_all(void **state)
{
	struct received received;
	struct fixture fixture;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	assert_true(flood(&fixture, 2 * FLOOD, 5000) >= 2 * FLOOD);
	run_loop(&fixture, 20);
	for (int i = 0; i < 20; i++) {
		receive(viewer, &received);
		run_loop(&fixture, 5);
	}
	assert_true(received.notices >= 1);
	assert_int_equal(received.data_bytes + received.lost_bytes, 2 * FLOOD);
	assert_int_equal(received.snapshot_bytes, 0);
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

static void a_ping_in_the_middle_of_a_flood_does_not_break_a_frame(void **state)
{
	struct received received;
	struct fixture fixture;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	/* More than the socket takes: a frame is cut somewhere. */
	(void)flood(&fixture, FLOOD, 200);
	send_frame(viewer, FRAME_PING, "x", 1);
	run_loop(&fixture, 5);
	for (int i = 0; i < 100; i++) {
		receive(viewer, &received);
		run_loop(&fixture, 2);
	}
	assert_int_equal(received.pongs, 1);
	assert_int_equal(received.rest_size, 0);
	assert_true(received.data_bytes > 256 * 1024);
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

/* --- The end --------------------------------------------------------------------------------- */

static void the_status_comes_after_the_last_byte(void **state)
{
	struct received received;
	struct fixture fixture;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	assert_int_equal(fd_write_all(fixture.process_out, "last words", 10), 0);
	close_process(&fixture);
	session_finish(fixture.session, 42);
	run_loop(&fixture, 20);
	assert_true(fixture.finished);
	receive(viewer, &received);
	assert_string_equal(received.bytes, "last words");
	assert_int_equal(received.status, 42);
	assert_true(received.closed);
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

static void an_output_that_another_process_holds_open_is_given_up(void **state)
{
	struct fixture fixture;
	int64_t begin;

	(void)state;
	open_pipes(&fixture);
	session_begin(fixture.session);
	begin = clock_monotonic_us();
	session_finish(fixture.session, 0);
	while (!fixture.finished && clock_monotonic_us() - begin < 2000000)
		run_loop(&fixture, 10);
	assert_true(fixture.finished);
	assert_in_range(clock_monotonic_us() - begin, SESSION_DRAIN_MS * 900,
			SESSION_DRAIN_MS * 3000);
	close_fixture(&fixture);
}

static void the_end_waits_for_a_viewer_that_still_reads(void **state)
{
	struct received received;
	struct fixture fixture;
	size_t written;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	/* Until everything is full: the socket, the ring and the pipe. */
	written = flood(&fixture, FLOOD, 300);
	assert_true(written < FLOOD);
	close_process(&fixture);
	session_finish(fixture.session, 1);
	for (int i = 0; i < 40; i++) {
		run_loop(&fixture, 20);
		receive(viewer, &received);
	}
	assert_true(fixture.finished);
	assert_int_equal(received.notices, 0);
	assert_int_equal(received.data_bytes, written);
	assert_int_equal(received.status, 1);
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

static void a_released_session_still_delivers_what_its_viewers_have_to_get(void **state)
{
	struct received received;
	struct fixture fixture;
	size_t written;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	written = flood(&fixture, 300 * 1024, 300);
	close_process(&fixture);
	session_finish(fixture.session, 7);
	run_loop(&fixture, 50);
	assert_true(fixture.finished);
	session_release(TAKE_PTR(fixture.session));
	for (int i = 0; i < 20; i++) {
		run_loop(&fixture, 5);
		receive(viewer, &received);
	}
	assert_int_equal(received.data_bytes, written);
	assert_int_equal(received.status, 7);
	assert_true(received.closed);
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

static void a_session_released_before_its_end_closes_everything(void **state)
{
	struct received received;
	struct fixture fixture;
	int viewer;

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	open_pipes(&fixture);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	session_release(TAKE_PTR(fixture.session));
	receive(viewer, &received);
	assert_true(received.closed);
	assert_int_equal(write(fixture.process_out, "x", 1), -1);
	assert_int_equal(errno, EPIPE);
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_viewer_that_does_not_read_stalls_nothing),
		cmocka_unit_test(a_pipe_waits_for_a_viewer_that_reads_however_slowly),
		cmocka_unit_test(a_pipe_goes_on_without_a_viewer_that_does_not_read_at_all),
		cmocka_unit_test(a_ping_in_the_middle_of_a_flood_does_not_break_a_frame),
		cmocka_unit_test(the_status_comes_after_the_last_byte),
		cmocka_unit_test(an_output_that_another_process_holds_open_is_given_up),
		cmocka_unit_test(the_end_waits_for_a_viewer_that_still_reads),
		cmocka_unit_test(a_released_session_still_delivers_what_its_viewers_have_to_get),
		cmocka_unit_test(a_session_released_before_its_end_closes_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
