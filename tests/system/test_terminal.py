"""Sitting at a container's terminal: bash, vi and less, leaving and coming back."""
import os
import signal
import time

import pytest

import processes
from host import ENVIRONMENT, Ctl
from terminal import DETACH, Terminal

PROMPT = "box:/#"


@pytest.fixture
def bash(ctl, debian):
    """Opens a bash in a Debian container called box."""
    def open_bash(*options, **size):
        return Terminal(ctl, "run", "-it", "--name", "box", *options, "--rootfs", debian,
                        "bash", "--norc", **size)

    return open_bash


def log_in(terminal):
    terminal.wait_for("#")
    terminal.send("PS1='box:\\w# '; clear\r")
    terminal.wait_for_lines([PROMPT] + [""] * (terminal.screen.lines - 1))


# --- Shells and full-screen programs -------------------------------------------------------------

def test_a_shell_is_a_shell(bash):
    with bash() as terminal:
        log_in(terminal)
        terminal.send("echo $((6 * 7)) $(tty) $TERM; test -t 2 && [[ $- = *i* ]] && echo all\r")
        terminal.wait_for("42 /dev/pts/0 xterm-256color\nall")
        terminal.send("exit 3\r")
        assert terminal.finish() == 3


def test_editing_a_line_and_the_history(bash):
    with bash() as terminal:
        log_in(terminal)
        terminal.send("echo once\x1b[D\x7fw\r")
        terminal.wait_for("\nonwe")
        terminal.send("\x1b[A\r")
        terminal.wait_for("# echo onwe\nonwe\nbox")


def test_a_file_is_edited_in_vi_and_saved(bash, debian):
    with bash() as terminal:
        log_in(terminal)
        terminal.send("vi /root/note\r")
        terminal.wait_for("~\n~")
        terminal.send("ifirst line\rsecond lyne\x1b")
        terminal.wait_for("first line\nsecond lyne")
        terminal.send("0wfyri")
        terminal.wait_for("second line")
        terminal.send("yyp:wq\r")
        terminal.wait_for(PROMPT)
        assert (debian / "root/note").read_text() == "first line\nsecond line\nsecond line\n"
        terminal.send("exit\r")
        assert terminal.finish() == 0


def test_paging_in_less(bash):
    with bash(rows=10) as terminal:
        log_in(terminal)
        terminal.send("seq 1 100 | less\r")
        terminal.wait_for_lines([str(i) for i in range(1, 10)] + [":"])
        terminal.send(" ")
        terminal.wait_for_lines([str(i) for i in range(10, 19)] + [":"])
        terminal.send("b/55\r")
        terminal.wait_for_lines([str(i) for i in range(55, 64)] + [":"])
        terminal.send("G")
        terminal.wait_for("100\n(END)")
        terminal.send("q")
        terminal.wait_for(PROMPT)


def test_job_control_and_interrupts_are_the_containers(bash, daemon):
    with bash() as terminal:
        log_in(terminal)
        terminal.send("sleep 1000\r")
        init = daemon.inspect("box")["pid"]
        processes.wait_until(lambda: "sleep" in map(processes.command, processes.descendants(init)))
        terminal.send("\x1a")
        terminal.wait_for("Stopped")
        terminal.send("fg\r")
        terminal.wait_for("fg\nsleep 1000")
        terminal.send("\x03")
        terminal.wait_for("^C\nbox")
        terminal.send("echo status $?\r")
        terminal.wait_for("status 130")
        terminal.send("\x04")
        assert terminal.finish() == 0


# --- Sizes ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("rows, columns", [(24, 80), (33, 101), (5, 20)])
def test_the_size_is_right_at_the_first_instruction(ctl, rows, columns):
    with Terminal(ctl, "run", "-it", "--rm", "busybox", "stty", "size", rows=rows,
                  columns=columns) as terminal:
        assert terminal.finish() == 0
        assert terminal.output == f"{rows} {columns}\r\n".encode()


def test_a_change_of_size_goes_through(ctl):
    script = "trap 'echo now $(stty size)' WINCH; echo ready; while sleep 0.05; do :; done"
    with Terminal(ctl, "run", "-it", "--rm", "busybox", "sh", "-c", script) as terminal:
        terminal.wait_for("ready")
        terminal.resize(30, 100)
        terminal.wait_for("now 30 100")
        terminal.resize(12, 40)
        terminal.wait_for("now 12 40")


def test_a_viewer_brings_its_size(bash, ctl):
    with bash() as terminal:
        log_in(terminal)
        with Terminal(ctl, "attach", "box", rows=30, columns=90) as other:
            other.wait_for(PROMPT)
            other.send("stty size\r")
            other.wait_for("30 90")
            other.send(DETACH)
            other.finish()


