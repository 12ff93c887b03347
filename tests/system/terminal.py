"""A person at a terminal: dokrustctl on a pty, and what the screen shows."""
import fcntl
import os
import struct
import termios

import pexpect
import pyte

import processes
from host import assert_no_complaint

TIOCGPTN = 0x80045430
DETACH = "\x10\x11"


PUMP_MAX = 1 << 20


class Screen(pyte.Screen):
    """pyte takes vim's CSI > 4 ; 2 m for colours, and stumbles over the sign."""

    def select_graphic_rendition(self, *attributes, private=False):
        if not private:
            super().select_graphic_rendition(*attributes)


class Terminal:
    """A client on a terminal of its own. A pyte screen takes all that it writes."""

    def __init__(self, ctl, *args, rows=24, columns=80, draws=True):
        argv = ctl.argv(*args)
        self.screen = Screen(columns, rows)
        # Drawing takes a second for a megabyte: not for floods.
        self.stream = pyte.ByteStream(self.screen) if draws else None
        self.child = pexpect.spawn(argv[0], argv[1:], dimensions=(rows, columns), env=ctl.environment,
                                   timeout=20, echo=True)
        self.child.delaybeforesend = None
        self.output = b""
        number, = struct.unpack("I", fcntl.ioctl(self.child.child_fd, TIOCGPTN, b"\0" * 4))
        # Held open: a terminal that everybody has closed forgets its settings.
        self.slave = os.open(f"/dev/pts/{number}", os.O_RDWR | os.O_NOCTTY)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.slave)
        self.child.close(force=True)
        assert_no_complaint(self.output.decode(errors="replace"))

    def settings(self):
        return termios.tcgetattr(self.slave)

    def send(self, text):
        self.child.send(text)

    def resize(self, rows, columns):
        self.screen.resize(rows, columns)
        self.child.setwinsize(rows, columns)

    def pump(self):
        """Takes what there is to be read; of a flood, some."""
        enough = len(self.output) + PUMP_MAX
        while len(self.output) < enough:
            try:
                part = self.child.read_nonblocking(65536, 0)
            except (pexpect.TIMEOUT, pexpect.EOF):
                return
            self.output += part
            if self.stream:
                self.stream.feed(part)

    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    def text(self):
        return "\n".join(self.lines()).rstrip("\n")

    def wait_for(self, text, timeout_s=20):
        """Until the screen shows text."""
        def shows():
            self.pump()
            return text in self.text()

        processes.wait_until(shows, timeout_s,
                             lambda: f"{text!r} on the screen:\n{self.text()}")

    def wait_for_lines(self, expected, timeout_s=20):
        def shows():
            self.pump()
            return self.lines() == expected

        try:
            processes.wait_until(shows, timeout_s)
        except AssertionError:
            assert self.lines() == expected
            raise

    def wait_for_cursor(self, row, column):
        def is_there():
            self.pump()
            return (self.screen.cursor.y, self.screen.cursor.x) == (row, column)

        processes.wait_until(is_there, 20, f"cursor at {row}, {column}")

    def finish(self, timeout_s=20):
        """The client's exit status, when it has ended by itself."""
        def ended():
            self.pump()
            return not self.child.isalive()

        processes.wait_until(ended, timeout_s, "the client's end")
        self.pump()
        assert self.child.signalstatus is None
        return self.child.exitstatus
