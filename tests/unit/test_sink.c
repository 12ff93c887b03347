#include "client/sink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/fdio.h"

struct pair {
	int near, far; /* what is written to near comes out of far */
};

static void pair_done(struct pair *pair)
{
	pair->near = fd_close(pair->near);
	pair->far = fd_close(pair->far);
}

static struct pair make_pipe(void)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	return (struct pair){ fds[1], fds[0] };
}

static struct pair make_sockets(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	return (struct pair){ fds[0], fds[1] };
}

/* A terminal, its output raw: far is its master. */
static struct pair make_terminal(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct pair pair = { .far = master };
	char name[64];

	assert_true(master >= 0);
	assert_int_equal(grantpt(master), 0);
	assert_int_equal(unlockpt(master), 0);
	assert_int_equal(ptsname_r(master, name, sizeof(name)), 0);
	pair.near = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(pair.near >= 0);
	return pair;
}

static bool is_nonblocking(int fd)
{
	return fcntl(fd, F_GETFL) & O_NONBLOCK;
}

static ssize_t write_text(struct sink *sink, const char *text)
{
	const struct iovec piece = { (void *)(uintptr_t)text, strlen(text) };

	return sink_write(sink, &piece, 1);
}

/* Writes until it would block; returns how much that was. */
static size_t fill(struct sink *sink)
{
	static char data[65536];
	const struct iovec piece = { data, sizeof(data) };
	size_t total = 0;
	ssize_t n;

	(void)memset(data, 'x', sizeof(data));
	while ((n = sink_write(sink, &piece, 1)) > 0)
		total += (size_t)n;
	assert_int_equal(n, 0);
	return total;
}

static void drain(int fd, size_t n)
{
	_cleanup_(freep) char *data = alloc_zero(1, n);

	assert_int_equal(fd_read_full(fd, data, n), n);
}

static void check_that_it_never_blocks(struct pair pair, enum sink_kind kind)
{
	_cleanup_(sink_done) struct sink sink;
	struct pollfd poll_fd = { .events = POLLOUT };
	size_t n;

	sink_init(&sink, pair.near);
	assert_int_equal(write_text(&sink, "a"), 1);
	assert_int_equal(sink.kind, kind);
	n = fill(&sink);
	assert_true(n >= 2048);
	assert_false(is_nonblocking(pair.near));
	poll_fd.fd = sink_fd(&sink);
	assert_int_equal(poll(&poll_fd, 1, 0), 0);
	drain(pair.far, n + 1);
	assert_int_equal(poll(&poll_fd, 1, 1000), 1);
	assert_int_equal(write_text(&sink, "b"), 1);
	assert_false(is_nonblocking(pair.near));
}

static void a_pipe_never_blocks_and_keeps_its_flags(void **state)
{
	_cleanup_(pair_done) struct pair pair = make_pipe();

	(void)state;
	check_that_it_never_blocks(pair, SINK_OWN);
}

static void a_socket_never_blocks_and_keeps_its_flags(void **state)
{
	_cleanup_(pair_done) struct pair pair = make_sockets();

	(void)state;
	check_that_it_never_blocks(pair, SINK_SOCKET);
}

static void a_terminal_never_blocks_and_keeps_its_flags(void **state)
{
	_cleanup_(pair_done) struct pair pair = make_terminal();

	(void)state;
	check_that_it_never_blocks(pair, SINK_OWN);
}

static void a_pipe_that_cannot_be_opened_again_takes_small_pieces(void **state)
{
	_cleanup_(pair_done) struct pair pair = make_pipe();
	_cleanup_(sink_done) struct sink sink;
	static char data[PIPE_BUF * 2];
	const struct iovec piece = { data, sizeof(data) };
	size_t total = 0;
	ssize_t n;

	(void)state;
	sink_init(&sink, pair.near);
	sink.kind = SINK_SHARED;
	while ((n = sink_write(&sink, &piece, 1)) > 0) {
		assert_true(n <= PIPE_BUF);
		total += (size_t)n;
	}
	assert_int_equal(n, 0);
	assert_int_equal(sink_fd(&sink), pair.near);
	assert_false(is_nonblocking(pair.near));
	drain(pair.far, total);
	assert_int_equal(write_text(&sink, "b"), 1);
}

