#include "common/fdio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "common/alloc.h"
#include "common/cleanup.h"

struct pair {
	int a, b;
};

static void pair_done(struct pair *pair)
{
	pair->a = fd_close(pair->a);
	pair->b = fd_close(pair->b);
}

static struct pair make_pipe(void)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	return (struct pair){ fds[0], fds[1] };
}

static struct pair make_sockets(int type)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fds), 0);
	return (struct pair){ fds[0], fds[1] };
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void on_alarm(int number)
{
	(void)number;
}

/* Signals that interrupt system calls, again and again until it is called with 0. */
static void interrupt_every(long us)
{
	const struct sigaction action = { .sa_handler = on_alarm }; /* no SA_RESTART */
	const struct timespec interval = { .tv_nsec = us * 1000 };
	const struct itimerspec spec = { interval, interval };
	static timer_t timer;
	static bool made;

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	if (!made)
		assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	made = true;
	assert_int_equal(timer_settime(timer, 0, &spec, NULL), 0);
}

/* A child that writes n bytes in small pieces, slowly. */
static pid_t write_slowly(struct pair pipe, size_t n)
{
	const struct timespec pause = { .tv_nsec = 3000000 };
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	fd_close(pipe.a);
	for (size_t i = 0; i < n; i++) {
		(void)nanosleep(&pause, NULL);
		if (write(pipe.b, "x", 1) != 1)
			_exit(1);
	}
	_exit(0);
}

