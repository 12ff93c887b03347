/* Taps: what a log or a recording is given of a session's output. */
#include "tests/unit/session_fixture.h"

#include "common/output_count.h"
#include "daemon/session/tap.h"

enum { TAKEN_MAX = 1024 * 1024 };

struct sponge {
	struct session_tap tap;
	char *bytes;
	size_t size, stderr_bytes, input_bytes, resizes;
	uint64_t lost;
	bool refuses, last;
	uid_t typist;
};

static size_t take(struct session_tap *tap, const struct session_chunk *chunks, size_t n, bool last)
{
	struct sponge *sponge = (struct sponge *)tap;

	if (sponge->refuses && !last)
		return 0;
	sponge->last = last;
	for (size_t i = 0; i < n; i++) {
		for (int k = 0; k < chunks[i].n_pieces; k++) {
			const struct iovec *piece = &chunks[i].pieces[k];

			assert_true(sponge->size + piece->iov_len <= TAKEN_MAX);
			(void)memcpy(sponge->bytes + sponge->size, piece->iov_base, piece->iov_len);
			sponge->size += piece->iov_len;
		}
		if (chunks[i].stream == FRAME_STDERR)
			sponge->stderr_bytes += chunks[i].size;
	}
	return n;
}

static void lose(struct session_tap *tap, uint64_t bytes)
{
	((struct sponge *)tap)->lost += bytes;
}

static void take_input(struct session_tap *tap, uid_t uid, const void *data, size_t n)
{
	struct sponge *sponge = (struct sponge *)tap;

	(void)data;
	sponge->typist = uid;
	sponge->input_bytes += n;
}

static void take_size(struct session_tap *tap, uint16_t rows, uint16_t columns)
{
	assert_int_equal(rows, 30);
	assert_int_equal(columns, 100);
	((struct sponge *)tap)->resizes++;
}

static const struct session_tap_ops ops = {
	.output = take,
	.lost = lose,
	.input = take_input,
	.resized = take_size,
};

static void init_sponge(struct sponge *sponge)
{
	*sponge = (struct sponge){ .tap.ops = &ops, .bytes = malloc(TAKEN_MAX) };
	assert_non_null(sponge->bytes);
}

static void a_tap_gets_all_output_of_both_streams(void **state)
{
	struct fixture fixture;
	struct sponge sponge;

	(void)state;
	open_pipes(&fixture);
	init_sponge(&sponge);
	session_add_tap(fixture.session, &sponge.tap, true);
	session_begin(fixture.session);
	assert_int_equal(fd_write_all(fixture.process_out, "out", 3), 0);
	run_loop(&fixture, 20);
	assert_int_equal(fd_write_all(fixture.process_err, "error", 5), 0);
	run_loop(&fixture, 20);
	assert_int_equal(sponge.size, 8);
	assert_memory_equal(sponge.bytes, "outerror", 8);
	assert_int_equal(sponge.stderr_bytes, 5);
	assert_int_equal(sponge.lost, 0);
	close_fixture(&fixture);
	free(sponge.bytes);
}

static void what_is_read_is_counted_from_where_another_process_had_come_to(void **state)
{
	struct output_count first = { .bytes = 100 }, second = { 0 };
	struct fixture fixture;

	(void)state;
	open_pipes(&fixture);
	session_count(fixture.session, &first);
	session_count(fixture.session, &second);
	session_begin(fixture.session);
	assert_int_equal(fd_write_all(fixture.process_out, "out", 3), 0);
	assert_int_equal(fd_write_all(fixture.process_err, "error", 5), 0);
	run_loop(&fixture, 20);
	assert_int_equal(first.bytes, 108);
	assert_int_equal(second.bytes, 8);
	assert_int_equal(first.more, 0);
	session_uncount(fixture.session, &first);
	assert_int_equal(fd_write_all(fixture.process_out, "x", 1), 0);
	run_loop(&fixture, 20);
	assert_int_equal(first.bytes, 108);
	assert_int_equal(second.bytes, 9);
	close_fixture(&fixture);
}

static void a_tap_that_refuses_is_offered_the_same_again(void **state)
{
	struct fixture fixture;
	struct sponge sponge;

	(void)state;
	open_pipes(&fixture);
	init_sponge(&sponge);
	sponge.refuses = true;
	session_add_tap(fixture.session, &sponge.tap, true);
	session_begin(fixture.session);
	assert_int_equal(fd_write_all(fixture.process_out, "waits", 5), 0);
	run_loop(&fixture, 20);
	assert_int_equal(sponge.size, 0);
	sponge.refuses = false;
	session_tap_ready(&sponge.tap);
	assert_int_equal(sponge.size, 5);
	close_fixture(&fixture);
	free(sponge.bytes);
}