/* A description of its own would begin at the start of the file, and write over the rest. */
static void a_file_is_written_where_its_position_is(void **state)
{
	char path[] = "/tmp/test-sink-XXXXXX", text[16] = "";
	_cleanup_(fd_closep) int fd = mkstemp(path);
	_cleanup_(sink_done) struct sink sink;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fd_write_all(fd, "one ", 4), 0);
	sink_init(&sink, fd);
	assert_int_equal(write_text(&sink, "two "), 4);
	assert_int_equal(sink.kind, SINK_PLAIN);
	assert_int_equal(fd_write_all(fd, "three", 5), 0);
	assert_int_equal(pread(fd, text, sizeof(text) - 1, 0), 13);
	assert_string_equal(text, "one two three");
}

/* To open it again would make another pair. */
static void the_master_of_a_terminal_is_not_opened_again(void **state)
{
	_cleanup_(pair_done) struct pair pair = make_terminal();
	_cleanup_(sink_done) struct sink sink;

	(void)state;
	sink_init(&sink, pair.far);
	assert_int_equal(write_text(&sink, "x"), 1);
	assert_int_equal(sink.own_fd, -1);
}

static void several_pieces_are_one_write(void **state)
{
	_cleanup_(pair_done) struct pair pair = make_pipe();
	_cleanup_(sink_done) struct sink sink;
	char one[] = "one ", two[] = "two", text[8] = "";
	const struct iovec pieces[] = { { one, 4 }, { two, 3 } };

	(void)state;
	sink_init(&sink, pair.near);
	assert_int_equal(sink_write(&sink, pieces, 2), 7);
	assert_int_equal(fd_read_full(pair.far, text, 7), 7);
	assert_string_equal(text, "one two");
}

static void errors_are_told_as_they_are(void **state)
{
	_cleanup_(pair_done) struct pair pipe = make_pipe();
	_cleanup_(pair_done) struct pair sockets = make_sockets();
	_cleanup_(fd_closep) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	const struct {
		int fd, reason;
	} cases[] = {
		{ pipe.near, EPIPE }, { sockets.near, EPIPE }, { full, ENOSPC }, { -1, EBADF }
	};

	(void)state;
	(void)signal(SIGPIPE, SIG_IGN);
	pipe.far = fd_close(pipe.far);
	sockets.far = fd_close(sockets.far);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(sink_done) struct sink sink;

		sink_init(&sink, cases[i].fd);
		assert_int_equal(write_text(&sink, "x"), -1);
		assert_int_equal(errno, cases[i].reason);
	}
}

static void the_users_own_descriptor_may_be_non_blocking_already(void **state)
{
	_cleanup_(pair_done) struct pair pair = make_pipe();
	_cleanup_(sink_done) struct sink sink;

	(void)state;
	assert_int_equal(fd_set_nonblocking(pair.near, true), 0);
	sink_init(&sink, pair.near);
	(void)fill(&sink);
	assert_true(is_nonblocking(pair.near));
}

static void the_last_words_do_not_wait_for_ever(void **state)
{
	_cleanup_(pair_done) struct pair pair = make_pipe();
	_cleanup_(sink_done) struct sink sink;
	int64_t before;

	(void)state;
	sink_init(&sink, pair.near);
	sink_write_last(&sink, "abc", 3);
	drain(pair.far, 3);
	(void)fill(&sink);
	before = clock_monotonic_us();
	sink_write_last(&sink, "abc", 3);
	assert_true(clock_monotonic_us() - before >= 900 * 1000);
	assert_true(clock_monotonic_us() - before < 5 * 1000 * 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_never_blocks_and_keeps_its_flags),
		cmocka_unit_test(a_socket_never_blocks_and_keeps_its_flags),
		cmocka_unit_test(a_terminal_never_blocks_and_keeps_its_flags),
		cmocka_unit_test(a_pipe_that_cannot_be_opened_again_takes_small_pieces),
		cmocka_unit_test(a_file_is_written_where_its_position_is),
		cmocka_unit_test(the_master_of_a_terminal_is_not_opened_again),
		cmocka_unit_test(several_pieces_are_one_write),
		cmocka_unit_test(errors_are_told_as_they_are),
		cmocka_unit_test(the_users_own_descriptor_may_be_non_blocking_already),
		cmocka_unit_test(the_last_words_do_not_wait_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
