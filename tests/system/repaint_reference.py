"""Terminals that snapshots are judged by: tmux's, and pyte's, which knows less."""
import os
import re
import secrets
import select
import shutil
import subprocess
import tempfile
import termios
import time
import tty

import pyte

TMUX = "/usr/bin/tmux"
FLAGS = ("cursor_x cursor_y cursor_flag insert_flag keypad_cursor_flag keypad_flag origin_flag "
         "wrap_flag mouse_all_flag mouse_button_flag mouse_standard_flag mouse_sgr_flag "
         "mouse_utf8_flag scroll_region_upper scroll_region_lower alternate_on pane_tabs "
         "pane_title").split()
GRAPHICS = dict(zip("_`abcdefghijklmnopqrstuvwxyz{|}~",
                    "\u00a0◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"))


class Pane:
    """One of tmux's terminals. Nobody is in it; what is written to its device is what it shows."""

    def __init__(self, name, device):
        self.name = name
        self.fd = os.open(device, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd, termios.TCSANOW)

    def close(self):
        os.close(self.fd)

    def feed(self, data):
        """Shows data, and returns what the terminal has answered when it has taken all of it."""
        view = memoryview(data + b"\x1b[5n")
        while view:
            view = view[os.write(self.fd, view):]
        return self.answers()

    def answers(self):
        answers = b""
        deadline = time.monotonic() + 20
        while not answers.endswith(b"\x1b[0n"):
            ready, _, _ = select.select([self.fd], [], [], deadline - time.monotonic())
            assert ready, f"tmux does not answer: {answers}"
            answers += os.read(self.fd, 65536)
        return answers[:-4]


