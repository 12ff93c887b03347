/* Sessions: what goes from a process to its viewers and back, and how it ends. */
#include "tests/unit/session_fixture.h"

#include <signal.h>
#include <sys/ioctl.h>

/* --- Output ---------------------------------------------------------------------------------- */

static void every_viewer_gets_the_output_from_when_it_came(void **state)
{
	struct received first, second;
	struct fixture fixture;
	int a, b;

	(void)state;
	open_pipes(&fixture);
	init_received(&first);
	init_received(&second);
	session_begin(fixture.session);
	a = attach(&fixture, &viewer_blind);
	assert_int_equal(fd_write_all(fixture.process_out, "one", 3), 0);
	run_loop(&fixture, 20);
	b = attach(&fixture, &viewer_blind);
	assert_int_equal(fixture.viewers, 2);
	assert_int_equal(fd_write_all(fixture.process_out, "two", 3), 0);
	run_loop(&fixture, 20);
	receive(a, &first);
	receive(b, &second);
	assert_string_equal(first.bytes, "onetwo");
	assert_string_equal(second.bytes, "two");
	close_fixture(&fixture);
	fd_close(a);
	fd_close(b);
	free(first.bytes);
	free(second.bytes);
}

static void a_viewer_from_the_start_misses_nothing_that_came_before_it(void **state)
{
	const struct session_viewer_options options = { .from_start = true };
	struct received received;
	struct fixture fixture;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	init_received(&received);
	session_begin(fixture.session);
	assert_int_equal(fd_write_all(fixture.process_out, "early", 5), 0);
	run_loop(&fixture, 20);
	viewer = attach(&fixture, &options);
	receive(viewer, &received);
	assert_string_equal(received.bytes, "early");
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

static void standard_error_is_a_stream_of_its_own(void **state)
{
	struct received received;
	struct fixture fixture;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	assert_int_equal(fd_write_all(fixture.process_out, "out", 3), 0);
	assert_int_equal(fd_write_all(fixture.process_err, "error", 5), 0);
	run_loop(&fixture, 20);
	receive(viewer, &received);
	assert_int_equal(received.data_bytes, 3);
	assert_int_equal(received.stderr_bytes, 5);
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

static void nothing_is_read_before_the_session_begins(void **state)
{
	struct fixture fixture;
	int waiting = 0;

	(void)state;
	open_pipes(&fixture);
	assert_int_equal(fd_write_all(fixture.process_out, "early", 5), 0);
	run_loop(&fixture, 20);
	assert_int_equal(ioctl(fixture.process_out, FIONREAD, &waiting), 0);
	assert_int_equal(waiting, 5);
	session_begin(fixture.session);
	run_loop(&fixture, 20);
	assert_int_equal(ioctl(fixture.process_out, FIONREAD, &waiting), 0);
	assert_int_equal(waiting, 0);
	close_fixture(&fixture);
}

/* --- Input ----------------------------------------------------------------------------------- */

static void what_a_viewer_types_reaches_the_process(void **state)
{
	char text[16] = "";
	struct fixture fixture;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	type_text(viewer, "hello");
	run_loop(&fixture, 20);
	assert_int_equal(read(fixture.process_in, text, sizeof(text)), 5);
	assert_string_equal(text, "hello");
	close_fixture(&fixture);
	fd_close(viewer);
}

static void a_read_only_viewer_neither_types_nor_signals_nor_resizes(void **state)
{
	const struct session_viewer_options options = { .rows = 50, .columns = 100 };
	const unsigned char resize[] = { 0, 60, 0, 120 }, number[] = { SIGTERM };
	struct fixture fixture;
	struct pollfd polled;
	struct winsize size;
	int viewer;

	(void)state;
	open_terminal(&fixture, 24, 80);
	session_begin(fixture.session);
	viewer = attach(&fixture, &options);
	type_text(viewer, "rm -rf /\n");
	send_frame(viewer, FRAME_RESIZE, resize, sizeof(resize));
	send_frame(viewer, FRAME_SIGNAL, number, sizeof(number));
	run_loop(&fixture, 20);
	polled = (struct pollfd){ .fd = fixture.process_in, .events = POLLIN };
	assert_int_equal(poll(&polled, 1, 0), 0);
	assert_int_equal(fixture.last_signal, 0);
	assert_int_equal(ioctl(fixture.process_in, TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_row, 24);
	assert_int_equal(fixture.viewers, 1);
	close_fixture(&fixture);
	fd_close(viewer);
}

static void the_end_of_input_closes_a_pipe_after_what_was_typed(void **state)
{
	char text[16] = "";
	struct fixture fixture;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	type_text(viewer, "last");
	send_frame(viewer, FRAME_EOF, "", 0);
	run_loop(&fixture, 20);
	assert_int_equal(read(fixture.process_in, text, sizeof(text)), 4);
	assert_int_equal(read(fixture.process_in, text, sizeof(text)), 0);
	assert_true(fixture.input_closed);
	close_fixture(&fixture);
	fd_close(viewer);
}

static void input_that_nobody_reads_is_bounded(void **state)
{
	static const char block[4096];
	struct fixture fixture;
	size_t sent = 0;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	for (int i = 0; i < 2000; i++) {
		unsigned char header[FRAME_HEADER_SIZE];

		frame_put_header(header, FRAME_DATA, sizeof(block));
		if (write(viewer, header, sizeof(header)) != sizeof(header) ||
		    write(viewer, block, sizeof(block)) != sizeof(block))
			break;
		sent += sizeof(block);
		run_loop(&fixture, 1);
	}
	/* The pipe, the queue, and what a socket holds: not the 8 MB that were offered. */
	assert_true(sent > 64 * 1024);
	assert_true(sent < 2 * 1024 * 1024);
	close_fixture(&fixture);
	fd_close(viewer);
}

/* --- The terminal ---------------------------------------------------------------------------- */

static void expect_size(const struct fixture *fixture, int rows, int columns)
{
	struct winsize size;

	assert_int_equal(ioctl(fixture->process_in, TIOCGWINSZ, &size), 0);
	assert_int_equal(size.ws_row, rows);
	assert_int_equal(size.ws_col, columns);
}

static void the_terminal_has_the_size_of_the_viewer_that_was_active_last(void **state)
{
	const struct session_viewer_options large = { .input = true, .rows = 50, .columns = 132 };
	const unsigned char resize[] = { 0, 30, 0, 90 };
	struct fixture fixture;
	int a, b;

	(void)state;
	open_terminal(&fixture, 10, 20);
	session_begin(fixture.session);
	a = attach(&fixture, &viewer_24x80);
	expect_size(&fixture, 24, 80);
	b = attach(&fixture, &large);
	expect_size(&fixture, 50, 132);
	type_text(a, "x");
	run_loop(&fixture, 20);
	expect_size(&fixture, 24, 80);
	send_frame(b, FRAME_RESIZE, resize, sizeof(resize));
	run_loop(&fixture, 20);
	expect_size(&fixture, 30, 90);
	close_fixture(&fixture);
	fd_close(a);
	fd_close(b);
}

static void a_program_may_close_its_terminal_and_open_it_again(void **state)
{
	struct received received;
	struct fixture fixture;
	char path[64];
	int viewer;

	(void)state;
	open_terminal(&fixture, 24, 80);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_24x80);
	assert_int_equal(ttyname_r(fixture.process_out, path, sizeof(path)), 0);
	fixture.process_out = fd_close(fixture.process_out);
	run_loop(&fixture, 50);
	fixture.process_in = fixture.process_out = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(fixture.process_out >= 0);
	assert_int_equal(fd_write_all(fixture.process_out, "again", 5), 0);
	run_loop(&fixture, 50);
	receive(viewer, &received);
	assert_string_equal(received.bytes, "again");
	/* And its end is seen all the same. */
	close_process(&fixture);
	session_finish(fixture.session, 3);
	run_loop(&fixture, 50);
	assert_true(fixture.finished);
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

/* --- Frames ---------------------------------------------------------------------------------- */

static void a_signal_frame_is_passed_on(void **state)
{
	const unsigned char number[] = { SIGUSR1 };
	struct fixture fixture;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	send_frame(viewer, FRAME_SIGNAL, number, sizeof(number));
	run_loop(&fixture, 20);
	assert_int_equal(fixture.last_signal, SIGUSR1);
	close_fixture(&fixture);
	fd_close(viewer);
}

static void a_ping_is_answered_and_an_unknown_frame_is_skipped(void **state)
{
	struct received received;
	struct fixture fixture;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	send_frame(viewer, (enum frame_type)0x7f, "whatever", 8);
	send_frame(viewer, FRAME_PING, "are you there", 13);
	run_loop(&fixture, 20);
	receive(viewer, &received);
	assert_int_equal(received.pongs, 1);
	assert_false(received.closed);
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

static void expect_closed_by(const void *bytes, size_t n)
{
	struct received received;
	struct fixture fixture;
	int viewer;

	open_pipes(&fixture);
	init_received(&received);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	assert_int_equal(fd_write_all(viewer, bytes, n), 0);
	run_loop(&fixture, 20);
	receive(viewer, &received);
	assert_true(received.closed || errno == ECONNRESET);
	assert_int_equal(fixture.viewers, 0);
	close_fixture(&fixture);
	fd_close(viewer);
	free(received.bytes);
}

static void a_viewer_that_breaks_the_protocol_is_closed(void **state)
{
	(void)state;
	expect_closed_by("\1\xff\xff\xff\xff", 5); /* a length out of bounds */
	expect_closed_by("\1\0\0\0\0", 5);	   /* DATA without a stream */
	expect_closed_by("\1\0\0\0\1\2", 6);	   /* input for standard error */
	expect_closed_by("\2\0\0\0\3\0\0\0", 8);   /* a size of three bytes */
	expect_closed_by("\3\0\0\0\1\0", 6);	   /* signal 0 */
	expect_closed_by("\3\0\0\0\1\101", 6);	   /* signal 65 */
}

static void frames_may_come_a_byte_at_a_time(void **state)
{
	static const char bytes[] = "\1\0\0\0\3\0hi\1\0\0\0\2\0!";
	char text[16] = "";
	struct fixture fixture;
	int viewer;

	(void)state;
	open_pipes(&fixture);
	session_begin(fixture.session);
	viewer = attach(&fixture, &viewer_blind);
	for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
		assert_int_equal(write(viewer, bytes + i, 1), 1);
		run_loop(&fixture, 1);
	}
	assert_int_equal(read(fixture.process_in, text, sizeof(text)), 3);
	assert_string_equal(text, "hi!");
	close_fixture(&fixture);
	fd_close(viewer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_viewer_gets_the_output_from_when_it_came),
		cmocka_unit_test(a_viewer_from_the_start_misses_nothing_that_came_before_it),
		cmocka_unit_test(standard_error_is_a_stream_of_its_own),
		cmocka_unit_test(nothing_is_read_before_the_session_begins),
		cmocka_unit_test(what_a_viewer_types_reaches_the_process),
		cmocka_unit_test(a_read_only_viewer_neither_types_nor_signals_nor_resizes),
		cmocka_unit_test(the_end_of_input_closes_a_pipe_after_what_was_typed),
		cmocka_unit_test(input_that_nobody_reads_is_bounded),
		cmocka_unit_test(the_terminal_has_the_size_of_the_viewer_that_was_active_last),
		cmocka_unit_test(a_program_may_close_its_terminal_and_open_it_again),
		cmocka_unit_test(a_signal_frame_is_passed_on),
		cmocka_unit_test(a_ping_is_answered_and_an_unknown_frame_is_skipped),
		cmocka_unit_test(a_viewer_that_breaks_the_protocol_is_closed),
		cmocka_unit_test(frames_may_come_a_byte_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
