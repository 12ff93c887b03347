"""Records that this program cannot use, of containers that are there all the same."""
import contextlib
import json
import os
import signal
import subprocess

import pytest

import processes
from host import Ctl
from renewal import daemon_pid

LATER = 99


@pytest.fixture
def kept(new_daemon):
    return new_daemon().start("--keep")


@contextlib.contextmanager
def no_daemon(daemon):
    """It is killed, and the next one comes only afterwards."""
    before = daemon_pid(daemon)
    os.kill(daemon.pid, signal.SIGSTOP)
    os.kill(before, signal.SIGKILL)
    processes.wait_until(lambda: not processes.is_alive(before))
    yield
    os.kill(daemon.pid, signal.SIGCONT)
    processes.wait_until(lambda: daemon_pid(daemon) != before, 20)


def record_of(daemon, name):
    return daemon.state / "containers" / daemon.inspect(name)["id"] / "record.json"


def make_later(record):
    """As a later version of the program would have it."""
    content = json.loads(record.read_text())
    content["version"] = LATER
    content["spec"]["gravity"] = {"direction": "up"}
    record.write_text(json.dumps(content))
    return record.read_text()


def test_one_of_a_later_version_is_listed_and_can_be_removed(daemon, ctl):
    ctl.ok("create", "--name", "work", "--label", "a=b", "busybox", "true")
    record = record_of(daemon, "work")
    assert daemon.stop() == 0
    text = make_later(record)
    daemon.start()
    assert f"{record}, is of version {LATER}" in daemon.log
    assert "work" in ctl.ok("ps", "-a")
    assert str(record) in ctl.inspect("work")["error"]
    for command in (["start", "work"], ["restart", "work"], ["rename", "work", "other"],
                    ["update", "--pids-limit", "5", "work"], ["mount", "add", "work", "/srv:/srv"]):
        assert str(record) in ctl.fails(1, *command), command
    assert record.read_text() == text
    ctl.ok("rm", "work")
    assert daemon.names(all=True) == []
    processes.wait_until(lambda: not record.exists())


def test_one_of_a_later_version_goes_on_running(kept):
    ctl = Ctl(kept)
    ctl.ok("run", "-dit", "--name", "work", "--restart", "always", "busybox")
    ctl.ok("send", "work", "X=42", "--enter")
    before, record = kept.inspect("work"), record_of(kept, "work")
    with no_daemon(kept):
        text = make_later(record)
    after = kept.inspect("work")
    assert (after["pid"], after["state"], after["owner"]) == (before["pid"], "running", before["owner"])
    assert str(record) in ctl.fails(1, "restart", "work")
    assert str(record) in ctl.fails(125, "exec", "work", "true")
    with kept.viewer("work", input=True) as viewer:
        viewer.type(b"echo x$X\n")
        viewer.wait_for(b"x42")
    ctl.ok("pause", "work")
    ctl.ok("unpause", "work")
    assert "x42" in ctl.ok("logs", "work")
    ctl.ok("stop", "work")
    assert kept.inspect("work")["state"] == "exited"
    assert str(record) in ctl.fails(1, "start", "work")
    assert record.read_text() == text
    ctl.ok("rm", "work")


def test_one_that_removes_itself_goes_on_running_too(kept):
    ctl = Ctl(kept)
    ctl.ok("run", "-d", "--rm", "--name", "work", "busybox", "sleep", "1000")
    before = kept.inspect("work")
    record = kept.run_dir / "containers" / f"{before['id']}.json"
    with no_daemon(kept):
        make_later(record)
    assert kept.inspect("work")["pid"] == before["pid"]
    assert str(record) in kept.inspect("work")["error"]
    ctl.ok("rm", "-f", "work")
    assert kept.names(all=True) == []


def test_a_pid_that_somebody_else_has_by_now(kept):
    """What the record says is not believed."""
    ctl = Ctl(kept)
    ctl.ok("run", "-d", "--name", "work", "busybox", "sleep", "1000")
    before = kept.inspect("work")
    record = kept.run_dir / "containers" / f"{before['id']}.json"
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        with no_daemon(kept):
            content = json.loads(record.read_text())
            assert content["pid"] == before["pid"]
            content["pid"] = stranger.pid
            record.write_text(json.dumps(content))
        assert kept.inspect("work")["pid"] == before["pid"]
        assert str(stranger.pid) not in ctl.ok("top", "work")
        ctl.ok("kill", "work")
        kept.wait_for_state("work", "exited")
        ctl.ok("rm", "work")
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("damage", ["", "{}", '{"version": 1, "spec": {}'])
def test_one_that_runs_outlives_its_record(kept, damage):
    ctl = Ctl(kept)
    ctl.ok("run", "-dit", "--name", "work", "busybox")
    before, record = kept.inspect("work"), record_of(kept, "work")
    with no_daemon(kept):
        record.write_text(damage)
    name, = kept.names(all=True)
    assert name == f"recovered-{before['id'][:12]}"
    after = kept.inspect(name)
    assert (after["pid"], after["state"], after["owner"]) == (before["pid"], "running", 0)
    assert "set aside" in kept.log and "damaged" in after["error"]
    ctl.ok("send", name, "exit 3", "--enter")
    assert ctl("wait", name).out == "3\n"
    assert "damaged" in ctl.fails(1, "start", name)
    ctl.ok("rm", name)