static void a_tap_that_takes_nothing_stops_no_terminal_and_learns_what_it_lost(void **state)
{
	enum { TOTAL = 600 * 1024 };
	static char text[8192];
	struct fixture fixture;
	struct sponge sponge;
	size_t written = 0;

	(void)state;
	open_terminal(&fixture, 24, 80);
	init_sponge(&sponge);
	sponge.refuses = true;
	(void)memset(text, 'x', sizeof(text));
	session_add_tap(fixture.session, &sponge.tap, true);
	session_begin(fixture.session);
	assert_int_equal(fd_set_nonblocking(fixture.process_out, true), 0);
	for (int i = 0; i < 2000 && written < TOTAL; i++) {
		ssize_t n = write(fixture.process_out, text, sizeof(text));

		written += n > 0 ? (size_t)n : 0;
		run_loop(&fixture, 1);
	}
	assert_true(written >= TOTAL);
	run_loop(&fixture, 200);
	assert_true(sponge.lost > 0);
	/* The rest is still in the ring, and is given to it at the end. */
	session_remove_tap(&sponge.tap);
	assert_true(sponge.last);
	assert_int_equal(sponge.size + sponge.lost, written);
	close_fixture(&fixture);
	free(sponge.bytes);
}

static void of_a_flood_it_is_given_much_at_once_and_the_rest_soon(void **state)
{
	static const char text[16 * 1024];
	struct fixture fixture;
	struct sponge sponge;

	(void)state;
	open_pipes(&fixture);
	init_sponge(&sponge);
	session_add_tap(fixture.session, &sponge.tap, true);
	session_begin(fixture.session);
	assert_int_equal(fd_write_all(fixture.process_out, text, sizeof(text)), 0);
	(void)event_base_loop(fixture.base, EVLOOP_NONBLOCK);
	assert_int_equal(sponge.size, 0);
	session_tap_flush(&sponge.tap);
	assert_int_equal(sponge.size, sizeof(text));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fd_write_all(fixture.process_out, text, sizeof(text)), 0);
		(void)event_base_loop(fixture.base, EVLOOP_NONBLOCK);
	}
	assert_true(sponge.size >= 3 * sizeof(text));
	run_loop(&fixture, 100);
	assert_int_equal(sponge.size, 4 * sizeof(text));
	close_fixture(&fixture);
	free(sponge.bytes);
}

static void the_last_bytes_come_before_the_end_of_the_session(void **state)
{
	struct fixture fixture;
	struct sponge sponge;

	(void)state;
	open_pipes(&fixture);
	init_sponge(&sponge);
	sponge.refuses = true;
	session_add_tap(fixture.session, &sponge.tap, true);
	session_begin(fixture.session);
	assert_int_equal(fd_write_all(fixture.process_out, "bye", 3), 0);
	close_process(&fixture);
	session_finish(fixture.session, 0);
	run_loop(&fixture, 50);
	assert_true(fixture.finished);
	session_release(fixture.session);
	assert_int_equal(sponge.size, 3);
	assert_true(sponge.last);
	assert_null(sponge.tap.session);
	event_base_free(fixture.base);
	free(sponge.bytes);
}

static void a_tap_learns_who_typed_and_the_size(void **state)
{
	struct fixture fixture;
	struct sponge sponge;
	struct error err;
	int viewer;

	(void)state;
	open_terminal(&fixture, 24, 80);
	init_sponge(&sponge);
	session_add_tap(fixture.session, &sponge.tap, true);
	session_begin(fixture.session);
	assert_int_equal(session_type(fixture.session, 1234, "abc", 3, &err), 0);
	assert_int_equal(sponge.typist, 1234);
	assert_int_equal(sponge.input_bytes, 3);
	viewer = attach(&fixture, &(struct session_viewer_options){
					  .input = true, .rows = 30, .columns = 100, .uid = 7 });
	assert_int_equal(sponge.resizes, 1);
	type_text(viewer, "d");
	run_loop(&fixture, 20);
	assert_int_equal(sponge.typist, 7);
	assert_int_equal(sponge.input_bytes, 4);
	close_fixture(&fixture);
	fd_close(viewer);
	free(sponge.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tap_gets_all_output_of_both_streams),
		cmocka_unit_test(what_is_read_is_counted_from_where_another_process_had_come_to),
		cmocka_unit_test(a_tap_that_refuses_is_offered_the_same_again),
		cmocka_unit_test(
			a_tap_that_takes_nothing_stops_no_terminal_and_learns_what_it_lost),
		cmocka_unit_test(of_a_flood_it_is_given_much_at_once_and_the_rest_soon),
		cmocka_unit_test(the_last_bytes_come_before_the_end_of_the_session),
		cmocka_unit_test(a_tap_learns_who_typed_and_the_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