# --- Exit statuses -------------------------------------------------------------------------------

@pytest.mark.parametrize("command, status", [
    (["true"], 0), (["sh", "-c", "exit 77"], 77), (["sh", "-c", "kill -9 $$"], 137),
    (["no-such-command"], 127), (["/etc"], 126)])
def test_exit_statuses_at_a_terminal(ctl, daemon, command, status):
    with Terminal(ctl, "run", "-it", "--rm", "busybox", *command) as terminal:
        before = terminal.settings()
        assert terminal.finish() == status
        assert terminal.settings() == before
    assert daemon.names(all=True) == []


def test_the_last_words_arrive_before_the_status(ctl):
    for _ in range(20):
        with Terminal(ctl, "run", "-it", "--rm", "busybox", "echo", "last words") as terminal:
            assert terminal.finish() == 0
            assert terminal.output == b"last words\r\n"


# --- Detaching and coming back -------------------------------------------------------------------

def test_detached_and_attached_again_the_screen_is_as_it_was(bash, ctl, daemon):
    with bash() as terminal:
        log_in(terminal)
        terminal.send("kept=here; seq 1 5; vi /etc/passwd\r")
        terminal.wait_for("root:x:0:0")
        terminal.send("jjjw")
        terminal.wait_for_cursor(3, 3)
        picture = terminal.lines()
        terminal.send(DETACH)
        assert terminal.finish() == 0
    assert daemon.inspect("box")["state"] == "running"
    processes.wait_until(lambda: daemon.inspect("box")["viewers"] == 0)
    with Terminal(ctl, "attach", "box") as terminal:
        terminal.wait_for_lines(picture)
        terminal.wait_for_cursor(3, 3)
        terminal.send(":q\r")
        terminal.wait_for(PROMPT)
        terminal.send("clear; echo still $kept\r")
        terminal.wait_for("still here")
        terminal.send("exit 4\r")
        assert terminal.finish() == 4


def test_other_detach_keys(bash, ctl):
    with bash("--detach-keys", "ctrl-a,d") as terminal:
        log_in(terminal)
        # What was begun and is not them is typed: ctrl-a goes to the beginning of the line.
        terminal.send("cho begun\x01e\r")
        terminal.wait_for("\nbegun")
        terminal.send("\x01d")
        assert terminal.finish() == 0
    with Terminal(ctl, "attach", "--detach-keys", "none", "box") as terminal:
        terminal.wait_for(PROMPT)
        terminal.send(DETACH)
        terminal.send("\recho not left\r")
        terminal.wait_for("\nnot left")


def test_a_prefix_key_arrives_by_itself_and_with_what_follows(ctl):
    script = ("stty raw -echo; echo ready;"
              " while :; do echo $(dd bs=1 count=1 2>/dev/null | od -An -tx1); done")
    with Terminal(ctl, "run", "-it", "--rm", "busybox", "sh", "-c", script) as terminal:
        terminal.wait_for("ready")
        start = time.monotonic()
        terminal.send("\x10")
        terminal.wait_for("10")
        assert time.monotonic() - start >= 0.2
        terminal.send("\x10x")
        terminal.wait_for("78")
        # However slowly they are typed, they detach.
        terminal.send("\x10")
        processes.wait_until(lambda: terminal.pump() or terminal.text().count("10") == 3)
        terminal.send("\x11")
        assert terminal.finish() == 0


def test_detach_keys_come_from_the_option_the_environment_or_a_file(daemon, directory):
    (directory / "dokrust").mkdir()
    settings = directory / "dokrust/client.conf"
    settings.write_text("# mine\ndetach_keys = ctrl-y\n")
    daemon.run("box", "sh", terminal=True, stdin_open=True)
    files = {**ENVIRONMENT, "XDG_CONFIG_HOME": str(directory)}
    for environment, options, keys in [
            (files, [], "\x19"),
            ({**files, "DOKRUST_DETACH_KEYS": "ctrl-x,x"}, [], "\x18x"),
            ({**files, "DOKRUST_DETACH_KEYS": "ctrl-x,x"}, ["--detach-keys", "ctrl-v"], "\x16")]:
        ctl = Ctl(daemon, environment=environment)
        with Terminal(ctl, "attach", *options, "box") as terminal:
            terminal.wait_for("#")
            terminal.send(keys)
            assert terminal.finish() == 0
    settings.write_text("detach_key = ctrl-y\n")
    with Terminal(Ctl(daemon, environment=files), "attach", "box", columns=160) as terminal:
        assert terminal.finish() == 125
        assert "client.conf:1" in terminal.text() and "detach_keys" in terminal.text()