static void expect_success(pid_t pid)
{
	int status;
	pid_t r;

	do
		r = waitpid(pid, &status, 0);
	while (r < 0 && errno == EINTR);
	assert_int_equal(r, pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void a_full_read_takes_pieces_and_interruptions(void **state)
{
	_cleanup_(pair_done) struct pair pipe = make_pipe();
	char buffer[11] = "";
	pid_t pid;

	(void)state;
	pid = write_slowly(pipe, 10);
	pipe.b = fd_close(pipe.b);
	interrupt_every(2000);
	assert_int_equal(fd_read_full(pipe.a, buffer, 10), 10);
	assert_string_equal(buffer, "xxxxxxxxxx");
	assert_int_equal(fd_read_full(pipe.a, buffer, 1), 0);
	expect_success(pid);
	interrupt_every(0);
}

static void a_full_read_returns_what_there_was_before_the_end(void **state)
{
	_cleanup_(pair_done) struct pair pipe = make_pipe();
	char buffer[8];

	(void)state;
	assert_int_equal(fd_write_all(pipe.b, "abc", 3), 0);
	pipe.b = fd_close(pipe.b);
	assert_int_equal(fd_read_full(pipe.a, buffer, sizeof(buffer)), 3);
	assert_memory_equal(buffer, "abc", 3);
	assert_int_equal(fd_read_full(-1, buffer, 1), -1);
	assert_int_equal(errno, EBADF);
}

/* A child that reads slowly, and succeeds if it is those bytes. */
static pid_t read_slowly(struct pair pipe, const char *data, size_t n)
{
	enum { PIECE = 32 * 1024 };
	const struct timespec pause = { .tv_nsec = 2000000 };
	char piece[PIECE];
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	fd_close(pipe.b);
	for (size_t i = 0; i < n; i += PIECE) {
		(void)nanosleep(&pause, NULL);
		if (fd_read_full(pipe.a, piece, PIECE) != PIECE ||
		    memcmp(piece, data + i, PIECE) != 0)
			_exit(1);
	}
	_exit(0);
}

static void a_full_write_waits_for_its_reader_and_takes_interruptions(void **state)
{
	enum { SIZE = 1024 * 1024 };
	_cleanup_(pair_done) struct pair pipe = make_pipe();
	_cleanup_(freep) char *data = alloc_zero(1, SIZE);
	pid_t pid;

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		data[i] = (char)(i * 7 + i / 251);
	pid = read_slowly(pipe, data, SIZE);
	interrupt_every(500);
	assert_int_equal(fd_write_all(pipe.b, data, SIZE), 0);
	interrupt_every(0);
	expect_success(pid);
}

static void a_write_to_nobody_fails(void **state)
{
	_cleanup_(pair_done) struct pair pipe = make_pipe();

	(void)state;
	pipe.a = fd_close(pipe.a);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(fd_write_all(pipe.b, "abc", 3), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(fd_write_all(pipe.b, "", 0), 0);
}

/* --- Files ----------------------------------------------------------------------------------- */

static char *make_file(const void *data, size_t n)
{
	char *path = alloc_strdup("/tmp/test-fdio-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, data, n), 0);
	fd_close(fd);
	return path;
}

static void a_file_is_read_whole_up_to_its_limit(void **state)
{
	_cleanup_(freep) char *path = make_file("ab\0cd", 5);
	_cleanup_(freep) char *data = NULL;
	char *untouched = NULL;
	size_t size = 77;
	struct error err;

	(void)state;
	assert_int_equal(fd_read_file_at(AT_FDCWD, path, 5, &data, &size, &err), 0);
	assert_int_equal(size, 5);
	assert_memory_equal(data, "ab\0cd", 6);
	size = 77;
	assert_int_equal(fd_read_file_at(AT_FDCWD, path, 4, &untouched, &size, &err), -1);
	assert_int_equal(err.sys_errno, EFBIG);
	assert_null(untouched);
	assert_int_equal(size, 77);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(fd_read_file_at(AT_FDCWD, path, 5, &untouched, &size, &err), -1);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_non_null(strstr(err.message, path));
}

static void an_empty_file_and_one_of_unknown_size_are_read(void **state)
{
	_cleanup_(freep) char *path = make_file("", 0);
	_cleanup_(freep) char *data = NULL;
	_cleanup_(freep) char *status = NULL;
	char *untouched = NULL;
	size_t size = 77;
	struct error err;

	(void)state;
	assert_int_equal(fd_read_file_at(AT_FDCWD, path, 5, &data, &size, &err), 0);
	assert_int_equal(size, 0);
	assert_string_equal(data, "");
	assert_int_equal(unlink(path), 0);
	/* What lies in /proc says that it is empty. */
	assert_int_equal(
		fd_read_file_at(AT_FDCWD, "/proc/self/status", 65536, &status, &size, &err), 0);
	assert_int_equal(size, strlen(status));
	assert_int_equal(strncmp(status, "Name:", 5), 0);
	assert_int_equal(
		fd_read_file_at(AT_FDCWD, "/proc/self/status", 10, &untouched, &size, &err), -1);
	assert_int_equal(err.sys_errno, EFBIG);
}

static void a_file_is_found_relative_to_a_directory(void **state)
{
	_cleanup_(freep) char *path = make_file("x", 1);
	_cleanup_(fd_closep) int dir = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(freep) char *data = NULL;
	size_t size;
	struct error err;

	(void)state;
	assert_int_equal(fd_read_file_at(dir, strrchr(path, '/') + 1, 1, &data, &size, &err), 0);
	assert_string_equal(data, "x");
	assert_int_equal(unlink(path), 0);
}

static void non_blocking_is_switched_on_and_off(void **state)
{
	_cleanup_(pair_done) struct pair pipe = make_pipe();
	char byte;

	(void)state;
	assert_int_equal(fd_set_nonblocking(pipe.a, true), 0);
	assert_int_equal(read(pipe.a, &byte, 1), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fd_set_nonblocking(pipe.a, false), 0);
	assert_int_equal(fcntl(pipe.a, F_GETFL) & O_NONBLOCK, 0);
	assert_int_equal(fd_set_nonblocking(-1, true), -1);
}

/* --- Descriptors ----------------------------------------------------------------------------- */

static void descriptors_are_passed_beside_a_message(void **state)
{
	_cleanup_(pair_done) struct pair sockets = make_sockets(SOCK_SEQPACKET);
	_cleanup_(pair_done) struct pair pipe = make_pipe();
	int fds[FD_PASS_MAX], sent[] = { pipe.b, pipe.a };
	char buffer[16], byte = 0;
	size_t n = 77;

	(void)state;
	assert_int_equal(fd_send(sockets.a, "hello", 5, sent, 2), 0);
	assert_true(is_open(pipe.a) && is_open(pipe.b));
	assert_int_equal(fd_receive(sockets.b, buffer, sizeof(buffer), fds, &n), 5);
	assert_memory_equal(buffer, "hello", 5);
	assert_int_equal(n, 2);
	assert_int_equal(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fds[1], F_GETFD), FD_CLOEXEC);
	assert_int_equal(fd_write_all(fds[0], "x", 1), 0);
	assert_int_equal(fd_read_full(pipe.a, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	fd_close(fds[0]);
	fd_close(fds[1]);
}

static void a_message_may_have_none_or_the_most(void **state)
{
	_cleanup_(pair_done) struct pair sockets = make_sockets(SOCK_SEQPACKET);
	int fds[FD_PASS_MAX], sent[FD_PASS_MAX];
	char buffer[16];
	size_t n = 77;

	(void)state;
	assert_int_equal(fd_send(sockets.a, "a", 1, NULL, 0), 0);
	assert_int_equal(fd_receive(sockets.b, buffer, sizeof(buffer), fds, &n), 1);
	assert_int_equal(n, 0);
	for (size_t i = 0; i < FD_PASS_MAX; i++)
		sent[i] = STDIN_FILENO;
	assert_int_equal(fd_send(sockets.a, "b", 1, sent, FD_PASS_MAX), 0);
	assert_int_equal(fd_receive(sockets.b, buffer, sizeof(buffer), fds, &n), 1);
	assert_int_equal(n, FD_PASS_MAX);
	while (n)
		fd_close(fds[--n]);
	sockets.a = fd_close(sockets.a);
	assert_int_equal(fd_receive(sockets.b, buffer, sizeof(buffer), fds, &n), 0);
	assert_int_equal(n, 0);
}

/* Sends more descriptors than fd_receive has room for. */
static void send_many(int socket, size_t count)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE((FD_PASS_MAX + 4) * sizeof(int))];
	} control = { 0 };
	int fds[FD_PASS_MAX + 4] = { 0 };
	char byte = 'x';
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	(void)memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	assert_int_equal(sendmsg(socket, &message, 0), 1);
}

static size_t count_fds(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += is_open(fd);
	return n;
}

static void what_was_cut_is_refused_and_none_of_it_kept(void **state)
{
	_cleanup_(pair_done) struct pair sockets = make_sockets(SOCK_SEQPACKET);
	int fds[FD_PASS_MAX], sent[] = { STDIN_FILENO };
	size_t before = count_fds(), n = 77;
	char buffer[4];

	(void)state;
	send_many(sockets.a, FD_PASS_MAX + 4);
	assert_int_equal(fd_receive(sockets.b, buffer, sizeof(buffer), fds, &n), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(n, 0);
	assert_int_equal(fd_send(sockets.a, "longer", 6, sent, 1), 0);
	assert_int_equal(fd_receive(sockets.b, buffer, sizeof(buffer), fds, &n), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(n, 0);
	assert_int_equal(count_fds(), before);
}

static void sending_to_nobody_raises_no_signal(void **state)
{
	_cleanup_(pair_done) struct pair sockets = make_sockets(SOCK_STREAM);

	(void)state;
	sockets.b = fd_close(sockets.b);
	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(fd_send(sockets.a, "x", 1, NULL, 0), -1);
	assert_int_equal(errno, EPIPE);
}

static void closing_keeps_errno_and_gives_back_nothing(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	errno = ENOENT;
	assert_int_equal(fd_close(fd), -1);
	assert_int_equal(errno, ENOENT);
	assert_false(is_open(fd));
	assert_int_equal(fd_close(-1), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_read_takes_pieces_and_interruptions),
		cmocka_unit_test(a_full_read_returns_what_there_was_before_the_end),
		cmocka_unit_test(a_full_write_waits_for_its_reader_and_takes_interruptions),
		cmocka_unit_test(a_write_to_nobody_fails),
		cmocka_unit_test(a_file_is_read_whole_up_to_its_limit),
		cmocka_unit_test(an_empty_file_and_one_of_unknown_size_are_read),
		cmocka_unit_test(a_file_is_found_relative_to_a_directory),
		cmocka_unit_test(non_blocking_is_switched_on_and_off),
		cmocka_unit_test(descriptors_are_passed_beside_a_message),
		cmocka_unit_test(a_message_may_have_none_or_the_most),
		cmocka_unit_test(what_was_cut_is_refused_and_none_of_it_kept),
		cmocka_unit_test(sending_to_nobody_raises_no_signal),
		cmocka_unit_test(closing_keeps_errno_and_gives_back_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
