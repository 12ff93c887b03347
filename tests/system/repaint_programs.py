"""Real programs at a terminal, recorded as they run: what they write while somebody types."""
import concurrent.futures
import fcntl
import os
import pathlib
import pty
import select
import shutil
import signal
import struct
import tempfile
import termios
import time

import processes

QUIET_S, KEY_S, BYTES_MAX = 0.12, 0.8, 96 * 1024

BASHRC = r"""
PS1='\[\e]0;\u@\h: \w\a\]\[\e[1;32m\]\u@\h\[\e[0m\]:\[\e[1;34m\]\w\[\e[0m\]\$ '
PS2='\[\e[33m\]> \[\e[0m\]'
alias ls='ls --color=always' grep='grep --color=always'
HISTFILE=
"""

SOURCE = """#include <stdio.h>
/* A comment with an umlaut: ä, and a wide one: 日本. */
int main(int argc, char *argv[])
{
	for (int i = 0; i < argc; i++)
		printf("%d: %s\\n", i, argv[i]);
	return argc > 1 ? 0 : 1;
}
"""

UNICODE = """# Ünïcödé
Grüße, Привет мир, Γειά σου Κόσμε, שלום, مرحبا, नमस्ते, สวัสดี
日本語のテキストと한국어 텍스트，中文文字。 Halfwidth ｶﾀｶﾅ, fullwidth ＡＢＣ
e\u0301a\u0308o\u0302n\u0303 combining, ﬁ ligature, … ellipsis, → arrows ⇒, ✓ ✗
┌──────┬──────┐ ╔══════╗ ▁▂▃▄▅▆▇█ ░▒▓
│ box  │ 日本 │ ║ dbl  ║ ⠋⠙⠹⠸
└──────┴──────┘ ╚══════╝
emoji 😀 🚀 ✨ 🎉 done
"""

CURSES = r"""
import curses
import time


def main(w):
    curses.start_color()
    curses.use_default_colors()
    curses.curs_set(0)
    for i in range(1, min(curses.COLORS, 256)):
        curses.init_pair(i, i, -1 if i % 3 else 17)
    h, x = w.getmaxyx()
    w.border()
    for i in range(1, 200):
        w.addstr(1 + i // (x - 4) % (h - 2), 2 + i % (x - 4), chr(33 + i % 90),
                 curses.color_pair(i % 250 + 1))
    sub = w.derwin(6, 30, 8, 20)
    sub.box()
    for n, a in enumerate((curses.A_BOLD, curses.A_UNDERLINE, curses.A_REVERSE, curses.A_DIM)):
        sub.addstr(n % 4 + 1, 2, "attribute %d" % n, a)
        w.refresh()
        sub.refresh()
    for n in range(12):
        w.addstr(h - 3, 3, "#" * n, curses.color_pair(3))
        w.hline(h - 4, 3, curses.ACS_HLINE, 40)
        w.refresh()
        time.sleep(.02)
    pad = w.derwin(5, 40, 15, 5)
    pad.scrollok(True)
    for n in range(9):
        pad.addstr("scrolled line %d äöü 日本\n" % n)
        pad.refresh()
    w.getch()


curses.wrapper(main)
"""

PROGRESS = r"""
import sys
import time

for n in range(0, 101, 4):
    bar = "█" * (n // 4) + "░" * (25 - n // 4)
    sys.stdout.write("\r\033[K\033[36m%3d%%\033[0m |\033[32m%s\033[0m| %d/100" % (n, bar, n))
    sys.stdout.flush()
    time.sleep(.01)
print("\ndone")
for n in range(3):
    for row in range(4):
        print("\033[2Kjob %d: %s" % (row, "." * (n * 5 + row)))
    if n < 2:
        sys.stdout.write("\033[4A")
    time.sleep(.02)
sys.stdin.readline()
"""

GIT = r"""
git init -q . && git config user.email a@b && git config user.name a
for n in 1 2 3 4 5 6 7 8; do echo $n >> f; git add f; git commit -qm "change $n"; done
git log --graph --color=always --oneline --decorate -p | less -R
"""

TPUT = r"""
for i in 1 2 3 4 5; do
	tput setaf $i; tput bold; printf 'colour %d ' $i; tput sgr0; tput rev; printf 'rev'; tput sgr0
	echo
done
tput sc; tput cup 10 20; tput smul; printf underlined; tput rmul; tput rc; printf back
tput csr 5 15; tput cup 15 0
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do echo "line $i in the region"; done
tput smacs; printf 'lqqqk'; tput rmacs; tput hpa 30; tput ech 5; tput el; tput civis; tput smkx
tput smir; printf 'inserted'; tput rmir; tput ich 3; tput il1; tput ri; printf 'x\033[8b'
tput hts; tput cbt
read x
"""

BUILD = r"""
for i in 1 2 3; do
	gcc -Wall -Wextra -fdiagnostics-color=always -fdiagnostics-urls=always -c bad.c -o /dev/null
done
read x
"""

