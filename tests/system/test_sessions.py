"""Several people at one terminal: who is there, who may type, whose size counts."""
import json

import pytest

import processes
from terminal import DETACH, Terminal
from varlink import CONTAINER, VarlinkError


@pytest.fixture
def shared(daemon):
    """A container called work with a shell at a terminal."""
    daemon.run("work", "sh", terminal=True, stdin_open=True)
    return daemon


def sizes(daemon):
    reply = daemon.call(CONTAINER + "Sessions", {"container": "work"})
    return reply["size"]["columns"], reply["size"]["rows"]


def viewer(daemon, rows, columns, **attach):
    return daemon.viewer("work", size={"rows": rows, "columns": columns}, **attach)


# --- Who is there --------------------------------------------------------------------------------

def test_the_list_says_who_looks_since_when_and_how(shared, ctl):
    with viewer(shared, 30, 90), viewer(shared, 40, 100, input=False):
        first, second = [json.loads(line) for line in
                         ctl.ok("sessions", "--format", "json", "work").splitlines()]
        assert first["viewer"] == 1 and second["viewer"] == 2
        assert first["user"] == "root" and first["uid"] == 0
        assert first["size"] == {"rows": 30, "columns": 90}
        assert (first["read_only"], second["read_only"]) == (False, True)
        table = ctl.ok("sessions", "work").splitlines()
        assert table[0].split() == ["VIEWER", "USER", "SINCE", "SIZE", "MODE"]
        assert "read-only" in table[2] and "100x40" in table[2]
        assert shared.inspect("work")["viewers"] == 2
    processes.wait_until(lambda: shared.inspect("work")["viewers"] == 0)
    assert len(ctl.ok("sessions", "work").splitlines()) == 1


def test_one_viewer_is_detached_and_told_so(shared, ctl):
    with viewer(shared, 24, 80) as one, viewer(shared, 24, 80) as two:
        ctl.ok("detach", "work", "1")
        assert one.finish() is None
        assert one.notices == [{"notice": "detached", "reason": "asked", "by_uid": 0}]
        two.type(b"echo still here\r")
        two.wait_for(b"\r\nstill here")
    assert "no viewer has the number 9" in ctl.fails(1, "detach", "work", "9")


def test_all_are_detached(shared, ctl):
    with viewer(shared, 24, 80) as one, viewer(shared, 24, 80) as two:
        ctl.ok("detach", "work")
        assert one.finish() is None and two.finish() is None
    assert shared.inspect("work")["state"] == "running"


def test_the_client_says_that_it_was_detached(shared, ctl):
    with Terminal(ctl, "attach", "work") as terminal:
        terminal.wait_for("#")
        before = terminal.settings()
        ctl.ok("detach", "work")
        assert terminal.finish() == 0
        terminal.wait_for("[detached from work, as somebody asked]")
        assert terminal.settings() != before  # no longer raw


def test_a_terminal_is_stolen(shared, ctl):
    with Terminal(ctl, "attach", "work") as victim:
        victim.wait_for("#")
        with Terminal(ctl, "attach", "--steal", "work") as thief:
            assert victim.finish() == 0
            victim.wait_for("somebody attached in your place")
            thief.wait_for("#")
            assert shared.inspect("work")["viewers"] == 1
            thief.send(DETACH)
            assert thief.finish() == 0


# --- Who may type --------------------------------------------------------------------------------

def test_read_only_is_enforced_by_the_daemon(shared, ctl):
    with viewer(shared, 24, 80, input=False) as looking:
        looking.type(b"touch /typed\r")
        looking.send(3, bytes([15]))
        looking.resize(10, 10)
        with viewer(shared, 24, 80) as typing:
            typing.type(b"echo marker\r")
            looking.wait_for(b"\r\nmarker")
    assert ctl("exec", "work", "ls", "/typed").status == 1
    assert shared.inspect("work")["state"] == "running"
    assert sizes(shared) == (80, 24)


def test_the_client_types_nothing_when_it_only_looks(shared, ctl):
    with Terminal(ctl, "attach", "--read-only", "work") as terminal:
        terminal.wait_for("#")
        terminal.send("touch /typed\r" + DETACH)
        assert terminal.finish() == 0
    assert ctl("exec", "work", "ls", "/typed").status == 1


def test_text_is_typed_from_beside(shared, ctl):
    with viewer(shared, 24, 80) as one:
        ctl.ok("send", "work", "echo $((6*7))", "--enter")
        one.wait_for(b"\r\n42")


def test_enter_is_what_ends_a_line_there(daemon, ctl):
    daemon.run("piped", "head", "-n", "1", stdin_open=True)
    ctl.ok("send", "piped", "a line", "--enter")
    assert ctl.ok("logs", "-f", "piped") == "a line\n"


def test_typing_into_what_reads_nothing_is_refused(daemon, ctl):
    daemon.run("deaf", "sleep", "1000")
    assert "does not read standard input" in ctl.fails(1, "send", "deaf", "hello")
    daemon.run("slow", "sleep", "1000", stdin_open=True)
    with pytest.raises(VarlinkError) as info:
        for _ in range(100):
            daemon.call(CONTAINER + "Send", {"container": "slow", "text": "x" * 30000})
    assert info.value.name == CONTAINER + "LimitReached"


