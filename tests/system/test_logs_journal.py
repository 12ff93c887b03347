"""Logs that go to the journal."""
import contextlib
import os
import pathlib
import signal
import socket
import struct
import threading

import pytest

import processes
from host import DOKRUSTD, Ctl
from test_log_holes import check, is_whole_or_marked


def read_field(data):
    """The first field of a native message, and the rest (JOURNAL_NATIVE_PROTOCOL)."""
    line, _, rest = data.partition(b"\n")
    if b"=" in line:
        key, _, value = line.partition(b"=")
        return key.decode(), value, rest
    size, = struct.unpack("<Q", rest[:8])
    return line.decode(), rest[8:8 + size], rest[8 + size + 1:]


def fields_of(message):
    found = {}
    while message:
        key, value, message = read_field(message)
        found[key] = value.decode(errors="replace")
    return found


@pytest.fixture
def journal(directory):
    """What journald would receive: a socket that is bound over its directory."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(directory / "socket"))
        receiver.settimeout(15)
        yield receiver, directory


@pytest.fixture
def journal_daemon(new_daemon, journal, monkeypatch):
    """A daemon in a mount namespace of its own, where that directory is journald's."""
    _, directory = journal
    daemon = new_daemon()
    wrapper = directory / "dokrustd"
    wrapper.write_text("#!/bin/sh\nmount -t tmpfs run /run && mkdir -p /run/systemd/journal && "
                       f"mount --bind {directory} /run/systemd/journal && "
                       f'exec {DOKRUSTD} "$@"\n')
    wrapper.chmod(0o755)
    argv = daemon.argv
    monkeypatch.setattr(daemon, "argv", lambda *options: [
        "unshare", "--mount", str(wrapper), *argv(*options)[1:]])
    return daemon.start()


def test_the_journal_gets_a_message_for_each_line(journal, journal_daemon):
    receiver, _ = journal
    ctl = Ctl(journal_daemon)
    ctl.ok("run", "-d", "--name", "web", "--log-driver", "journald", "--log-opt", "tag=shop",
           "busybox", "sh", "-c", r"echo first; sleep 0.2; echo 'bad' >&2; sleep 0.2; printf 'a\tb'")
    messages = [fields_of(receiver.recv(65536)) for _ in range(3)]
    container = journal_daemon.inspect("web")["id"]
    assert [message["MESSAGE"] for message in messages] == ["first", "bad", "a\tb"]
    assert [message["PRIORITY"] for message in messages] == ["6", "3", "6"]
    for message in messages:
        assert message["CONTAINER_NAME"] == "web"
        assert message["CONTAINER_ID"] == container[:12]
        assert message["CONTAINER_ID_FULL"] == container
        assert message["CONTAINER_TAG"] == message["SYSLOG_IDENTIFIER"] == "shop"
    assert "journalctl CONTAINER_ID_FULL=" + container in ctl.fails(1, "logs", "web")


def test_a_journal_that_hangs_stops_nothing(journal, journal_daemon):
    receiver, _ = journal
    ctl = Ctl(journal_daemon)
    # Nobody reads: journald's socket takes a handful of messages, and no more.
    result = ctl("run", "--name", "loud", "--log-driver", "journald", "busybox", "seq", "200000")
    assert result.status == 0 and result.lines[-1] == "200000"
    assert ctl.ok("run", "--name", "other", "busybox", "echo", "x") == "x\n"
    assert ctl.ok("logs", "other") == "x\n"
    stop = threading.Event()

    def read():
        receiver.settimeout(0.2)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                receiver.recv(65536)

    thread = threading.Thread(target=read)
    thread.start()
    assert journal_daemon.stop() == 0
    stop.set()
    thread.join()


def test_what_a_journal_lacks_is_told_in_it(journal, journal_daemon):
    """The process that writes to it is killed again and again."""
    receiver, _ = journal
    ctl = Ctl(journal_daemon)
    script = """i=100000000
                while [ ! -e /end ]; do seq $i $((i + 999)); i=$((i + 1000)); sleep 0.01; done
                echo $i > /last; sleep 1000"""
    lines, stop = [], threading.Event()

    def read():
        receiver.settimeout(0.2)
        while not stop.is_set():
            with contextlib.suppress(TimeoutError):
                lines.append(fields_of(receiver.recv(65536))["MESSAGE"] + "\n")

    thread = threading.Thread(target=read)
    thread.start()
    try:
        ctl.ok("run", "-d", "--name", "work", "--log-driver", "journald", "busybox", "sh", "-c", script)
        for _ in range(3):
            begin = len(lines)
            processes.wait_until(lambda: len(lines) > begin + 2000, 20)
            writer, = [pid for pid in processes.children(journal_daemon.pid)
                       if processes.command(pid) == "dokrustd-jrnl"]
            os.kill(writer, signal.SIGKILL)
        ctl.ok("exec", "work", "touch", "/end")
        last = int(processes.wait_until(lambda: ctl("exec", "work", "cat", "/last").out))
        processes.wait_until(lambda: is_whole_or_marked("".join(lines), last), 20,
                             lambda: check("".join(lines), last))
        ctl.ok("rm", "-f", "work")
        assert journal_daemon.stop() == 0
    finally:
        stop.set()
        thread.join()


def test_a_journal_that_is_not_there_is_told_before_anything_is_made(daemon, ctl):
    if pathlib.Path("/run/systemd/journal/socket").exists():
        pytest.skip("this host has one")
    assert "no journal" in ctl.fails(125, "run", "--log-driver", "journald", "busybox")
    assert daemon.names(all=True) == []