# It ends when its terminal does.
TMUX = ("tmux -f /dev/null new-session 'PS1=\"$ \" bash --norc' \\; "
        "set-option -g destroy-unattached on \\; "
        "split-window -h 'PS1=\"% \" bash --norc' \\; split-window")
BASH = "bash --rcfile .bashrc -i"
EXAMPLES = "/usr/libexec/ncurses-examples/"
UP, DOWN, LEFT = "\x1b[A", "\x1b[B", "\x1b[D"

# Each: what is run by sh, in a directory with files, then what is typed, piece by piece.
PROGRAMS = {
    "bash": (BASH, [
        "ls /etc | head -40\r", "echo $((6*7))\r", "for i in 1 2 3; do\r", "echo $i; done\r",
        UP + UP, "\x01\x1b[C\x0b", "\x03", "cat unicode.txt\r", "echo half a li"]),
    "bash completion": (BASH, [
        "ls /usr/share/d\t\t", "\x15", "printf '%s\\n' " + "long" * 30 + "\r", "\x12long", "\x1b",
        "\x01abc\x05xyz\x17"]),
    "bash colours": (BASH, [
        "ls -la /etc/init.d /usr/bin | head -60\r", "grep -rn int .\r",
        "ls --hyperlink=always .\r", "clear; tput cup 5 5; printf x\r", "seq 300\r"]),
    "vim": ("vim -u NONE -N -c 'syntax on' -c 'set nu nowrap hlsearch' main.c", [
        "jjjl", "ccint x = 1;\x1b", "/argc\r", "n", "yyp", ":s/i/j/g\r", "o\ttabbed\x1b",
        "i日本\x1b", "u"]),
    "vim windows": ("vim -u NONE -N -c 'set ls=2 title icon mouse=a t_ut=' -c 'syntax on' main.c", [
        ":split\r", ":vsplit unicode.txt\r", "\x17w\x17w", ":set cursorline\r", "\x06", ":help\r",
        "\x04\x04\x15", "V", "jjj"]),
    "vim insert": ("vim -u NONE -N text.txt", [
        "G", "o" + "words " * 30, "\x1b", "gg", "O", "typing\x08\x08", "\x16\x1b", "\x1bdd",
        ":!echo out\r", "\r", ":q"]),
    "vim left": ("sh -c 'echo before; vim -u NONE -N main.c; echo after; read x'", [
        "dd", ":q!\r", "typed"]),
    "less": ("less text.txt", [" ", "jj", "k", "/4\r", "n", "G", "g", "-S\r", "10j"]),
    "less left": ("sh -c 'seq 50; less text.txt; printf done; read x'", [" ", "b", "q", "abc"]),
    "less colours": ("sh -c 'ls --color=always -la /usr/bin | less -R'", [
        " ", "jjj", "/py\r", "n"]),
    "man": ("man bash", [" ", "jj", "/PROMPT\r", "n", "kk"]),
    "htop": ("htop -d 3", [DOWN + DOWN, "t", "\x1bOQ", "\x1b", "/sh", "\x1b", "\x1bOP"]),
    "top": ("top -d 0.3", ["z", "x", "1", "c", "V", "<", ">"]),
    "mc": ("mc -u", [DOWN + DOWN, "\t", "\x1bOR", "\x1b0", "\x1bOx", "\x1b[20~", DOWN]),
    "mc left": ("sh -c 'echo before; mc -u -d; echo after; read x'", [
        DOWN, "\x1b[21~", "\r", "x"]),
    "mc editor": ("mcedit main.c", [DOWN + DOWN, "new text", "\r", DOWN + "\x1bOQ", "\r"]),
    "nano": ("nano main.c", [
        DOWN + DOWN, "typed text", "\r", "\x17", "argc\r", "\x0b", "\x15", "\x18"]),
    "dialog menu": (
        "dialog --colors --title '\\Z1Red' --menu choose 15 50 5 a one b two c three d four",
        [DOWN, DOWN, "\t", "\t"]),
    "dialog gauge": (
        "sh -c '(for i in 10 35 70 95; do echo $i; sleep .1; done; sleep 9) | "
        "dialog --gauge g 8 50'", ["", ""]),
    "dialog form": ("dialog --form f 15 50 5 Name: 1 1 x 1 10 20 0 Age: 2 1 9 2 10 5 0", [
        "abc", DOWN, "12", "\t", "\x1b[C"]),
    "tmux": (TMUX, [
        "ls /etc\r", "\x02o", "seq 50\r", "\x02[", UP + UP, "q", "\x02z", "\x02t"]),
    "progress": ("/usr/bin/python3 progress.py", ["", ""]),
    "unicode": ("sh -c 'cat unicode.txt unicode.txt unicode.txt; read x'", ["typed ä"]),
    "curses": ("/usr/bin/python3 demo.py", ["", ""]),
    "tput": ("sh tput.sh", ["", "abc"]),
    "watch": ("watch -c -n 0.3 'date; ls --color=always /etc | head -5; seq 20'", ["", "", ""]),
    "worm": (EXAMPLES + "worm -l 20 -n 5", ["", ""]),
    "firework": (EXAMPLES + "firework", ["", "", ""]),
    "rain": (EXAMPLES + "rain", ["", ""]),
    "tclock": (EXAMPLES + "tclock", ["", ""]),
    "hanoi": (EXAMPLES + "hanoi 5", ["", "", ""]),
    "knight": (EXAMPLES + "knight", [DOWN, "\r", "\x1b[C", "?"]),
    "xmas": (EXAMPLES + "xmas", ["", "", ""]),
    "gdc": (EXAMPLES + "gdc -s", ["", ""]),
    "testcurs": (EXAMPLES + "testcurs", ["\r", " ", " ", " "]),
    "demo_panels": (EXAMPLES + "demo_panels", ["a", "b", "c", "d"]),
    "lrtest": (EXAMPLES + "lrtest", [DOWN * 3, "s", "b"]),
    "inserts": (EXAMPLES + "inserts", ["abc", LEFT * 2, "def", "\r"]),
    "movewindow": (EXAMPLES + "movewindow", ["c", "\r", DOWN + "\x1b[C", "\r", "f"]),
    "extended_color": (EXAMPLES + "extended_color", ["", ""]),
    "cmatrix": ("cmatrix -b", ["", "", ""]),
    "git log": ("sh git.sh", [" ", "j", "k"]),
    "python": ("/usr/bin/python3 -q", [
        "1/3\r", "def f(x):\r", "  return x\r", "\r", "'日本' * 20\r", "f(" + LEFT]),
    "build": ("sh build.sh", [""]),
}