# --- Whose size counts ---------------------------------------------------------------------------

def start(daemon, policy, rows=24, columns=80):
    spec = {"image": "busybox", "terminal": True, "stdin_open": True, "size_policy": policy}
    return daemon.run_viewer(spec, "work", size={"rows": rows, "columns": columns})


def test_the_latest_active_viewer_rules(daemon):
    with start(daemon, None, 24, 80) as one:
        with viewer(daemon, 50, 132) as two:
            assert sizes(daemon) == (132, 50)
            one.type(b"\r")
            processes.wait_until(lambda: sizes(daemon) == (80, 24))
            two.resize(40, 120)
            processes.wait_until(lambda: sizes(daemon) == (120, 40))


def test_the_smallest_rules_where_it_was_asked_for(daemon):
    with start(daemon, "smallest", 40, 100):
        with viewer(daemon, 50, 80):
            processes.wait_until(lambda: sizes(daemon) == (80, 40))
        processes.wait_until(lambda: sizes(daemon) == (100, 40))


def test_a_fixed_size_stays(daemon, ctl):
    with start(daemon, "fixed=90x33", 24, 80) as one:
        one.resize(10, 10)
        assert sizes(daemon) == (90, 33)
        one.type(b"stty size\r")
        one.wait_for(b"33 90")


def test_a_policy_that_there_is_not_is_refused(ctl):
    assert "smallest" in ctl.fails(125, "run", "--size-policy", "tiny", "busybox", "true")
    assert "1000" in ctl.fails(125, "run", "--size-policy", "fixed=0x5", "busybox", "true")


# --- For scripts ---------------------------------------------------------------------------------

def test_what_the_terminal_shows_is_printed(shared, ctl):
    ctl.ok("send", "work", "clear; printf 'a\\033[31mred\\033[m\\n\\346\\227\\245\\346\\234\\254'; sleep 99", "--enter")
    processes.wait_until(lambda: ctl.ok("screen", "work").splitlines()[:2] == ["ared", "日本"])
    shown = json.loads(ctl.ok("screen", "--format", "json", "work"))
    assert shown["lines"][:3] == ["ared", "日本", ""]
    assert shown["cursor"] == {"row": 1, "column": 4, "visible": True}
    assert (shown["rows"], shown["columns"], shown["alternate"]) == (24, 80, False)
    assert "31mred" in ctl.ok("screen", "--ansi", "work")
    assert shown["cells"] == [
        {"row": 0, "column": 0, "columns": 1, "text": "a"},
        {"row": 0, "column": 1, "columns": 3, "text": "red", "sgr": "0;31"},
        {"row": 1, "column": 0, "columns": 4, "text": "日本"}]


def test_cells_are_told_with_their_looks_and_links_and_not_without_end(daemon, ctl):
    script = ("printf '\\033[44m\\033[K\\033[m\\r\\n \\033]8;id=1;http://x/\\033\\\\link\\033]8;;\\033\\\\e\\314\\201\\346';"
              " read x; i=0; while [ $i -lt 15000 ]; do printf '\\033[31mx\\033[my'; i=$((i + 1)); done;"
              " sleep 100")
    daemon.run("work", "sh", "-c", script, terminal=True, stdin_open=True,
               size_policy="fixed=200x300")
    ctl.ok("expect", "work", "link")
    shown = json.loads(ctl.ok("screen", "--format", "json", "work"))
    assert shown["cells"] == [
        {"row": 0, "column": 0, "columns": 200, "text": " " * 200, "sgr": "0;44"},
        {"row": 1, "column": 0, "columns": 1, "text": " "},
        {"row": 1, "column": 1, "columns": 4, "text": "link", "link": "http://x/"},
        {"row": 1, "column": 5, "columns": 1, "text": "e\u0301"}]
    # What is not complete is neither shown nor in the way.
    assert "link" in ctl.ok("screen", "--ansi", "work")
    ctl.ok("send", "work", "", "--enter")
    ctl.ok("expect", "work", "(xy){99}", "-t", "30")

    def all_there():
        reply = daemon.call(CONTAINER + "Screen", {"container": "work", "cells": True})
        return len(reply["cells"]) > 20000 and reply["cells"]

    cells = processes.wait_until(all_there, 30)
    assert len(cells) < 20400 and "sgr" not in cells[-1]


def test_a_line_is_waited_for(shared, ctl):
    ctl.ok("send", "work", "clear; sleep 0.5; echo number $((40 + 2))", "--enter")
    assert ctl.ok("expect", "work", "^number [0-9]+$") == "number 42\n"
    assert "in time" in ctl.fails(1, "expect", "work", "never", "--timeout", "0.2")
    assert "(" in ctl.fails(125, "expect", "work", "(")
    assert "no container" in ctl.fails(125, "expect", "none", "x")


def test_without_a_terminal_there_is_nothing_to_see(daemon, ctl):
    daemon.run("blind", "sleep", "1000")
    assert "no terminal" in ctl.fails(1, "screen", "blind")
