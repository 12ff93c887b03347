"""Containers of another host, which an ssh server on this one stands for."""
import hashlib
import os
import time

import pytest

import processes
from sshd import Server, free_port
from terminal import DETACH, Terminal


@pytest.fixture
def server(daemon, directory):
    server = Server(directory).start()
    yield server
    server.stop()


@pytest.fixture
def far(server, daemon):
    """dokrustctl, by ssh."""
    return server.ctl(daemon)


# --- What works ----------------------------------------------------------------------------------

def test_each_command_works_and_takes_one_ssh(server, far):
    script = "echo out; echo err >&2; head -n 1; exit 7"
    run = far("run", "-i", "--name", "work", "busybox", "sh", "-c", script, data=b"in\n")
    assert (run.status, run.out, run.err) == (7, "out\nin\n", "err\n")
    assert server.started() == 1
    for command, expected in [
            (["start", "work"], "work\n"),
            (["send", "work", "in", "--enter"], ""),
            (["ps", "-aq", "--filter", "name=work"], None),
            (["logs", "-f", "--stream", "stdout", "work"], "out\nin\nout\nin\n"),
            (["inspect", "work"], None),
            (["version"], None),
            (["events", "--since", "1h", "--until", "0s", "--format", "json"], None),
            (["rm", "work"], "work\n"),
            (["run", "-dt", "--name", "work", "busybox", "sh", "-c", "echo on screen; cat"], None),
            (["expect", "work", "on (s.*)"], "on screen\n"),
            (["send", "work", "later", "--enter"], ""),
            (["expect", "work", "^later"], "later\n"),
            (["exec", "work", "echo", "beside"], "beside\n"),
            (["record", "start", "work"], "1\n"),
            (["record", "get", "work"], None),
            (["screen", "work"], None),
            (["sessions", "work"], None),
            (["rm", "-f", "work"], "work\n")]:
        out = far.ok(*command)
        assert expected in (None, out), command
        assert server.started() == 1, command


def test_no_byte_is_changed_on_the_way(far):
    data = os.urandom(1 << 20) * 4
    result = far("run", "-i", "--rm", "busybox", "cat", data=data)
    assert result.status == 0
    assert hashlib.sha256(result.raw).digest() == hashlib.sha256(data).digest()


def test_a_terminal_is_left_and_come_back_to(server, far):
    with Terminal(far, "run", "-it", "--name", "work", "busybox", rows=31, columns=97) as terminal:
        before = terminal.settings()
        terminal.wait_for("#")
        terminal.send("stty size; kept=here\r")
        terminal.wait_for("31 97")
        terminal.resize(20, 60)
        terminal.send("clear; stty size\r")
        terminal.wait_for("20 60")
        terminal.send(DETACH)
        assert terminal.finish() == 0
        assert terminal.settings() == before
    assert server.started() == 1
    with Terminal(far, "attach", "work") as terminal:
        terminal.wait_for("20 60")
        terminal.send("sh -c 'echo $((6 * 7)); sleep 100'\r")
        terminal.wait_for("\n42")
        terminal.send("\x03echo $kept; exit 5\r")
        terminal.wait_for("\nhere")
        assert terminal.finish() == 5
    assert server.started() == 1


# --- What fails ----------------------------------------------------------------------------------

def test_a_host_that_is_down_is_told(server, daemon):
    far = server.ctl(daemon, f"127.0.0.1:{free_port()}")
    assert "Connection refused" in far.fails(1, "ps")
    said = far.fails(125, "run", "--rm", "busybox", "true")
    assert said.startswith("run: 127.0.0.1: ") and "Connection refused" in said
    with Terminal(far, "attach", "work", columns=200) as terminal:
        before = terminal.settings()
        assert terminal.finish() == 125
        assert terminal.settings() == before
        assert "Connection refused" in terminal.text()


def test_a_name_that_there_is_not_is_told(server, daemon):
    assert "nosuch.invalid" in server.ctl(daemon, "nosuch.invalid").fails(1, "ps")


def test_a_key_that_is_not_accepted_is_told(server, far):
    (server.directory / "key.pub").write_text("")
    assert "Permission denied" in far.fails(1, "ps")


def test_a_host_without_dokrust_is_told(server, far):
    (server.there / "dokrustctl").unlink()
    said = far.fails(125, "attach", "work")
    assert said.startswith("attach work: box: dokrustctl is not installed there, or not in the PATH")


