#include "daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "common/alloc.h"
#include "common/cleanup.h"
#include "common/clock.h"
#include "common/fdio.h"
#include "common/log.h"

#define KEPT_VARIABLE "DOKRUST_KEPT"

enum {
	KEPT_MAX = 65536,
	MESSAGE_SIZE = 4096,
	DELAY_MIN_MS = 200,
	DELAY_MAX_MS = 10 * 1000,
	STEADY_US = 10 * 1000 * 1000, /* who has run for so long is started again without delay */
};

struct kept {
	char *name;
	int fd;
};

struct keeper {
	const char *executable;
	char **argv;
	int notify, signals;
	char address[64]; /* of notify, as NOTIFY_SOCKET has it */
	struct kept *kept;
	size_t n_kept;
	pid_t daemon; /* 0: it does not run */
	int64_t started_at_us;
	int delay_ms;
	bool was_ready;
};

bool keeper_is_wanted(void)
{
	return !getenv(KEPT_VARIABLE);
}

/* --- The daemon ------------------------------------------------------------------------------ */

/* Out of the way of those that are to be placed, then into their places. */
static void place_descriptors(const struct keeper *keeper)
{
	const int end = SD_LISTEN_FDS_START + (int)keeper->n_kept;

	for (size_t i = 0; i < keeper->n_kept; i++)
		keeper->kept[i].fd = fcntl(keeper->kept[i].fd, F_DUPFD_CLOEXEC, end);
	for (size_t i = 0; i < keeper->n_kept; i++)
		if (dup2(keeper->kept[i].fd, SD_LISTEN_FDS_START + (int)i) < 0)
			_exit(EXIT_FAILURE);
}

static void tell_descriptors(const struct keeper *keeper)
{
	_cleanup_(freep) char *text = NULL; /* freed last: closing the stream writes to it */
	_cleanup_(fclosep) FILE *names = NULL;
	char number[16];
	size_t size;

	names = open_memstream(&text, &size);
	if (!names)
		abort();
	for (size_t i = 0; i < keeper->n_kept; i++)
		(void)fprintf(names, "%s%s", i ? ":" : "", keeper->kept[i].name);
	(void)fflush(names);
	(void)setenv("LISTEN_FDNAMES", text, 1);
	(void)snprintf(number, sizeof(number), "%zu", keeper->n_kept);
	(void)setenv("LISTEN_FDS", number, 1);
	(void)snprintf(number, sizeof(number), "%d", getpid());
	(void)setenv("LISTEN_PID", number, 1);
}

static _Noreturn void become_daemon(const struct keeper *keeper)
{
	char number[16];
	sigset_t none;

	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)snprintf(number, sizeof(number), "%d", (int)KEPT_MAX);
	(void)setenv("FDSTORE", number, 1);
	(void)setenv("NOTIFY_SOCKET", keeper->address, 1);
	(void)setenv(KEPT_VARIABLE, "1", 1);
	if (keeper->n_kept) {
		place_descriptors(keeper);
		tell_descriptors(keeper);
	}
	(void)execv(keeper->executable, keeper->argv);
	_exit(EXIT_FAILURE);
}

static void start_daemon(struct keeper *keeper)
{
	pid_t pid = fork();

	if (pid == 0)
		become_daemon(keeper);
	if (pid < 0)
		log_error("fork: %s", strerrordesc_np(errno));
	keeper->daemon = pid > 0 ? pid : 0;
	keeper->started_at_us = clock_monotonic_us();
}

/* --- What is kept ---------------------------------------------------------------------------- */

static void forget(struct keeper *keeper, const char *name)
{
	for (size_t i = 0; i < keeper->n_kept; i++) {
		if (strcmp(keeper->kept[i].name, name) != 0)
			continue;
		free(keeper->kept[i].name);
		(void)fd_close(keeper->kept[i].fd);
		keeper->kept[i] = keeper->kept[--keeper->n_kept];
		return;
	}
}

/* One descriptor a name: a later one takes the place of an earlier. fd is taken. */
static void keep(struct keeper *keeper, const char *name, int fd)
{
	forget(keeper, name);
	if (keeper->n_kept == KEPT_MAX) {
		log_error("%d descriptors are kept already: %s is not", (int)KEPT_MAX, name);
		(void)fd_close(fd);
		return;
	}
	keeper->kept = alloc_resize(keeper->kept, (keeper->n_kept + 1) * sizeof(*keeper->kept));
	keeper->kept[keeper->n_kept++] = (struct kept){ alloc_strdup(name), fd };
}

static void do_message(struct keeper *keeper, char *text, int fds[], size_t n_fds)
{
	bool store = false, drop = false;
	const char *name = "stored";
	char *at = text, *line;

	while ((line = strsep(&at, "\n"))) {
		if (strcmp(line, "FDSTORE=1") == 0)
			store = true;
		else if (strcmp(line, "FDSTOREREMOVE=1") == 0)
			drop = true;
		else if (strncmp(line, "FDNAME=", 7) == 0)
			name = line + 7;
		else if (strcmp(line, "READY=1") == 0)
			keeper->was_ready = true;
	}
	if (drop)
		forget(keeper, name);
	if (store && n_fds == 1)
		keep(keeper, name, TAKE_FD(fds[0]));
	/* The rest is for whoever watches the keeper. */
	if (!store && !drop && keeper->was_ready)
		(void)sd_notify(0, "READY=1");
}

