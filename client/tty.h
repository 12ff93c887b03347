/* The user's terminal: raw while a container's is shown on it, and then as it was. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

#include "common/error.h"

struct tty {
	int fd; /* where it is read from, borrowed */
	struct termios saved;
	bool raw;
};

#define TTY_NULL ((struct tty){ .fd = -1 })

/* Makes the terminal raw (tty_ioctl(4), cfmakeraw): keys go through as they are. With
 * keep_signals, those that send signals still do.
 */
int tty_enter(struct tty *tty, int fd, bool keep_signals, struct error *err);

/* Makes it raw again, if it should be: whoever stopped the process may have put it right. */
void tty_enter_again(const struct tty *tty, bool keep_signals);

/* Puts back what it was. Idempotent. What was typed and not read stays for the next program. */
void tty_leave(struct tty *tty);

/* Of the terminal at standard output, or else at standard input; false without one. */
bool tty_size(uint16_t *ret_rows, uint16_t *ret_columns);

/* Whether these bytes may have changed a terminal's modes. */
bool tty_may_change_modes(const void *data, size_t n);

/* What turns off the modes that a program may have left on in the terminal that it believed to
 * be its own. Clears nothing above the cursor, and nothing of the scrollback.
 */
extern const char tty_reset[];
extern const size_t tty_reset_size;