def test_a_host_without_a_daemon_is_told(server, daemon, far):
    daemon.stop()
    assert f"box: no daemon answers at {daemon.socket}" in far.fails(1, "ps")


def test_another_version_there_is_told(server, far):
    server.install("#!/bin/sh\necho 'dokrustctl: no command \"dial-stdio\"' >&2; exit 125\n")
    assert far.fails(1, "ps") == 'ps: box: no command "dial-stdio"'
    server.install("#!/bin/sh\nprintf '{\"error\":\"org.varlink.service.MethodNotFound\"}\\0'; cat\n")
    assert "another version" in far.fails(1, "ps")
    server.install("#!/bin/sh\nprintf '{\"parameters\":{\"id\":\"1\",\"session\":{\"framing\":2}}}\\0'; cat\n")
    assert "too old" in far.fails(125, "attach", "work")


def test_a_shell_there_that_greets_is_told(server, far):
    server.install("#!/bin/sh\necho Welcome to box; exec cat\n")
    assert "Welcome to box" in far.fails(1, "ps")


# --- The connection is cut -----------------------------------------------------------------------

@pytest.fixture
def editing(daemon):
    """A container called work, with vi on its screen."""
    daemon.run("work", "sh", "-c", "vi /etc/passwd; exec sh", terminal=True, stdin_open=True)


def test_one_that_was_cut_comes_back_by_itself(editing, server, far):
    with Terminal(far, "attach", "work") as terminal:
        terminal.wait_for("root:x:0:0")
        picture = terminal.lines()
        server.cut()
        terminal.wait_for("[the connection to box is lost; trying again")
        terminal.wait_for_lines(picture)
        terminal.send(":q\recho back; exit 3\r")
        terminal.wait_for("\nback")
        assert terminal.finish() == 3


def test_one_that_cannot_come_back_leaves_the_terminal_as_it_was(editing, server, far):
    with Terminal(far, "attach", "work", columns=200) as terminal:
        before = terminal.settings()
        terminal.wait_for("root:x:0:0")
        server.stop()
        assert terminal.finish() == 125
        assert terminal.settings() == before
        assert terminal.output.rfind(b"\x1b[?1049l") > terminal.output.rfind(b"\x1b[?1049h")
        assert "dokrustctl: attach work: box: " in terminal.text()
        assert "Connection refused" in terminal.text()


def test_with_reconnect_there_is_no_end_to_the_trying(editing, server, far, ctl):
    with Terminal(far, "attach", "--reconnect", "--steal", "work") as terminal:
        terminal.wait_for("root:x:0:0")
        picture = terminal.lines()
        server.stop()
        terminal.wait_for("trying again")
        with Terminal(ctl, "attach", "work") as other:
            other.wait_for("root:x:0:0")
            time.sleep(5.5)  # longer than without
            assert terminal.child.isalive()
            server.start()
            terminal.wait_for_lines(picture)
            # It was asked to take the others' place when it came, not when it came back.
            assert other.child.isalive()
        terminal.send(DETACH)
        assert terminal.finish() == 0


def test_the_trying_can_be_interrupted(editing, server, far):
    with Terminal(far, "attach", "--reconnect", "work") as terminal:
        before = terminal.settings()
        terminal.wait_for("root:x:0:0")
        server.stop()
        terminal.wait_for("trying again")
        assert terminal.settings() == before
        terminal.send("\x03")
        assert terminal.finish(5) == 125
        assert terminal.settings() == before


def test_one_that_has_ended_meanwhile_gives_its_status(editing, server, far, ctl):
    with Terminal(far, "attach", "--reconnect", "work") as terminal:
        terminal.wait_for("root:x:0:0")
        server.stop()
        terminal.wait_for("trying again")
        ctl.ok("kill", "work")
        server.start()
        assert terminal.finish() == 137


def test_a_pipe_that_was_cut_is_an_error(server, far, daemon):
    with Terminal(far, "run", "-i", "--name", "work", "busybox", "sleep", "1000") as terminal:
        processes.wait_until(lambda: daemon.names() == ["work"])
        processes.wait_until(lambda: daemon.inspect("work")["viewers"] == 1)
        server.cut()
        assert terminal.finish() == 125
        assert "dokrustctl: run: box: " in terminal.text()
    assert daemon.inspect("work")["state"] == "running"