/* Nobody else knows the address, which is random; and descriptors are all that could be put here. */
static void receive(struct keeper *keeper)
{
	char text[MESSAGE_SIZE + 1];
	int fds[FD_PASS_MAX];
	size_t n_fds;
	ssize_t n;

	while ((n = fd_receive(keeper->notify, text, MESSAGE_SIZE, fds, &n_fds)) >= 0) {
		text[n] = '\0';
		do_message(keeper, text, fds, n_fds);
		while (n_fds)
			(void)fd_close(fds[--n_fds]);
	}
}

/* --- Its end --------------------------------------------------------------------------------- */

/* True when the keeper has to end, too. */
static bool daemon_ended(struct keeper *keeper, int wait_status)
{
	int64_t lived_us = clock_monotonic_us() - keeper->started_at_us;

	keeper->daemon = 0;
	receive(keeper); /* what it has sent before it died */
	if (!keeper->was_ready || (WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 0))
		return true;
	keeper->delay_ms = lived_us > STEADY_US	 ? 0 :
			   keeper->delay_ms == 0 ? (int)DELAY_MIN_MS :
						   keeper->delay_ms * 2;
	if (keeper->delay_ms > DELAY_MAX_MS)
		keeper->delay_ms = DELAY_MAX_MS;
	log_warning("the daemon %s %d; it is started again, with %zu descriptors",
		    WIFSIGNALED(wait_status) ? "was killed by signal" : "ended with status",
		    WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : WEXITSTATUS(wait_status),
		    keeper->n_kept);
	return false;
}

/* Orphans, too: containers whose daemon has died are this process's children (PR_SET_CHILD_SUBREAPER). */
static bool reap(struct keeper *keeper, int *ret_status)
{
	int wait_status;
	pid_t pid;

	while ((pid = waitpid(-1, &wait_status, WNOHANG)) > 0) {
		if (pid != keeper->daemon || !daemon_ended(keeper, wait_status))
			continue;
		*ret_status = WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : EXIT_FAILURE;
		return true;
	}
	return false;
}

static bool on_signals(struct keeper *keeper, int *ret_status)
{
	struct signalfd_siginfo info;
	bool ended = false;

	while (read(keeper->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			ended = reap(keeper, ret_status) || ended;
		else if (keeper->daemon)
			(void)kill(keeper->daemon, (int)info.ssi_signo);
		else if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGINT)
			ended = true;
	}
	return ended;
}

/* --- Running --------------------------------------------------------------------------------- */

static int open_notify(struct keeper *keeper)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	socklen_t size = sizeof(address);

	/* A name of the kernel's choice in the abstract namespace (unix(7), "Autobind feature"). */
	keeper->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (keeper->notify < 0 ||
	    bind(keeper->notify, (const struct sockaddr *)&address, sizeof(sa_family_t)) < 0 ||
	    getsockname(keeper->notify, (struct sockaddr *)&address, &size) < 0)
		return -1;
	(void)snprintf(keeper->address, sizeof(keeper->address), "@%.*s",
		       (int)(size - sizeof(sa_family_t) - 1), address.sun_path + 1);
	return 0;
}

static int open_signals(struct keeper *keeper)
{
	static const int numbers[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR2 };
	sigset_t set;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		(void)sigaddset(&set, numbers[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	keeper->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return keeper->signals < 0 ? -1 : 0;
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int serve(struct keeper *keeper)
{
	int status = EXIT_FAILURE;

	for (;;) {
		struct pollfd polled[] = {
			{ .fd = keeper->notify, .events = POLLIN },
			{ .fd = keeper->signals, .events = POLLIN },
		};

		if (!keeper->daemon) {
			(void)poll(NULL, 0, keeper->delay_ms);
			start_daemon(keeper);
		}
		if (poll(polled, ARRAY_SIZE(polled), -1) < 0 && errno != EINTR)
			return EXIT_FAILURE;
		if (polled[0].revents)
			receive(keeper);
		if (polled[1].revents && on_signals(keeper, &status))
			return status;
	}
}

int keeper_run(const char *executable, char **argv)
{
	struct keeper keeper = { .executable = executable, .argv = argv, .signals = -1 };
	int status;

	raise_descriptor_limit();
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
	(void)prctl(PR_SET_NAME, "dokrustd-keep");
	if (open_notify(&keeper) < 0 || open_signals(&keeper) < 0) {
		log_error("keeper: %s", strerrordesc_np(errno));
		return EXIT_FAILURE;
	}
	status = serve(&keeper);
	while (keeper.n_kept)
		forget(&keeper, keeper.kept[0].name);
	free(keeper.kept);
	(void)fd_close(keeper.notify);
	(void)fd_close(keeper.signals);
	return status;
}