class Tmux:
    """A server of our own, with panes of one size."""

    def __init__(self, rows, columns):
        self.directory = tempfile.mkdtemp(prefix="dokrust-repaint-")
        self.panes = []
        self.environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TERM": "xterm-256color",
                            "TMUX_TMPDIR": self.directory}
        self.run("start-server", ";",
                 "set-option", "-g", "status", "off", ";",
                 "set-option", "-g", "history-limit", "3000", ";",
                 "set-option", "-g", "scroll-on-clear", "off", ";",
                 "new-session", "-d", "-x", str(columns), "-y", str(rows), "sleep", "3600")

    def run(self, *arguments):
        argv = [TMUX, "-L", "reference", "-f", "/dev/null", *arguments]
        done = subprocess.run(argv, env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.decode()

    def script(self, lines):
        """Many commands at a time: they are too long for a command line."""
        with tempfile.NamedTemporaryFile("w", suffix=".tmux") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            return self.run("source-file", file.name)

    def new_panes(self, count):
        """Panes for so many streams."""
        made = self.script(["new-window -d -P -F '#{pane_id} #{pane_tty}' sleep 3600"] * count)
        places = [line.split() for line in made.splitlines()]
        assert len(places) == count
        # Before it executes anything, tmux's child sets the terminal up.
        asking = [f"display-message -p -t {name} '#{{pane_current_command}}'" for name, _ in places]
        deadline = time.monotonic() + 20
        while set(self.script(asking).split()) != {"sleep"}:
            assert time.monotonic() < deadline, "tmux does not start what is in its panes"
        panes = [Pane(*place) for place in places]
        self.panes += panes
        return panes

    def drop(self, panes):
        for pane in panes:
            pane.close()
            self.panes.remove(pane)
        self.script([f"kill-pane -t {pane.name}" for pane in panes])

    def look(self, panes):
        """What each shows: its cells, and its flags."""
        mark = secrets.token_hex(8)
        form = mark + " " + "\t".join(f"{flag}=#{{{flag}}}" for flag in FLAGS)
        lines = []
        for pane in panes:
            lines.append(f"display-message -p -t {pane.name} '{form}'")
            lines.append(f"capture-pane -p -e -N -t {pane.name}")
        looks = self.script(lines).split(mark + " ")[1:]
        assert len(looks) == len(panes)
        return [Look(*text.split("\n", 1)) for text in looks]

    def history(self, panes, rows):
        """The newest so many rows of what has scrolled off, as text."""
        mark = secrets.token_hex(8)
        lines = []
        for pane in panes:
            lines.append(f"display-message -p -t {pane.name} '{mark}'")
            lines.append(f"capture-pane -p -t {pane.name} -S -{rows} -E -1")
        return [text[1:].splitlines() for text in self.script(lines).split(mark)[1:]]

    def pasted(self, panes):
        """What arrives when an x is pasted, which tells whether pastes are bracketed."""
        self.run("set-buffer", "-b", "probe", "x")
        self.script([f"paste-buffer -p -b probe -t {pane.name}" for pane in panes])
        return [pane.feed(b"") for pane in panes]

    def close(self):
        for pane in self.panes:
            pane.close()
        server = int(self.run("display-message", "-p", "#{pid}"))
        self.run("kill-server")
        try:
            # It is ours if we are where orphans go (processes.become_subreaper).
            os.waitpid(server, 0)
        except ChildProcessError:
            pass
        shutil.rmtree(self.directory)


class Look:
    """What can be seen of a terminal."""

    def __init__(self, flags, capture):
        self.flags = dict(field.split("=", 1) for field in flags.split("\t"))
        self.rows = parse_capture(capture)

    def differences(self, other):
        found = [f"{name} {self.flags[name]} {other.flags[name]}" for name in FLAGS
                 if self.flags[name] != other.flags[name]]
        for y, (left, right) in enumerate(zip(self.rows, other.rows)):
            if left != right:
                found.append(f"row {y}: {describe(left, right)}")
        return found


def describe(left, right):
    """Where two rows differ first."""
    for x, (a, b) in enumerate(zip(left, right)):
        if a != b:
            return f"character {x}: {a} {b}"
    return f"lengths {len(left)} {len(right)}: {(left + right)[min(len(left), len(right)):][:3]}"


TOKEN = re.compile("\x1b\\[([0-9;:]*)m|(\x0e)|(\x0f)|(\n)|(.)", re.DOTALL)


def apply_codes(style, codes):
    """SGR as tmux writes it: style is a dict of what is not as it is by default."""
    codes = codes.split(";") if codes else ["0"]
    while codes:
        code = codes.pop(0)
        if code in ("", "0"):
            style.clear()
        elif code in ("38", "48", "58"):
            count = 2 if codes[0] == "5" else 4
            style[code] = tuple(codes[:count])
            del codes[:count]
        elif code.startswith(("38:", "48:", "58:")):
            style[code[:2]] = tuple(part for part in code.split(":")[1:] if part)
        elif code in ("39", "49", "59"):
            style.pop(str(int(code) - 1), None)
        elif re.fullmatch("3[0-7]|9[0-7]", code):
            style["38"] = code
        elif re.fullmatch("4[0-7]|10[0-7]", code):
            style["48"] = code
        else:
            style["5:3" if code == "53" else code] = True


def parse_capture(text):
    """The rows as lists of (character, style), without the blanks at their ends: tmux tells only
    those that are within what was ever written.
    """
    rows, row, style, shifted = [], [], {}, False
    for token in TOKEN.finditer(text):
        codes, out, into, newline, character = token.groups()
        if codes is not None:
            apply_codes(style, codes)
        elif out or into:
            shifted = bool(out)
        elif newline:
            while row and row[-1][0] == " ":
                row.pop()
            rows.append(row)
            row = []
        else:
            if shifted:
                character = GRAPHICS.get(character, character)
            row.append((character, tuple(sorted(style.items()))))
    return rows


class PyteScreen(pyte.Screen):
    """pyte takes vim's CSI > 4 ; 2 m for colours, and stumbles over the sign."""

    def select_graphic_rendition(self, *attributes, private=False):
        if not private:
            super().select_graphic_rendition(*attributes)


# Sequences that pyte takes the beginning of for a whole one, and prints the rest.
NOT_FOR_PYTE = re.compile(b"\x1b\\[[=<>?][0-9;:]*[a-gi-km-zA-Z]|\x1b\\[[0-9;]*[ !$][a-zA-Z]|"
                          b"\x1b[*+][0B]|\x1b[no]|\x1b[PX^_][^\x1b]*\x1b\\\\")


def pyte_look(data, rows, columns):
    """What pyte shows: its rows as text, and where the cursor is."""
    screen = PyteScreen(columns, rows)
    pyte.ByteStream(screen).feed(NOT_FOR_PYTE.sub(b"", data))
    return [*screen.display, f"cursor at {screen.cursor.x},{screen.cursor.y}"]