def test_the_container_goes_on_when_nobody_looks(ctl, daemon):
    script = "i=0; while sleep 0.05; do i=$((i + 1)); echo at $i; done"
    with Terminal(ctl, "run", "-it", "--name", "box", "busybox", "sh", "-c", script) as terminal:
        terminal.wait_for("at 3")
        terminal.send(DETACH)
        assert terminal.finish() == 0

    def count():
        with Terminal(ctl, "attach", "--no-stdin", "box") as viewer:
            viewer.wait_for("at ")
            viewer.pump()
            shown = [int(line.split()[1]) for line in viewer.lines() if line.startswith("at ")]
            return shown[-1] if shown else 0

    first = processes.wait_until(count)
    processes.wait_until(lambda: count() > first + 5, 20)
    assert daemon.inspect("box")["state"] == "running"


def test_several_viewers_see_the_same_and_may_all_type(bash, ctl, daemon):
    with bash() as one:
        log_in(one)
        with Terminal(ctl, "attach", "box") as two, \
                Terminal(ctl, "attach", "--no-stdin", "box") as three:
            for terminal in (two, three):
                terminal.wait_for(PROMPT)
            processes.wait_until(lambda: daemon.inspect("box")["viewers"] == 3)
            one.send("echo from $((1)); ")
            two.wait_for("echo from $((1)); ".rstrip())
            two.send("echo from $((2))\r")
            for terminal in (one, two, three):
                terminal.wait_for("from 1\nfrom 2\nbox")
            assert one.lines() == two.lines() == three.lines()
            one.send("exit 5\r")
            assert [terminal.finish() for terminal in (one, two, three)] == [5, 5, 5]


def test_a_read_only_viewer_looks_and_may_not_type(bash, ctl):
    with bash() as one:
        log_in(one)
        with Terminal(ctl, "attach", "--read-only", "box") as reader:
            reader.wait_for(PROMPT)
            reader.send("echo forbidden\r")
            one.send("echo $((40 + 2))\r")
            reader.wait_for("\n42\nbox")
            assert "forbidden" not in reader.text() + one.text()
            reader.send(DETACH)
            assert reader.finish() == 0


# --- The terminal that was borrowed --------------------------------------------------------------

def test_the_terminal_is_given_back_at_exit(bash):
    with bash() as terminal:
        before = terminal.settings()
        log_in(terminal)
        assert terminal.settings() != before
        terminal.send("exit\r")
        terminal.finish()
        assert terminal.settings() == before


def test_the_terminal_is_given_back_at_detach(bash):
    with bash() as terminal:
        before = terminal.settings()
        log_in(terminal)
        terminal.send(DETACH)
        terminal.finish()
        assert terminal.settings() == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_given_back_when_the_client_is_killed(bash, daemon, number):
    with bash() as terminal:
        before = terminal.settings()
        log_in(terminal)
        os.kill(terminal.child.pid, number)
        processes.wait_until(lambda: not terminal.child.isalive())
        assert terminal.settings() == before
    # Its terminal is gone, the container is not.
    processes.wait_until(lambda: daemon.inspect("box")["viewers"] == 0)
    assert daemon.inspect("box")["state"] == "running"


def test_the_terminal_is_given_back_when_the_daemon_dies(bash, daemon):
    with bash() as terminal:
        before = terminal.settings()
        log_in(terminal)
        daemon.process.kill()
        assert terminal.finish() == 125
        assert terminal.settings() == before
        assert "dokrustctl: " in terminal.text()
    daemon.process.wait()
    daemon.start()


def test_the_terminal_is_given_back_after_a_full_screen_program(bash):
    """Leaving vi by the detach keys leaves its alternate screen, too."""
    with bash() as terminal:
        log_in(terminal)
        terminal.send("vi /etc/passwd\r")
        terminal.wait_for("root:x:0:0")
        terminal.send(DETACH)
        assert terminal.finish() == 0
        out = terminal.output
        assert out.rfind(b"\x1b[?1049l") > out.rfind(b"\x1b[?1049h")


def test_the_client_can_be_suspended_only_by_its_container(bash):
    with bash() as terminal:
        log_in(terminal)
        terminal.send("\x1a\x1c\x03")
        terminal.wait_for("^C\nbox")
        terminal.send("echo alive\r")
        terminal.wait_for("\nalive")
        assert processes.stat(terminal.child.pid)[0] != "T"
