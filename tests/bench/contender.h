/* What is compared: programs with their arguments, named on the command line of a measure-*:
 *
 *	measure-start 100 10 --vs dokrust dokrustctl run ... --vs bwrap bwrap ...
 *
 * A measurement that fails is no measurement: the functions here say why on standard error and end
 * the program.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CONTENDERS_MAX = 8 };

struct contender {
	const char *name;
	char **argv;
};

/* Cuts argv (NULL at its end) at each "--vs NAME", in place. Returns their number, at least 1. */
size_t contenders_parse(char **argv, struct contender contenders[CONTENDERS_MAX]);

/* A decimal number within min and max. */
uint64_t number_parse(const char *what, const char *text, uint64_t min, uint64_t max);

/* CLOCK_MONOTONIC. */
uint64_t now_ns(void);

void sleep_us(uint64_t us);

/* A connection to a daemon's socket. */
int connect_to(const char *path);

/* Prints "PROGRAM: ..." and exits with 1. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Executes the contender with standard input and output as given, found by PATH. Standard error
 * stays the caller's, so that complaints are seen.
 */
pid_t contender_spawn(const struct contender *contender, int stdin_fd, int stdout_fd);

/* Executes it as the leader of a session on a new terminal of 24 by 80, as a terminal emulator
 * does. *ret_master is the caller's.
 */
pid_t contender_spawn_on_pty(const struct contender *contender, int *ret_master);

/* Waits for its end, which must be an exit with status 0. */
void contender_wait(const struct contender *contender, pid_t pid);
