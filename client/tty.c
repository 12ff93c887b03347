#include "client/tty.h"

#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ESC "\x1b"
#define CAN "\x18"
#define SI "\x0f"

/* Where nothing else is said, the sequences are those of xterm's ctlseqs. A terminal ignores modes
 * that it does not know.
 *
 * CAN comes first, because the output may have been cut within a sequence. To leave the alternate
 * screen brings the cursor back to where it was when that was entered, on some terminals even when
 * it is not the one that is shown. To enter it just before makes that the place where the cursor
 * is; where it is the one that is shown, that changes nothing. Setting the margins moves the
 * cursor, hence the saving around it.
 */
const char tty_reset[] =
	/* the alternate screen; the margins */
	CAN ESC "[?1049h" ESC "[?1049l" ESC "7" ESC "[r" ESC "8"
	/* mouse, and its encodings */
	ESC "[?9;1000;1002;1003l" ESC "[?1005;1006;1015;1016l"
	/* reports of focus, bracketed paste */
	ESC "[?1004;2004l"
	/* contour's: synchronised output, reports of colours and size */
	ESC "[?2026;2031;2048l"
	/* kitty's keyboard protocol; xterm's modifyOtherKeys */
	ESC "[=0u" ESC "[>4m"
	/* application cursor keys and keypad */
	ESC "[?1l" ESC ">"
	/* insertion, new line mode; automatic wrap */
	ESC "[4;20l" ESC "[?7h"
	/* the hyperlink of Egmont Koblinger's specification */
	ESC "]8;;" ESC "\\"
	/* character set, attributes */
	SI ESC "(B" ESC "[m"
	/* the cursor's shape; it is visible */
	ESC "[0 q" ESC "[?25h";

const size_t tty_reset_size = sizeof(tty_reset) - 1;

static void set(int fd, const struct termios *termios)
{
	/* At once, without waiting for output: it may be stopped, and what was written was
	 * processed when it was written.
	 */
	while (tcsetattr(fd, TCSANOW, termios) < 0 && errno == EINTR)
		;
}

static struct termios make_raw(const struct termios *termios, bool keep_signals)
{
	struct termios raw = *termios;

	cfmakeraw(&raw);
	if (keep_signals)
		raw.c_lflag |= termios->c_lflag & (tcflag_t)ISIG;
	return raw;
}

int tty_enter(struct tty *tty, int fd, bool keep_signals, struct error *err)
{
	struct termios raw;

	if (tcgetattr(fd, &tty->saved) < 0)
		return error_set_errno(err, errno, "terminal");
	raw = make_raw(&tty->saved, keep_signals);
	set(fd, &raw);
	tty->fd = fd;
	tty->raw = true;
	return 0;
}

void tty_enter_again(const struct tty *tty, bool keep_signals)
{
	struct termios raw = make_raw(&tty->saved, keep_signals);

	if (tty->raw)
		set(tty->fd, &raw);
}

void tty_leave(struct tty *tty)
{
	if (!tty->raw)
		return;
	set(tty->fd, &tty->saved);
	tty->raw = false;
}

bool tty_size(uint16_t *ret_rows, uint16_t *ret_columns)
{
	static const int fds[] = { STDOUT_FILENO, STDIN_FILENO };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		struct winsize size;

		if (ioctl(fds[i], TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
			continue;
		*ret_rows = size.ws_row;
		*ret_columns = size.ws_col;
		return true;
	}
	return false;
}

/* ESC, SO, and CSI as one byte. */
bool tty_may_change_modes(const void *data, size_t n)
{
	return memchr(data, 0x1b, n) || memchr(data, 0x0e, n) || memchr(data, 0x9b, n);
}
