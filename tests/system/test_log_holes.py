"""Whoever of those between a container and its log is killed: no number is missing without a mark."""
import os
import re
import signal

import pytest

import processes
from host import Ctl
from renewal import daemon_pid, kill_daemon

WIDTH = 10  # of a line, its end among it
MARK = re.compile(r"\[dokrust: (up to )?(\d+) bytes of output are missing here\]\n")


ENDED = "[dokrust: the daemon ended while this ran: output may be missing here]"


@pytest.fixture
def kept(new_daemon):
    return new_daemon().start("--keep")


def writer_of(pid):
    return next((child for child in processes.children(pid)
                 if processes.command(child) == "dokrustd-logs"), None)


def kill_writer(daemon):
    os.kill(processes.wait_until(lambda: writer_of(daemon_pid(daemon))), signal.SIGKILL)


def kill_both(daemon):
    pid = daemon_pid(daemon)
    writer = processes.wait_until(lambda: writer_of(pid))
    os.kill(pid, signal.SIGSTOP)
    os.kill(writer, signal.SIGKILL)
    os.kill(pid, signal.SIGCONT)
    kill_daemon(daemon)


def flood(daemon, terminal):
    """Numbered lines in bursts, until it is ended."""
    script = """stty -opost 2>/dev/null; i=100000000
                while [ ! -e /end ]; do seq $i $((i + 9999)); i=$((i + 10000)); sleep 0.01; done
                echo $i > /last; sleep 1000"""
    daemon.run("work", "sh", "-c", script, terminal=terminal, log_max_bytes=100_000_000)


def log_of(ctl):
    return ctl("logs", "work").out


def check(text, last):
    """Every number is there, or a mark stands where it is missing, for as many bytes. How many those are."""
    pieces, expected = MARK.split(text), 100_000_000
    whole = ""
    for i in range(0, len(pieces), 3):
        # A line may be cut where a mark stands; what of it is left on either side is no number.
        lines = pieces[i].split("\n")
        numbers = [int(line) for line in (lines[1:] if i else lines)[:-1]]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers))) if numbers else True
        if numbers and not i:
            assert numbers[0] == expected
        whole += pieces[i]
    said = sum(int(number) for _, number in MARK.findall(text))
    missing = (last - 100_000_000) * WIDTH - len(whole)
    assert missing == said or ("up to " in text and 0 <= missing <= said)
    return missing


def is_whole_or_marked(text, last):
    try:
        return check(text, last) >= 0
    except AssertionError:
        return False


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "pipes"])
@pytest.mark.parametrize("kill", [kill_daemon, kill_writer, kill_both])
def test_a_flood_is_whole_or_marked_whoever_is_killed(kept, kill, terminal):
    ctl = Ctl(kept)
    flood(kept, terminal)
    for _ in range(3):
        begin = len(log_of(ctl))
        processes.wait_until(lambda: len(log_of(ctl)) > begin + 50_000)
        kill(kept)
    processes.wait_until(lambda: ctl("exec", "work", "touch", "/end").status == 0)
    last = int(processes.wait_until(lambda: ctl("exec", "work", "cat", "/last").out))
    # What was on its way to a writer that was killed is told as soon as there is another.
    processes.wait_until(lambda: is_whole_or_marked(log_of(ctl), last), 20,
                         lambda: check(log_of(ctl), last))


def test_one_that_is_lost_has_a_mark_in_its_log(daemon, ctl):
    daemon.run("work", "sh", "-c", "echo before; exec sleep 1000")
    processes.wait_until(lambda: log_of(ctl) == "before\n")
    daemon.kill()
    daemon.start()
    assert log_of(ctl) == f"before\n{ENDED}\n"


def test_the_end_of_a_flood_is_on_the_screen_of_the_next_daemon(kept):
    """At once: the daemon is killed when somebody has seen it."""
    ctl = Ctl(kept)
    for i in range(5):
        with kept.run_viewer({"image": "busybox", "command": ["sh", "-c", "seq 60000; echo the end; exec cat"],
                              "terminal": True}, f"c{i}", size={"rows": 24, "columns": 80}) as viewer:
            viewer.wait_for(b"the end\r\n")
            kill_daemon(kept)
        lines = ctl.ok("screen", f"c{i}").splitlines()
        assert lines[:23] == [str(n) for n in range(59979, 60001)] + ["the end"]
        ctl.ok("rm", "-f", f"c{i}")