def make_home():
    """A directory for the programs to look at; it is their HOME, too."""
    home = pathlib.Path(tempfile.mkdtemp(prefix="dokrust-repaint-"))
    (home / ".bashrc").write_text(BASHRC)
    (home / "main.c").write_text(SOURCE)
    (home / "bad.c").write_text("int f(int a) { int b; char *c = a; retrun b }\n" + SOURCE)
    (home / "unicode.txt").write_text(UNICODE)
    (home / "text.txt").write_text("".join(f"line {n}: " + "lorem ipsum " * (n % 13) + "\n"
                                           for n in range(1, 300)))
    (home / "demo.py").write_text(CURSES)
    (home / "progress.py").write_text(PROGRESS)
    (home / "tput.sh").write_text(TPUT)
    (home / "git.sh").write_text(GIT)
    (home / "build.sh").write_text(BUILD)
    return home


def child(command, home):
    os.environ.clear()
    os.environ.update(HOME=str(home), TERM="xterm-256color", LC_ALL="C.UTF-8", SHELL="/bin/bash",
                      PATH="/usr/local/bin:/usr/bin:/bin:/usr/games", PS1="$ ",
                      TMPDIR=str(home), TMUX_TMPDIR=str(home), HISTFILE="/dev/null")
    os.chdir(home)
    os.execv("/bin/sh", ["sh", "-c", "exec " + command])


def drain(fd, stream, quiet_s, most_s):
    """Reads until nothing has come for quiet_s, or for most_s; False at the end."""
    deadline = time.monotonic() + most_s
    while (left := deadline - time.monotonic()) > 0 and len(stream) < BYTES_MAX:
        ready, _, _ = select.select([fd], [], [], min(quiet_s, left))
        if not ready:
            return True
        try:
            data = os.read(fd, 65536)
        except OSError:
            return False
        if not data:
            return False
        stream += data
    return True


def record(name, rows, columns):
    """What a program of the table writes to its terminal."""
    command, keys = PROGRAMS[name]
    home = make_home()
    stream = bytearray()
    pid, fd = pty.fork()
    if pid == 0:
        try:
            child(command, home)
        finally:
            os._exit(127)
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    try:
        going = drain(fd, stream, 0.5, 2)
        for key in keys:
            if not going:
                break
            os.write(fd, key.encode())
            going = drain(fd, stream, QUIET_S, KEY_S)
    finally:
        stop(pid, fd)
        remove(home)
    return bytes(stream)


def remove(directory):
    """What a program has started in turn may still be about to write there."""
    deadline = time.monotonic() + 5
    while directory.exists():
        shutil.rmtree(directory, ignore_errors=time.monotonic() < deadline)
        time.sleep(0.02)


def stop(pid, fd):
    """The program, and what it has started in its session."""
    os.kill(pid, signal.SIGHUP)
    os.close(fd)
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return
        time.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def reap():
    """What has lost its parent may have become our child (processes.become_subreaper)."""
    for pid in processes.children(os.getpid()):
        try:
            os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            pass


def record_all(rows, columns, names=PROGRAMS):
    """Recordings of all of them: {name: stream}."""
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        streams = dict(zip(names, pool.map(lambda name: record(name, rows, columns), names)))
    reap()
    return streams
